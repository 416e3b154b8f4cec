package rdb

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const volumesFile = "testdata/volumes/expected.txt"

// notInRedis are the files that Redis 7.0 does not load, or of which it drops what has expired. What is expected of
// these is written by hand; the rest of expected.txt is recorded.
var notInRedis = map[string][]string{
	"keys_with_expiry.rdb": {
		`db 0 key "expires_ms_precision" expires 1671963072573 string "2022-12-25 10:11:12.573 UTC"`,
	},
	"redis_40_with_module.rdb": {`db 0 key "foo" is a value of module ReJSON-RL`,
		`db 0 key "simplekey" string "someval"`},
	"redis_60_with_module_aux.rdb": {`data of module test__rdb`},
}

// volumes are RDB files that Redis 2.4 to 6.0 wrote, by name.
func volumes(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/volumes/*.rdb")
	if err != nil || len(names) < 28 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = b
	}
	return files
}

// onlyValues leaves out what is said of files and databases.
func onlyValues(lines []string) []string {
	return slices.DeleteFunc(lines, func(s string) bool {
		return !strings.HasPrefix(s, "data of module") && (!strings.HasPrefix(s, "db ") || !strings.Contains(s,
			" key "))
	})
}

// brief puts a sum in the place of what makes a line long.
func brief(line string) string {
	if len(line) <= 400 {
		return line
	}
	return fmt.Sprintf("%s... of %d bytes, SHA-256 %x", line[:200], len(line), sha256.Sum256([]byte(line)))
}

// recordVolumes asks redis-server what is in the files.
func recordVolumes(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# What redis-server 7.0.15 finds in the files: go test ./resp/rdb -run Volumes -record\n")
	files := volumes(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if notInRedis[name] != nil {
			continue
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), files[name], 0o666); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n%s\n", name)
		for _, line := range startServer(t, "redis-server", dir).keyLines() {
			fmt.Fprintf(&b, "\t%s\n", brief(line))
		}
	}
	return b.String()
}

// expectedInVolumes reads what was recorded.
func expectedInVolumes(t *testing.T) map[string][]string {
	b, err := os.ReadFile(volumesFile)
	if err != nil {
		t.Fatal(err)
	}
	expected, name := map[string][]string{}, ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if value, isLine := strings.CutPrefix(line, "\t"); isLine {
			expected[name] = append(expected[name], value)
		} else {
			name = line
		}
	}
	for name, lines := range notInRedis {
		expected[name] = lines
	}
	return expected
}

func TestVolumesHaveWhatRedisFindsInThem(t *testing.T) {
	if *recordFlag {
		if err := os.WriteFile(volumesFile, []byte(recordVolumes(t)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	expected := expectedInVolumes(t)
	for name, b := range volumes(t) {
		lines, _, err := readAll(bytes.NewReader(b), FileOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		lines = onlyValues(lines)
		for i, line := range lines {
			lines[i] = brief(line)
		}
		slices.Sort(lines)
		if !slices.Equal(lines, expected[name]) {
			t.Errorf("%s has\n%.2000s\nexpected\n%.2000s", name, strings.Join(lines, "\n"),
				strings.Join(expected[name], "\n"))
		}
	}
}

func TestVolumesAreStillWhatALiveRedisFindsInThem(t *testing.T) {
	liveRedis(t, "what a live Redis finds in the volumes")
	recorded, err := os.ReadFile(volumesFile)
	if err != nil {
		t.Fatal(err)
	}
	if now := recordVolumes(t); now != string(recorded) {
		t.Errorf("redis-server now finds\n%.3000s", now)
	}
}

func TestAFileInSmallPartsIsTheSameFile(t *testing.T) {
	for name, b := range volumes(t) {
		whole, _, err := readAll(bytes.NewReader(b), FileOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, size := range []int64{1, 50, 1000} {
			inParts, parts, err := readAll(bytes.NewReader(b), FileOptions{PartBytes: size})
			if err != nil || !slices.Equal(inParts, whole) {
				t.Errorf("%s in %d parts of about %d bytes is not the same: %v", name, parts, size, err)
			}
		}
	}
}
