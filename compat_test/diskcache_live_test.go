package compat_test

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiskCachesDirectoriesComeInLive has DiskCache itself make the directories, and compares through redis-py what
// became of them.
func TestDiskCachesDirectoriesComeInLive(t *testing.T) {
	if !*liveFlag {
		t.Skip("NOT CHECKED: directories that DiskCache has just made; go test ./compat_test -live does")
	}
	const python = "/usr/bin/python3" // Debian's, with its packages
	if out, err := exec.Command(python, "-c", "import diskcache, redis").CombinedOutput(); err != nil {
		t.Skipf("NOT CHECKED: directories that DiskCache has just made; python3-diskcache or python3-redis is missing: %s", out)
	}
	side := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(python, append([]string{"-B", "testdata/diskcache_side.py"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	from := t.TempDir()
	side("fill", from)
	s := newServer(t, subjectBin(t))
	for db, cache := range map[string]string{"1": "plain", "2": "json", "3": "fanout"} {
		succeeds(t, "import-diskcache", filepath.Join(from, cache), "--db", db, "--into", s.Dir)
	}
	s.start(nil)
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if out := side("compare", from, port); !strings.Contains(out, "68 keys compared") {
		t.Errorf("%s", out)
	}
}
