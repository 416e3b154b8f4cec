package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"diskette/compat_test/testrand"
)

// fieldModel is what one hash must hold.
type fieldModel map[string]struct {
	value    string
	deadline int64
}

func (m fieldModel) alive(now int64) fieldModel {
	alive := fieldModel{}
	for name, f := range m {
		if f.deadline == 0 || f.deadline > now {
			alive[name] = f
		}
	}
	return alive
}

func readFields(t *testing.T, tx *Tx, key []byte) fieldModel {
	t.Helper()
	h, err := tx.Hash(key)
	if err != nil {
		t.Fatal(err)
	}
	got := fieldModel{}
	h.Each(func(field, value string) bool {
		f := got[field]
		f.value = value
		f.deadline, _ = h.Deadline([]byte(field))
		got[field] = f
		return true
	})
	return got
}

func at(t testing.TB, st *Store, now int64, names []string, fn func(tx *Tx, k [][]byte)) {
	t.Helper()
	if err := command(st, 0, now, names, fn); err != nil {
		t.Fatal(err)
	}
}

func TestAFieldWhoseDeadlineHasPassedIsAbsentAndGoes(t *testing.T) {
	for seed := range uint64(shorter(8, 4)) {
		r := testrand.New(t, seed)
		st := opened(t, t.TempDir())
		now := int64(testNow)
		names := []string{"a", "b", "c"}
		models := map[string]fieldModel{"a": {}, "b": {}, "c": {}}
		for range 1500 {
			now += int64(r.IntN(3))
			name := names[r.IntN(3)]
			switch r.IntN(40) {
			case 0:
				st.Sweep(now)
			case 1:
				unloadAll(st)
			case 2:
				flushed(t, st)
			case 3:
				if r.IntN(4) == 0 {
					st = reopened(t, st)
				}
			case 4:
				checked(t, st)
			case 5, 6:
				other := names[r.IntN(3)]
				copied := r.IntN(2) == 0
				if name == other {
					continue
				}
				at(t, st, now, []string{name, other}, func(tx *Tx, k [][]byte) {
					if copied {
						if tx.Copy(k[0], 0, k[1], true) {
							models[other] = maps.Clone(models[name])
						}
					} else if tx.Rename(k[0], k[1]) {
						models[other], models[name] = models[name], fieldModel{}
					}
				})
			default:
				changeField(t, st, now, name, models[name], r)
			}
			at(t, st, now, []string{name}, func(tx *Tx, k [][]byte) {
				if got, want := readFields(t, tx, k[0]), models[name].alive(now); !maps.Equal(got, want) {
					t.Fatalf("seed %d: %s holds %v, not %v", seed, name, got, want)
				}
			})
		}
		checked(t, st)
	}
}

// changeField does one random change of a hash and of what it must hold.
func changeField(t *testing.T, st *Store, now int64, key string, m fieldModel, r *rand.Rand) {
	field := fmt.Sprint(r.IntN(40))
	at(t, st, now, []string{key}, func(tx *Tx, k [][]byte) {
		h, err := tx.EditHash(k[0])
		if err != nil {
			t.Fatal(err)
		}
		f, there := m.alive(now)[field]
		answer := there
		switch r.IntN(6) {
		case 0, 1:
			f.value, f.deadline = fmt.Sprint(r.IntN(100)), 0
			m[field] = f
			answer = !h.Set([]byte(field), []byte(f.value))
		case 2:
			f.value = fmt.Sprint(r.IntN(100))
			m[field] = f
			answer = !h.Update([]byte(field), []byte(f.value))
		case 3:
			delete(m, field)
			answer = h.Delete([]byte(field))
		case 4:
			if f.deadline = now + int64(r.IntN(60)); there && f.deadline > now {
				m[field] = f
			} else {
				delete(m, field)
			}
			answer = h.SetDeadline([]byte(field), f.deadline)
		case 5:
			if f.deadline = 0; there {
				m[field] = f
			}
			answer = h.SetDeadline([]byte(field), 0)
		}
		if answer != there {
			t.Fatalf("field %s of %s: there is %v", field, key, answer)
		}
	})
}

func TestTheSweeperRemovesFieldsHotAndColdAndTheKeyWithTheLast(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.MaxMemory = 1 << 20 }) // far from enough for all
	const hashes = 3000
	for i := range hashes {
		must(t, st, i%3, []string{fmt.Sprint("h", i)}, func(tx *Tx, k [][]byte) {
			h, _ := tx.EditHash(k[0])
			for f := range 8 {
				field := fmt.Append(nil, "field", f)
				h.Set(field, fmt.Append(nil, i))
				switch {
				case i%2 == 0 || f < 4: // of every other hash all fields go
					h.SetDeadline(field, testNow+int64(1+i%100))
				case f == 4:
					h.SetDeadline(field, testNow+1_000_000)
				}
			}
		})
	}
	checked(t, st)
	unloadAll(st)
	st = reopened(t, st, func(o *Options) { o.MaxMemory = 1 << 20 })
	for i := range hashes / 4 { // these are hot, for a while
		must(t, st, i%3, []string{fmt.Sprint("h", i)}, func(tx *Tx, k [][]byte) { tx.Hash(k[0]) })
	}

	sweep := func(now int64, want func(left, fields int64) bool) {
		t.Helper()
		eventually(t, "the sweep's end", func() bool {
			for st.Sweep(now) {
			}
			flushed(t, st)
			return st.sweep.fields.noneDueOnDisk(st.applied.Load(), now)
		})
		checked(t, st)
		var keys, fields int64
		err := st.readers.use(func(r *reader) error {
			return queryInts(r.c, `SELECT (SELECT count(*) FROM keys), (SELECT count(*) FROM hash_fields WHERE id IN (SELECT id FROM keys))`, &keys, &fields)
		})
		if err != nil || !want(keys, fields) {
			t.Fatalf("after the sweep %d keys and %d fields: %v", keys, fields, err)
		}
	}
	sweep(testNow, func(keys, fields int64) bool { return keys == hashes && fields == 8*hashes })
	sweep(testNow+50, func(keys, fields int64) bool { return keys < hashes && keys > hashes/2 && fields < 8*hashes })
	st = reopened(t, st, func(o *Options) { o.MaxMemory = 1 << 20 })
	sweep(testNow+200, func(keys, fields int64) bool { return keys == hashes/2 && fields == hashes/2*4 })
	sweep(testNow+2_000_000, func(keys, fields int64) bool { return keys == hashes/2 && fields == hashes/2*3 })
}

func TestTheSweeperLeavesDropsAndFlushesAlone(t *testing.T) {
	st := opened(t, t.TempDir())
	fill := func(db int, name string) {
		must(t, st, db, []string{name}, func(tx *Tx, k [][]byte) {
			h, _ := tx.EditHash(k[0])
			h.Set([]byte("f"), []byte("v"))
			h.SetDeadline([]byte("f"), testNow+10)
		})
	}
	for i := range 50 {
		fill(0, fmt.Sprint("dropped", i))
		fill(1, fmt.Sprint("flushed", i))
		fill(2, fmt.Sprint("renamed", i))
		fill(3, fmt.Sprint("due", i))
	}
	flushed(t, st)
	unloadAll(st)
	for i := range 50 {
		must(t, st, 0, []string{fmt.Sprint("dropped", i)}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
		must(t, st, 2, []string{fmt.Sprint("renamed", i), fmt.Sprint("to", i)}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
		must(t, st, 3, []string{fmt.Sprint("due", i)}, func(tx *Tx, k [][]byte) { tx.SetDeadline(k[0], testNow+5) })
	}
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(1) })
	fill(1, "flushed0")
	for range 3 {
		for st.Sweep(testNow + 20) {
		}
		flushed(t, st)
	}
	checked(t, st)
	for db := range 4 {
		if n, _, err := st.DBSize(db, testNow+20, false); n != 0 || err != nil {
			t.Errorf("%d keys are left in database %d: %v", n, db, err)
		}
	}
}

func TestAHashWithoutDeadlinesIsNoLargerForThem(t *testing.T) {
	h := newHash()
	h.fields.add("f", "v")
	plain := h.size()
	h.withDeadlines().set(1, "f", testNow)
	if h.size() <= plain {
		t.Error("a deadline takes no room")
	}
	if h := newHash(); h.deadlines != nil {
		t.Error("an empty hash has room for deadlines")
	}
}

func TestVeryManyFieldsThatAreDueAreAbsentBeforeTheyAreRemoved(t *testing.T) {
	st := opened(t, t.TempDir())
	const fields = 10 * sweepSlice
	must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for i := range fields {
			h.Set(fmt.Append(nil, i), []byte("v"))
			h.SetDeadline(fmt.Append(nil, i), testNow+1)
		}
		h.Set([]byte("stays"), []byte("v"))
	})
	at(t, st, testNow+1, []string{"h"}, func(tx *Tx, k [][]byte) {
		v, _ := tx.Hash(k[0])
		n := 0
		count := func(string, string) { n++ }
		v.Sample(fields, count)
		v.Random(1, count)
		v.After(0, func(_ int64, field, value string) bool { count(field, value); return true })
		if n != 3 || v.Len() != fields+1 {
			t.Errorf("%d picks, %d fields", n, v.Len())
		}
		h, _ := tx.EditHash(k[0])
		if h.Len() != fields+1-sweepSlice {
			t.Errorf("a command removed %d fields", fields+1-h.Len())
		}
		if last := fmt.Append(nil, fields-1); h.Delete(last) || !h.Set(last, []byte("new")) || h.Delete(last) != true {
			t.Error("the last field was there")
		}
	})
	for st.Sweep(testNow + 1) {
	}
	at(t, st, testNow+1, []string{"h"}, func(tx *Tx, k [][]byte) {
		if h, _ := tx.Hash(k[0]); h.Len() != 1 {
			t.Errorf("%d fields are left", h.Len())
		}
	})
	checked(t, st)
}
