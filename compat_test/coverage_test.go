package compat_test

import (
	"strings"
	"testing"
)

// TestEveryCommandHasAScript fails for a command, or a subcommand, that the
// server knows and no script names.
func TestEveryCommandHasAScript(t *testing.T) {
	s := startSubject(t, subjectBin(t))
	if s.dialect != diskette {
		t.Skipf("NOT CHECKED: that every command has a script: %s is not Diskette; go test ./compat_test without -bin does", s.bin)
	}
	named := commandsInScripts(t)
	names := dial(t, s.Addr).Do("COMMAND", "LIST")
	if len(names.elems) == 0 {
		t.Fatalf("COMMAND LIST: %s", names)
	}
	for _, v := range names.elems {
		if !named[strings.ToLower(v.Text())] {
			t.Errorf("no script names %s", v.Text())
		}
	}
}

// commandsInScripts are the first words of all commands, and the first two
// joined by |, in lower case.
func commandsInScripts(t *testing.T) map[string]bool {
	named := make(map[string]bool)
	for _, s := range allScripts(t) {
		for _, b := range s.blocks() {
			for _, step := range b.steps {
				args := strings.Fields(strings.ToLower(step.text))
				if step.verb == "raw>" || len(args) == 0 {
					continue
				}
				named[args[0]] = true
				if len(args) > 1 {
					named[args[0]+"|"+args[1]] = true
				}
			}
		}
	}
	return named
}
