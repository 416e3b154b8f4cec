package store

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestThePackageCommentsNameEveryFile(t *testing.T) {
	for _, dir := range []string{".", "journal"} {
		doc, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		if err != nil {
			t.Fatal(err)
		}
		named := strings.Fields(string(doc))
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			name := filepath.Base(path)
			if name != "doc.go" && !strings.HasSuffix(name, "_test.go") && !slices.Contains(named, name) {
				t.Errorf("%s/doc.go does not name %s", dir, name)
			}
		}
		for _, word := range named {
			if strings.HasSuffix(word, ".go") && !slices.Contains(files, filepath.Join(dir, word)) {
				t.Errorf("%s/doc.go names %s, which is not there", dir, word)
			}
		}
	}
}
