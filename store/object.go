package store

import (
	"strings"
	"unsafe"
)

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
// There are as many of them as keys in memory, so it has what all need and no more: the letters of its name stand
// behind it (newObject), a short string is a block of bytes, and the rest is apart (held.go). The collector
// finds two blocks a key, one of them without a pointer.
//
// All fields belong to the keyspace lock.
type object struct {
	space        *space
	lsn          uint64 // the last record that changed it; dirty while > the store's applied LSN
	deadline     int64  // unix ms, 0 = none
	id           int64  // keys.id; 0 while typ is None
	newer, older *object
	held         unsafe.Pointer // what its kind says: see held.go

	lastUse  uint32 // see uses.go
	slot     int32  // place in the deadline queue
	units    uint32 // what it counts for in the hot set, in sizeUnit
	length   uint16 // of a short string, bytes
	capacity uint16 // of its block
	letters  uint16 // of its name; see name
	typ      Type
	visited  bool  // SIEVE: used since the hand last passed
	headOnly bool  // the value is on disk alone: see head.go
	bits     uint8 // its kind, its form, and the flags below
	uses     uint8 // its count of uses, if bits has counted: see uses.go
	hits     uint8 // uses since it came into memory or since it was last judged; 255 stands for more
}

const (
	// shareBytes is the length from which a string is passed by reference instead of copied.
	shareBytes = 64 << 10
	// placeBytes is what a name's place in the table takes: see keytable.go.
	placeBytes = 12
	// objectBytes is an object's cost besides its name and value.
	objectBytes = int64(unsafe.Sizeof(object{})) + placeBytes
	// sizeUnit is the unit in which an object's size is kept.
	sizeUnit = 8
)

// The bits: three of them are the kind.
const (
	remembered   = 1 << 3 // stands in the store's ring of known absences
	counted      = 1 << 4 // its uses have been counted
	formShift    = 6
	formBits     = 3 << formShift
	longestLocal = 512 - int(unsafe.Sizeof(object{})) // letters of a name that stand behind the object
	nameApart    = 1<<16 - 1                          // in letters: it has more, and its name stands apart
)

func (o *object) is(bit uint8) bool { return o.bits&bit != 0 }

func (o *object) set(bit uint8, on bool) {
	if on {
		o.bits |= bit
	} else {
		o.bits &^= bit
	}
}

func (o *object) form() Form     { return Form(o.bits >> formShift) }
func (o *object) setForm(f Form) { o.bits = o.bits&^formBits | uint8(f)<<formShift }

// objectOf is an object with room for its name: one block for the allocator.
type objectOf[Room any] struct {
	object
	_ Room
}

func withRoom[Room any]() *object { return &new(objectOf[Room]).object }

// newObject makes the object of a name that memory does not know. It copies the name.
func newObject[Name string | []byte](s *space, name Name) *object {
	var o *object
	switch n := len(name); { // the allocator's sizes
	case n <= 16:
		o = withRoom[[16]byte]()
	case n <= 32:
		o = withRoom[[32]byte]()
	case n <= 48:
		o = withRoom[[48]byte]()
	case n <= 64:
		o = withRoom[[64]byte]()
	case n <= 80:
		o = withRoom[[80]byte]()
	case n <= 112:
		o = withRoom[[112]byte]()
	case n <= 144:
		o = withRoom[[144]byte]()
	case n <= 208:
		o = withRoom[[208]byte]()
	case n <= 272:
		o = withRoom[[272]byte]()
	case n <= longestLocal:
		o = withRoom[[longestLocal]byte]()
	default:
		o = withRoom[[0]byte]()
		o.letters = nameApart
		o.parted().name = strings.Clone(string(name))
	}
	o.space = s
	if o.letters != nameApart {
		o.letters = uint16(len(name))
		copy(unsafe.Slice((*byte)(o.room()), len(name)), name)
	}
	return o
}

// room is where the name stands.
func (o *object) room() unsafe.Pointer { return unsafe.Add(unsafe.Pointer(o), unsafe.Sizeof(*o)) }

// name is the key's name. It never changes, and may be kept: then it keeps the object's block alive. It may be asked
// for without the lock: what it reads does not change, either.
func (o *object) name() string {
	if o.letters == nameApart {
		return (*apart)(o.held).name // which stays for it: see joined
	}
	return unsafe.String((*byte)(o.room()), int(o.letters))
}

// Slot and SetSlot are for the deadline queue.
func (o *object) Slot() int32     { return o.slot }
func (o *object) SetSlot(n int32) { o.slot = n }

// size is what the object takes in memory, with all that it holds.
func (o *object) size() int64 {
	n := objectBytes
	if o.letters != nameApart {
		n += int64(o.letters)
	}
	switch o.kind() {
	case nothing:
	case shortString:
		n += int64(o.capacity)
	case apartKind:
		n += o.apart().size()
	default:
		n += o.coll().size()
	}
	return (n + sizeUnit - 1) / sizeUnit * sizeUnit
}

// bytes is what it counts for in the hot set: its size when resized was called last.
func (o *object) bytes() int64 { return int64(o.units) * sizeUnit }

// own makes the string safe to change in place: a slice that a reply or write-back still reads is
// copied first, with room for n bytes.
func (o *object) own(n int, applied uint64) {
	if o.owned(n, applied) {
		return
	}
	was := o.str()
	grown := make([]byte, len(was), roomFor(n, len(was)))
	copyLong(grown, was)
	o.setStr(grown)
}

// owned reports whether the string can be changed in place up to n bytes.
func (o *object) owned(n int, applied uint64) bool {
	return !o.lent() && o.sharedLSN() <= applied && cap(o.str()) >= n
}

// roomFor is the capacity for n bytes of a string that had was: one that grows gets room for the next APPEND.
func roomFor(n, was int) int {
	if n > was {
		n += max(min(n, 1<<20), n/8)
	}
	return n
}
