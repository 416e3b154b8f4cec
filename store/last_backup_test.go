package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheLastBackupIsNotedInTheDirectory(t *testing.T) {
	dir := t.TempDir()
	closed(t, opened(t, dir))
	if b, err := ReadLastBackup(dir); !errors.Is(err, ErrNoBackup) {
		t.Fatalf("before one was made: %+v, %v", b, err)
	}
	note := func(b LastBackup) (have LastBackup) {
		t.Helper()
		if err := NoteBackup(dir, b); err != nil {
			t.Fatal(err)
		}
		have, err := ReadLastBackup(dir)
		if err != nil {
			t.Fatal(err)
		}
		return have
	}
	future := LastBackup{time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond), BackupDatabase, "backup", "/a.db", 1}
	if have := note(future); have != future {
		t.Errorf("noted %+v, and have %+v", future, have)
	}
	newest := LastBackup{time.UnixMilli(1_000).UTC(), BackupDatabase, "backup", "/backups/a b.db", 4096}
	if have := note(newest); have != newest {
		t.Errorf("a note of the future, from a clock that was wrong, stays: %+v", have)
	}
	if have := note(LastBackup{time.UnixMilli(500).UTC(), BackupRDB, "page", "", 17}); have != newest {
		t.Errorf("an older copy that was sent for long takes the place of a newer one: %+v", have)
	}
	path := filepath.Join(dir, backupNote)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("%q, %v", left, err)
	}
	if err := NotOwn(path); err == nil {
		t.Error("a backup may be written over it")
	}
	for _, text := range []string{"", "{}", "no JSON", `{"time":"yesterday"}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := ReadLastBackup(dir); err == nil || errors.Is(err, ErrNoBackup) || !strings.Contains(err.Error(), path) {
			t.Errorf("of %q: %+v, %v", text, b, err)
		}
	}
}

func TestARelativePathOfABackupIsNotedWhole(t *testing.T) {
	dir := t.TempDir()
	closed(t, opened(t, dir))
	t.Chdir(t.TempDir())
	if err := NoteBackup(dir, LastBackup{Time: time.UnixMilli(1), File: "b.db"}); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if b, readErr := ReadLastBackup(dir); err != nil || readErr != nil || b.File != filepath.Join(here, "b.db") {
		t.Errorf("%+v, %v, %v", b, err, readErr)
	}
}

// Who restores into a directory from which somebody took the data has other data there.
func TestADirectoryThatIsRestoredHasNoBackupYet(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "b.db")
	st := opened(t, dir)
	mustSet(t, st, "a", "1")
	backedUp(t, st, file)
	if err := NoteBackup(dir, LastBackup{Time: time.Now(), Kind: BackupDatabase, By: "backup", File: file}); err != nil {
		t.Fatal(err)
	}
	closed(t, st)
	for _, name := range allFiles {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Restore(t.Context(), Source{File: file}, Options{Dir: dir}, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := ReadLastBackup(dir); !errors.Is(err, ErrNoBackup) {
		t.Errorf("%+v, %v", b, err)
	}
}

// backedUp copies what a store has.
func backedUp(t testing.TB, st *Store, file string) {
	t.Helper()
	s, err := st.Snapshot(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Backup(t.Context(), file, func(int, int) {})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}
