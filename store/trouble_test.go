package store

import (
	"strings"
	"syscall"
	"testing"

	"diskette/store/journal"
)

func TestTheLogSaysOnceThatTheDiskFailsAndOnceThatItIsOver(t *testing.T) {
	for name, c := range map[string]struct {
		fails func(kind, file string) error
		line  string
		retry func(st *Store) // what meets the fault again and again
	}{
		"full disk": {func(kind, _ string) error {
			if kind == "write" || kind == "create" || kind == "reserve" {
				return errFull
			}
			return nil
		}, "the disk is full", func(st *Store) { _ = set(st, "k", "v") }},
		"journal": {func(kind, file string) error {
			if file == "journal" && kind == "write" {
				return syscall.EIO
			}
			return nil
		}, "the journal can not be written", func(st *Store) { _ = set(st, "k", "v") }},
		"fsync": {func(kind, file string) error {
			if kind == "sync" {
				return syscall.EIO
			}
			return nil
		}, "an fsync of the journal failed", func(st *Store) { _ = set(st, "k", "v") }},
		"database": {func(_, file string) error {
			if strings.HasPrefix(file, databaseFile) {
				return syscall.EIO
			}
			return nil
		}, "write-back failed", func(st *Store) { _ = set(st, "k", "v"); _ = st.Flush() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, log := newDisk(t), new(logged)
			st := opened(t, t.TempDir(), d.use, log.use, func(o *Options) { o.Policy = journal.Always })
			if err := set(st, "before", "v"); err != nil { // the segment is there: an fsync is one of records
				t.Fatal(err)
			}
			d.breakWith(func(_ int, kind, file string, _ int) error { return c.fails(kind, file) })
			for range 20 {
				c.retry(st)
			}
			if st.WriteError() == nil {
				t.Fatal("writes are not refused")
			}
			eventually(t, "the line", func() bool { return log.count("error: "+c.line) == 1 })
			d.breakWith(nil)
			eventually(t, "the end of the trouble", func() bool { return log.count("writes are accepted again: <nil>") == 1 && st.WriteError() == nil })
			if n := log.count("error: " + c.line); n != 1 {
				t.Errorf("said %d times:\n%s", n, log)
			}
			over := log.with("writes are accepted again: <nil>")[0]
			for _, figure := range []string{"dir", "free_bytes", "waiting_records", "waiting_bytes", "refused_seconds"} {
				if !strings.Contains(over, figure+" ") {
					t.Errorf("no %s beside the line", figure)
				}
			}
		})
	}
}

func TestAFailureThatIsOverAtOnceIsInTheLogToo(t *testing.T) {
	d, log := newDisk(t), new(logged)
	st := opened(t, t.TempDir(), d.use, log.use, func(o *Options) { o.Policy = journal.Always })
	failed := false
	d.breakWith(func(_ int, kind, file string, _ int) error {
		if file == "journal" && kind == "write" && !failed {
			failed = true
			return syscall.EIO
		}
		return nil
	})
	if err := set(st, "k", "v"); err == nil {
		t.Fatal("the write was not refused")
	}
	if err := set(st, "k", "v"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both lines", func() bool {
		return log.count("error: the journal can not be written") == 1 && log.count("writes are accepted again: <nil>") == 1
	})
}

func TestTwoFailuresOfTheJournalAreOneSentence(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use, func(o *Options) { o.Policy = journal.Always })
	if err := set(st, "before", "v"); err != nil {
		t.Fatal(err)
	}
	d.breakWith(func(_ int, kind, file string, _ int) error {
		if kind == "sync" || strings.HasPrefix(file, databaseFile) { // write-back would end the failure
			return syscall.EIO
		}
		return nil
	})
	_ = set(st, "k", "v") // its fsync fails
	d.breakWith(func(_ int, kind, file string, _ int) error { return syscall.EIO })
	_ = set(st, "k", "w") // its write
	err := st.WriteError()
	if !isErr(err, journal.ErrSync) || !isErr(err, journal.ErrFailed) || !isErr(err, syscall.EIO) {
		t.Fatal(err)
	}
	if text := err.Error(); strings.Count(text, ";") > 0 || !strings.Contains(text, "(and before that: ") {
		t.Error(text)
	}
	d.breakWith(nil)
}

func TestACheckpointWithoutRoomTellsOnceAMinute(t *testing.T) {
	d, log := newDisk(t), new(logged)
	st := opened(t, t.TempDir(), d.use, log.use, func(o *Options) { o.upkeep.walPages, o.upkeep.idleWalPages = 1, 1 })
	d.breakWith(func(_ int, kind, file string, _ int) error {
		if file == databaseFile && kind == "write" {
			return errFull
		}
		return nil
	})
	for range 20 {
		mustSet(t, st, "k", "v")
		_ = st.Flush()
	}
	eventually(t, "the line", func() bool { return log.count("checkpoint failed") > 0 })
	if n := log.count("checkpoint failed"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log)
	}
	d.breakWith(nil)
}
