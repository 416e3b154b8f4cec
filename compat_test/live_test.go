package compat_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// randomCommands is how many commands each run of the random comparison sends.
const randomCommands = 20_000

// randomFamilies are the random comparisons, one run each. A family of commands registers its own in an init of
// live_FAMILY_test.go.
var randomFamilies = map[string]randomFamily{}

// randomFamily is the commands of one random comparison. A word of a template that words knows stands for a random
// choice; commonWords are there for all.
type randomFamily struct {
	templates string                          // a command a line; a line that stands twice comes twice as often
	words     map[string][]string             // over commonWords
	unordered string                          // commands whose array replies have no order in Redis, such as SMEMBERS
	settled   func(args []any, v value) value // the reply without what depends on the clock; nil = as it is
	varied    func(args []any)                // changes a command that was chosen; nil = it stays
}

// The one letter words in capitals stand for a random key, value, integer, float, index, pattern,
// deadline in seconds or in milliseconds, relative time, and database.
//
// Deadlines are long past or far ahead, and relative times never in the near
// future, so that both servers see the same whatever the time between them.
func init() {
	randomFamilies["strings"] = randomFamily{templates: `
SET K V
SET K I
SET K V NX
SET K V XX
SET K V GET
SET K V NX GET
SET K V XX GET
SET K V KEEPTTL
SET K V EXAT S
SET K V PXAT M
SET K V EX R
SET K V PX R
GETEX K EX R
SET K V GET PXAT M
SET K V NX EXAT S
GET K
GETEX K
GETEX K PERSIST
GETEX K EXAT S
GETEX K PXAT M
GETDEL K
GETSET K V
SETNX K V
SETEX K R V
PSETEX K R V
MGET K K K
MSET K V K V
MSETNX K V K V
APPEND K V
STRLEN K
GETRANGE K N N
SUBSTR K N N
SETRANGE K N V
INCR K
DECR K
INCRBY K I
DECRBY K I
INCRBYFLOAT K F
LCS K K
LCS K K LEN
LCS K K IDX
LCS K K IDX WITHMATCHLEN MINMATCHLEN N
DEL K
DEL K K
UNLINK K
EXISTS K K
TYPE K
TOUCH K K
EXPIREAT K S
EXPIREAT K S NX
EXPIREAT K S XX
EXPIREAT K S GT
EXPIREAT K S LT
PEXPIREAT K M
PEXPIREAT K M XX GT
PEXPIREAT K M NX
EXPIRE K R
PEXPIRE K R
EXPIRE K R GT
EXPIRE K R LT
EXPIRETIME K
PEXPIRETIME K
PERSIST K
KEYS P
RENAME K K
RENAMENX K K
COPY K K
COPY K K REPLACE
COPY K K DB D
COPY K K DB D REPLACE
MOVE K D
OBJECT ENCODING K
DBSIZE
SELECT D
SWAPDB D D
FLUSHDB
MULTI
EXEC
DISCARD
WATCH K
UNWATCH
SCAN
`}
}

var commonWords = map[string][]string{
	"K": {"a", "b", "c", "d", "", "e\x00e", "f"},
	"V": {"", "x", "hello", "12", "-7", "9223372036854775807", "3.25", "1e3", "\x00\xff\r\n", " 1", "abcabcxyz", strings.Repeat("y", 44), strings.Repeat("z", 45)},
	"I": {"0", "1", "-1", "5", "100", "9223372036854775807", "-9223372036854775808", "9223372036854775", "9223372036854775808", "abc", "", "1.5"},
	"F": {"0", "1", "-1.5", "0.1", "3.0e2", "1e-7", "1e17", "abc", "", "inf", "nan", "123456789.123456789"},
	"N": {"0", "1", "3", "10", "-1", "-3", "-100", "40", "600000000", "9223372036854775807", "x"},
	"P": {"*", "?", "[a-c]", "e*", "", "[^a]", "*a*"},
	"S": {"1", "-1", "0", "33177117420", "33177117421", "33177117430", "9223372036854775807", "x"},
	"M": {"1", "-1", "0", "33177117420000", "33177117420001", "33177117430500", "9223372036854775807", "x"},
	"R": {"0", "-1", "-100", "abc", "", "1.5", "9223372036854775807", "-9223372036854775808", "9223372036854775808"},
	"D": {"0", "1", "2", "1", "0", "99"},
}

// TestRandomCommandsAnswerAsALiveRedisDoes sends the same random commands to
// Diskette and to a live redis-server and compares every reply. It belongs to
// -live. A failure names the seed that replays it.
func TestRandomCommandsAnswerAsALiveRedisDoes(t *testing.T) {
	ours, theirs := startBoth(t, "that random commands get a live Redis's replies")
	seed := testrand.Seed(t)
	for _, name := range slices.Sorted(maps.Keys(randomFamilies)) {
		for protocol := 2; protocol <= 3; protocol++ {
			t.Run(name+"/RESP"+strconv.Itoa(protocol), func(t *testing.T) {
				compareRandom(t, randomFamilies[name], dial(t, ours.Addr), dial(t, theirs.Addr), protocol, rand.New(rand.NewPCG(seed, uint64(protocol))))
			})
		}
	}
}

func compareRandom(t *testing.T, f randomFamily, ours, theirs *client, protocol int, r *rand.Rand) {
	templates := strings.Split(strings.TrimSpace(f.templates), "\n")
	for _, c := range []*client{ours, theirs} {
		c.Do("HELLO", protocol)
		c.Do("FLUSHALL")
	}
	var history []string
	for range randomCommands {
		args := f.command(templates[r.IntN(len(templates))], r)
		history = append(history, fmt.Sprintf("%q", args))
		got, want := f.answer(ours, args), f.answer(theirs, args)
		if f.settled != nil {
			got, want = f.settled(args, got), f.settled(args, want)
		}
		g, w := strings.Join(got.lines(protocol), "\n"), strings.Join(want.lines(protocol), "\n")
		if g != w {
			t.Errorf("after\n  %s\nDiskette says:\n%s\nredis-server says:\n%s",
				strings.Join(history[max(0, len(history)-30):], "\n  "), g, w)
			return
		}
	}
}

func (f randomFamily) command(template string, r *rand.Rand) []any {
	var args []any
	for _, word := range strings.Fields(template) {
		choices := f.words[word]
		if choices == nil {
			choices = commonWords[word]
		}
		if choices != nil {
			word = choices[r.IntN(len(choices))]
		}
		args = append(args, word)
	}
	if f.varied != nil {
		f.varied(args)
	}
	return args
}

// answer is the reply with what has no order put in order: KEYS and SCAN.
// Inside the reply to EXEC, which does not say what was queued, that is every array.
func (f randomFamily) answer(c *client, args []any) value {
	if slices.Contains(strings.Fields(f.unordered), fmt.Sprint(args[0])) {
		return sortDeep(c.Do(args...))
	}
	switch args[0] {
	case "KEYS":
		return sortDeep(c.Do(args...))
	case "EXEC":
		v := c.Do(args...)
		for i := range v.elems {
			v.elems[i] = sortDeep(v.elems[i])
		}
		return v
	case "SCAN":
		return sortDeep(c.Do("SCAN", "0", "COUNT", "1000"))
	case "DBSIZE":
		c.Do("SCAN", "0", "COUNT", "1000") // Redis counts an expired key until it comes across it
	}
	return c.Do(args...)
}

func sortDeep(v value) value {
	if v.kind != kindArray && v.kind != kindSet {
		return v
	}
	for i := range v.elems {
		v.elems[i] = sortDeep(v.elems[i])
	}
	return v.sorted(false)
}
