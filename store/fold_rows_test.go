package store

import (
	"runtime"
	"testing"

	"diskette/store/journal"
)

// TestTheRowsOfAFoldAreNotCopied: folding a burst of new elements allocates little more than their rows and the index
// take [144 bytes a row while the rows were one slice that doubled, 71 now].
func TestTheRowsOfAFoldAreNotCopied(t *testing.T) {
	const rows = 400_000
	f := newFold(arenaBlock)
	var w recordWriter
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for n := range rows {
		w.reset()
		w.insert().put(7, listElements, int64(n)*positionStep)
		w.end()
		if err := f.add(uint64(n+1), journal.Record{Head: w.head}); err != nil {
			t.Fatal(err)
		}
		f.drain()
	}
	runtime.ReadMemStats(&after)
	t.Logf("%d bytes a row", (after.TotalAlloc-before.TotalAlloc)/rows)
	if each := (after.TotalAlloc - before.TotalAlloc) / rows; f.changes() != rows || each > 100 {
		t.Errorf("%d rows were folded with %d bytes allocated for each", f.changes(), each)
	}
}

// TestFoldRows are where they were while more come, and empty when they come again; what a burst took is given back.
func TestFoldRows(t *testing.T) {
	var r foldRows
	for _, many := range []int{rowsABlock + 1, 3, keptRows + 2*rowsABlock, keptRows} {
		var first *rowEntry
		for i := range many {
			e := r.add()
			if e.id != 0 || e.data != nil || r.n != i+1 {
				t.Fatalf("row %d of %d is %v at first", i, many, *e)
			}
			e.id, e.data = int64(i+1), []byte{1}
			if i == 0 {
				first = e
			}
		}
		if r.at(0) != first {
			t.Errorf("of %d rows the first has moved", many)
		}
		for i := range int32(many) {
			if r.at(i).id != int64(i+1) {
				t.Fatalf("row %d of %d is %d", i, many, r.at(i).id)
			}
		}
		if r.reset(); r.n != 0 || len(r.blocks) > keptRows/rowsABlock {
			t.Errorf("%d rows, %d blocks after %d rows", r.n, len(r.blocks), many)
		}
	}
}
