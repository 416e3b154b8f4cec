package store

import (
	"strings"
	"testing"
)

// forgetBounds makes a store's directory one that a version without bounds has written, and opens it again.
func forgetBounds(t *testing.T, st *Store, options ...func(*Options)) *Store {
	t.Helper()
	flushed(t, st)
	intrude(t, st, `DELETE FROM meta WHERE name = '`+beforeBounds+`'`)
	closed(t, st)
	return opened(t, st.dir, options...)
}

// evictedKeys are those that have gone once there is nothing more to go.
func evictedKeys(t *testing.T, st *Store) int64 {
	t.Helper()
	ordersAgree(t, st)
	flushed(t, st)
	eventually(t, "the end of evicting", func() bool {
		st.Lock()
		defer st.Unlock()
		return len(st.quotas()) == 0
	})
	return stats(t, st).EvictedKeys
}

func TestWhatAnOlderVersionHasStoredStaysWithinABoundThatNobodyGave(t *testing.T) {
	for name, value := range map[string]int{"short values": 100, "values of a page": 3000, "long values": 300 << 10} {
		t.Run(name, func(t *testing.T) {
			const bytes = 3 * SmallestDisk
			n := bytes / (value + 100)
			st := opened(t, t.TempDir())
			setMany(t, st, 0, "key:", 0, n, strings.Repeat("v", value))
			assumed := bounded(&Bounds{Disk: SmallestDisk, Assumed: true, Policy: AllKeysLRU})
			st = forgetBounds(t, st, assumed)
			first := st.Bounds().Disk
			if gone := evictedKeys(t, st); gone > 0 || first < bytes {
				t.Fatalf("%d keys went at the first start, with a bound of %d bytes", gone, first)
			}
			st = reopened(t, st, assumed) // nobody has done anything about it
			st.SetBounds(&Bounds{Disk: SmallestDisk + 1, Assumed: true, Policy: AllKeysLFU})
			if gone := evictedKeys(t, st); gone > 0 || st.Bounds().Disk != first {
				t.Fatalf("%d keys went at the second start, with a bound of %d bytes, before %d", gone, st.Bounds().Disk, first)
			}
			watchDisk(t, st).Store(first + first/16)
			setMany(t, st, 0, "more:", 0, 2*n, strings.Repeat("v", value))
			if evictedKeys(t, st) == 0 {
				t.Error("it is no bound")
			}
			checked(t, st)
		})
	}
}

func TestABoundThatSomebodyGaveHoldsForAllThatIsThere(t *testing.T) {
	st := opened(t, t.TempDir())
	setMany(t, st, 0, "key:", 0, 8000, strings.Repeat("v", 3000))
	st = forgetBounds(t, st, bounded(&Bounds{Disk: SmallestDisk, Policy: AllKeysLRU}))
	eventually(t, "the first eviction", func() bool { return stats(t, st).EvictedKeys > 0 })
	if disk := st.Bounds().Disk; disk != SmallestDisk {
		t.Errorf("the bound is %d bytes", disk)
	}
}

func TestADirectoryThatWasMadeWithBoundsKeepsToAssumedOnes(t *testing.T) {
	by := bounded(&Bounds{Disk: SmallestDisk, Assumed: true, Policy: AllKeysLRU})
	st := opened(t, t.TempDir())
	setMany(t, st, 0, "key:", 0, 8000, strings.Repeat("v", 3000))
	st = reopened(t, st, by)
	eventually(t, "the first eviction", func() bool { return stats(t, st).EvictedKeys > 0 })
	if disk := st.Bounds().Disk; disk != SmallestDisk {
		t.Errorf("the bound is %d bytes", disk)
	}
}

func TestASalvagedDirectoryOfAnOlderVersionStaysWithinAnAssumedBound(t *testing.T) {
	st := opened(t, t.TempDir())
	const n = 8000
	setMany(t, st, 0, "key:", 0, n, strings.Repeat("v", 3000))
	assumed := bounded(&Bounds{Disk: SmallestDisk, Assumed: true, Policy: AllKeysLRU})
	for _, older := range []bool{true, false} { // the second time it knows what it was
		if flushed(t, st); older {
			intrude(t, st, `DELETE FROM meta WHERE name = '`+beforeBounds+`'`)
		}
		closed(t, st)
		flipRow(t, st.dir, strings.Repeat("v", 1000))
		st = opened(t, st.dir, assumed, func(o *Options) { o.OnDamage = Salvage })
		if gone, disk := evictedKeys(t, st), st.Bounds().Disk; gone > 0 || disk < 2*n*3000 {
			t.Errorf("%d keys went, with a bound of %d bytes", gone, disk)
		}
	}
}
