package store

import (
	"slices"
	"testing"
)

// What a volatile policy names while it has a deadline stays, if it has none any more when its turn comes.
func TestAKeyThatWasMadePersistentMeanwhileStays(t *testing.T) {
	for _, policy := range []Policy{VolatileTTL, VolatileRandom, AllKeysRandom} {
		t.Run(policy.String(), func(t *testing.T) {
			st := opened(t, t.TempDir(), bounded(&Bounds{Policy: policy}))
			setMany(t, st, 0, "k", 0, 3, "value")
			withDeadlines(t, st, "k", 0, 3, func(i int) int64 { return 1 << 42 })
			flushed(t, st)
			ordersAgree(t, st)
			var ids []int64
			st.Lock()
			s := st.dbs[0]
			for _, name := range []string{"k0", "k1", "k2"} {
				ids = append(ids, s.keys.get(name).id)
			}
			st.Unlock()
			slices.Sort(ids)
			rows, err := st.rowHeads(func(r *reader) ([]rowHead, error) { return r.headsOf(ids) })
			if err != nil || len(rows) != 3 {
				t.Fatal(rows, err)
			}
			must(t, st, 0, []string{"k0", "k1"}, func(tx *Tx, k [][]byte) {
				tx.SetDeadline(k[0], 0)
				tx.SetString(k[1], []byte("value"), 0)
			})
			st.evictRows(quota{0, 1 << 40, true}, s, ids, rows, policy == VolatileTTL)
			for name, want := range map[string]bool{"k0": policy.Volatile(), "k1": policy.Volatile(), "k2": false} {
				if _, there, err := get(st, name); err != nil || there != want {
					t.Errorf("%s is there: %v, %v; want %v", name, there, err, want)
				}
			}
		})
	}
}
