package store

import (
	"fmt"
	"testing"
	"unsafe"

	"diskette/store/journal"
)

// TestAFoldTakesLittleMemory: an entry takes 88 bytes [120 before what few need was apart], and the slice of them has
// room for the next power of two, not for up to a quarter more.
func TestAFoldTakesLittleMemory(t *testing.T) {
	if is64 := unsafe.Sizeof(uintptr(0)) == 8; is64 && unsafe.Sizeof(entry{}) > 88 {
		t.Errorf("an entry takes %d bytes", unsafe.Sizeof(entry{}))
	}
	var s []entry
	for range 100_000 {
		s = append(doubled(s), entry{})
	}
	if cap(s) != 1<<17 {
		t.Errorf("there is room for %d entries", cap(s))
	}
}

// TestABurstOfNewKeysIsWrittenBackInSmallerFolds: half as many births as other changes make a fold ripe, few births
// count as others do, and what was born and dropped in the fold is no birth.
func TestABurstOfNewKeysIsWrittenBackInSmallerFolds(t *testing.T) {
	f := newFold(arenaBlock)
	lsn := uint64(0)
	folded := func(fill func(w *recordWriter)) {
		t.Helper()
		var w recordWriter
		fill(&w)
		lsn++
		if err := f.add(lsn, journal.Record{Head: w.head}); err != nil {
			t.Fatal(err)
		}
		f.drain()
	}
	born := func(from, to int) {
		for id := from; id < to; id++ {
			folded(func(w *recordWriter) { w.born(int64(id), 1, TypeString, 0, fmt.Sprint("key", id), []byte("v")) })
		}
	}
	born(1, mostBirths/2)
	if f.weight() != len(f.entries) {
		t.Errorf("%d births weigh %d", len(f.entries), f.weight())
	}
	born(mostBirths/2, mostBirths+1)
	if f.weight() < writeBackRows {
		t.Errorf("%d births weigh %d", mostBirths, f.weight())
	}
	for id := 1; id <= mostBirths; id++ {
		folded(func(w *recordWriter) { w.drop(int64(id), &space{id: 1}) })
	}
	if f.born != 0 || f.weight() != mostBirths {
		t.Errorf("%d births and a weight of %d after all were dropped", f.born, f.weight())
	}
	for id := mostBirths + 1; len(f.entries) < writeBackRows; id++ {
		folded(func(w *recordWriter) { w.value(int64(id), []byte("v")) })
	}
	if f.weight() != writeBackRows {
		t.Errorf("%d changes of keys weigh %d", writeBackRows, f.weight())
	}
	if f.reset(); f.born != 0 {
		t.Errorf("an empty fold has %d births", f.born)
	}
}

// TestLookingAheadMakesNoGarbage, in a key space of strings and collections, some of them large [1.2 KB each time
// before].
func TestLookingAheadMakesNoGarbage(t *testing.T) {
	st := opened(t, t.TempDir())
	var keys, members [][]byte
	for i := range aheadKeys {
		key, member := fmt.Appendf(nil, "k%d", i), []byte("field1")
		if keys, members = append(keys, key), append(members, member); i%2 == 0 {
			mustSet(t, st, string(key), "v")
			continue
		}
		must(t, st, 0, []string{string(key)}, func(tx *Tx, k [][]byte) {
			for n := range i * 50 {
				hset(tx, k[0], fmt.Sprint("field", n), "v")
			}
		})
	}
	st.Lock()
	defer st.Unlock()
	if n := testing.AllocsPerRun(100, func() { st.LookAhead(0, keys, members) }); n != 0 {
		t.Errorf("LookAhead allocates %v blocks", n)
	}
}
