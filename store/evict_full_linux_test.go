package store

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAFullDiskEvictsAndGoesOn fills a file system that is smaller than the bound says.
func TestAFullDiskEvictsAndGoesOn(t *testing.T) {
	defer func(d time.Duration) { mendingTime = d }(mendingTime)
	mendingTime = 5 * time.Minute
	for name, b := range map[string]*Bounds{
		"without a bound": {Policy: AllKeysLRU},
		"with a bound that is larger than the disk": {Policy: AllKeysLRU, Disk: 64 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
				t.Skipf("NOT CHECKED on a disk that is really full: mounting one: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
			var log logged
			st := opened(t, dir, log.use, bounded(b))
			value := strings.Repeat("v", 3000)
			n := 16_000
			for i := range n {
				if err := st.WriteError(); err != nil {
					t.Fatalf("refused at key %d: %v\n%v\n%+v\n%s", i, err, st.diskFigures(), stats(t, st), &log)
				}
				if err := set(st, fmt.Sprint("k", i), value); err != nil {
					t.Fatalf("SET of key %d: %v\n%v\n%+v\n%s", i, err, st.diskFigures(), stats(t, st), &log)
				}
			}
			flush := func() bool { return st.Flush() == nil } // a try may meet the full disk
			eventually(t, "write-back", flush)
			for _, line := range log.with("writes are refused") { // without eviction, from here on, it may be so
				t.Error(line)
			}
			quiet(t, st)
			eventually(t, "write-back", flush)
			if s := stats(t, st); s.EvictedKeys == 0 || s.EvictedKeys+st.dbs[0].live != int64(n) {
				t.Errorf("%d keys were set, %d evicted, and %d are left", n, s.EvictedKeys, st.dbs[0].live)
			}
			checked(t, st)
			closed(t, st)
		})
	}
}
