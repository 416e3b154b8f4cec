package compat_test

import (
	"os"
	"strings"
	"testing"
)

// missingCommands are Redis 7.2's commands that are not here, a container for all its
// subcommands, with the reason. README's section Commands lists the same.
var missingCommands = map[string]string{}

// TestEveryRedisCommandIsThere holds the list of Redis's commands against the server's own.
func TestEveryRedisCommandIsThere(t *testing.T) {
	s := startSubject(t, subjectBin(t))
	if s.dialect != diskette {
		t.Skipf("NOT CHECKED: that every Redis command is there: %s is not Diskette; go test ./compat_test without -bin does", s.bin)
	}
	list, err := os.ReadFile("testdata/redis-7.2-commands.txt")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	here := map[string]bool{}
	for _, v := range dial(t, s.Addr).Do("COMMAND", "LIST").elems {
		here[v.Text()] = true
	}
	excused := map[string]bool{}
	for name := range strings.Lines(string(list)) {
		name = strings.TrimSpace(name)
		if strings.HasPrefix(name, "#") {
			continue
		}
		key := name
		if container, _, _ := strings.Cut(name, "|"); missingCommands[container] != "" {
			key = container
		}
		switch reason := missingCommands[key]; {
		case here[name] && reason != "":
			t.Errorf("%s is there: take it off missingCommands and the README's list", name)
		case !here[name] && reason == "":
			t.Errorf("%s is missing, without a reason in missingCommands", name)
		case reason != "":
			excused[key] = true
		}
	}
	for name := range missingCommands {
		if !excused[name] {
			t.Errorf("missingCommands has %s, which is no command of Redis 7.2", name)
		}
		if shown := "`" + strings.ToUpper(strings.ReplaceAll(name, "|", " ")) + "`"; !strings.Contains(string(readme), shown) {
			t.Errorf("the README's section Commands does not name %s", shown)
		}
	}
}
