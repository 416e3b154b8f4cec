package store

import (
	"fmt"
	"testing"
)

// TestCheckSeesTheTablesOfOneMoment has indexes made by maintenance while everything is compared again and again: a
// look at an index's entries and at their number in two transactions saw entries that the number did not count yet.
func TestCheckSeesTheTablesOfOneMoment(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.pagedElements = 16 })
	defer closed(t, st)
	const sets = 20
	for n := range sets {
		must(t, st, 1, []string{fmt.Sprint("set", n)}, func(tx *Tx, k [][]byte) {
			s, _ := tx.EditSet(k[0])
			for i := range 200 {
				s.Add(fmt.Appendf(nil, "member %d", i))
			}
		})
	}
	flushed(t, st)
	unloadAll(st)
	for checks := 0; st.paged.count() < sets; checks++ {
		if checked(t, st); checks > 10_000 {
			t.Fatalf("%d of %d indexes were made", st.paged.count(), sets)
		}
	}
}
