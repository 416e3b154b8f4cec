package store

import "time"

// A DeadlinePlace is a key's place in the order of deadlines: its deadline, and its id among those of the same.
type DeadlinePlace struct {
	Millis, ID int64
}

// mostDeadlines is how many rows one ExpiringNext looks at, of whichever database they are: 10 ms of reading.
const mostDeadlines = 1000

// expiringSQL lists the rest of those with one deadline, and those with later ones. (expires_ms, id) > (?1, ?2) would
// pass over all of the former one by one.
var expiringSQL = [2]string{
	`SELECT space, key, id, expires_ms FROM keys WHERE expires_ms > 0 AND expires_ms = ?1 AND id > ?2 ORDER BY id LIMIT ?3`,
	`SELECT space, key, id, expires_ms FROM keys WHERE expires_ms > 0 AND expires_ms > ?1 AND ?2 >= 0 ORDER BY expires_ms, id LIMIT ?3`,
}

// ExpiringNext lists keys of a database that expire after a place, in that order, and the place to go on from; its
// zero is the end. They are as the tables have them, so that what has changed in the last seconds may be missing or be
// otherwise by now. The keyspace lock is held for a look at the database's number alone.
func (st *Store) ExpiringNext(db int, after DeadlinePlace, most int) (keys []string, next DeadlinePlace, err error) {
	var space int64
	if err := st.Look(false, func() { space = st.dbs[db].id }); err != nil {
		return nil, next, err
	}
	if now := time.Now().UnixMilli(); after.Millis < now { // what is due is the sweeper's
		after = DeadlinePlace{now, 0}
	}
	rows := 0
	err = st.readers.use(func(r *reader) error {
		for _, sql := range expiringSQL {
			if err := r.deadlines(sql, after, mostDeadlines-rows, func(place DeadlinePlace, of int64, name []byte) (bool, error) {
				if len(keys) == most {
					return false, nil
				}
				rows, next = rows+1, place
				if of != space {
					return true, nil
				}
				key, err := r.name(place.ID, name)
				keys = append(keys, key)
				return true, err
			}); err != nil {
				return err
			}
			if len(keys) == most {
				return nil
			}
		}
		return nil
	})
	if rows < mostDeadlines && len(keys) < most { // there was nothing more to look at
		next = DeadlinePlace{}
	}
	return keys, next, err
}

// deadlines calls fn for each row, until it returns false. name is the row's and only good until fn returns.
func (r *reader) deadlines(sql string, after DeadlinePlace, most int,
	fn func(place DeadlinePlace, space int64, name []byte) (more bool, err error),
) error {
	q, err := r.stmt(sql)
	if err != nil {
		return err
	}
	defer q.Reset()
	if err := bind(q, after.Millis, after.ID, most); err != nil {
		return err
	}
	for q.Step() {
		more, err := fn(DeadlinePlace{q.ColumnInt64(3), q.ColumnInt64(2)}, q.ColumnInt64(0), q.ColumnRawBlob(1))
		if err != nil || !more {
			return err
		}
	}
	return q.Err()
}
