package store

// What an idle server gives back. Keys that nobody has used for a while are unloaded: they are on disk. So are
// remembered absences; tables that have grown for keys are made anew, and the readers' connections are closed: SQLite's
// memory does not shrink, and to open one takes some ms.
//
// A million keys of 100 bytes take 368 MB of RSS, and 43 when they are unloaded so and Go's heap has been given back.

// idleSlice is how many objects are looked at under one hold of the keyspace lock.
const idleSlice = 512

// Uses counts the uses of keys by commands: while it stands still, nobody uses any. What expires is no use. known is
// false while a long command is under way.
func (st *Store) Uses() (n int64, known bool) {
	if !st.LockUnlessBusy() {
		return 0, false
	}
	defer st.Unlock()
	hits, misses := st.lookedUp()
	return hits + misses + st.stats.changes - st.stats.expired, true
}

// UnloadIdle unloads all keys that may be, a slice at a time, for as long as goOn says so; done = all are.
// The caller does not hold the keyspace lock.
func (st *Store) UnloadIdle(goOn func() bool) (done bool) {
	if st.Flush() != nil { // what is not in the tables stays
		return false
	}
	st.Lock()
	left := st.hotObjects
	st.Unlock()
	var b breath
	for left > 0 {
		if !goOn() {
			return false
		}
		st.Lock()
		applied := st.applied.Load()
		for range idleSlice {
			o := st.hand
			if o == nil {
				o = st.oldest
			}
			if left--; o == nil || left < 0 {
				break
			}
			st.hand = o.newer
			if o.space.db >= 0 && o.unloadable(applied) {
				st.forget(o)
				st.stats.unloaded++
			}
		}
		st.Unlock()
		b.step(idleSlice)
	}
	st.Lock()
	st.shrinkLocked()
	st.Unlock()
	st.wb.mu.Lock()
	if wb := &st.wb; wb.pending.empty() && wb.spare != nil { // else one is being written back
		wb.pending, wb.spare = newFold(st.sizes.arena), newFold(st.sizes.arena)
	}
	st.wb.mu.Unlock()
	st.readers.closeIdle()
	st.journal.Rest()
	return true
}

// shrinkLocked makes anew what has grown for keys that are gone. The caller holds the keyspace lock.
func (st *Store) shrinkLocked() {
	for _, o := range st.absent {
		o.set(remembered, false)
	}
	st.absent, st.absentNext = nil, 0
	for _, s := range st.dbs {
		if s.keys.len() == 0 {
			s.keys = newKeyTable()
		}
	}
	st.due.Shrink()
	st.dueFields.Shrink()
}

// closeIdle closes the connections of readers that nobody uses just now; their next use opens others.
func (p *readers) closeIdle() {
	for range p.all {
		select {
		case r := <-p.free: // each that is free comes once: the channel is a queue
			if r.c != nil && r.endTransaction() == nil && closeConn(r.c) == nil {
				*r = reader{dir: r.dir, vfs: r.vfs, small: r.small, cache: r.cache}
			}
			p.free <- r
		default:
			return
		}
	}
}

// HotKeys is how many names memory knows of.
func (st *Store) HotKeys() int64 {
	st.Lock()
	defer st.Unlock()
	return st.hotObjects
}
