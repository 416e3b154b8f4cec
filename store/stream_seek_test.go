package store

import (
	"slices"
	"testing"

	"diskette/compat_test/testrand"
)

func TestARunIsFoundWhereverItsEntriesStand(t *testing.T) {
	const entries = 1_000_000
	r := testrand.New(t, 0)
	for name, c := range map[string]struct {
		id   func(n int64) StreamID
		most int // runs that are looked at
	}{
		"one a millisecond":            {func(n int64) StreamID { return StreamID{uint64(n) + 1, 0} }, 16},
		"many a millisecond":           {func(n int64) StreamID { return StreamID{7, uint64(n)} }, 16},
		"ever slower":                  {func(n int64) StreamID { return StreamID{1 << (n * 60 / entries), uint64(n)} }, 32},
		"long ago, and then all":       {func(n int64) StreamID { return StreamID{1 << 40 * min(uint64(n), 1), uint64(n)} }, 32},
		"all, and one in the far time": {func(n int64) StreamID { return StreamID{1 << 60 * (uint64(n+1) / entries), uint64(n)} }, 32},
	} {
		t.Run(name, func(t *testing.T) {
			var begins []int64 // the rows
			for n := int64(0); n < entries; n += 1 + r.Int64N(90) {
				begins = append(begins, n)
			}
			looked, most, all := 0, 0, 0
			runAt := func(n int64) (int64, StreamID, error) {
				looked++
				i, found := slices.BinarySearch(begins, n)
				if !found {
					i--
				}
				return begins[i], c.id(begins[i]), nil
			}
			for range 2000 {
				entry := c.id(r.Int64N(entries))
				want := 0
				for step := len(begins); step > 0; step /= 2 {
					for want+step < len(begins) && c.id(begins[want+step]).Compare(entry) <= 0 {
						want += step
					}
				}
				looked = 0
				n, before, err := lastRunBefore(entry, begins[0], begins[len(begins)-1], runAt)
				if before || err != nil || n != begins[want] {
					t.Fatalf("%v is in run %d, %v, %v; want %d", entry, n, before, err, begins[want])
				}
				most, all = max(most, looked), all+looked
			}
			if most > c.most {
				t.Errorf("%d runs were looked at for one entry; at most %d should be", most, c.most)
			}
			t.Logf("%d runs were looked at for an entry, at most %d", all/2000, most)
		})
	}
}
