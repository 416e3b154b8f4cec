package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The comments of the packages that have many files say where what is: they name every file, or a pattern that it
// matches, and every package in their directory.
func TestThePackageCommentsNameEveryFile(t *testing.T) {
	for _, dir := range []string{"store", "store/journal", "resp"} {
		doc, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		words, met := strings.Fields(string(doc)), map[string]bool{}
		isNamed := func(name string) (named bool) {
			for _, word := range words {
				if ok, err := filepath.Match(word, name); ok && err == nil {
					named, met[word] = true, true
				}
			}
			return named
		}
		for _, e := range entries {
			name := e.Name()
			switch {
			case e.IsDir():
				inside, err := filepath.Glob(filepath.Join(dir, name, "*.go"))
				if err == nil && len(inside) > 0 && !slices.Contains(words, name+"/") {
					t.Errorf("%s/doc.go does not name %s/", dir, name)
				}
			case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !isNamed(name) && name != "doc.go":
				t.Errorf("%s/doc.go does not name %s", dir, name)
			}
		}
		for _, word := range words {
			if strings.HasSuffix(word, ".go") && !strings.Contains(word, "/") && !met[word] {
				t.Errorf("%s/doc.go names %s, which is not there", dir, word)
			}
		}
	}
}
