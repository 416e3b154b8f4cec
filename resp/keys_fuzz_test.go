package resp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// Keys and channels are sought among the arguments of commands that never run, and of those that are refused: with any
// number of arguments, and with counts that promise more than there is.
func TestTheSearchForKeysTakesAnyArguments(t *testing.T) {
	p := startFuzzed(t)
	ask(t, p.addr, "ACL SETUSER narrow on nopass +@all ~a %R~b resetchannels &c")
	words := []string{"a", "b", "c", "x", "-1", "0", "1", "2", "9", "9223372036854775807", "-9223372036854775808", "STORE",
		"STREAMS", "GET", "SET", "LIMIT", "BY", "STOREDIST", ""}
	r := rand.New(rand.NewPCG(testrand.Seed(t), 10))
	for _, name := range fuzzedCommands() {
		var lines []string
		for n := range 40 {
			args := append([]string{}, name...)
			for range n % 9 {
				args = append(args, words[r.IntN(len(words))])
			}
			for _, before := range [][]string{
				{"COMMAND", "GETKEYS"}, {"COMMAND", "GETKEYSANDFLAGS"}, {"ACL", "DRYRUN", "narrow"},
				{"EVAL", "return redis.acl_check_cmd(unpack(ARGV))", "0"}, {"EVAL", "return redis.pcall(unpack(ARGV)).err", "0"},
			} {
				lines = append(lines, quotedLine(append(before, args...)))
			}
		}
		lines = append([]string{"AUTH narrow x"}, lines...)
		if said := ask(t, p.addr, lines...); strings.Contains(said, "internal error") || strings.Contains(said, "runtime error") ||
			strings.Contains(p.log.String(), `"panic"`) {
			t.Fatalf("%v: %.300q\n%.3000s", name, said, p.log.String())
		}
	}
}

func quotedLine(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	return strings.Join(quoted, " ")
}
