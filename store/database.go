package store

import "fmt"

// One more database than clients can select is the server's own: for what is no client's data, but must be as
// safe. Its number is the one behind theirs in memory and ownNumber in the tables, since there may be more of
// theirs at the next start.
const ownNumber = 1 << 30

// OwnDB is the server's own database, for Begin and Select.
func (st *Store) OwnDB() int { return st.opts.Databases }

// OwnDB is Store.OwnDB.
func (v *View) OwnDB() int { return v.st.OwnDB() }

// FlushDB empties a database: it gets a new space, one row, however many keys it has. What
// was in memory and on disk is let go in slices afterwards.
func (tx *Tx) FlushDB(db int) {
	st := tx.st
	fresh := newSpace(st.nextSpace, db, 0, 0)
	st.nextSpace++
	tx.supplant(db, fresh)
	st.orderSpace(db, st.order.by)
	tx.rec.database(db, fresh)
	tx.Select(tx.db)
}

// SwapDB exchanges two databases: two rows.
func (tx *Tx) SwapDB(a, b int) {
	st := tx.st
	if a == b {
		return
	}
	st.dbs[a], st.dbs[b] = st.dbs[b], st.dbs[a]
	st.tallySwapped(st.dbs[a], st.dbs[b])
	for _, db := range []int{a, b} {
		st.dbs[db].db, st.dbs[db].lsn = db, tx.lsn
		tx.rec.database(db, st.dbs[db])
	}
	st.orderSpace(a, st.order.by)
	st.orderSpace(b, st.order.by)
	st.stats.changes++
	if h := st.hooks.Swapped; h != nil {
		h(a, b, tx.now)
	}
	tx.Select(tx.db)
}

// Len is the number of keys in a database, expired ones that the sweeper has not reached included.
func (v *View) Len(db int) int64 { return v.st.dbs[db].live }

// mostDue is how many expired keys DBSize leaves out of those in memory, and of those on disk, in all databases: what
// takes some 0.3 ms under the keyspace lock, and some ms of reading.
const mostDue = 2000

// DBSize is the number of keys in the database, expired ones not counted. It costs nothing unless keys have expired
// that the sweeper has not removed yet; then it counts those. While very many wait for the sweeper it does not come to
// all, and the rest is counted as Redis counts all of them: n is not less than there are, nor more than Redis says.
// The caller does not hold the keyspace lock, or says that it does (inside MULTI).
//
// All of them are looked at under one hold of the lock or not at all: what memory has not of the expired ones, and what
// the tables have, is only known of one moment, since keys are loaded and unloaded in between.
func (st *Store) DBSize(db int, now int64, locked bool) (n int64, seen uint64, err error) {
	var asked struct {
		space   *space
		applied uint64
		expired []string
	}
	for counted := false; ; {
		var s *space
		var applied uint64
		err := st.Look(locked, func() {
			s, applied = st.dbs[db], st.applied.Load()
			switch {
			case s.live == 0 || st.sweep.keys.noneDueOnDisk(applied, now):
				n, counted = st.sizeLocked(s, nil, now), true
			case s == asked.space && applied == asked.applied: // else what memory knew better may be unloaded
				n, counted = st.sizeLocked(s, asked.expired, now), true
			}
			seen = st.journal.Last()
		})
		if err != nil || counted {
			return n, seen, err
		}
		asked.space, asked.applied = s, applied
		if asked.expired, err = st.expiredOnDisk(s.id, now); err != nil { // I9: without the lock
			return 0, 0, err
		}
	}
}

// sizeLocked counts the keys of a space that have not expired at now; expired are those that have, of the ones on disk.
func (st *Store) sizeLocked(s *space, expired []string, now int64) int64 {
	n := s.live
	left := mostDue
	st.due.EachDue(now, func(o *object) bool {
		if o.space == s {
			n--
		}
		left--
		return left > 0
	})
	for _, name := range expired {
		if o := s.keys.get(name); o == nil || o.unknown() { // else counted above, or changed, or a tombstone
			n--
		}
	}
	return n
}

// expiredOnDisk lists the names in a space whose deadline in the tables has passed at now, of those that passed first.
func (st *Store) expiredOnDisk(space, now int64) (names []string, err error) {
	err = st.readers.use(func(r *reader) error {
		// By the index on names SQLite would look at the whole space.
		q, err := r.stmt(`SELECT id, key, space FROM keys INDEXED BY keys_by_deadline
			WHERE expires_ms > 0 AND expires_ms <= ?1 ORDER BY expires_ms LIMIT ?2`)
		if err != nil {
			return err
		}
		defer q.Reset()
		if err := bind(q, now, mostDue); err != nil {
			return err
		}
		for q.Step() {
			if q.ColumnInt64(2) != space {
				continue
			}
			name, err := r.name(q.ColumnInt64(0), q.ColumnRawBlob(1))
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		return q.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("count expired keys: %w", st.failed(place{op: sweeping}, err))
	}
	return names, nil
}
