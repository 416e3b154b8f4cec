package store

import (
	"cmp"
	"time"

	"diskette/store/order"
	"diskette/store/tally"
)

// space is a generation of a database: the key names of one database between two FLUSHDBs.
type space struct {
	id   int64
	db   int    // what SELECT names; -1 once flushed
	lsn  uint64 // of the record that gave it this number: who finds no key has seen that (I2)
	keys keyTable
	live int64 // keys that are there, expired ones included until they are removed

	// unloaded says that keys may be there that memory does not have. Until the first is unloaded,
	// which may be never, a name that memory does not know is absent, and no look-up reads the disk.
	unloaded bool

	// inParts says that keys may be there of whose values memory has less than all, though it may know all names.
	inParts bool

	order *order.Order // says what goes first, while there are bounds: see ordering.go

	flows  *tally.Flows  // of the number, not of the keys: see tallies.go
	census *tally.Census // of the keys

	expiring        int64 // keys that have a deadline
	expiringChanged bool  // in the command under way
}

func newSpace(id int64, db int, live, expiring int64) *space {
	return &space{id: id, db: db, live: live, unloaded: live > 0, expiring: expiring, keys: newKeyTable()}
}

// Unloading follows SIEVE (Zhang et al., NSDI '24): one list in order of arrival and one
// hand. A use only sets a bit, so a read shuffles no list.

// admit puts a new object into its space and at the head of the list.
func (st *Store) admit(o *object) {
	o.space.keys.put(o)
	o.older = st.newest
	if st.newest != nil {
		st.newest.newer = o
	} else {
		st.oldest = o
	}
	st.newest = o
	o.units = 0
	st.resized(o)
	st.hotObjects++
}

// forget takes an object out of memory: unloading it, or dropping a remembered absence.
func (st *Store) forget(o *object) {
	if st.hand == o {
		st.hand = o.newer
	}
	if o.newer != nil {
		o.newer.older = o.older
	} else {
		st.newest = o.older
	}
	if o.older != nil {
		o.older.newer = o.newer
	} else {
		st.oldest = o.newer
	}
	o.newer, o.older = nil, nil
	if o.typ != None {
		o.space.unloaded = true
		st.orderUnloaded(o)
	}
	st.readingForgot(o)
	st.tx.memos, st.tx.aheads = 0, 0
	st.due.Set(o, 0)
	st.unwatchFields(o)
	o.releasePart()
	st.hotBytes -= o.bytes()
	st.hotObjects--
	o.space.keys.delete(o)
	o.empty() // rings and lists may point to o for a while yet
}

// resized keeps the hot set's size true after o's value changed.
func (st *Store) resized(o *object) {
	n := o.size()
	st.hotBytes += n - o.bytes()
	if half := st.maxMemory.Load() / 2; n > half && o.bytes() <= half {
		st.wantIndex(o)
	}
	o.units = uint32(n / sizeUnit)
}

// unloadable: nobody waits for it and the tables have it (I3).
func (o *object) unloadable(applied uint64) bool {
	if a := o.apart(); a != nil && (a.load != nil || a.pins != 0 || a.waits != 0) {
		return false
	}
	return o.lsn <= applied
}

// unloadLocked makes room while the hot set is over its bound, at most steps objects a
// call, so that no command pays for more than about what it brought in. more = it got ahead, and is
// not there yet.
func (st *Store) unloadLocked(steps int) (more bool) {
	st.noteHot()
	if st.hotBytes <= st.maxMemory.Load() {
		return false
	}
	defer st.noteHot()
	applied := st.applied.Load()
	for ; steps > 0 && st.hotBytes > st.maxMemory.Load() && st.oldest != nil; steps-- {
		o := st.hand
		if o == nil {
			o = st.oldest
		}
		st.hand = o.newer
		switch {
		case o.space.db < 0: // its database was flushed
			if o.load() == nil { // else its loader comes back for it
				st.forget(o)
				more = true
			}
		case o.visited:
			o.visited = false
			more = true
		case o.unloadable(applied):
			st.wantIndex(o)
			st.forget(o)
			st.stats.unloaded++
			more = true
		case o.trim(applied):
			st.resized(o)
			more = true
		case st.toPart(o) || st.shrinkPart(o):
			more = true
		}
	}
	return more && st.hotBytes > st.maxMemory.Load()
}

// Unload writes everything back and empties the hot set, for DEBUG RELOAD: what is asked for next comes
// from disk. It holds the keyspace lock while it lets go.
func (st *Store) Unload() error {
	if err := st.Flush(); err != nil {
		return err
	}
	st.Lock()
	defer st.Unlock()
	applied := st.applied.Load()
	for o := st.oldest; o != nil; {
		newer := o.newer
		if o.unloadable(applied) {
			st.wantIndex(o)
			st.forget(o)
			st.stats.unloaded++
		}
		o = newer
	}
	return nil
}

// Absences are remembered in a ring: a cache asks for what is not there and then
// stores it, and the second look-up would cost another disk read. A deleted key joins the
// ring once its deletion is applied; what falls out of the ring is forgotten, so that neither
// deletions nor misses fill the memory.
const (
	rememberedAbsences = 1 << 16
	absenceShare       = 4096 // bytes of maxmemory for each
)

func (st *Store) rememberAbsent(o *object) {
	if o.is(remembered) {
		return
	}
	o.set(remembered, true)
	if len(st.absent) < rememberedAbsences && int64(len(st.absent))*absenceShare < st.maxMemory.Load() {
		st.absent = append(st.absent, o)
		return
	}
	old := st.absent[st.absentNext]
	st.absent[st.absentNext] = o
	st.absentNext = (st.absentNext + 1) % len(st.absent)
	old.set(remembered, false)
	if old.typ == None && old.unloadable(st.applied.Load()) && old.space.keys.has(old) {
		st.forget(old)
	}
}

// noRoom reports whether write-back is too far behind.
func (st *Store) noRoom() bool {
	return st.backlog.Load() > 2*st.onDisk.Load().tail || st.wb.rows.Load() > int64(st.rows()) || st.wb.full.Load() ||
		st.wb.text.Load() > min(st.sizes.waiting, st.onDisk.Load().waiting) || st.wb.cramped.Load()
}

// lack is what a writer has to wait for.
type lack byte

const (
	lacksNothing   lack = iota // or it is refused without waiting
	lacksWriteBack             // write-back is too far behind
	lacksPatience              // writers are further ahead of the write-back under way than they shall be (pace.go)
	lacksMending               // bounds of the disk do not hold: eviction is to mend that
	lacksCalm                  // the WAL outgrows its part
)

// lacks says what a writer has to wait for just now.
func (st *Store) lacks() lack {
	failed := st.journal.Err()
	if err := st.writeError.Load(); failed == nil && err != nil {
		failed = *err
	}
	if failed == nil && st.DiskFull() && st.room.evicts.Load() {
		failed = ErrDiskFull
	}
	switch {
	case st.closed.Load() || failed != nil && !st.mends(failed):
		return lacksNothing
	case st.noRoom():
		return lacksWriteBack
	case failed == nil && st.ahead():
		return lacksPatience
	case st.tooMuch() || failed != nil:
		return lacksMending
	case st.outgrows():
		return lacksCalm
	}
	return lacksNothing
}

// HasRoom reports whether WaitForRoom returns at once.
func (st *Store) HasRoom() bool { return st.lacks() == lacksNothing }

// WaitForRoom delays a writer while write-back is too far behind, so that neither the
// queue nor the dirty part of the hot set grows without bound. Call it without the lock.
func (st *Store) WaitForRoom() {
	var since, grown time.Time
	for {
		switch st.lacks() {
		case lacksNothing:
			return
		case lacksWriteBack:
			st.hurry()
		case lacksPatience: // it comes with time
		case lacksMending:
			if since.IsZero() {
				since = time.Now()
			} else if time.Since(since) > mendingTime { // rather too much than for ever
				return
			}
			signal(st.room.wake)
		case lacksCalm:
			if grown.IsZero() {
				grown = time.Now()
			} else if time.Since(grown) > cmp.Or(st.opts.growthWait, growthWait) {
				return
			}
			st.kickWriteBack()
		}
		time.Sleep(mendingPause)
	}
}
