package store

import (
	"fmt"
	"testing"
	"time"
)

// TestACollectionThatGrowsFasterThanItsIndexStaysNearTheBound fills a hash as fast as it goes.
func TestACollectionThatGrowsFasterThanItsIndexStaysNearTheBound(t *testing.T) {
	const bound, slack, fields = 1 << 20, 1 << 20, 100_000
	st := opened(t, t.TempDir(), func(o *Options) {
		o.MaxMemory, o.pagedElements, o.growthSlack, o.growthWait = bound, 1000, slack, time.Hour
		o.WriteBackRows = 4000
	})
	most, parts := int64(0), 0
	key, value := []byte("h"), []byte(fmt.Sprintf("%050d", 1))
	for at := 0; at < fields; at += 100 {
		names, fieldNames := Names{Step: 1, Last: 99}, []string{}
		for i := range 100 {
			fieldNames = append(fieldNames, fmt.Sprint("field:", at+i))
			names.Args = append(names.Args, []byte(fieldNames[i]))
		}
		want := func(tx *Tx, key []byte, names Names) bool { return tx.WantElements(key, names) }
		if err := onElements(st, testNow, string(key), fieldNames, true, want, func(tx *Tx, key []byte) {
			h, err := tx.EditHashPart(key, names)
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range names.Args {
				h.Set(field, value)
			}
			if h.outline != nil {
				parts++
			}
		}); err != nil {
			t.Fatal(err)
		}
		st.Lock()
		most = max(most, st.hotBytes)
		st.Unlock()
	}
	if parts == 0 {
		t.Error("the hash was never held in parts")
	}
	if whole := int64(fields * 100); most > whole/2 {
		t.Errorf("the hot set took %d bytes with a bound of %d; the whole takes %d", most, bound, whole)
	}
	flushed(t, st)
	checked(t, st)
	closed(t, st)
}
