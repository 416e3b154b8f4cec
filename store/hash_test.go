package store

import (
	"fmt"
	"testing"

	"diskette/compat_test/testrand"
)

func TestAHashIsARowAField(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"h", "g"}, func(tx *Tx, k [][]byte) {
		h, err := tx.EditHash(k[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			h.Set(fmt.Append(nil, "f", i), fmt.Append(nil, i))
		}
		for i := range 500 {
			h.Delete(fmt.Append(nil, "f", 2*i))
		}
	})
	checked(t, st)
	st = reopened(t, st)
	must(t, st, 0, []string{"h", "g"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		if v, ok := h.Get([]byte("f7")); h.Len() != 500 || v != "7" || !ok {
			t.Errorf("%d fields, f7 is %q", h.Len(), v)
		}
		h.Set([]byte("f7"), []byte("seven"))
		h.Delete([]byte("f9"))
		tx.Rename(k[0], k[1])
		tx.Copy(k[1], 0, k[0], false)
	})
	checked(t, st)
	unloadAll(st)
	must(t, st, 0, []string{"h", "g"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		if h.Len() != 499 {
			t.Error(h.Len())
		}
		for i := range 1000 {
			h.Delete(fmt.Append(nil, "f", i))
		}
		tx.Delete(k[1])
	})
	checked(t, st)
}

func TestALargeColdHashIsLoadedOnceAndWithoutTheLock(t *testing.T) {
	st := opened(t, t.TempDir())
	const fields = 50_000
	must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for i := range fields {
			h.Set(fmt.Append(nil, "field", i), fmt.Append(nil, i))
		}
	})
	mustSet(t, st, "other", "v")
	flushed(t, st)
	unloadAll(st)
	wantGet(t, st, "other", "v")
	before := st.Loads()

	const readers = 8
	done := make(chan int, readers)
	for range readers {
		go func() {
			n := 0
			err := command(st, 0, testNow, []string{"h"}, func(tx *Tx, k [][]byte) {
				h, _ := tx.Hash(k[0])
				n = h.Len()
			})
			if err != nil {
				n = -1
			}
			done <- n
		}()
	}
	eventually(t, "the load", func() bool {
		st.Lock()
		defer st.Unlock()
		o := st.dbs[0].keys.get("h")
		return o != nil && (o.load() != nil || o.typ == TypeHash)
	})
	during := 0 // commands that others ran meanwhile
	for finished := 0; finished < readers; {
		select {
		case n := <-done:
			if finished++; n != fields {
				t.Fatalf("a reader found %d fields", n)
			}
		default:
			wantGet(t, st, "other", "v")
			during++
		}
	}
	if loads := st.Loads() - before; loads != 1 {
		t.Errorf("%d loads for %d readers", loads, readers)
	}
	if during < 10 {
		t.Errorf("%d other commands ran meanwhile", during)
	}
}

func TestAScanReturnsEveryFieldThatStaysExactlyOnce(t *testing.T) {
	for seed := range uint64(shorter(20, 8)) {
		r := testrand.New(t, seed)
		st := opened(t, t.TempDir())
		must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) {
			h, _ := tx.EditHash(k[0])
			for i := range 2000 {
				h.Set(fmt.Append(nil, "stays", i), []byte("v"))
				h.Set(fmt.Append(nil, "goes", i), []byte("v"))
			}
		})
		seen := map[string]int{}
		for cursor, first := int64(0), true; first || cursor != 0; first = false {
			if r.IntN(20) == 0 {
				flushed(t, st)
				unloadAll(st)
			}
			must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) {
				h, _ := tx.EditHash(k[0])
				left, last := 1+r.IntN(60), cursor
				cursor = 0
				h.After(last, func(n int64, field, _ string) bool {
					if left--; left < 0 {
						cursor = last
						return false
					}
					last = n
					seen[field]++
					return true
				})
				for range r.IntN(100) {
					h.Delete(fmt.Append(nil, "goes", r.IntN(2000)))
				}
				for range r.IntN(20) {
					h.Set(fmt.Append(nil, "goes", r.IntN(2000)), []byte("again"))
					h.Set(fmt.Append(nil, "stays", r.IntN(2000)), []byte("changed"))
				}
			})
		}
		for i := range 2000 {
			if n := seen[fmt.Sprint("stays", i)]; n != 1 {
				t.Fatalf("seed %d: field %d came %d times", seed, i, n)
			}
		}
		checked(t, st)
	}
}

func TestRandomFieldsAreDifferentOnesWhenAskedFor(t *testing.T) {
	h := newHash()
	for i := range 500 {
		h.fields.add(fmt.Sprint(i), "")
	}
	for i := range 400 {
		h.fields.remove(fmt.Sprint(i * 5 / 4))
	}
	for _, count := range []int{0, 1, 10, 40, 99, 100, 1000} {
		seen := map[string]bool{}
		h.Sample(count, func(field, _ string) { seen[field] = true })
		if len(seen) != min(count, 100) {
			t.Errorf("%d different fields of %d", len(seen), count)
		}
	}
	often := map[string]int{}
	h.Random(20_000, func(field, _ string) { often[field]++ })
	for i := range 100 {
		if n := often[fmt.Sprint(i*5+4)]; n < 100 || n > 320 {
			t.Errorf("field %d came %d times in 20,000", i*5+4, n)
		}
	}
	newHash().Random(3, func(string, string) { t.Error("an empty hash has a field") })
}

func TestALargeHashIsDeletedAtOnceAndReapedLater(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for i := range 20_000 {
			h.Set(fmt.Append(nil, i), []byte("v"))
			if i%2 == 0 {
				h.SetDeadline(fmt.Append(nil, i), testNow+1)
			}
		}
	})
	flushed(t, st)
	must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
	checked(t, st)
	eventually(t, "the reaper's end", func() bool {
		for st.Sweep(testNow + 1) {
		}
		var rows, garbage int64
		err := st.readers.use(func(r *reader) error {
			return queryInts(r.c, `SELECT (SELECT count(*) FROM hash_fields), (SELECT count(*) FROM garbage)`, &rows, &garbage)
		})
		return err == nil && rows == 0 && garbage == 0
	})
	checked(t, st)
}
