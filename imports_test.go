package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each package lists what it may import of the module, and whether of others.
var allowed = map[string][]string{
	".": {
		"diskette/resp",
		"diskette/resp/admin",
		"diskette/resp/bench",
		"diskette/resp/check",
		"diskette/resp/cli",
		"diskette/resp/config",
		"diskette/resp/diskcache",
		"diskette/resp/movein",
		"diskette/resp/moveout",
		"diskette/store",
		"diskette/store/journal",
		"diskette/store/tally",
		"github.com/alecthomas/kong",
		"github.com/mattn/go-isatty",
		"github.com/rivo/uniseg",
		"github.com/rs/zerolog",
		"github.com/schollz/progressbar/v3",
	},
	"resp/admin": {},
	"resp/cli": {
		"diskette/resp/cli/target",
		"github.com/mattn/go-isatty",
		"github.com/reeflective/readline",
		"github.com/rivo/uniseg",
		"golang.org/x/term",
	},
	"resp/cli/target": {"diskette/resp/internal/ciphers"},
	"resp/bench": {
		"diskette/resp/cli/target",
		"github.com/HdrHistogram/hdrhistogram-go",
		"golang.org/x/sys/unix",
	},
	"resp": {
		"diskette/expire",
		"diskette/resp/acl",
		"diskette/resp/command",
		"diskette/resp/config",
		"diskette/resp/follow",
		"diskette/resp/internal",
		"diskette/resp/lua",
		"diskette/resp/lualib",
		"diskette/resp/movein",
		"diskette/resp/moveout",
		"diskette/resp/rdb",
		"diskette/resp/repl",
		"diskette/resp/wire",
		"diskette/store",
		"diskette/store/journal",
		"diskette/store/tally",
		"github.com/rs/zerolog",
		"github.com/tidwall/redcon",
	},
	"resp/check": {"diskette/resp/aof", "diskette/resp/rdb"},
	"resp/config": {
		"diskette/resp/acl",
		"diskette/resp/command",
		"diskette/resp/internal",
		"diskette/store",
	},
	"resp/acl": {"diskette/resp/internal", "diskette/resp/command"},
	"resp/command": {
		"diskette/expire",
		"diskette/resp/internal",
		"diskette/resp/rdb",
		"diskette/resp/repl",
		"diskette/resp/wire",
		"diskette/store",
		"diskette/store/journal",
	},
	"resp/rdb":       {},
	"resp/follow":    {},
	"resp/diskcache": {"diskette/resp/internal/pickle", "github.com/ncruces/go-sqlite3"},
	"resp/movein": {
		"diskette/resp/aof",
		"diskette/resp/rdb",
		"diskette/store",
	},
	"resp/moveout": {"diskette/resp/rdb", "diskette/store"},
	"resp/wire":    {"diskette/resp/internal", "golang.org/x/sys/unix"},
	"resp/repl":    {},
	"resp/aof":     {"diskette/resp/rdb"},
	"resp/lua":     {},
	"resp/lualib":  {"diskette/resp/internal/ccast", "diskette/resp/lua"},
	"store": {
		"diskette/expire",
		"diskette/store/files",
		"diskette/store/journal",
		"diskette/store/order",
		"diskette/store/tally",
		"github.com/ncruces/go-sqlite3",
		"github.com/tidwall/btree",
	},
	"store/files":   {},
	"store/journal": {"diskette/store/files"},
	"store/order":   {},
	"store/tally":   {},
	"expire":        {},
	// resp/internal and the packages below it are pure functions, which know each other alone.
	"resp/internal":              {"diskette/resp/internal", "golang.org/x/sys/unix"},
	"compat_test/testport":       {},
	"compat_test/testprocess":    {},
	"compat_test/testrand":       {},
	"compat_test/bench":          nil, // anything: they are no part of the server
	"compat_test/bench/hitratio": nil,
	"compat_test/bench/holds":    nil,
	"compat_test/bench/manykeys": nil,
	"compat_test/faulty":         nil,
}

// floors is the house from the cellar up: a package imports those before it alone.
var floors = []string{
	"expire",
	"store/files",
	"store/journal",
	"store/order",
	"store/tally",
	"store",
	"resp/internal",
	"resp/admin",
	"resp/cli/target",
	"resp/bench",
	"resp/cli",
	"resp/lua",
	"resp/lualib",
	"resp/rdb",
	"resp/aof",
	"resp/follow",
	"resp/wire",
	"resp/repl",
	"resp/command",
	"resp/acl",
	"resp/config",
	"resp/check",
	"resp/diskcache",
	"resp/movein",
	"resp/moveout",
	"resp",
	".",
}

// What the list allows leads down, and go test -v -run Down . prints the graph.
func TestWhatIsAllowedLeadsDown(t *testing.T) {
	for n, dir := range floors {
		var below []string
		for _, imp := range allowed[dir] {
			if to, ours := strings.CutPrefix(imp, "diskette/"); ours {
				if strings.HasPrefix(to, "resp/internal/") {
					to = "resp/internal"
				}
				if at := slices.Index(floors, to); at < 0 || at >= n && to != "resp/internal" {
					t.Errorf("%s may import %s, which does not stand below it", dir, to)
				}
				below = append(below, to)
			}
		}
		t.Logf("%-14s %s", dir, strings.Join(below, " "))
	}
	for dir := range allowed {
		if !slices.Contains(floors, dir) && !strings.HasPrefix(dir, "compat_test/") {
			t.Errorf("%s stands on no floor", dir)
		}
	}
}

func TestImportsGoOneWay(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != "." {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir // another module
			}
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if strings.HasPrefix(dir, "resp/internal/") {
			dir = "resp/internal"
		}
		may, known := allowed[dir]
		if !known {
			t.Errorf("%s: package %s is not in the list of this test", path, dir)
			return nil
		}
		if may == nil {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		for _, imp := range f.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			if external := strings.Contains(strings.Split(name, "/")[0], ".") || strings.HasPrefix(name, "diskette"); !external {
				continue
			}
			ok := false
			for _, m := range may {
				below := strings.HasPrefix(name, m+"/") && (!strings.HasPrefix(name, "diskette") || m == "diskette/resp/internal")
				ok = ok || name == m || below
			}
			if !ok {
				t.Errorf("%s imports %s: package %s may import only %v", path, name, dir, may)
			}
		}
		return nil
	})
	if err != nil || seen < 20 {
		t.Fatalf("read %d files: %v", seen, err)
	}
}
