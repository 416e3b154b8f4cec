package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"diskette/resp"
	"diskette/resp/config"
)

// generated are the parts of docs/ that the code knows. They stand between a line <!-- generated: NAME --> and a line
// <!-- end -->; DISKETTE_WRITE_DOCS=1 go test -run Docs . writes them.
var generated = map[string]func() string{
	"own directives":     ownDirectives,
	"directives":         func() string { return directives(true) },
	"without effect":     func() string { return directives(false) },
	"commands":           commandNames,
	"program's commands": programTable,
}

func ownDirectives() string {
	var b strings.Builder
	b.WriteString("| Directive | Default | `CONFIG SET` | |\n|---|---|---|---|\n")
	for _, d := range config.Reference() {
		if d.Own != "" {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, shownDefault(d), yesNo(d.Settable), d.Own)
		}
	}
	return b.String()
}

func shownDefault(d config.Directive) string {
	if d.Default == "" {
		return ""
	}
	return "`" + d.Default + "`"
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func directives(effect bool) string {
	var b strings.Builder
	if effect {
		b.WriteString("| Directive | Default | `CONFIG SET` |\n|---|---|---|\n")
	}
	var names []string
	all := config.Reference()
	slices.SortFunc(all, func(a, b config.Directive) int { return cmp.Compare(a.Name, b.Name) })
	for _, d := range all {
		switch {
		case d.Own != "" || d.Effect != effect:
		case effect:
			name := "`" + d.Name + "`"
			if d.Alias != "" {
				name += ", `" + d.Alias + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, shownDefault(d), yesNo(d.Settable))
		default:
			names = append(names, "`"+d.Name+"`")
		}
	}
	if !effect {
		b.WriteString(strings.Join(names, ", ") + "\n")
	}
	return b.String()
}

func commandNames() string {
	groups := map[string][]string{}
	for _, r := range resp.Commands() {
		groups[r.Group] = append(groups[r.Group], "`"+strings.ToUpper(r.Name)+"`")
	}
	var b strings.Builder
	b.WriteString("| Group | Commands |\n|---|---|\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		slices.Sort(groups[group])
		fmt.Fprintf(&b, "| %s | %s |\n", group, strings.Join(groups[group], " "))
	}
	return b.String()
}

func programTable() string {
	var b strings.Builder
	b.WriteString("| `diskette ...` | |\n|---|---|\n")
	words, help := programCommands()
	for i := range words {
		fmt.Fprintf(&b, "| `%s` | %s |\n", words[i], help[i])
	}
	return b.String()
}

func TestDocsAreWhatTheCodeSays(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) < 9 {
		t.Fatalf("%q, %v", pages, err)
	}
	part := regexp.MustCompile(`(?s)(<!-- generated: ([^>]*) -->\n)(.*?)(<!-- end -->)`)
	seen := map[string]bool{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		want := part.ReplaceAllStringFunc(string(text), func(found string) string {
			m := part.FindStringSubmatch(found)
			make, known := generated[m[2]]
			if !known {
				t.Errorf("%s: nothing is called %q", page, m[2])
				return found
			}
			seen[m[2]] = true
			return m[1] + make() + m[4]
		})
		switch {
		case want == string(text):
		case os.Getenv("DISKETTE_WRITE_DOCS") == "1":
			if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s is not current: DISKETTE_WRITE_DOCS=1 go test -run Docs . writes it", page)
		}
	}
	for name := range generated {
		if !seen[name] {
			t.Errorf("no page has %q", name)
		}
	}
	own := 0
	for _, d := range config.Reference() {
		if d.Own != "" {
			own++
		}
	}
	if own < 15 {
		t.Errorf("%d directives of our own are described: one of the names is wrong", own)
	}
}

// Links between pages, and from README to them, lead to files that are there.
func TestDocsLinkToWhatIsThere(t *testing.T) {
	pages, _ := filepath.Glob("docs/*.md")
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s", page, m[1])
			}
		}
		if page != "README.md" && !strings.Contains(readmeText(t), "(docs/"+filepath.Base(page)+")") {
			t.Errorf("README.md does not name %s", page)
		}
	}
}

func readmeText(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
