package store

// Type is the type of a key's value, as stored in keys.type.
type Type uint8

const (
	None       Type = 0 // no such key
	TypeString Type = 1
	TypeList   Type = 2
	TypeSet    Type = 3
	TypeZSet   Type = 4
	TypeHash   Type = 5
	TypeStream Type = 6
)

var typeNames = [...]string{None: "none", TypeString: "string", TypeList: "list", TypeSet: "set", TypeZSet: "zset",
	TypeHash: "hash", TypeStream: "stream"}

// String names the type as the TYPE command does.
func (t Type) String() string { return typeNames[t] }

// ParseType is the reverse of Type.String, for SCAN's TYPE option.
func ParseType(name string) (Type, bool) {
	for t := TypeString; t <= TypeStream; t++ {
		if typeNames[t] == name {
			return t, true
		}
	}
	return None, false
}

// An object is what memory knows about one key name in one space: its value, or its head alone, or that there
// is no key, or that a load is under way (I5). It stays the name's only object
// until it is unloaded: deleting and creating the key change its fields, so a command
// may look a name up once and keep the pointer while it holds the keyspace lock.
//
// All fields belong to the keyspace lock.
type object struct {
	// What every command reads comes first: mostly it is one cache line.
	space      *space
	lsn        uint64     // the last record that changed it; dirty while > the store's applied LSN
	deadline   int64      // unix ms, 0 = none
	load       *load      // under way while non-nil
	used       int64      // unix ms of the last use, for OBJECT IDLETIME
	coll       collection // any other type's value, nil for strings
	headOnly   bool       // the value is on disk alone: see head.go
	typ        Type
	visited    bool  // SIEVE: used since the hand last passed
	remembered bool  // stands in the store's ring of known absences
	pins       int32 // loads that have not used it yet; a pinned object is not unloaded

	// str is a string's value. Up to shareBytes it is always copied out; a longer one may be
	// referenced by a reply (lent) or by the journal and write-back (until
	// sharedLSN is applied), and must be copied before it is changed in place.
	str       []byte
	sharedLSN uint64
	lent      bool
	form      Form
	uses      uint16 // one more than its count of uses; 0 = as a new key: see uses.go
	slot      int32  // place in the deadline queue

	name         string
	id           int64    // keys.id; 0 while typ is None
	bytes        int64    // what it counts for in the hot set
	outline      *outline // what is known of a value that is on disk alone, if anything
	newer, older *object  // SIEVE list
}

const (
	// shareBytes is the length from which a string is passed by reference instead of copied.
	shareBytes = 64 << 10
	// objectBytes is an object's cost besides its name and value: the struct (208), a map
	// slot and what the allocator rounds up.
	objectBytes = 256
)

// Slot and SetSlot are for the deadline queue.
func (o *object) Slot() int32     { return o.slot }
func (o *object) SetSlot(n int32) { o.slot = n }

func (o *object) size() int64 {
	n := objectBytes + int64(len(o.name)) + int64(cap(o.str))
	if o.coll != nil {
		n += o.coll.size()
	}
	if o.outline != nil {
		n += o.outline.size()
	}
	return n
}

// own makes o.str safe to change in place: a slice that a reply or write-back still reads is
// copied first, with room for n bytes.
func (o *object) own(n int, applied uint64) {
	if o.owned(n, applied) {
		return
	}
	grown := make([]byte, len(o.str), roomFor(n, len(o.str)))
	copyLong(grown, o.str)
	o.str, o.lent, o.sharedLSN = grown, false, 0
}

// owned reports whether o.str can be changed in place up to n bytes.
func (o *object) owned(n int, applied uint64) bool {
	return !o.lent && o.sharedLSN <= applied && cap(o.str) >= n
}

// roomFor is the capacity for n bytes of a string that had was: one that grows gets room for the next APPEND.
func roomFor(n, was int) int {
	if n > was {
		n += max(min(n, 1<<20), n/8)
	}
	return n
}
