package store

import (
	"unsafe"

	"diskette/expire"
	"diskette/store/tally"
)

// A View reads keys. It is valid while the keyspace lock is held, for one command, MULTI
// block or script; there is one, reused. Slices it returns belong to the store and
// are valid until the lock is released, unless the method says otherwise.
type View struct {
	st    *Store
	space *space
	db    int
	now   int64  // unix ms, read once (I10)
	seen  uint64 // newest LSN that was seen: the reply must wait for it (I2)

	// The objects that Want found, by the address of the key argument: a handler's look-up of
	// the same argument is then a comparison instead of a hash.
	memo  [memoKeys]memo
	memos int

	noTouch bool
	fetch   *Fetch // loads that Want asked for

	// Objects that LookAhead found, for the next commands of a pipeline.
	ahead   [aheadKeys]memo
	aheads  int
	aheadAt int
	warmed  byte
	warming [aheadKeys]warmed // warm's own; on the stack it would not stay there

	// Of the command under way: they count when it ends, not each time that it begins anew.
	hits, misses int64
	aside        int         // picks and earlier together
	clock        tally.Clock // picks some of them
	picks        []pick      // those that it has picked
	before       tally.Clock // the clock as it was before the first of them
	earlier      []lookups   // in databases that were selected before
}

const (
	memoKeys  = 8
	aheadKeys = 16
)

type memo struct {
	key *byte
	len int
	o   *object
}

// Now is the command's clock reading in unix milliseconds.
func (v *View) Now() int64 { return v.now }

// DB is the selected database's number.
func (v *View) DB() int { return v.db }

// Databases is how many databases clients can select.
func (v *View) Databases() int { return v.st.opts.Databases }

// Seen is the newest LSN that this command saw or made: the reply must wait for it (I2).
func (v *View) Seen() uint64 { return v.seen }

// Select turns to another database for the rest of the command.
func (v *View) Select(db int) {
	if v.db != db || v.space != v.st.dbs[db] {
		if v.hits|v.misses != 0 {
			v.leave()
		}
		v.db, v.space = db, v.st.dbs[db]
		v.seen = max(v.seen, v.space.lsn)
		v.memos = 0
	}
}

// NoTouch keeps the command from counting as a use of its keys (CLIENT NO-TOUCH); Begin resets it.
func (v *View) NoTouch() { v.noTouch = true }

// Want asks for what is needed of a key of the selected database before a command runs: true if it is
// resident. If not, a load is noted: the caller must then take the Fetch, release the lock, Load,
// take the lock again and begin anew.
func (v *View) Want(key []byte, need Need) bool {
	return v.found(key, v.resident(key, need))
}

// found notes a key's object for the look-ups of the command that runs next, and reports whether there is one.
func (v *View) found(key []byte, o *object) bool {
	if o != nil && v.memos < memoKeys && len(key) > 0 {
		v.memo[v.memos] = memo{unsafe.SliceData(key), len(key), o}
		v.memos++
	}
	return o != nil
}

// WantAlso is Want for a key that a command comes upon while it runs. key may be anybody's memory: it is not the
// argument of a later look-up.
func (v *View) WantAlso(key []byte, need Need) bool { return v.resident(key, need) != nil }

// Has reports whether WantAlso would find all that is needed of the key.
func (v *View) Has(key []byte, need Need) bool {
	o := v.space.keys.getBytes(key)
	if o == nil {
		return !v.space.unloaded
	}
	return !o.lacks(need)
}

// AllInMemory reports whether nothing of the selected database is on disk alone: then WantAlso is always true.
func (v *View) AllInMemory() bool { return !v.space.unloaded && !v.space.inParts }

// resident returns a name's object, nil when a load has been noted.
func (v *View) resident(key []byte, need Need) *object {
	o, unknown := v.object(key)
	if !unknown && (!o.lacks(need) || need == NeedValue && v.st.restoreWhole(o)) {
		return o
	}
	v.fetching().need(o, need)
	return nil
}

// object returns a name's object. unknown: it is new, and whether there is such a key is to be read.
func (v *View) object(key []byte) (o *object, unknown bool) {
	if o = v.lookedUp(key); o == nil {
		o = v.space.keys.getBytes(key)
	}
	if o == nil {
		o = newObject(v.space, key)
		v.st.admit(o)
		if v.space.unloaded {
			return o, true
		}
		v.st.rememberAbsent(o) // nothing to read
	}
	return o, false
}

// LookAhead looks up the keys that the next commands of a pipeline will probably want, up to aheadKeys of them,
// all before the first is used: their cache misses overlap instead of adding up. members are the arguments
// behind the keys, which name a field or a member if the key is a collection: what a look-up of it will read is
// read here, one pointer further at each pass [HGET from 20 fields in pipelines of 16: 1.25 us of processor
// time without, 0.95 with]. The caller holds the keyspace lock and calls it again after it has let go of it.
func (st *Store) LookAhead(db int, keys, members [][]byte) {
	v := &st.tx.View
	v.aheads, v.aheadAt = 0, 0
	keys = keys[:min(len(keys), aheadKeys)]
	var objects [aheadKeys]*object
	st.dbs[db].keys.ahead(keys, &objects)
	withMembers := false
	for i, key := range keys {
		if o := objects[i]; o != nil && len(key) > 0 {
			v.ahead[v.aheads] = memo{unsafe.SliceData(key), len(key), o}
			v.aheads++
			withMembers = withMembers || o.hasMembers()
		}
	}
	for _, m := range v.ahead[:v.aheads] {
		if m.o.kind() == shortString && m.o.length > 0 {
			v.warmed += *(*byte)(m.o.held)
		}
	}
	if withMembers {
		v.warm(objects[:len(keys)], members)
	}
}

// lookedUp returns what LookAhead found for this very argument.
func (v *View) lookedUp(key []byte) *object {
	p := unsafe.SliceData(key)
	for i := v.aheadAt; i < v.aheads; i++ {
		if m := &v.ahead[i]; m.key == p && m.len == len(key) && m.o.space == v.space {
			v.aheadAt = i + 1
			return m.o
		}
	}
	return nil
}

// entry returns the name's object, present or not, with its value. A key that no Want announced (a script's, or one
// in a database that the same MULTI block selected anew) is read from disk here: the exception of I9.
func (v *View) entry(key []byte) *object { return v.known(key, NeedValue) }

// known is entry for whom less may be enough.
func (v *View) known(key []byte, need Need) *object {
	o := v.wanted(key)
	if o == nil {
		o = v.space.keys.getBytes(key)
	}
	if o == nil || o.lacks(need) && !(need == NeedValue && v.st.restoreWhole(o)) {
		o = v.st.loadNow(v.space, key, o, need)
	}
	return o
}

// wanted returns what Want found for this very argument.
func (v *View) wanted(key []byte) *object {
	if len(key) > 0 {
		p := unsafe.SliceData(key)
		for i := range v.memo[:v.memos] {
			if m := &v.memo[i]; m.key == p && m.len == len(key) {
				return m.o
			}
		}
	}
	return nil
}

// look returns the key's object without counting as a use of it, or nil when there is none
// or it has expired (I6).
func (v *View) look(key []byte) *object { return v.counted(key, v.entry(key)) }

// counted returns the key's object as there does, and counts a hit or a miss.
func (v *View) counted(key []byte, o *object) *object {
	o = v.there(o)
	if o == nil {
		v.misses++
		if h := v.st.hooks.Missed; h != nil {
			h(v.db, string(key))
		}
	} else {
		v.hits++
	}
	if v.clock.Left--; v.clock.Left < 0 {
		v.pick(key, o != nil)
	}
	return o
}

// peek is look without counting a hit or a miss.
func (v *View) peek(key []byte) *object { return v.there(v.entry(key)) }

// there returns a name's object if it is a key that has not expired (I6), else nil.
func (v *View) there(o *object) *object {
	if o.lsn > v.seen {
		v.seen = o.lsn
	}
	if o.typ == None {
		return nil
	}
	if expire.Due(o.deadline, v.now) {
		v.overdue(o)
		return nil
	}
	o.visited = true
	return o
}

// overdue is a reader's meeting with a key that has expired and was not removed yet. If the hook
// Overdue wants it, the Tx around the reader removes the key now (I6), so that the event of the key's end
// comes before the event of its absence.
func (v *View) overdue(o *object) {
	st := v.st
	if h := st.hooks.Overdue; h != nil && h() && st.journal.Err() == nil {
		st.tx.expire(o)
	}
}

// find is look for commands that use the key's value.
func (v *View) find(key []byte) *object { return v.used(v.look(key)) }

// used notes a use of the key, which may be none.
func (v *View) used(o *object) *object {
	if o != nil && !v.noTouch {
		v.st.use(o, v.now)
	}
	return o
}

// SawAll makes the reply wait for everything so far: for replies that depend on the whole keyspace.
func (v *View) SawAll() { v.seen = v.st.journal.Last() }

// HasLocked reports whether memory knows a key as there, or does not know: a name that is
// not resident may stand on disk, unless no key was ever unloaded. The caller holds the keyspace lock.
func (st *Store) HasLocked(db int, name string) bool {
	s := st.dbs[db]
	o := s.keys.get(name)
	if o == nil || o.unknown() {
		return s.unloaded
	}
	return o.typ != None
}

// ExpiredLocked reports whether a resident key's deadline has passed at now (unix ms). The
// caller holds the keyspace lock.
func (st *Store) ExpiredLocked(db int, name string, now int64) bool {
	o := st.dbs[db].keys.get(name)
	return o != nil && o.typ != None && expire.Due(o.deadline, now)
}
