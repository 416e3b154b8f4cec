package compat_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a user gets wrong is said in the command's own words, before any work.
func TestMistakesAreToldInACommandsOwnWords(t *testing.T) {
	dir, s := t.TempDir(), startServer(t, subjectBin(t))
	dump, into := filepath.Join(dir, "some.rdb"), filepath.Join(dir, "into")
	if err := os.WriteFile(dump, snapshotOf(t, 10), 0o644); err != nil {
		t.Fatal(err)
	}
	client := dial(t, s.Addr)
	says(t, client, "OK", "SET", "a", "1")
	says(t, client, "OK", "SELECT", "3")
	says(t, client, "OK", "SET", "b", "1")
	two := filepath.Join(dir, "two.rdb")
	succeeds(t, "export", two, s.Dir)
	for _, c := range []struct {
		args   []string
		status int
		told   string
	}{
		{[]string{"import", dump, "--into", into, "--db-map", "0:99"}, 2, "Add --databases 100 here"},
		{[]string{"import", dump, "--into", into, "--bogus", "1"}, 2, `--bogus "1": There is no directive`},
		{[]string{"import-diskcache", dir, "--into", into, "--db", "99"}, 2, "Add --databases 100 here"},
		{[]string{"import", two, "--into", filepath.Join(dir, "other"), "--db-map", "0:3"}, 1, "databases 0 and 3 both have keys and would both be 3; nothing was imported"},
		{[]string{"chekc", dir}, 1, "'chekc' is no command of diskette's either: these are serve, import, export, check"},
		{[]string{"check", two}, 1, "is no copy of a database of Diskette's (diskette import takes Redis's files, redis-check-rdb"},
		{[]string{"stats", two}, 1, "sqlite3: file is not a database\n"},
		{[]string{"restore", two, filepath.Join(dir, "restored")}, 1, "is no copy of a database"},
		{[]string{"check", s.Dir, "--recover"}, 0, "--recover does nothing here"},
	} {
		out, said, status := runProgram(t, c.args...)
		if status != c.status || !strings.Contains(out+said, c.told) || c.status != 1 && strings.Contains(said, "FATAL") {
			t.Errorf("%q: status %d: %s%s", c.args, status, out, said)
		}
	}
	if _, err := os.Lstat(into); err == nil {
		t.Error("a directory was made")
	}
	succeeds(t, "import", dump, "--into", into, "--db-map", "0:99", "--databases", "100")
	succeeds(t, "backup", into, filepath.Join(dir, "b"))
	if out, said, status := runProgram(t, "restore", filepath.Join(dir, "b"), into); status != 1 || !strings.Contains(said, "nothing was restored") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
}

// A copy that is damaged, and a file that is, leave nothing of the directory that they were to become.
func TestWhatCanNotComeInLeavesNoDirectory(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.rdb")
	if err := os.WriteFile(bad, snapshotOf(t, 10)[:60], 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "bad.db")
	succeeds(t, "backup", stopped(t), file)
	b := readFile(t, file)
	for i := 2 * 4096; i < len(b); i++ {
		b[i] ^= 0x55
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(dir, "there")
	if err := os.Mkdir(there, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, into := range []string{filepath.Join(dir, "new", "deep"), there} {
		for _, args := range [][]string{{"restore", file, into}, {"import", bad, "--into", into}} {
			if out, said, status := runProgram(t, args...); status != 1 {
				t.Errorf("%q: status %d: %s%s", args, status, out, said)
			}
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
		t.Error("a directory is left")
	}
	if left, err := os.ReadDir(there); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
