package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// A program that reads and does not end its transaction holds the WAL up to its limit, and no further. Writes go on
// meanwhile, into the journal.
func TestAReaderThatStaysHoldsTheWALUpToItsLimitAlone(t *testing.T) {
	var log logged
	st := opened(t, t.TempDir(), log.use, func(o *Options) { o.WriteBackRows = 2000 })
	st.SetWALLimit(1) // the least there is
	mustSet(t, st, "k", "v")
	flushed(t, st)
	c, err := sqlite3.Open("file:" + filepath.Join(st.dir, databaseFile) + "?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec(`BEGIN; SELECT count(*) FROM keys`); err != nil {
		t.Fatal(err)
	}
	value := strings.Repeat("v", 20_000)
	refused := func() bool { l := st.wb.lockedOut.Load(); return l != nil && isErr(l.err, ErrWALHeld) }
	n := 0
	for ; !refused() && n < 40_000; n++ {
		mustSet(t, st, fmt.Sprint("k", n), value)
		if n%500 == 0 {
			flushedUntil(t, st, refused)
		}
	}
	eventually(t, "write-back to wait", refused)
	if size := st.walBytes(); size > SmallestWALLimit*3/2 {
		t.Errorf("the WAL has %d bytes of %d", size, int64(SmallestWALLimit))
	}
	if st.WALHeldMillis() == 0 {
		t.Error("nobody holds the WAL")
	}
	if err := st.WriteError(); err != nil {
		t.Errorf("writes are refused: %v", err)
	}
	mustSet(t, st, "k", "later")
	if err := st.Flush(); !isErr(err, ErrWALHeld) {
		t.Errorf("Flush: %v", err)
	}
	if err := c.Exec(`COMMIT`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "write-back to go on", func() bool { return st.Flush() == nil })
	wantGet(t, st, "k", "later")
	wantGet(t, st, fmt.Sprint("k", n-1), value)
	eventually(t, "the WAL's release", func() bool { return st.WALHeldMillis() == 0 })
	if size := st.walBytes(); size >= SmallestWALLimit {
		t.Errorf("afterwards the WAL has %d bytes", size)
	}
	lines := []string{"until then the WAL grows", "waits for a program that reads", "nobody holds the WAL any more"}
	for _, line := range lines {
		log.comes(t, line)
	}
	checked(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines { // and nothing more since
		log.comes(t, line)
	}
}

// flushedUntil writes back what there is, unless that comes to wait.
func flushedUntil(t *testing.T, st *Store, waits func() bool) {
	t.Helper()
	target := st.journal.Last()
	eventually(t, "the write-back", func() bool {
		if st.applied.Load() >= target || waits() {
			return true
		}
		st.kickWriteBack()
		return false
	})
}

// This process's own snapshots hold the WAL for a reason, and are not bounded by it.
func TestAnOwnSnapshotMayHoldTheWALBeyondItsLimit(t *testing.T) {
	st := opened(t, t.TempDir())
	st.SetWALLimit(1)
	mustSet(t, st, "k", "v")
	s, err := st.Snapshot(nil)
	if err != nil {
		t.Fatal(err)
	}
	value := strings.Repeat("v", 1<<20)
	for n := range 80 {
		mustSet(t, st, fmt.Sprint("k", n), value)
	}
	flushed(t, st)
	if size := st.walBytes(); size < SmallestWALLimit || st.WALHeldMillis() != 0 {
		t.Errorf("%d bytes in the WAL, held for %d ms by others", size, st.WALHeldMillis())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustSet(t, st, "k", "w")
	flushed(t, st)
	checked(t, st)
}
