package store

import "cmp"

// evictByDeadline is evictFrom for volatile-ttl: those go first that would be the first to expire. The tables have an
// index for that; a key that has no row yet is not asked for until it has.
func (st *Store) evictByDeadline(q quota) (any bool, freed int64, err error) {
	st.Lock()
	s, at := st.dbs[q.db], &st.order.deadline
	if applied := st.applied.Load(); at.applied != applied || at.space != s {
		*at = byDeadline{applied: applied, space: s}
	}
	st.beginReading()
	volatile := s.order != nil && s.order.Volatile() > 0
	st.Unlock()
	if !volatile {
		return false, 0, nil
	}
	rows, err := st.rowHeads(func(r *reader) ([]rowHead, error) {
		return r.heads(nil, headColumns+`INDEXED BY keys_by_deadline WHERE expires_ms > 0 AND (expires_ms, id) > (?1, ?2)
			ORDER BY expires_ms, id LIMIT ?3`, at.deadline, at.id, int64(evictBatch))
	})
	if err != nil {
		return true, 0, err
	}
	if len(rows) == 0 { // what was evicted still has its rows, or what is to go has none yet
		at.applied = 0
		return true, 0, st.Flush()
	}
	for i := range rows {
		if row := &rows[i]; freed < q.bytes && row.space == s.id {
			bytes, _, stale := st.evictRows(quota{q.db, 1, q.own}, s, []int64{row.id}, rows[i:i+1], true)
			freed += bytes
			if stale {
				return true, freed, nil
			}
		}
		at.deadline, at.id = cmp.Or(rows[i].deadline, at.deadline), rows[i].id
		if freed >= q.bytes {
			break
		}
	}
	return true, freed, nil
}

// byDeadline is how far the evictor has come in the index on deadlines, in the tables as of an applied LSN.
type byDeadline struct {
	applied      uint64
	space        *space
	deadline, id int64
}
