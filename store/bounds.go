package store

// Policy says which keys may be evicted, and in what order: the words of maxmemory-policy.
type Policy uint8

const (
	NoEviction Policy = iota
	AllKeysLRU
	AllKeysLFU
	AllKeysRandom
	AllKeysLRS // least recently stored: a new value for the whole key counts
	AllKeysLRM // least recently modified: any change counts
	VolatileLRU
	VolatileLFU
	VolatileRandom
	VolatileTTL
	VolatileLRS
	VolatileLRM
)

var policyWords = [...]string{
	NoEviction: "noeviction",
	AllKeysLRU: "allkeys-lru", AllKeysLFU: "allkeys-lfu", AllKeysRandom: "allkeys-random",
	AllKeysLRS: "allkeys-lrs", AllKeysLRM: "allkeys-lrm",
	VolatileLRU: "volatile-lru", VolatileLFU: "volatile-lfu", VolatileRandom: "volatile-random", VolatileTTL: "volatile-ttl",
	VolatileLRS: "volatile-lrs", VolatileLRM: "volatile-lrm",
}

// String is the policy's word.
func (p Policy) String() string { return policyWords[p] }

// ParsePolicy is the reverse of Policy.String.
func ParsePolicy(word string) (Policy, bool) {
	for p, w := range policyWords {
		if w == word {
			return Policy(p), true
		}
	}
	return NoEviction, false
}

// Volatile reports whether keys with a deadline alone may go.
func (p Policy) Volatile() bool { return p >= VolatileLRU }

// SmallestDisk is the least that Bounds.Disk can be: below it journal, WAL and reserve leave next to nothing.
const SmallestDisk = 8 << 20

// Bounds say how much disk the store may take, and what goes when it is more. The zero value has no bound but the disk.
type Bounds struct {
	Disk      int64 // bytes of database file, WAL, journal and reserve together; 0 = no bound
	Assumed   bool  // nobody has given Disk: see before_bounds.go
	Free      int64 // bytes of the file system to be kept free for others; 0 = none
	Policy    Policy
	Databases map[int]DatabaseBound // by number
}

// DatabaseBound is a database's own.
type DatabaseBound struct {
	Disk      int64  // bytes that its keys take in the tables, about; 0 = no bound of its own
	Policy    Policy // if HasPolicy; else the store's
	HasPolicy bool
}

// policyOf is the policy of a database.
func (b *Bounds) policyOf(db int) Policy {
	if d := b.Databases[db]; d.HasPolicy {
		return d.Policy
	}
	return b.Policy
}

// SetBounds changes the bounds at any time; the store keeps b, which does not change any more. The caller may hold
// the keyspace lock or not.
func (st *Store) SetBounds(b *Bounds) {
	st.room.setting.Lock()
	defer st.room.setting.Unlock()
	b = st.notBelow(b)
	st.bounds.Store(b)
	st.shareDisk(b)
	st.room.nothing.Store(false) // a policy that has not looked yet has not found nothing
	for db := range st.room.dbs {
		st.room.dbs[db].nothing.Store(b.policyOf(db) == NoEviction)
	}
	st.setLimitsLocked()
	signal(st.room.wake)
	signal(st.wb.applyNow) // the file may have to be shorter
}

// Bounds are the bounds that were set last; an assumed one may be larger than it was given.
func (st *Store) Bounds() *Bounds { return st.bounds.Load() }

// Full reports whether a database is at its bound and nothing may be evicted, so that a command that needs more
// room is to be refused. The caller may hold the keyspace lock or not.
func (st *Store) Full(db int) bool { return st.FullInAll() || st.FullOfItsOwn(db) }

// FullInAll is Full for the bound of all databases together.
func (st *Store) FullInAll() bool {
	r := &st.room
	return r.growth.Load() > r.fullAt.Load() && (r.nothing.Load() || !r.evicts.Load())
}

// FullOfItsOwn is Full for a bound of the database's own.
func (st *Store) FullOfItsOwn(db int) bool {
	r := &st.room
	if db >= len(r.dbs) {
		return false
	}
	d := &r.dbs[db]
	return d.bytes.Load() > d.fullAt.Load() && d.nothing.Load()
}

// DatabaseRoom is what a database's own bound is about.
type DatabaseRoom struct {
	Bytes   int64 // that its keys take in the tables, about
	Evicted int64 // keys, for this bound, since the start
}

// DatabaseRoom is a database's. It takes no lock.
func (st *Store) DatabaseRoom(db int) DatabaseRoom {
	d := &st.room.dbs[db]
	return DatabaseRoom{Bytes: d.bytes.Load(), Evicted: d.own.Load()}
}

// PolicyOf is the policy of a database.
func (b *Bounds) PolicyOf(db int) Policy { return b.policyOf(db) }
