package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// Members that are removed between two write-backs go from the table together, and none goes with them.
func TestMembersThatAreRemovedTogetherLeaveTheirNeighbours(t *testing.T) {
	const members = 3 * maskBits
	long := strings.Repeat("long", chunkBytes/2) // its row has pieces
	name := func(i int) string {
		if i == maskBits/2 {
			return long
		}
		return fmt.Sprint("member", i)
	}
	for _, gone := range []struct {
		what    string
		removed func(i int) bool
		masks   int // how many statements remove several
	}{
		{"all", func(int) bool { return true }, 3},
		{"as many as a mask has", func(i int) bool { return i < maskBits }, 1},
		{"one more", func(i int) bool { return i <= maskBits }, 1},
		{"too few", func(i int) bool { return i == 0 || i == maskBits-1 || i == maskBits }, 0},
		{"half", func(i int) bool { return i%2 == 1 }, 3},
		{"a tenth", func(i int) bool { return i%10 == 0 }, 0},
	} {
		st := opened(t, t.TempDir())
		keys := []string{"a", "b"} // whose rows have the same numbers
		want := map[string][]string{}
		for _, key := range keys {
			must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
				s, _ := tx.EditSet(k[0])
				for i := range members {
					s.Add([]byte(name(i)))
				}
			})
		}
		runs := func() (masks int) {
			if err := st.onWriter(t.Context(), func(w *writer) error {
				masks = w.removeMany[setMembers].Status(sqlite3.STMTSTATUS_RUN, false)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return masks
		}
		flushed(t, st)
		before := runs()
		for _, key := range keys {
			must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
				s, _ := tx.EditSet(k[0])
				s.Add([]byte("last")) // the key stays
				want[key] = append(want[key], "last")
				for i := range members {
					if gone.removed(i) {
						s.Remove([]byte(name(i)))
					} else {
						want[key] = append(want[key], name(i))
					}
				}
			})
		}
		flushed(t, st)
		if masks := runs() - before; masks != len(keys)*gone.masks {
			t.Errorf("%s: %d statements removed several members; want %d", gone.what, masks, len(keys)*gone.masks)
		}
		unloadAll(st)
		for _, key := range keys {
			wantMembers(t, st, key, want[key]...)
		}
		checked(t, st)
	}
}
