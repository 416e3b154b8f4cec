package compat_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An increment of a served directory is of one moment, as a whole copy is, and with its base makes a directory that
// serves it.
func TestAnIncrementOfAServedDirectoryIsOfOneMomentAndCanBeServed(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	money := openBank(t, s, 100, 3)
	for range 300 {
		says(t, c, "OK", "SET", "base:"+strings.Repeat("k", 50), strings.Repeat("x", 10_000))
	}
	base, file := filepath.Join(t.TempDir(), "base.db"), filepath.Join(t.TempDir(), "since.inc")
	succeeds(t, "backup", s.Dir, base)
	sum := readFile(t, base)
	for money.moved.Load() < 100 {
		c.Do("PING")
	}
	before := money.moved.Load()
	var made struct {
		Keys, Bytes, Pages, Stored int64
		WholeBytes                 int64 `json:"whole_bytes"`
		PagesStored                int64 `json:"pages_stored"`
		Since, File                string
	}
	told := succeeds(t, "backup", "--json", s.Dir, file, "--since", base)
	money.close()
	after := money.moved.Load()
	if err := json.Unmarshal([]byte(told), &made); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || made.Since != base || made.File != file || made.Bytes != info.Size() ||
		info.Mode().Perm() != 0o600 || made.PagesStored > made.Pages || made.WholeBytes != 4096*made.Pages {
		t.Errorf("%s: %v, %v", told, info, err)
	}
	info := dial(t, s.Addr).Do("INFO", "persistence").Text()
	equal(t, "last_backup_kind", infoField(info, "last_backup_kind"), "increment")
	if string(readFile(t, base)) != string(sum) {
		t.Error("the base was written to")
	}
	restored := newServer(t, subjectBin(t))
	if out := succeeds(t, "restore", base, restored.Dir, "--increment", file); !strings.Contains(out, base+" and "+file) {
		t.Errorf("%s", out)
	}
	succeeds(t, "check", restored.Dir)
	restored.start(nil)
	c = dial(t, restored.Addr)
	money.check(t, func(key string) string { return c.Do("GET", key).text }, before, after)
	for _, path := range []string{base, file} {
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 1 {
			t.Errorf("beside it: %q, %v", left, err)
		}
	}
}

func TestWhatIsWrongWithAnIncrementIsTold(t *testing.T) {
	dir, other := stopped(t), stopped(t)
	path := func(name string) string { return filepath.Join(filepath.Dir(dir), name) }
	base, file, foreign := path("base.db"), path("since.inc"), path("other.db")
	succeeds(t, "backup", dir, base)
	succeeds(t, "backup", other, foreign)
	if out, said, status := runProgram(t, "backup", dir, file, "--since", base); status != 0 || said != "" ||
		!strings.Contains(out, "beside "+base+", which it needs; a whole backup has ") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	out, said, status := runProgram(t, "backup", dir, path("far.inc"), "--since", foreign)
	if status != 0 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "is a copy of another directory") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	succeeds(t, "restore", foreign, path("far"), "--increment", path("far.inc"))
	made := path("made")
	for _, c := range []struct {
		status int
		told   string
		args   []string
	}{
		{1, "is an increment, a part of a backup", []string{"check", file}},
		{1, "diskette restore BASE DIR --increment " + file, []string{"stats", file}},
		{1, "is an increment, a part of a backup", []string{"sql", file, "SELECT 1"}},
		{1, "is an increment, a part of a backup", []string{"restore", file, made}},
		{1, "is an increment, a part of a backup", []string{"restore", file, made, "--increment", base}},
		{1, "is no increment", []string{"restore", base, made, "--increment", foreign}},
		{1, "was made since another base", []string{"restore", foreign, made, "--increment", file}},
		{1, "no such file", []string{"restore", base, made, "--increment", path("none")}},
		{2, "can't be used together", []string{"restore", base, made, "--increment", file, "--foreign"}},
		{1, "is an increment, a part of a backup", []string{"backup", dir, path("x"), "--since", file}},
		{1, "is the base itself", []string{"backup", dir, base, "--since", base}},
		{1, "is no copy of a database of Diskette's", []string{"backup", dir, path("x"), "--since", "program_test.go"}},
		{1, "is the database of a data directory",
			[]string{"backup", dir, path("x"), "--since", filepath.Join(other, "diskette.db")}},
		{1, "no such file", []string{"backup", dir, path("x"), "--since", path("none")}},
	} {
		if out, said, status := runProgram(t, c.args...); status != c.status || !strings.Contains(said, c.told) {
			t.Errorf("%q: status %d: %s%s", c.args, status, out, said)
		}
	}
	for _, path := range []string{made, path("x")} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}
