package store

import (
	"testing"
	"time"
)

// The store of these tests writes nothing back within an hour.
func TestASnapshotBesideAServerGetsItsWriteBackAtOnce(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	s, err := SnapshotBeside(st.dir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if s.LSN < st.journal.Last() {
		t.Errorf("it has the records up to %d of %d", s.LSN, st.journal.Last())
	}
	if hasteIsTaken(st.lock) {
		t.Error("the server is still asked for haste")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSeveralMayAskForHasteAndNobodyDoesForThem(t *testing.T) {
	st := opened(t, t.TempDir())
	if hasteIsTaken(st.lock) {
		t.Fatal("nobody has asked")
	}
	one, other := askForHaste(st.dir), askForHaste(st.dir)
	if one == nil || other == nil {
		t.Fatal("they can not ask")
	}
	for _, f := range []interface{ Close() error }{one, other} {
		if !hasteIsTaken(st.lock) {
			t.Fatal("one still asks")
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if hasteIsTaken(st.lock) {
		t.Fatal("nobody asks any more")
	}
	mustSet(t, st, "k", "v")
	if st.hasten(); st.wb.urgent != 0 {
		t.Fatal("a write-back that nobody waits for")
	}
}
