package store

import (
	"fmt"
	"testing"
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
		o := st.dbs[0].keys["h"]
		return o != nil && (o.load != nil || o.typ == TypeHash)
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
