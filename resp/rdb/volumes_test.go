package rdb

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

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
