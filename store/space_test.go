package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheFileShrinksAfterDeletions(t *testing.T) {
	for what, drop := range map[string]func(t *testing.T, st *Store, n int){
		"of many keys": func(t *testing.T, st *Store, n int) {
			for i := range n {
				mustDel(t, st, fmt.Sprint("k", i))
			}
		},
		"of a database": func(t *testing.T, st *Store, _ int) { must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(0) }) },
	} {
		t.Run(what, func(t *testing.T) {
			const n = 8000
			st := opened(t, t.TempDir())
			value := strings.Repeat("v", 1500)
			for i := range n {
				mustSet(t, st, fmt.Sprint("k", i), value)
			}
			mustSet(t, st, "long", strings.Repeat("v", 20*chunkBytes))
			must(t, st, 1, []string{"stays"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte(value), 0) })
			flushed(t, st)
			file := filepath.Join(st.dir, databaseFile)
			eventually(t, "the checkpoint", func() bool { return fileBytes(file) > n*1500+20*chunkBytes })
			full := fileBytes(file)
			drop(t, st, n)
			if st.dbs[0].live > 0 {
				mustDel(t, st, "long")
			}
			flushed(t, st)
			eventually(t, "a smaller file", func() bool { return fileBytes(file) < full/2 })
			checked(t, st)
			if wal := fileBytes(file + "-wal"); wal > 128<<20 {
				t.Errorf("the WAL has %d bytes", wal)
			}
			st = reopened(t, st)
			checked(t, st)
			if n := st.dbs[1].live; n != 1 {
				t.Errorf("%d keys stayed", n)
			}
		})
	}
}

func TestTheJournalIsDroppedOnceTheTablesHaveIt(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.SegmentBytes = 64 << 10 })
	for i := range 2000 {
		mustSet(t, st, fmt.Sprint("k", i%100), strings.Repeat("v", 500))
	}
	flushed(t, st)
	eventually(t, "the segments' end", func() bool {
		files, err := os.ReadDir(st.journalDir())
		return err == nil && len(files) <= 1
	})
}

func TestLoadsSeeEachWriteBackAndLetTheWALEnd(t *testing.T) {
	st := opened(t, t.TempDir())
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() { // a transaction is open nearly always
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := st.readers.load(func(r *reader) error { return r.row(st.dbs[0].id, "k0", NeedValue, &row{}) }); err != nil {
				stopped <- err
				return
			}
		}
	}()
	value := func(round int) string { return strings.Repeat(fmt.Sprint(round%10), 3000) }
	for round := range shorter(100, 50) { // 260 pages each: six times what write-back checkpoints
		for i := range 250 {
			mustSet(t, st, fmt.Sprint("k", i), value(round))
		}
		flushed(t, st)
		unloadAll(st)
		for i := range 20 {
			wantGet(t, st, fmt.Sprint("k", i), value(round))
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if pages := st.walLength(); pages > 2*int64(usualUpkeep.walPages) {
		t.Errorf("the WAL has %d pages", pages)
	}
	checked(t, st)
}

func TestAServerAtRestKeepsNoBuffers(t *testing.T) {
	before := restDelay
	restDelay = time.Millisecond
	t.Cleanup(func() { restDelay = before }) // the store is closed by then
	st := opened(t, t.TempDir())
	kept := func() int {
		st.wb.mu.Lock()
		defer st.wb.mu.Unlock()
		if st.wb.spare == nil {
			return -1 // under way
		}
		return cap(st.wb.pending.entries) + cap(st.wb.spare.entries)
	}
	for round := range 3 {
		for i := range 2 * manyRows {
			mustSet(t, st, fmt.Sprint("k", i), fmt.Sprint(round))
		}
		if kept() == 0 && round == 0 {
			eventually(t, "a fold", func() bool { return kept() != 0 })
		}
		flushed(t, st)
		eventually(t, "rest", func() bool { return kept() == 0 })
	}
	wantGet(t, st, "k7", "2")
	checked(t, st)
}

func TestFlushDBTakesNoLongerForManyKeysThanForOne(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT CHECKED with -short: it takes long under the race detector; go test ./store does")
	}
	st := opened(t, t.TempDir())
	flush := func(n int) (made, took time.Duration) {
		begin := time.Now()
		for i := 0; i < n; {
			must(t, st, 0, nil, func(tx *Tx, _ [][]byte) {
				for range min(1000, n-i) {
					tx.SetString(fmt.Append(nil, "k", i), []byte("v"), 0)
					i++
				}
			})
		}
		made = time.Since(begin)
		begin = time.Now()
		must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(0) })
		took = time.Since(begin)
		wantAll(t, st, nil)
		return made, took
	}
	flush(1)
	for attempts := 1; ; attempts++ { // something else may have had the processor
		made, took := flush(200_000)
		t.Logf("200,000 keys were made in %v and flushed in %v", made, took)
		if took < made/100 { // a visit to each key would take longer
			break
		}
		if attempts == 20 {
			t.Fatalf("a flush of 200,000 keys, which were made in %v, took %v", made, took)
		}
	}
	begin := time.Now()
	for st.Sweep(testNow) {
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("letting go of the memory took %v", took)
	}
	checked(t, st)
	eventually(t, "the reaper's end", func() bool { return len(st.dbs) > 0 && spacesLeft(t, st) == 17 })
}

// spacesLeft is the number of spaces in the tables: one for each database when all is reaped.
func spacesLeft(t *testing.T, st *Store) (n int64) {
	t.Helper()
	if err := st.readers.use(func(r *reader) error { return queryInts(r.c, `SELECT count(*) FROM spaces`, &n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// The bound of the hot set may change while the store is open, and with it how many rows
// writers may be ahead of the tables.
func TestHowFarWritersMayBeAheadFollowsTheMemory(t *testing.T) {
	const small, large = 16 << 20, 1 << 30
	st := opened(t, t.TempDir(), func(o *Options) { o.MaxMemory = small })
	transactions := func() int64 {
		st.wb.stats.Lock()
		defer st.wb.stats.Unlock()
		return st.wb.stats.transactions
	}
	most := st.rows()
	st.SetMaxMemory(large)
	for i := range 2 * most {
		mustSet(t, st, fmt.Sprint("k", i), "v")
	}
	if n := transactions(); n > 0 {
		t.Errorf("writers have waited for %d transactions, as if there were %d bytes", n, small)
	}
	eventually(t, "all rows in the fold", func() bool { return st.wb.rows.Load() >= int64(2*most) })
	st.SetMaxMemory(small)
	mustSet(t, st, "k", "v")
	eventually(t, "the transaction that the writer waited for", func() bool { return transactions() > 0 })
}
