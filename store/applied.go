package store

import (
	"time"
)

// finish makes what was applied clean: from here on it may be unloaded.
func (st *Store) finish(f *fold, took time.Duration) {
	wb := &st.wb
	st.lockIsGone()
	wb.mu.Lock()
	if wb.broken == nil {
		st.writeError.Store(nil) // first: whom the new LSN lets go on must not meet the old error
	}
	wb.mu.Unlock()
	st.worked(place{op: writingBack})
	st.applied.Store(f.last)
	st.forgetApplied(f.nextID, f.last)
	st.drop(f.last)
	st.backlog.Add(-f.bytes)
	wb.stats.Lock()
	wb.stats.transactions++
	wb.stats.rows += int64(f.changes())
	wb.stats.records += f.records
	wb.stats.nanos += took.Nanoseconds()
	wb.stats.Unlock()
	if f.changes() >= manyRows {
		wb.wroteMany, wb.rested = time.Now(), false
	}
	if f.reset(); time.Since(wb.wroteMany) >= restDelay {
		f = newFold(st.sizes.arena)
	}
	wb.mu.Lock()
	wb.spare = f
	if wb.pending.empty() {
		wb.lastNanos.Store(time.Now().UnixNano())
	}
	wb.applied.Broadcast()
	wb.mu.Unlock()
	st.checkpoint(st.walPages())
}

// forgetApplied forgets what only mattered until it was applied, a slice at a time.
func (st *Store) forgetApplied(nextID int64, lsn uint64) {
	const slice = 1024 // under one hold of the keyspace lock
	for more := true; more; {
		st.Lock()
		n := 0
		for n < len(st.births) && n < slice && st.births[n].id < nextID {
			st.births[n].o = nil
			n++
		}
		st.births = st.births[n:]
		more = n == slice
		for n = 0; n < len(st.tombstones) && n < slice && st.tombstones[n].lsn <= lsn; n++ {
			if o := st.tombstones[n].o; o.typ == None && o.space.db >= 0 && o.space.keys.has(o) {
				st.rememberAbsent(o)
			}
			st.tombstones[n].o = nil
		}
		st.tombstones = st.tombstones[n:]
		more = more || n == slice
		more = st.renamed.applied(lsn, slice) || more
		st.Unlock()
	}
}

// checkpoint moves the WAL into the database file once it has the given length in pages.
// It runs in write-back's goroutine and blocks no command.
func (st *Store) checkpoint(pages int) {
	if st.walLength() < int64(pages) {
		return
	}
	st.readers.renew() // an older transaction needs the pages of its time
	if frames, moved, err := st.wb.w.checkpoint(); err != nil {
		st.maintenanceFailed(moving, err)
	} else {
		st.noteWAL(frames, moved)
		st.worked(place{op: moving})
	}
	st.readers.renew() // so that the next transaction can write the WAL from its start
	st.beginWALAnew()
}
