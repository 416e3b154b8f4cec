package store

import (
	"testing"

	"diskette/compat_test/testrand"
)

// The index of a fold finds what a Go map does, from the first page to more than it began with, and again once it is
// reset.
func TestAnIndexFindsThePlaceOfEachRow(t *testing.T) {
	r := testrand.New(t, 71)
	type row struct{ id, n int64 }
	var f fold
	for range shorter(20, 5) {
		places := map[row]int32{}
		of := []table{setMembers, listElements}[r.IntN(2)]
		far := int64(1) << (7 + r.IntN(55)) // more rows than are put
		for rows := 1 + r.IntN(4000); len(places) < rows; {
			var block []change
			for range 1 + r.IntN(len(f.block)) {
				c := change{op: opPut, table: of, id: 1 + r.Int64N(min(far, 1<<40)), n: r.Int64N(far)}
				if r.IntN(2) == 0 {
					c.n = -c.n
				}
				block = append(block, c)
			}
			f.findWays(block)
			for i := range block {
				at, k := f.rowIndex.place(&f.ways[i]), row{block[i].id, block[i].n}
				if *at != places[k] {
					t.Fatalf("row %v is at %d; want %d", k, *at, places[k])
				}
				if *at == 0 {
					*at = int32(len(places) + 1)
					places[k] = *at
				}
			}
		}
		for k, place := range places {
			c := change{op: opPut, table: of, id: k.id, n: k.n}
			if got := f.rowIndex.find(wayToRow(&c)); got != place {
				t.Fatalf("row %v is found at %d; want %d", k, got, place)
			}
		}
		f.rowIndex.reset()
		for k := range places {
			c := change{op: opPut, table: of, id: k.id, n: k.n}
			if got := f.rowIndex.find(wayToRow(&c)); got != 0 {
				t.Fatalf("row %v is found at %d after a reset", k, got)
			}
		}
	}
}
