package store

import (
	"slices"
	"testing"
)

func TestAStoredListReplacesAnything(t *testing.T) {
	st := opened(t, t.TempDir())
	want := func(key string, elements ...string) {
		t.Helper()
		must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
			l, err := tx.List(k[0])
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			l.Each(0, 1, func(_ int, value string) bool {
				got = append(got, value)
				return true
			})
			if !slices.Equal(got, elements) {
				t.Errorf("%s is %q", key, got)
			}
		})
	}
	mustSet(t, st, "a", "v")
	must(t, st, 0, []string{"a", "b"}, func(tx *Tx, k [][]byte) {
		tx.Place(k[0], MakeList([]string{"x", "", "x"}))
		tx.Place(k[1], MakeList([]string{"y"}))
		tx.Place(k[1], MakeList(nil))
	})
	checked(t, st)
	want("a", "x", "", "x")
	st = reopened(t, st)
	must(t, st, 0, []string{"a"}, func(tx *Tx, k [][]byte) {
		l, _ := tx.EditList(k[0])
		l.Push(Head, []byte("first"))
		l.Insert(2, []byte("middle"))
		l.Push(Tail, []byte("last"))
	})
	want("a", "first", "x", "middle", "", "x", "last")
	want("b")
	checked(t, st)
}
