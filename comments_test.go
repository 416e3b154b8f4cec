package main

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// A comment may reach up to this column, a tab being four columns wide. Code is not bounded.
const widestComment = 120

// TestNoCommentIsTooWide looks at every Go file of the module, and names file and line of each
// comment that goes on behind the last column.
func TestNoCommentIsTooWide(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != "." {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir // another module
			}
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, line := range wideComments(source) {
			t.Errorf("%s:%d: a comment goes on behind column %d", path, line, widestComment)
		}
		return nil
	})
	if err != nil || seen < 200 {
		t.Fatalf("read %d files: %v", seen, err)
	}
}

// wideComments returns the numbers of the lines with a comment that ends behind widestComment.
// Directives such as //go:generate can not be broken, and are left out.
func wideComments(source []byte) (lines []int) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(source))
	s.Init(file, source, nil, scanner.ScanComments)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok != token.COMMENT || strings.HasPrefix(text, "//go:") {
			continue
		}
		at := file.PositionFor(pos, false)
		before := string(source[at.Offset-(at.Column-1) : at.Offset])
		for i, part := range strings.Split(before+text, "\n") {
			if columns := utf8.RuneCountInString(part) + 3*strings.Count(part, "\t"); columns > widestComment {
				lines = append(lines, at.Line+i)
			}
		}
	}
}

func TestAWideCommentIsFoundWhereverItStands(t *testing.T) {
	wide := strings.Repeat("ü", widestComment-len("// "))
	for _, c := range []struct {
		source string
		line   int // 0 = none
	}{
		{"package p\n\n// " + wide, 0},
		{"package p\n\n// " + wide + "x", 3},
		{"package p\n\n\t// " + wide[:len(wide)-2*4], 0},
		{"package p\n\n\t// " + wide[:len(wide)-2*3], 3},
		{"package p\n\nvar a = 1 // " + wide, 3},
		{"package p\n\nvar a = `// " + wide + "x`", 0},
		{"package p\n\n/*\n" + wide + "xxxx\n*/", 4},
		{"package p\n\n//go:generate " + wide, 0},
		{"package p\n\nvar a = `" + wide + "x` // " + "short", 3},
	} {
		lines := wideComments([]byte(c.source))
		if c.line == 0 && len(lines) != 0 || c.line != 0 && (len(lines) != 1 || lines[0] != c.line) {
			t.Errorf("%q: lines %v, want %d", c.source, lines, c.line)
		}
	}
}
