package store

import (
	"slices"
	"testing"
)

// Between the moment at which a key's row is in the tables and the one at which the store
// forgets its birth, the key may leave memory: from there on the tables alone know it.
func TestAScanFindsAKeyThatIsUnloadedBeforeItsBirthIsForgotten(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "renamed before", "v")
	flushed(t, st)
	must(t, st, 0, []string{"renamed before", "renamed"}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
	mustSet(t, st, "new", "v")
	st.Lock() // forgetApplied waits for it
	defer st.Unlock()
	last := st.journal.Last()
	st.kickWriteBack()
	eventually(t, "the write-back", func() bool { return st.applied.Load() >= last })
	if len(st.births) != 1 || len(st.renamed.byID) != 1 {
		t.Fatalf("%d births, %d renames: they are forgotten", len(st.births), len(st.renamed.byID))
	}
	for _, name := range []string{"new", "renamed"} {
		st.forget(st.dbs[0].keys.get(name))
	}
	keys, next, _, err := st.Scan(0, 0, 10, testNow, ScanOptions{}, true)
	slices.Sort(keys)
	if want := []string{"new", "renamed"}; err != nil || next != 0 || !slices.Equal(keys, want) {
		t.Errorf("scan = %q, %d, %v; want %q", keys, next, err, want)
	}
	if key, _, ok, err := st.RandomKey(0, testNow, true); err != nil || !ok || !slices.Contains(keys, key) {
		t.Errorf("randomkey = %q, %v, %v", key, ok, err)
	}
}
