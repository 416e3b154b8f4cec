package store

import (
	"math"
	"sync/atomic"

	"diskette/expire"
)

const (
	// sweepSlice is how many expired keys are removed under one hold of the keyspace lock.
	sweepSlice = 256
	// letGoSlice is how many objects are let go under one hold: 0.7 us each.
	letGoSlice = 512
	// sweepBatch is how many a Sweep reads from disk before it waits for write-back: their
	// tombstones take memory until they are applied.
	sweepBatch = 16384
)

type sweepState struct {
	keys   diskSweep
	fields diskSweep // of hashes
}

// diskSweep is what a sweep of the tables leaves for the next.
type diskSweep struct {
	onDisk  atomic.Pointer[diskDeadlines]
	waitFor uint64 // removals that are not applied yet: their rows would be read again
}

// diskDeadlines is the earliest deadline in the tables as they stood at an applied LSN.
type diskDeadlines struct {
	lsn  uint64
	next int64 // unix ms, a lower bound; MaxInt64 = none
}

// noneDueOnDisk reports that nothing in the tables, as of the applied LSN, has expired at now.
func (s *diskSweep) noneDueOnDisk(applied uint64, now int64) bool {
	d := s.onDisk.Load()
	return d != nil && d.lsn == applied && d.next > now
}

// Sweep removes keys and fields of hashes whose deadline has passed at now (unix ms), from memory and from disk,
// a slice at a time, and reports whether more is left. It also lets go of what FLUSHDB left in
// memory and keeps the hot set in bounds while no commands do. One goroutine calls it.
func (st *Store) Sweep(now int64) (more bool) {
	if st.journal.Err() != nil && st.journal.Wait(st.journal.Last()) != nil {
		return false // nothing can be recorded now; expired keys are invisible all the same
	}
	more = st.sweepMemory(now)
	more = st.sweepFields(now) || more
	if !more {
		more = st.sweepDisk(now)
	}
	if !more {
		st.sweepFieldsOnDisk(now)
	}
	return st.LetGo() || more
}

func (st *Store) sweepMemory(now int64) (more bool) {
	st.Lock()
	tx := st.Begin(0, now)
	for range sweepSlice {
		deadline, o, ok := st.due.First()
		if !ok || !expire.Due(deadline, now) {
			break
		}
		if o.space.db < 0 {
			st.due.Set(o, 0)
			continue
		}
		tx.expire(o)
	}
	seen := tx.End()
	deadline, _, ok := st.due.First()
	st.Unlock()
	st.commit(seen)
	return ok && expire.Due(deadline, now)
}

// commit brings a sweep's changes to the journal; a failure shows in journal.Err.
func (st *Store) commit(lsn uint64) { _ = st.journal.Wait(lsn) }

// sweepDisk removes expired keys that are not in memory. What it removed last time is still in
// the tables until it is applied, so it waits for that before it reads again.
func (st *Store) sweepDisk(now int64) (more bool) {
	applied := st.applied.Load()
	if applied < st.sweep.keys.waitFor {
		st.kickWriteBack()
		return false
	}
	if st.sweep.keys.noneDueOnDisk(applied, now) {
		return false
	}
	victims, next, err := st.victimsOnDisk(now)
	if err != nil {
		st.sweepFailed(err)
		return false
	}
	st.worked(place{op: sweeping})
	for len(victims) > 0 {
		slice := victims[:min(sweepSlice, len(victims))]
		victims = victims[len(slice):]
		st.Lock()
		if st.applied.Load() != applied { // a key that was changed since may be unloaded by now: read again
			st.Unlock()
			st.kickWriteBack()
			return true
		}
		tx := st.Begin(0, now)
		if st.expireVictimsLocked(tx, slice) {
			next = now
		}
		seen := tx.End()
		st.sweep.keys.waitFor = max(st.sweep.keys.waitFor, seen)
		st.Unlock()
		st.commit(seen)
	}
	st.sweep.keys.onDisk.Store(&diskDeadlines{applied, next})
	if st.sweep.keys.waitFor > st.applied.Load() {
		st.kickWriteBack()
	}
	return false
}

// A victim is a key whose deadline has passed, as the tables have it.
type victim struct {
	space int64
	name  string
	id    int64
}

// victimsOnDisk reads the next keys that are to go. next is the earliest deadline behind them that is known, or now if
// there may be more of them.
func (st *Store) victimsOnDisk(now int64) (victims []victim, next int64, err error) {
	next = math.MaxInt64
	err = st.readers.use(func(r *reader) error {
		q, err := r.stmt(`SELECT space, key, id, expires_ms FROM keys WHERE expires_ms > 0
			ORDER BY expires_ms LIMIT ?1`)
		if err != nil {
			return err
		}
		defer q.Reset()
		if err := bind(q, sweepBatch+1); err != nil {
			return err
		}
		for q.Step() {
			if next = q.ColumnInt64(3); next > now {
				break
			}
			next = now
			name, err := r.name(q.ColumnInt64(2), q.ColumnRawBlob(1))
			if err != nil {
				return err
			}
			victims = append(victims, victim{q.ColumnInt64(0), name, q.ColumnInt64(2)})
		}
		return q.Err()
	})
	return victims, next, err
}

// expireVictimsLocked removes keys that are not in memory. unsure = memory does not know yet what has become of some.
// The caller holds the keyspace lock.
func (st *Store) expireVictimsLocked(tx *Tx, victims []victim) (unsure bool) {
	spaces := st.spacesLocked()
	for _, v := range victims {
		s := spaces[v.space]
		if s == nil { // flushed: the reaper's
			continue
		}
		if o := s.keys.get(v.name); o != nil { // memory knows better: swept there, or changed, or a tombstone
			st.sweep.keys.waitFor = max(st.sweep.keys.waitFor, o.lsn)
			if o.unknown() { // or not yet
				unsure = true
			}
			continue
		}
		o := newObject(s, v.name)
		o.id, o.typ, o.deadline = v.id, TypeString, tx.now
		if st.knownLocked(v.id, o) != nil { // another program's row, until write-back has seen to it
			continue
		}
		st.admit(o)
		tx.expire(o)
	}
	return unsure
}

func (st *Store) sweepFailed(err error) {
	if err = st.failed(place{op: sweeping}, err); !isDamage(err) && !isDiskFailure(err) {
		st.opts.Log("expiry sweep could not read the database", err)
	}
}

// spacesLocked is the databases' spaces by number. The caller holds the keyspace lock.
func (st *Store) spacesLocked() map[int64]*space {
	spaces := make(map[int64]*space, len(st.dbs))
	for _, s := range st.dbs {
		spaces[s.id] = s
	}
	return spaces
}

// LetGo frees the objects of flushed spaces, a slice at a time, and unloads what is over the bound.
func (st *Store) LetGo() (more bool) {
	st.Lock()
	defer st.Unlock()
	for n := 0; len(st.flushed) > 0 && n < letGoSlice; {
		s := st.flushed[0]
		for _, o := range s.keys.some(letGoSlice + 1 - n) {
			if n++; n > letGoSlice {
				more = true
				break
			}
			if o.load() == nil { // the others at a later sweep, when their loaders have come back
				st.forget(o)
			}
		}
		if s.keys.len() > 0 {
			break
		}
		st.flushed = st.flushed[1:]
	}
	// A CONFIG SET of a lower maxmemory takes effect without a command's help.
	return st.unloadLocked(letGoSlice) || more
}
