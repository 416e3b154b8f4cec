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
