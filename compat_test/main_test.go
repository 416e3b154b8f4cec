package compat_test

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var (
	recordFlag = flag.Bool("record", os.Getenv("DISKETTE_RECORD") == "1", "rewrite the scripts with what redis-server replies")
	liveFlag   = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with a live redis-server as well")
	redisFlag  = flag.String("redis", cmp.Or(os.Getenv("DISKETTE_REDIS"), "redis-server"), "the redis-server to record from and to compare with")
	binFlag    = flag.String("bin", os.Getenv("DISKETTE_BIN"), "the server to test, instead of a freshly built diskette")
)

// buildDir holds the binary for as long as the tests run.
var buildDir string

func TestMain(m *testing.M) {
	enterBox()
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "diskette-compat-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(buildDir)
	return m.Run()
}

// subjectBin is the path of the server under test. The first call builds it.
func subjectBin(t testing.TB) string {
	t.Helper()
	if *binFlag != "" {
		path, err := exec.LookPath(*binFlag)
		if err != nil {
			t.Fatal(err)
		}
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path, err := buildDiskette()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildDiskette = sync.OnceValues(func() (string, error) {
	if err := lookAtSources(); err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, "diskette")
	if out, err := exec.Command("go", "build", "-o", path, "diskette").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build diskette: %w\n%s", err, out)
	}
	return path, nil
})

// lookAtSources tells go test what the server is built from: without, it would take a result
// from its cache after the server has changed, which no import of this package shows.
func lookAtSources() error {
	return filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "data" || d.Name() == "compat_test") {
			return filepath.SkipDir
		}
		switch filepath.Ext(path) {
		case ".go", ".sql", ".mod", ".sum":
			_, err = os.Stat(path)
		}
		return err
	})
}

// startBoth starts the server under test and a live redis-server to compare it with. Without
// -live it skips the test and says what is not checked.
func startBoth(t *testing.T, what string) (ours, theirs *subject) {
	t.Helper()
	if !strings.Contains(t.Name(), "Live") {
		t.Fatal("CI runs the live tests by that word in their names")
	}
	if !*liveFlag {
		t.Skipf("NOT CHECKED: %s; go test ./compat_test -live does", what)
	}
	return startSubject(t, subjectBin(t)), startSubject(t, redisBin(t))
}

// redisBin is the path of the redis-server to ask; that it is missing is a failure.
func redisBin(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath(*redisFlag)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		t.Fatalf("%v: install Debian's redis-server 7.0.15 to record or to compare live", err)
	}
	return path
}
