package compat_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testport"
)

// refuses starts a server that must not start, and returns what it printed.
func refuses(t *testing.T, s *server, extra ...string) string {
	t.Helper()
	s.launch(extra)
	if status := s.Wait(); status != 1 {
		t.Errorf("exit status %d, should be 1", status)
	}
	return s.Log.String()
}

func mentions(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in:\n%s", word, text)
		}
	}
}

func TestASecondServerOnADataDirectoryIsRefused(t *testing.T) {
	first := startServer(t, subjectBin(t))
	c := dial(t, first.Addr)
	c.Do("SET", "k", "v")
	second := newServer(t, subjectBin(t), "--dir", first.Dir)
	mentions(t, refuses(t, second), first.Dir, "in use by another server")
	if v := c.Do("GET", "k"); v.text != "v" {
		t.Errorf("the first server says %s", v)
	}
	first.Kill9()
	second.start(nil) // a server that crashed leaves no lock
}

// Scripts start a server again as soon as redis-cli shutdown comes back.
func TestWhoAsksForTheEndSeesItWhenTheServerIsGone(t *testing.T) {
	for range 5 {
		first := startServer(t, subjectBin(t))
		c := dial(t, first.Addr)
		says(t, c, "OK", "SET", "k", "v")
		c.Send("SHUTDOWN")
		if v, err := c.readOutcome(replyTimeout); err != nil || v.kind != kindClosed {
			t.Fatalf("SHUTDOWN: %s, %v", v, err)
		}
		if other, err := open(first.Addr); err == nil {
			other.Close()
			t.Error("the server still accepts connections")
		}
		second := newServer(t, subjectBin(t), "--dir", first.Dir)
		second.start(nil)
		says(t, dial(t, second.Addr), "v", "GET", "k")
	}
}

// Whatever a crash leaves behind the last whole record of the journal is cut off and reported.
func TestATornJournalTailIsCutOffAndNothingIsLost(t *testing.T) {
	for _, torn := range []struct {
		name string
		tail func(segment []byte) []byte
	}{
		{"one zero", func([]byte) []byte { return make([]byte, 1) }},
		{"a page of zeros", func([]byte) []byte { return make([]byte, 4096) }},
		{"more zeros than one read takes", func([]byte) []byte { return make([]byte, 3<<20) }},
		{"one byte", func([]byte) []byte { return []byte{0x9c} }},
		{"garbage", func([]byte) []byte {
			b := make([]byte, 5000)
			_, _ = rand.NewChaCha8([32]byte{7}).Read(b) // it never fails
			return b
		}},
		{"a segment's beginning", func(segment []byte) []byte { return segment[:200] }},
		{"older records", func(segment []byte) []byte { return segment[28:] }}, // behind its header
	} {
		t.Run(torn.name, func(t *testing.T) {
			s := startServer(t, subjectBin(t))
			c := dial(t, s.Addr)
			for i := range 200 {
				c.Do("SET", "k"+strconv.Itoa(i), i)
				c.Do("INCR", "n")
			}
			s.Kill9()
			segment := newestSegment(t, s.Dir)
			appendFile(t, segment, torn.tail(readFile(t, segment)))
			s.Restart()
			logSays(t, s, "journal tail cut off", filepath.Base(segment))
			c = dial(t, s.Addr)
			for i := range 200 {
				if v := c.Do("GET", "k"+strconv.Itoa(i)); v.text != strconv.Itoa(i) {
					t.Fatalf("k%d is %s", i, v)
				}
			}
			if v := c.Do("INCR", "n"); v.text != "201" {
				t.Errorf("n is %s", v)
			}
			s.Kill9()
			s.Restart() // what was written behind the cut is found, too
			if v := dial(t, s.Addr).Do("GET", "n"); v.text != "201" {
				t.Errorf("n is %s after a second crash", v)
			}
		})
	}
}

// What the server knows to have acknowledged is not taken for a torn end.
func TestAnEndThatIsMissingIsRefusedAndTheRestSalvaged(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	c.Do("SET", "before", "here")
	c.Do("SET", "last", strings.Repeat("x", 1000))
	records := uint64(number(c, "diskette", "journal_records"))
	await(t, "it is noted, once a second, how far the records go", func() bool { return records > 0 && notedRecords(t, s) >= records })
	s.Kill9()
	path := newestSegment(t, s.Dir)
	if err := os.Truncate(path, int64(len(readFile(t, path)))-500); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, path)
	mentions(t, refuses(t, s), path, "expected the records up to", "--set-aside-damaged salvage")
	if !bytes.Equal(readFile(t, path), before) {
		t.Error("the segment was changed")
	}
	s.start([]string{"--set-aside-damaged", "salvage"})
	logSays(t, s, "salvaged what can be read", "-lost.txt")
	got := dial(t, s.Addr).Do("MGET", "before", "last")
	if len(got.elems) != 2 || got.elems[0].text != "here" || !got.elems[1].IsNil() {
		t.Errorf("before and last are %s", got)
	}
}

// Each was an empty or a shorter data set once, without a word.
func TestAFileThatIsLostAfterAKillIsMissed(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	for i := range 100 {
		c.Do("SET", "k"+strconv.Itoa(i), i)
	}
	s.Terminate()
	s.Restart() // the journal begins behind them now
	says(t, dial(t, s.Addr), "OK", "SET", "new", "here")
	s.Kill9()
	for file, name := range map[string]string{"diskette.db": "diskette.db", "diskette.state": "diskette.state", "journal": ".journal"} {
		t.Run(file, func(t *testing.T) {
			lacking := newServer(t, subjectBin(t))
			if out, err := exec.Command("cp", "-a", s.Dir+"/.", lacking.Dir).CombinedOutput(); err != nil {
				t.Fatalf("cp: %v: %s", err, out)
			}
			if err := os.RemoveAll(filepath.Join(lacking.Dir, file)); err != nil {
				t.Fatal(err)
			}
			mentions(t, refuses(t, lacking), name, "expected", "found", "--set-aside-damaged salvage")
		})
	}
	s.Restart()
	if v := dial(t, s.Addr).Do("DBSIZE"); v.text != "101" {
		t.Errorf("DBSIZE is %s", v)
	}
}

func TestFilesOfRedisThatAreNotReadAreNamed(t *testing.T) {
	s := startServer(t, subjectBin(t))
	s.Kill9()
	if err := os.WriteFile(filepath.Join(s.Dir, "dump.rdb"), []byte("REDIS0011"), 0o644); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Minute) // the clock of files is a coarse one
	if err := os.Chtimes(filepath.Join(s.Dir, "dump.rdb"), later, later); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "appendonlydir"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.start(nil)
	logSays(t, s, "what a Redis has stored here since then is in them alone")
	logSays(t, s, "dump.rdb appendonlydir", "no longer read")
}

func TestADamagedDatabaseFileIsNamedAndNeverReplaced(t *testing.T) {
	s := startServer(t, subjectBin(t))
	dial(t, s.Addr).Do("SET", "k", "v")
	if status := s.Terminate(); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	path := filepath.Join(s.Dir, "diskette.db")
	sound := readFile(t, path)
	for _, damage := range []struct {
		name string
		file []byte
	}{
		{"garbage", bytes.Repeat([]byte("this is no database. "), 1000)},
		{"zeros", make([]byte, len(sound))},
		{"a beginning overwritten", append(bytes.Repeat([]byte{0xff}, 100), sound[100:]...)},
		{"tables overwritten", overwrite(sound, 100, 4096)},
		{"a text file", []byte("hello\n")},
	} {
		t.Run(damage.name, func(t *testing.T) {
			s := newServer(t, subjectBin(t))
			path := filepath.Join(s.Dir, "diskette.db")
			if err := os.WriteFile(path, damage.file, 0o644); err != nil {
				t.Fatal(err)
			}
			mentions(t, refuses(t, s), path, "--set-aside-damaged yes")
			if !bytes.Equal(readFile(t, path), damage.file) {
				t.Error("the file was changed")
			}

			s.start([]string{"--set-aside-damaged", "yes"})
			c := dial(t, s.Addr)
			if v := c.Do("DBSIZE"); v.text != "0" {
				t.Errorf("DBSIZE is %s", v)
			}
			c.Do("SET", "k", "new")
			aside, err := filepath.Glob(path + ".damaged-*")
			if err != nil || len(aside) != 1 || !bytes.Equal(readFile(t, aside[0]), damage.file) {
				t.Errorf("set aside: %v %v", aside, err)
			}
			logSays(t, s, "set aside", filepath.Base(path)+".damaged-")
			s.Kill9()
			s.Restart()
			if v := dial(t, s.Addr).Do("GET", "k"); v.text != "new" {
				t.Errorf("k is %s", v)
			}
		})
	}
}

func overwrite(b []byte, from, to int) []byte {
	b = bytes.Clone(b)
	for i := from; i < min(to, len(b)); i++ {
		b[i] = 0xa5
	}
	return b
}

// An application's own SQLite file is no damaged Diskette file, but none that it may write to either.
func TestAnotherProgramsDatabaseIsRefused(t *testing.T) {
	s := startServer(t, subjectBin(t))
	s.Terminate()
	path := filepath.Join(s.Dir, "diskette.db")
	b := readFile(t, path)
	copy(b[68:72], "Exif") // the application id in SQLite's file header
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	mentions(t, refuses(t, s), path, "not Diskette's")
}

func TestANewerVersionsDatabaseIsRefused(t *testing.T) {
	s := startServer(t, subjectBin(t))
	s.Terminate()
	path := filepath.Join(s.Dir, "diskette.db")
	b := readFile(t, path)
	copy(b[60:64], []byte{0, 0, 0x7f, 0xff}) // user_version
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	mentions(t, refuses(t, s, "--set-aside-damaged", "yes"), path, "newer version")
}

func TestADataDirectoryThatCanNotBeWrittenIsNamed(t *testing.T) {
	t.Run("a file where the directory should be", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		mentions(t, refuses(t, newServer(t, subjectBin(t), "--dir", path)), path, "not a directory")
	})
	t.Run("no permission", func(t *testing.T) {
		mentions(t, withoutPermission(t), "permission denied", "uid", "chown")
	})
}

// withoutPermission starts a server on a directory in which it may not write, and returns what it prints.
func withoutPermission(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	data, bin := filepath.Join(dir, "data"), filepath.Join(dir, "diskette")
	copyFile(t, subjectBin(t), bin)
	if err := os.Mkdir(data, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "--port", testport.Free(t), "--bind", "127.0.0.1", "--dir", data)
	cmd.Dir = "/"
	if os.Geteuid() == 0 { // to whom permissions do not matter: be nobody, who must reach the binary
		for _, d := range []string{dir, filepath.Dir(dir)} {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	limit := time.AfterFunc(stopTimeout, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	out, _ := cmd.CombinedOutput() // the status is looked at
	if status := cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("exit status %d, should be 1", status)
	}
	return string(out)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	src, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKeysOfDatabasesThatNoClientReachesAreNamed(t *testing.T) {
	s := startServer(t, subjectBin(t), "--databases", "20")
	c := dial(t, s.Addr)
	says(t, c, "OK", "SELECT", "18")
	says(t, c, "OK", "SET", "k", "v")
	s.Kill9()
	s.start([]string{"--databases", "16"})
	logSays(t, s, "there are keys in databases that no client reaches")
	logSays(t, s, "start with databases 19")
	says(t, dial(t, s.Addr), "0", "DBSIZE")
	s.Kill9()
	s.start(nil)
	c = dial(t, s.Addr)
	says(t, c, "OK", "SELECT", "18")
	says(t, c, "v", "GET", "k")
}

// notedRecords is the number of the last record that the state file knows of (store/journal/state.go).
func notedRecords(t *testing.T, s *server) (newest uint64) {
	t.Helper()
	b := readFile(t, filepath.Join(s.Dir, "diskette.state"))
	for ; len(b) > 84; b = b[min(4096, len(b)):] {
		if bytes.HasPrefix(b, []byte("DKSTATE1")) {
			newest = max(newest, binary.LittleEndian.Uint64(b[48:]))
		}
	}
	return newest
}
