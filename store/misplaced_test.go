package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"diskette/store/journal"
)

func TestAFileThatIsTakenAwayIsNoticedAndMayComeBack(t *testing.T) {
	for _, name := range []string{databaseFile, databaseFile + "-wal", stateName, lockFile} {
		t.Run(name, func(t *testing.T) {
			var log logged
			st := opened(t, t.TempDir(), log.use)
			mustSet(t, st, "before", "v")
			flushed(t, st)
			path := filepath.Join(st.dir, name)
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			segments := st.journal.Stats().Segments
			mustSet(t, st, "between", "v")
			if err := st.Flush(); !isErr(err, ErrMisplaced) || !strings.Contains(err.Error(), path) {
				t.Errorf("write-back: %v", err)
			}
			if err := st.WriteError(); !isErr(err, ErrMisplaced) {
				t.Errorf("writes are not refused: %v", err)
			}
			if st.applied.Load() == st.journal.Last() || st.journal.Stats().Segments < segments {
				t.Error("the journal has let go of what only a file without a name has")
			}
			wantGet(t, st, "before", "v")
			if err := os.WriteFile(path, []byte("another"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := st.misplaced(); !isErr(err, ErrMisplaced) || !strings.Contains(err.Error(), "another file") {
				t.Errorf("one in its place: %v", err)
			}
			eventually(t, "the log's line", func() bool { return len(log.with("not under its name")) == 1 })
			if err := os.Rename(path+".away", path); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
			mustSet(t, st, "after", "v")
			st = reopened(t, st)
			for _, key := range []string{"before", "between", "after"} {
				wantGet(t, st, key, "v")
			}
			checked(t, st)
		})
	}
}

func TestAnIdleServerNoticesThatItsDatabaseIsGoneAndDoesNotEndInOrder(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	flushed(t, st)
	if err := os.Remove(filepath.Join(st.dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the refusal of writes", func() bool { return isErr(st.WriteError(), ErrMisplaced) })
	wantGet(t, st, "k", "v")
	if err := st.Close(); !isErr(err, ErrMisplaced) {
		t.Errorf("Close: %v", err)
	}
}

func TestTheJournalBeginsAnewWhenItsFilesAreTakenAway(t *testing.T) {
	for _, policy := range []journal.Policy{journal.Always, journal.EverySec} {
		t.Run(policy.String(), func(t *testing.T) {
			var log logged
			st := opened(t, t.TempDir(), log.use, func(o *Options) { o.Policy = policy })
			mustSet(t, st, "before", "v")
			flushed(t, st)
			mustSet(t, st, "in the segment", "v")
			if err := os.RemoveAll(st.journalDir()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "write-back of what the segment held", func() bool { return st.applied.Load() == st.journal.Last() })
			eventually(t, "the end of the refusal", func() bool { return st.WriteError() == nil })
			mustSet(t, st, "after", "v")
			if segments, err := os.ReadDir(st.journalDir()); err != nil || len(segments) != 1 {
				t.Errorf("segments: %v, %v", segments, err)
			}
			eventually(t, "the log's line", func() bool { return len(log.with("was deleted, renamed or replaced")) == 1 })
			st = reopened(t, st)
			for _, key := range []string{"before", "in the segment", "after"} {
				wantGet(t, st, key, "v")
			}
		})
	}
}
