package store

import (
	"testing"

	"diskette/compat_test/testrand"
)

func TestGrowthIsThatOfTheRecordsThatAreWrittenBack(t *testing.T) {
	st, r := new(Store), testrand.New(t, 1)
	sizes := boundedSizesFor(64 << 20)
	st.onDisk.Store(&sizes)
	near := sizes.fold / 64
	var records []growthOf
	lsn := uint64(7) // those before it were there at the start
	next := func() {
		for range 1 + r.IntN(400) {
			lsn += 1 + uint64(r.IntN(2)) // not each has changed a size
			switch r.IntN(30) {
			case 0: // of a large collection
				n := int64(r.IntN(1 << 20))
				st.room.growth.Add(-n)
				st.room.dropped.Add(n)
			case 1:
				st.room.growth.Add(int64(r.IntN(1 << 20)))
			default:
				st.room.growth.Add(int64(r.IntN(5000) - 2000))
			}
			st.noteGrowth(lsn)
			records = append(records, growthOf{lsn, st.room.growth.Load(), st.room.dropped.Load()})
		}
	}
	if growth, dropped := st.growthOf(6); growth != 0 || dropped != 0 {
		t.Errorf("at the start: %d, %d", growth, dropped)
	}
	asked := 0
	for range 300 {
		next()
		at := asked + r.IntN(len(records)-asked)
		if r.IntN(4) == 0 {
			at = len(records) - 1
		}
		asked = at
		want := records[at]
		growth, dropped := st.growthOf(want.lsn)
		off := max(abs(growth-want.growth), abs(dropped-want.dropped))
		if off >= near || at == len(records)-1 && off > 0 {
			t.Fatalf("with record %d of %d: %d, %d; it was %d, %d", at, len(records), growth, dropped, want.growth, want.dropped)
		}
		if n := len(st.room.growths.notes.of); n > 1+(len(records)-at)/2 && n > 10 {
			t.Fatalf("%d notes of %d records", n, len(records)-at)
		}
	}
}

func TestWhatIsWrittenBackHasAllGrowthOnceNothingIsLeft(t *testing.T) {
	st := opened(t, t.TempDir(), bounded(&Bounds{Disk: 64 << 20, Policy: AllKeysLRU}))
	quiet(t, st)
	setMany(t, st, 0, "k", 0, 3000, "value")
	must(t, st, 0, []string{"k1", "k2"}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]); tx.Delete(k[1]) })
	flushed(t, st)
	eventually(t, "a measurement", func() bool {
		m := st.room.mark.Load()
		return m.growth > 0 && m.growth == st.room.growth.Load()
	})
}
