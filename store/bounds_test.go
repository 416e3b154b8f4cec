package store

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// takenBy is what the files that Bounds.Disk is for take, by what they are. If that is more than most, the sizes are
// looked at again, and the smaller counts: between two looks that the machine has put apart one file may have given
// back what another took.
func takenBy(dir string, most int64) (bytes int64, parts string) {
	sizes := sizesIn(dir)
	for _, size := range sizes {
		bytes += size
	}
	if bytes > most {
		again := sizesIn(dir)
		bytes = 0
		for f, size := range sizes {
			sizes[f] = min(size, again[f])
			bytes += sizes[f]
		}
	}
	return bytes, fmt.Sprint(sizes)
}

func sizesIn(dir string) map[string]int64 {
	sizes := map[string]int64{}
	for _, pattern := range []string{databaseFile, databaseFile + "-wal", reserveFile, "journal/*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				sizes[f] = info.Size()
			}
		}
	}
	return sizes
}

// watchDisk fails the test if the files ever take more than a bound, which may change.
func watchDisk(t *testing.T, st *Store) (bound *atomic.Int64) {
	bound = new(atomic.Int64)
	bound.Store(1 << 60)
	stop, most, of := make(chan struct{}), int64(0), ""
	var done = make(chan struct{})
	go func() {
		defer close(done)
		for {
			b := bound.Load()
			if n, parts := takenBy(st.dir, b); n-b > most || of == "" {
				most, of = n-b, parts
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
		if most > 0 {
			t.Errorf("the files took %d bytes more than their bound of %d:%s", most, bound.Load(), of)
		}
	})
	return bound
}

// setMany sets keys of a database to a value, many in a command, and waits as a client has to.
func setMany(t *testing.T, st *Store, db int, prefix string, from, to int, value string) {
	t.Helper()
	const together = 32
	for from < to {
		var names []string
		for ; from < to && len(names) < together && len(names)*len(value) < 64<<10; from++ {
			names = append(names, fmt.Sprint(prefix, from))
		}
		st.WaitForRoom()
		must(t, st, db, names, func(tx *Tx, k [][]byte) {
			for _, key := range k {
				tx.SetString(key, []byte(value), 0)
			}
		})
	}
}

// quiet ends evicting, so that what is there stays.
func quiet(t *testing.T, st *Store) {
	t.Helper()
	b := *st.Bounds()
	b.Policy, b.Databases, b.Disk = NoEviction, nil, cmp.Or(b.Disk, 1<<40) // the Orders stay
	st.SetBounds(&b)
	eventually(t, "quiet", func() bool {
		st.Lock()
		defer st.Unlock()
		return st.order.by == &b
	})
}

func stats(t *testing.T, st *Store) Stats {
	t.Helper()
	s, err := st.Stats(false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bounded has bounds from the start on.
func bounded(b *Bounds) func(*Options) {
	return func(o *Options) { o.Bounds, o.ReserveBytes = b, 0 }
}

func TestTheFilesNeverTakeMoreThanTheirBound(t *testing.T) {
	for name, value := range map[string]int{"short values": 100, "values of a page": 3000, "long values": 300 << 10} {
		t.Run(name, func(t *testing.T) {
			disk := int64(SmallestDisk)
			if value > chunkBytes {
				disk *= 4 // a few keys are not to be all there is
			}
			by := bounded(&Bounds{Disk: disk, Policy: AllKeysLRU})
			st := opened(t, t.TempDir(), by)
			watchDisk(t, st).Store(disk + disk/16) // a write-back may change more pages than those before
			n := 2 * int(disk) / (value + 100)
			setMany(t, st, 0, "key:", 0, n, strings.Repeat("v", value))
			quiet(t, st)
			flushed(t, st)
			left, s := st.dbs[0].live, stats(t, st)
			if left+s.EvictedKeys != int64(n) {
				t.Errorf("%d keys were set, %d evicted, and %d are left", n, s.EvictedKeys, left)
			}
			if bytes := left * int64(value); bytes < disk/4 {
				t.Errorf("%d keys of %d bytes are left", left, value)
			}
			if s.EvictedBytes < s.EvictedKeys*int64(value)/2 {
				t.Errorf("%d keys of %d bytes were evicted, and %d bytes", s.EvictedKeys, value, s.EvictedBytes)
			}
			checked(t, st)
			st = reopened(t, st, bounded(&Bounds{Disk: disk})) // nothing may go now
			if st.dbs[0].live != left {
				t.Errorf("%d keys are left, and %d after a restart", left, st.dbs[0].live)
			}
		})
	}
}
