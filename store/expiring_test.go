package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestKeysAreListedInTheOrderOfTheirDeadlines(t *testing.T) {
	st := opened(t, t.TempDir(), func(*Options) {})
	begin := time.Now().Add(time.Hour).UnixMilli()
	var want []string
	for i := range 3000 {
		name := fmt.Sprintf("key:%d", i)
		for db := range 2 {
			if db == 0 || i%3 == 0 {
				must(t, st, db, []string{name}, func(tx *Tx, k [][]byte) {
					tx.SetString(k[0], []byte("v"), 0)
					tx.SetDeadline(k[0], begin+int64(i/500)) // which 500 share
				})
			}
		}
		want = append(want, name)
	}
	mustSet(t, st, "for ever", "v")
	flushed(t, st)
	for db, want := range [][]string{want, slices.DeleteFunc(slices.Clone(want), func(name string) bool {
		i := 0
		_, _ = fmt.Sscanf(name, "key:%d", &i)
		return i%3 != 0
	})} {
		var found []string
		for place := (DeadlinePlace{}); ; {
			keys, next, err := st.ExpiringNext(db, place, 70)
			if err != nil || len(keys) > 70 {
				t.Fatalf("%d keys, %v", len(keys), err)
			}
			found = append(found, keys...)
			if place = next; place == (DeadlinePlace{}) {
				break
			}
		}
		if !slices.Equal(found, want) {
			t.Errorf("database %d: %d keys were found of %d, or in another order", db, len(found), len(want))
		}
	}
}

// What is looked at is bounded, however many keys have the same deadline.
func TestTheDeadlinesAreFoundByTheirIndex(t *testing.T) {
	st := opened(t, t.TempDir(), func(*Options) {})
	if err := st.readers.use(func(r *reader) error {
		for i, sql := range expiringSQL {
			q, err := r.stmt(`EXPLAIN QUERY PLAN ` + sql)
			if err != nil {
				return err
			}
			plan := ""
			for q.Step() {
				plan += q.ColumnText(3)
			}
			if err := errors.Join(q.Err(), q.Reset()); err != nil {
				return err
			}
			want := "SEARCH keys USING INDEX keys_by_deadline (expires_ms" + []string{"=? AND rowid>?)", ">?)"}[i]
			if plan != want {
				t.Errorf("%s, not %s", plan, want)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
