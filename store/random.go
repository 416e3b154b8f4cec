package store

import (
	"math/rand/v2"

	"diskette/expire"
)

// RandomKey returns some key of the database, ok = false when it is empty. While memory has all keys each has about the
// same chance. Else a place in the order of birth of all databases' keys is chosen, and one of the next few from there:
// in a small database beside large ones the same few come again and again.
func (st *Store) RandomKey(db int, now int64, locked bool) (key string, seen uint64, ok bool, err error) {
	var top, live int64
	err = st.Look(locked, func() {
		s := st.dbs[db]
		if top, live = st.ids.next(), s.live; !s.unloaded {
			key, ok = s.randomInMemory(now)
		}
	})
	if err != nil || ok || live == 0 {
		return key, st.journal.Last(), ok, err
	}
	// A random place in the order of birth, then a random one of the next few keys: gaps
	// that deletions left weigh less.
	for _, cursor := range []int64{rand.Int64N(top), 0} {
		for {
			keys, next, seen, err := st.Scan(db, cursor, 16, now, ScanOptions{onlyOnce: true}, locked)
			if err != nil && next == 0 { // else behind what is damaged
				return "", 0, false, err
			}
			if len(keys) > 0 {
				return keys[rand.IntN(len(keys))], seen, true, nil
			}
			if cursor = next; next == 0 {
				break
			}
		}
	}
	return "", st.journal.Last(), false, nil
}

// randomInMemory chooses from the keys that memory has: from some hundred that their table has together. ok = it
// has met one that is there.
func (s *space) randomInMemory(now int64) (key string, ok bool) {
	if s.keys.len() == 0 {
		return "", false
	}
	var there []*object
	for range 8 {
		s.keys.segment(rand.Uint64()).each(func(o *object) bool {
			if o.typ != None && !o.unknown() && !expire.Due(o.deadline, now) {
				there = append(there, o)
			}
			return true
		})
		if len(there) > 0 {
			return there[rand.IntN(len(there))].name(), true
		}
	}
	return "", false
}
