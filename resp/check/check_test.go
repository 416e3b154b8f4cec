package check

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var liveFlag = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with redis-check-rdb and redis-check-aof as well")

const aofs, rdbs = "../aof/testdata", "../rdb/testdata"

func checkRDB(args ...string) (int, string) {
	var out bytes.Buffer
	status := RDB(args, &out)
	return status, out.String()
}

func checkAOF(answer string, args ...string) (int, string) {
	var out bytes.Buffer
	status := AOF(args, strings.NewReader(answer), &out)
	return status, out.String()
}

// As recorded from redis-check-rdb and redis-check-aof 7.0.15, without the number of lines.
func TestAWholeFileIsToldOfAsRedisDoes(t *testing.T) {
	manifest := filepath.Join(aofs, "redis-7.0.15/appendonlydir/appendonly.aof.manifest")
	status, out := checkAOF("", manifest)
	const want = "Start checking Multi Part AOF\nStart to check BASE AOF (RDB format).\n" +
		"[offset 0] Checking RDB file appendonly.aof.2.base.rdb\n"
	const end = "AOF analyzed: filename=appendonly.aof.2.base.rdb, size=118, ok_up_to=118, diff=0\n" +
		"BASE AOF appendonly.aof.2.base.rdb is valid\nStart to check INCR files.\n" +
		"AOF analyzed: filename=appendonly.aof.2.incr.aof, size=66, ok_up_to=66, diff=0\n" +
		"INCR AOF appendonly.aof.2.incr.aof is valid\nAll AOF files and manifest are valid\n"
	if status != 0 || !strings.HasPrefix(out, want) || !strings.HasSuffix(out, end) {
		t.Errorf("status %d\n%s", status, out)
	}
}

// damagedFile is a copy of a file that damage has changed.
func damagedFile(t *testing.T, from string, damage func([]byte) []byte) string {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.WriteFile(path, damage(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var damages = map[string]func([]byte) []byte{
	"cut":              func(b []byte) []byte { return b[:len(b)-9] },
	"a wrong checksum": func(b []byte) []byte { b[len(b)-1]++; return b },
	"empty":            func([]byte) []byte { return nil },
	"nonsense":         func([]byte) []byte { return []byte("hello\n") },
}

func TestADamagedSnapshotIsStatus1AndSaysWhere(t *testing.T) {
	for name, damage := range damages {
		path := damagedFile(t, filepath.Join(rdbs, "volumes/rdb_version_5_with_checksum.rdb"), damage)
		status, out := checkRDB(path)
		if status != 1 || !strings.Contains(out, "--- RDB ERROR DETECTED ---\n[offset ") || strings.Contains(out, "looks OK") {
			t.Errorf("%s: status %d\n%s", name, status, out)
		}
	}
	if status, out := checkRDB("/nowhere"); status != 1 || !strings.Contains(out, "/nowhere") {
		t.Errorf("a file that is not there: status %d\n%s", status, out)
	}
}

func TestFixCutsTheEndAfterAYesAlone(t *testing.T) {
	path := damagedFile(t, filepath.Join(aofs, "redis-7.0.15/appendonlydir/appendonly.aof.2.incr.aof"),
		func(b []byte) []byte { return append(b, "*3\r\n$3\r\nse"...) })
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if status, out := checkAOF("y\n", path); status != 1 || !strings.Contains(out, "Use the --fix option") || size() != 76 {
		t.Errorf("without --fix: status %d, %d bytes\n%s", status, size(), out)
	}
	for _, answer := range []string{"n\n", "", "no\n"} {
		if status, out := checkAOF(answer, "--fix", path); status != 1 || !strings.Contains(out, "Aborting...") || size() != 76 {
			t.Errorf("%q: status %d, %d bytes\n%s", answer, status, size(), out)
		}
	}
	const want = "This will shrink the AOF "
	if status, out := checkAOF("y\n", "--fix", path); status != 0 || !strings.Contains(out, want) || size() != 66 {
		t.Errorf("yes: status %d, %d bytes\n%s", status, size(), out)
	}
	if status, out := checkAOF("", path); status != 0 {
		t.Errorf("afterwards: status %d\n%s", status, out)
	}
}

func TestWrongArgumentsAreStatus1(t *testing.T) {
	for _, args := range [][]string{nil, {"a", "b"}, {"--fix"}, {"--truncate-to-timestamp", "1", "x"}, {"/nowhere"}} {
		if status, out := checkAOF("", args...); status != 1 || out == "" {
			t.Errorf("%q: status %d, %s", args, status, out)
		}
	}
	if status, out := checkRDB(); status != 1 || !strings.HasPrefix(out, "Usage:") {
		t.Errorf("status %d, %s", status, out)
	}
}

// whatRedisSays leaves out of Redis's output what is not said here.
var whatRedisSays = regexp.MustCompile(`, ok_up_to_line=\d+|(?m)^\[additional info\] (While doing|Reading type).*\n`)

// modulesLines are told of modules: where their data begins rather than ends, and what an import does with it.
var modulesLines = regexp.MustCompile(`(?m)^.*(MODULE AUX|values of modules).*\n`)

// Every file of the tests, whole and damaged, gets the same verdict from Redis's own programs.
func TestLiveFilesAreJudgedAsRedisJudgesThem(t *testing.T) {
	if !*liveFlag {
		t.Skip("NOT CHECKED: what redis-check-rdb and redis-check-aof say; go test ./resp/check -live does")
	}
	for _, program := range []string{"redis-check-rdb", "redis-check-aof"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("NOT CHECKED: %v", err)
		}
	}
	dumps, _ := filepath.Glob(filepath.Join(rdbs, "volumes/*.rdb"))
	appended, _ := filepath.Glob(filepath.Join(aofs, "redis-[67]*/appendonly*"))
	if len(dumps) < 20 || len(appended) < 4 {
		t.Fatalf("%d and %d files", len(dumps), len(appended))
	}
	for _, path := range dumps {
		compareWithRedis(t, true, "redis-check-rdb", path)
		for _, damage := range damages {
			compareWithRedis(t, false, "redis-check-rdb", damagedFile(t, path, damage))
		}
	}
	for _, path := range appended {
		if filepath.Base(path) == "appendonlydir" {
			path = filepath.Join(path, "appendonly.aof.manifest")
		} else {
			compareWithRedis(t, false, "redis-check-aof", damagedFile(t, path, damages["cut"]))
		}
		compareWithRedis(t, true, "redis-check-aof", path)
	}
}

func compareWithRedis(t *testing.T, whole bool, program, path string) {
	t.Helper()
	theirs, err := exec.Command(program, path).Output()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	var out string
	var status int
	if program == "redis-check-rdb" {
		status, out = checkRDB(path)
	} else {
		status, out = checkAOF("", path)
	}
	if (status == 0) != (err == nil) {
		t.Errorf("%s %s: status %d, Redis: %v\n%s\nRedis:\n%s", program, path, status, err, out, theirs)
		return
	}
	want := modulesLines.ReplaceAllString(whatRedisSays.ReplaceAllString(string(theirs), ""), "")
	if out = modulesLines.ReplaceAllString(out, ""); whole && out != want {
		t.Errorf("%s %s:\n%s\nRedis:\n%s", program, path, out, want)
	}
}
