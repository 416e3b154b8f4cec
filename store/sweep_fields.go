package store

import (
	"math"

	"diskette/expire"
)

const (
	// sweepHashes is how many hashes a sweep brings to memory at a time.
	sweepHashes = 16
	// sweepFieldBatch is how many fields it reads from disk before it waits for write-back.
	sweepFieldBatch = 4096
)

// sweepFields removes a slice of the fields whose deadline has passed from the hashes in memory.
func (st *Store) sweepFields(now int64) (more bool) {
	st.Lock()
	tx := st.Begin(0, now)
	for left := sweepSlice; left > 0; {
		deadline, d, ok := st.dueFields.First()
		if !ok || !expire.Due(deadline, now) {
			break
		}
		o := d.owner
		switch h := o.coll().(*Hash); {
		case o.space.db < 0: // flushed
			st.unwatchFields(o)
			left--
		case expire.Due(o.deadline, now):
			tx.expire(o)
			left--
		default:
			h.at(now)
			left -= HashTx{h, editing{tx: tx, o: o}}.removeDue(left)
		}
	}
	seen := tx.End()
	deadline, _, ok := st.dueFields.First()
	st.Unlock()
	st.commit(seen)
	return ok && expire.Due(deadline, now)
}

// coldHash is a hash with fields to be removed, by its name in the tables.
type coldHash struct {
	space int64
	name  string
}

// sweepFieldsOnDisk finds such fields in the tables, brings their hashes to memory, as a command would, and
// removes them there. What was removed before is still in the tables until it is applied, so it waits for
// that before it reads again.
func (st *Store) sweepFieldsOnDisk(now int64) {
	s := &st.sweep.fields
	applied := st.applied.Load()
	if applied < s.waitFor {
		st.kickWriteBack()
		return
	}
	if s.noneDueOnDisk(applied, now) {
		return
	}
	hashes, next, err := st.dueHashesOnDisk(now)
	for len(hashes) > 0 && err == nil {
		slice := hashes[:min(sweepHashes, len(hashes))]
		hashes = hashes[len(slice):]
		var all bool
		all, err = st.sweepHashes(slice, now)
		if !all || len(hashes) > 0 && st.overBound() { // what was swept can not be unloaded before it is applied
			hashes, next = nil, now
		}
	}
	if err != nil {
		st.sweepFailed(err)
		return
	}
	s.onDisk.Store(&diskDeadlines{applied, next})
	if s.waitFor > st.applied.Load() {
		st.kickWriteBack()
	}
}

// dueHashesOnDisk returns the hashes in the tables with fields whose deadline has passed at now,
// those that wait longest first and not more than a batch, and the earliest deadline that is left.
func (st *Store) dueHashesOnDisk(now int64) (hashes []coldHash, next int64, err error) {
	next = math.MaxInt64
	err = st.readers.use(func(r *reader) error {
		fields, err := r.stmt(`SELECT id, expires_ms FROM hash_fields WHERE expires_ms > 0
			ORDER BY expires_ms LIMIT ?1`)
		if err != nil {
			return err
		}
		defer fields.Reset()
		names, err := r.stmt(`SELECT space, key FROM keys WHERE id = ?1`)
		if err != nil {
			return err
		}
		if err := bind(fields, sweepFieldBatch); err != nil {
			return err
		}
		rows, seen := 0, map[int64]bool{}
		for ; fields.Step(); rows++ {
			if deadline := fields.ColumnInt64(1); deadline > now {
				next = deadline
				break
			}
			id := fields.ColumnInt64(0)
			if seen[id] {
				continue
			}
			seen[id] = true
			if err := bind(names, id); err != nil {
				return err
			}
			if names.Step() { // else its rows wait for the reaper
				name, err := r.name(id, names.ColumnRawBlob(1))
				if err != nil {
					return err
				}
				hashes = append(hashes, coldHash{names.ColumnInt64(0), name})
			}
			if err := names.Reset(); err != nil {
				return err
			}
		}
		if rows == sweepFieldBatch {
			next = now
		}
		return fields.Err()
	})
	return hashes, next, err
}

// sweepHashes loads a few hashes and removes their fields whose deadline has passed. all is false
// when it has not come to every one: somebody else loads it, or has and it was unloaded again.
func (st *Store) sweepHashes(hashes []coldHash, now int64) (all bool, err error) {
	st.Lock()
	tx := st.Begin(0, now)
	spaces := st.spacesLocked()
	for _, h := range hashes {
		if s := spaces[h.space]; s != nil { // else flushed: the reaper's
			tx.Select(s.db)
			tx.Want([]byte(h.name), NeedValue)
		}
	}
	f := tx.TakeFetch()
	tx.End()
	st.Unlock()
	if f != nil {
		err = f.Load()
	}
	for err == nil && st.sweepFields(now) {
	}
	all = true
	st.Lock()
	for _, h := range hashes {
		if s := spaces[h.space]; s != nil && s.db >= 0 {
			o := s.keys.get(h.name)
			all = all && o != nil && !o.lacks(NeedValue)
			if o != nil {
				st.sweep.fields.waitFor = max(st.sweep.fields.waitFor, o.lsn)
			}
		}
	}
	if f != nil {
		f.Release()
	}
	st.Unlock()
	return all, err
}

func (st *Store) overBound() bool {
	st.Lock()
	defer st.Unlock()
	return st.hotBytes > st.maxMemory.Load()
}
