package compat_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// What Diskette saves is what redis-server finds at its start: whatever is in Diskette is there afterwards, key by key.

// savedFiles are the ways in which Diskette writes a dump, for the redis-server that is there.
var savedFiles = []struct {
	name string
	args []string // of Diskette
	// without are what the file's version does not say of streams.
	without []string
}{
	{"version 10", []string{"--export-rdb-version", "10"}, nil},
	{"without compression and checksum", []string{"--export-rdb-version", "10", "--rdbcompression", "no", "--rdbchecksum", "no"}, nil},
	{"large encodings", append([]string{"--export-rdb-version", "10"}, largeEncodings...), nil},
	{"version 9", []string{"--export-rdb-version", "9"},
		[]string{"max-deleted-entry-id", "entries-added", "recorded-first-entry-id", "entries-read", "lag"}},
}

func TestLiveDumpsAreReadByRedis(t *testing.T) {
	needsLive(t)
	for i, f := range savedFiles {
		t.Run(f.name, func(t *testing.T) {
			ours := startServer(t, subjectBin(t), append(f.args, "--enable-debug-command", "yes")...)
			c := dial(t, ours.Addr)
			fillVolume(t, c, rand.New(rand.NewPCG(17, uint64(i))), 1200)
			fillLarge(t, c)
			says(t, c, "OK", "SAVE")
			redis := newServer(t, *redisFlag, append([]string{"--save", "", "--enable-debug-command", "yes", "--dir", copied(t, ours.Dir)},
				largeEncodings...)...)
			redis.start(nil)
			r := dial(t, redis.Addr)
			sameKeys(t, r, c, f.without...)
			functions := "1"
			if f.name == "version 9" {
				functions = "0"
				logSays(t, ours, "1 libraries of functions are not in the file")
			}
			equal(t, "libraries of functions", strconv.Itoa(len(r.Do("FUNCTION", "LIST").elems)), functions)
		})
	}
}

// fillLarge makes values that are written in parts.
func fillLarge(t *testing.T, c *client) {
	t.Helper()
	const n = 12_000
	var batch [][]any
	word := func(i int) string { return strings.Repeat("the large one ", i%13) + strconv.Itoa(i) }
	for i := range n {
		batch = append(batch, []any{"RPUSH", "huge:list", word(i)}, []any{"SADD", "huge:set", word(i)},
			[]any{"ZADD", "huge:zset", i / 3, word(i)}, []any{"HSET", "huge:hash", word(i), word(i + 1)},
			[]any{"XADD", "huge:stream", i + 1, "field", word(i), strconv.Itoa(i % 7), "other"},
			[]any{"XADD", "pending:stream", i + 1, "f", "v"}, []any{"XADD", "pending:stream", strconv.Itoa(i+1) + "-1", "f", "v"})
	}
	batch = append(batch, []any{"SETRANGE", "huge:string", 3 << 20, "end"}, []any{"XGROUP", "CREATE", "huge:stream", "g", "0"},
		[]any{"XREADGROUP", "GROUP", "g", "c", "COUNT", n / 2, "STREAMS", "huge:stream", ">"},
		[]any{"XGROUP", "CREATE", "pending:stream", "g", "0"}, []any{"XGROUP", "CREATE", "pending:stream", "a", "17"},
		[]any{"XREADGROUP", "GROUP", "g", "c", "COUNT", n, "STREAMS", "pending:stream", ">"},
		[]any{"XREADGROUP", "GROUP", "g", "b", "COUNT", n, "STREAMS", "pending:stream", ">"},
		[]any{"XREADGROUP", "GROUP", "a", "c", "COUNT", 7, "STREAMS", "pending:stream", ">"}, []any{"PEXPIRE", "huge:list", 1_000_000_000})
	for _, v := range c.Pipeline(batch...) {
		if v.IsError() {
			t.Fatalf("%s", v)
		}
	}
}
