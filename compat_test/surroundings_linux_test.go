package compat_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestAnEmptyPasswordIsWarnedOf(t *testing.T) {
	const warning = "requirepass was given and is EMPTY"
	for _, c := range []struct {
		args  []string
		warns bool
	}{{[]string{"--requirepass", ""}, true}, {[]string{"--requirepass", "x"}, false}, {nil, false}} {
		s := startServer(t, subjectBin(t), c.args...)
		if got := strings.Contains(s.lastWords(), warning); got != c.warns {
			t.Errorf("%q: %v\n%s", c.args, got, s.Log)
		}
	}
}

func TestAPasswordInTheEnvironmentThatNothingUsesIsWarnedOf(t *testing.T) {
	m := newImage(t)
	for _, c := range []struct {
		command []string
		warns   bool
	}{{[]string{"redis-server"}, true}, {[]string{"redis-server", "--requirepass", "pw"}, false}} {
		s := m.container(c.command...)
		env := s.prepare
		s.prepare = func(cmd *exec.Cmd) { env(cmd); cmd.Env = append(cmd.Env, "REDIS_PASSWORD=pw") }
		s.start(nil)
		said := s.lastWords()
		if got := strings.Contains(said, "REDIS_PASSWORD is set, but no password is asked for"); got != c.warns {
			t.Errorf("%q: %v\n%s", c.command, got, said)
		}
		if strings.Contains(said, `"pw"`) {
			t.Errorf("the log shows it:\n%s", said)
		}
	}
}

// unwritable is a server of a user of its own on a directory of root's, with a place for temporary files.
func unwritable(t *testing.T, command ...string) *server {
	t.Helper()
	requireRoot(t)
	temporary := openDir(t, "diskette-tmp-")
	if err := os.Chmod(temporary, 0o777); err != nil {
		t.Fatal(err)
	}
	s := newImage(t).container(command...)
	env := s.prepare
	s.prepare = func(cmd *exec.Cmd) { env(cmd); cmd.Env = append(cmd.Env, "TMPDIR="+temporary) }
	s.runAs(4321, volume(t, 0))
	return s
}

func TestWhatIsNotToBeKeptIsInATemporaryDirectoryWhereItsOwnCanNotBeWritten(t *testing.T) {
	s := unwritable(t, "redis-server", "--save", "", "--appendonly", "no")
	for range 2 { // a killed server's directory is used again
		s.start(nil)
		logSays(t, s, s.Dir, "ALL DATA IS IN")
		c := dial(t, s.Addr)
		if dir := c.Do("CONFIG", "GET", "dir").elems[1].text; dir == s.Dir || !strings.Contains(s.Log.String(), dir) {
			t.Errorf("dir is %s:\n%s", dir, s.Log)
		}
		says(t, c, "OK", "SET", "k", "v")
		s.Kill9()
	}
	s.start(nil)
	says(t, dial(t, s.Addr), "v", "GET", "k")
	if left, err := os.ReadDir(s.Dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// Nothing begins empty in the place of data that is there.
func TestDataThatCanNotBeWrittenIsNotReplacedByATemporaryDirectory(t *testing.T) {
	for _, name := range []string{"dump.rdb", "diskette.db"} {
		s := unwritable(t, "redis-server", "--save", "", "--appendonly", "no")
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		mentions(t, refuses(t, s), s.Dir, "4321")
	}
	s := unwritable(t, "redis-server", "--save", "", "--appendonly", "yes")
	mentions(t, refuses(t, s), s.Dir, "4321", "chown")
}

// withoutTimes leaves out of a log what differs from start to start.
var withoutTimes = regexp.MustCompile(`(?m)^\{"level":"info".*\n|,"time":"[^"]*"`)

// A mistake is told in the same words, with exit status 1, whatever name the server is started by.
func TestAMistakeIsToldAlikeThroughEveryName(t *testing.T) {
	m := newImage(t)
	for _, name := range []string{"valkey-server", "keydb-server"} {
		if err := os.Symlink("diskette", filepath.Join(m.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	broken := filepath.Join(openDir(t, "diskette-conf-"), "broken.conf")
	if err := os.WriteFile(broken, []byte("port 0\nrequirepass \"open\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(broken), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	taken := startServer(t, subjectBin(t))
	_, port, _ := strings.Cut(taken.Addr, ":")
	starts := [][]string{{"redis-server"}, {"valkey-server"}, {"keydb-server"}, {"diskette"}, {"docker-entrypoint"},
		{"docker-entrypoint", "redis-server"}, {"docker-entrypoint", "keydb-server"}}
	for _, c := range []struct {
		args  []string
		names string
	}{
		{[]string{"--no-such-option", "x"}, "no-such-option"},
		{[]string{"--maxmemory", "much"}, "maxmemory"},
		{[]string{"/nowhere/redis.conf"}, "/nowhere/redis.conf"},
		{[]string{broken}, "at line 2"},
		{[]string{"--user", "bob", "on", "nonsense"}, "nonsense"},
		{[]string{"--dir", filepath.Join(file, "data")}, file},
		{[]string{"--logfile", "/nowhere/log"}, "/nowhere/log"},
		{[]string{"--port", port, "--bind", "127.0.0.1", "--dir", openDir(t, "diskette-volume-")}, "127.0.0.1:" + port},
		{[]string{"--loadmodule", "/x.so"}, "module"},
		{[]string{"--cluster-enabled", "yes"}, "cluster"},
		{[]string{"--sentinel"}, "Sentinel"},
	} {
		first := ""
		for _, start := range starts {
			status, out, errOut := m.exec("", slices.Concat(start, c.args)...)
			said := withoutTimes.ReplaceAllString(out+errOut, "")
			if status != 1 || !strings.Contains(said, c.names) {
				t.Errorf("%v %v: status %d, should name %s:\n%s", start, c.args, status, c.names, said)
			}
			if first == "" {
				first = said
			}
			if said != first {
				t.Errorf("%v %v says\n%s\nand %v\n%s", start, c.args, said, starts[0], first)
			}
		}
	}
}
