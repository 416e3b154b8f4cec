package store

import (
	"fmt"
	"testing"
)

// TestALargeCollectionThatWasImportedIsIndexedWithoutBeingLoaded asks for one element of each.
func TestALargeCollectionThatWasImportedIsIndexedWithoutBeingLoaded(t *testing.T) {
	dir := t.TempDir()
	bulkOf(t, dir, func(b *Bulk) {
		b.Key(0, "stream", TypeStream, 0)
		for i := range pagedElements {
			b.Entry(StreamID{uint64(i) + 1, 0}, PackFields([][]byte{[]byte("f"), fmt.Append(nil, i)}))
		}
		b.Head(StreamID{pagedElements, 0}, StreamID{}, pagedElements)
		b.Key(0, "set", TypeSet, 0)
		for i := range pagedElements {
			b.Member(fmt.Sprint("member:", i))
		}
	})
	st := opened(t, dir)
	eventually(t, "the indexes", func() bool {
		signal(st.wb.applyNow)
		return st.paged.count() == 2
	})
	names := Names{Args: [][]byte{[]byte("member:77")}, Step: 1}
	want := func(tx *Tx, key []byte, names Names) bool { return tx.WantElements(key, names) }
	err := onElements(st, testNow, "set", []string{"member:77"}, true, want, func(tx *Tx, key []byte) {
		if s, err := tx.SetPart(key, names); err != nil || !s.Has("member:77") {
			t.Errorf("the member is not there: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	id := StreamID{20_000, 0}
	want = func(tx *Tx, key []byte, _ Names) bool {
		if !tx.WantStream(key) {
			return false
		}
		s, _ := tx.StreamPart(key)
		return tx.WantEntries(s, EntryRange{From: id, To: id})
	}
	err = onElements(st, testNow, "stream", nil, true, want, func(tx *Tx, key []byte) {
		s, err := tx.StreamPart(key)
		if fields, ok := s.Entry(id); err != nil || !ok || fields.Len() != 2 || s.Len() != pagedElements {
			t.Errorf("the entry is not there: %v, %q", err, fields)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	st.Lock()
	for _, name := range []string{"set", "stream"} {
		if st.dbs[0].keys.get(name).part() == nil {
			t.Errorf("%s was loaded whole", name)
		}
	}
	st.Unlock()
	checked(t, st)
	closed(t, st)
}
