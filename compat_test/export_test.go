package compat_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exported runs diskette export, which is to end with status 0, and returns what it writes.
func exported(t *testing.T, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out.rdb")
	out, status := runExport(t, append([]string{file}, args...)...)
	if status != 0 {
		t.Fatalf("status %d: %s", status, out)
	}
	mentions(t, out, file+": ", " keys of ")
	return readFile(t, file)
}

func runExport(t *testing.T, args ...string) (out string, status int) {
	t.Helper()
	b, err := exec.Command(subjectBin(t), append([]string{"export"}, args...)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	return string(b), status
}

// An export beside a server has all that the server has acknowledged before, though that may be in the journal alone,
// and is of one moment.
func TestAnExportBesideAServerHasAllThatWasAcknowledgedBefore(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	money := openBank(t, s, 100, 3)
	for money.moved.Load() < 100 {
		c.Do("PING")
	}
	before := money.moved.Load()
	values, _ := readDump(t, exported(t, s.Dir))
	after := money.most()
	money.close()
	money.check(t, func(key string) string { return values[key] }, before, after)
	says(t, c, "OK", "SET", "still", "served")
}

func TestAnExportOfADirectoryWithoutAServer(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	says(t, c, "OK", "MSET", "a", "1", "b", "2")
	s.Kill9() // both are in the journal alone
	values, facts := readDump(t, exported(t, s.Dir))
	if len(values) != 2 || values["b"] != "2" || facts["redis-ver"] != "7.2.4" {
		t.Errorf("%q, %q", values, facts)
	}
	s.Restart()
	c = dial(t, s.Addr)
	says(t, c, "1", "GET", "a")
	says(t, c, "mine", "FUNCTION", "LOAD", "#!lua name=mine\nredis.register_function('answer', function() return 42 end)")
	s.Terminate()
	file := filepath.Join(t.TempDir(), "out.rdb")
	out, status := runExport(t, file, s.Dir, "--export-rdb-version", "9")
	if dump := readFile(t, file); status != 0 || !bytes.HasPrefix(dump, []byte("REDIS0009")) {
		t.Errorf("status %d: %s %.9q", status, out, dump)
	}
	mentions(t, out, "2 keys of "+s.Dir, "1 libraries of functions are not in the file")
	os.Chmod(file, 0o640)
	if out, status = runExport(t, file, s.Dir); status != 0 {
		t.Errorf("status %d: %s", status, out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v: want the permissions of the file before", info, err)
	}
}

func TestAnExportThatCanNotBeLeavesNothingAndSaysWhy(t *testing.T) {
	empty, s := t.TempDir(), startServer(t, subjectBin(t))
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		told   string
	}{
		{[]string{"--help"}, 0, "Usage: diskette export"},
		{nil, 2, "the name of the file is missing"},
		{[]string{"x.rdb", empty}, 1, "has no data of Diskette's"},
		{[]string{filepath.Join(empty, "none", "x.rdb"), s.Dir}, 1, "none/x.rdb: no such file or directory"},
		{[]string{"x.rdb", file}, 1, file + " is a file, and a data directory is expected"},
		{[]string{"x.rdb", s.Dir, "--export-rdb-version"}, 2, "needs a value"},
		{[]string{"x.rdb", s.Dir, "--export-rdb-version", "8"}, 2, `--export-rdb-version "8": `},
		{[]string{"x.rdb", s.Dir, "--bogus", "1"}, 2, `--bogus "1": There is no directive`},
		{[]string{empty, s.Dir}, 1, "is there and is not a regular file"},
	} {
		out, status := runExport(t, c.args...)
		if status != c.status || !strings.Contains(out, c.told) {
			t.Errorf("%q: status %d: %s", c.args, status, out)
		}
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
