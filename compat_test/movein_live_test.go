package compat_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A volume that redis-server has written is what Diskette finds at its first start: whatever is in it is there
// afterwards, key by key.

// writtenVolume is how redis-server wrote its files.
type writtenVolume struct {
	name string
	args []string // of redis-server
	ours []string // of Diskette
}

var volumes = []writtenVolume{
	{"a snapshot", []string{"--save", "3600 1"}, nil},
	{"a snapshot, appendonly yes", []string{"--save", "3600 1"}, []string{"--appendonly", "yes"}},
	{"a snapshot without compression and checksum", []string{"--save", "3600 1",
		"--rdbcompression", "no", "--rdbchecksum", "no"}, nil},
	{"a snapshot of large encodings", append([]string{"--save", "3600 1"}, largeEncodings...), largeEncodings},
	{"an append only file of commands", []string{"--save", "", "--appendonly", "yes"}, []string{"--appendonly", "yes"}},
	{"an append only file, appendonly no", []string{"--save", "", "--appendonly", "yes"}, nil},
	{"an append only file with timestamps and without preamble", []string{"--save", "", "--appendonly", "yes",
		"--aof-timestamp-enabled", "yes", "--aof-use-rdb-preamble", "no"}, []string{"--appendonly", "yes"}},
}

// largeEncodings make Redis give up the compact ones at once.
var largeEncodings = []string{"--hash-max-listpack-entries", "0", "--zset-max-listpack-entries", "0",
	"--set-max-intset-entries", "0",
	"--list-max-listpack-size", "2", "--stream-node-max-entries", "3"}

func TestLiveVolumesMoveIn(t *testing.T) {
	needsLive(t)
	for _, v := range volumes {
		t.Run(v.name, func(t *testing.T) {
			redis := startServer(t, *redisFlag, append(v.args, "--enable-debug-command", "yes")...)
			c := dial(t, redis.Addr)
			r := rand.New(rand.NewPCG(13, uint64(len(v.args))))
			fillVolume(t, c, r, 400)
			if strings.HasPrefix(v.name, "an append") {
				says(t, c, "Background append only file rewriting started", "BGREWRITEAOF")
				rewritten(t, c)
				fillVolume(t, c, r, 400) // commands behind the base
				c.Do("CONFIG", "SET", "appendfsync", "always")
				says(t, c, "OK", "SET", "last", "one")
			} else {
				says(t, c, "OK", "SAVE")
			}
			redis.Kill9()
			dir := copied(t, redis.Dir)
			redis.Restart() // what it makes of its files itself is what counts
			c = dial(t, redis.Addr)
			s := movedIn(t, dir, v.ours...)
			sameKeys(t, c, dial(t, s.Addr))
			s.Kill9()
			s.Restart()
			logSays(t, s, "no longer read")
			sameKeys(t, c, dial(t, s.Addr))
		})
	}
}

func needsLive(t *testing.T) {
	t.Helper()
	if !*liveFlag {
		t.Skip("NOT CHECKED: this needs a redis-server; go test ./compat_test -live")
	}
}

// copied copies the files of a directory, and of those in it.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// movedIn starts Diskette on a directory, and looks that Redis's files stay as they are.
func movedIn(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	before := redisFiles(t, dir)
	s := newServer(t, subjectBin(t), append([]string{"--dir", dir, "--enable-debug-command", "yes"}, args...)...)
	s.Dir = dir
	s.start(nil)
	logSays(t, s, "moved in")
	says(t, dial(t, s.Addr), "OK", "DEBUG", "CHECK")
	if after := redisFiles(t, dir); !slices.Equal(after, before) {
		t.Errorf("Redis's files were changed")
	}
	return s
}

// redisFiles are the names and contents of Redis's files.
func redisFiles(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, pattern := range []string{"*.rdb", "*.aof", "appendonlydir/*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			all = append(all, name, string(readFile(t, name)))
		}
	}
	return all
}

// fillVolume sends n rounds of random commands of all types, in several databases.
func fillVolume(t *testing.T, c *client, r *rand.Rand, n int) {
	t.Helper()
	key := func(kind string) string { return kind + ":" + strconv.Itoa(r.IntN(40)) }
	word := func() string {
		switch r.IntN(8) {
		case 0:
			return ""
		case 1:
			return strconv.Itoa(r.IntN(1<<30) - 1<<29)
		case 2:
			return strings.Repeat("abc", r.IntN(3000))
		case 3:
			return string([]byte{0, 255, 13, 10, byte(r.IntN(256))})
		case 4:
			return strconv.FormatInt(r.Int64()-1<<62, 10)
		}
		return "word" + strconv.Itoa(r.IntN(200))
	}
	var batch [][]any
	send := func(args ...any) { batch = append(batch, args) }
	kinds := []string{"string", "list", "set", "zset", "hash", "stream"}
	far := time.Now().Add(50 * time.Hour).UnixMilli()
	for range n {
		if r.IntN(20) == 0 {
			send("SELECT", []int{0, 0, 0, 3, 9}[r.IntN(5)])
		}
		switch r.IntN(16) {
		case 0:
			send("SET", key("string"), word())
		case 1:
			send("APPEND", key("string"), word())
		case 2:
			send("SET", key("number"), r.IntN(1000), "PX", 200_000_000+r.IntN(1000))
			send("INCRBY", key("number"), r.IntN(1000))
		case 3:
			send("RPUSH", key("list"), word(), word(), word())
		case 4:
			send("LPUSH", key("list"), word(), strings.Repeat("x", r.IntN(20000)))
			send("LREM", key("list"), 1, word())
		case 5:
			send("SADD", key("ints"), r.IntN(100), r.IntN(1<<20), r.Int64())
		case 6:
			send("SADD", key("set"), word(), word(), r.IntN(10))
			send("SPOP", key("set"))
		case 7:
			send("ZADD", key("zset"), r.IntN(100), word(), r.NormFloat64(), word(), "inf", "most", "-0", "zero")
			send("ZREM", key("zset"), word())
		case 8:
			send("HSET", key("hash"), word(), word(), word(), word())
			send("HINCRBYFLOAT", key("hash"), "n", "1.5")
		case 9:
			send("XADD", key("stream"), "*", "field", word(), word(), "v")
			send("XADD", key("stream"), "*", "field", word(), "other", r.IntN(10))
			send("XTRIM", key("stream"), "MAXLEN", 30)
		case 10:
			k := key("stream")
			send("XGROUP", "CREATE", k, "group"+strconv.Itoa(r.IntN(3)), "0", "MKSTREAM")
			send("XREADGROUP", "GROUP", "group1", "consumer"+strconv.Itoa(r.IntN(3)), "COUNT", 3, "STREAMS", k, ">")
			send("XREADGROUP", "GROUP", "group2", "other", "COUNT", 1, "STREAMS", k, ">")
			send("XGROUP", "CREATECONSUMER", k, "group1", "idle")
		case 11:
			send("PEXPIREAT", key(kinds[r.IntN(len(kinds))]), far+int64(r.IntN(1000)))
		case 12:
			send("DEL", key(kinds[r.IntN(len(kinds))]))
			send("RENAME", key("string"), key("renamed"))
		case 13:
			send("MULTI")
			send("SET", key("string"), word())
			send("LPUSH", key("list"), word())
			send("EXEC")
		case 14:
			const script = "redis.call('set', KEYS[1], ARGV[1]); return redis.call('rpush', KEYS[2], ARGV[1], ARGV[1])"
			send("EVAL", script, 2, key("string"), key("list"), word())
		case 15:
			send("PFADD", key("hll"), word(), word())
			send("SETBIT", key("bits"), r.IntN(100000), 1)
			send("GEOADD", key("geo"), "13.361389", "38.115556", word())
		}
	}
	send("SELECT", 0)
	send("SET", strings.Repeat("long name ", 8000), strings.Repeat("long value ", 80_000))
	send("RPUSH", "long:list", strings.Repeat("y", 300_000), "z")
	send("HSET", "long:hash", strings.Repeat("field", 60_000), strings.Repeat("value", 60_000))
	for i := range 300 {
		send("HSET", "large:hash", "field"+strconv.Itoa(i), i)
		send("ZADD", "large:zset", i/7, "member"+strconv.Itoa(i))
		send("SADD", "large:set", "member"+strconv.Itoa(i))
		send("SADD", "large:ints", i*7919)
		send("RPUSH", "large:list", strings.Repeat("e", i))
	}
	send("XGROUP", "CREATE", "empty:stream", "g", "$", "MKSTREAM")
	send("FUNCTION", "LOAD", "REPLACE", "#!lua name=mine\n"+
		"redis.register_function{function_name='answer', callback=function() return 42 end, flags={'no-writes'}}")
	send("PEXPIRE", "large:list", 1_000_000_000)
	for _, v := range c.Pipeline(batch...) {
		if v.IsError() && !regexp.MustCompile("BUSYGROUP|NOGROUP|no such key|WRONGTYPE|NaN").MatchString(v.text) {
			t.Fatalf("%s", v)
		}
	}
}

// sameKeys compares all that two servers hold; the first one is Redis, which is asked for its digest of what the
// second one dumps. Of streams what is named is not compared.
func sameKeys(t *testing.T, redis, subject *client, without ...string) {
	t.Helper()
	total := 0
	for _, db := range []int{0, 3, 9} {
		redis.Do("SELECT", db)
		subject.Do("SELECT", db)
		want, got := names(redis), names(subject)
		if !slices.Equal(want, got) {
			t.Fatalf("database %d: %d keys, want %d: %q, want %q", db, len(got), len(want), got, want)
		}
		equal(t, "DBSIZE", subject.Do("DBSIZE").text, redis.Do("DBSIZE").text)
		for _, key := range want {
			sameKey(t, redis, subject, key, without)
		}
		total += len(want)
	}
	if total < 20 {
		t.Fatalf("only %d keys were compared", total)
	}
	equal(t, "FCALL", subject.Do("FCALL", "answer", 0).text, "42")
}

func names(c *client) (names []string) {
	for _, v := range c.Do("KEYS", "*").elems {
		names = append(names, v.text)
	}
	sort.Strings(names)
	return names
}

func sameKey(t *testing.T, redis, subject *client, key string, without []string) {
	t.Helper()
	ask := func(args ...any) {
		t.Helper()
		if want, got := redis.Do(args...).String(), subject.Do(args...).String(); got != want {
			t.Fatalf("%.200q: %.2000s, want %.2000s", fmt.Sprint(args...), got, want)
		}
	}
	ask("TYPE", key)
	ask("PEXPIRETIME", key)
	switch redis.Do("TYPE", key).text {
	case "string":
		ask("GET", key)
	case "list":
		ask("LRANGE", key, 0, -1)
	case "zset":
		ask("ZRANGE", key, 0, -1) // the digest has the scores
	case "stream":
		ask("XRANGE", key, "-", "+")
		if want, got := streamState(redis, key, without), streamState(subject, key, without); got != want {
			t.Fatalf("%s: %s, want %s", key, got, want)
		}
	}
	payload := subject.Do("DUMP", key)
	deadline := redis.Do("PEXPIRETIME", key).text
	if v := redis.Do("RESTORE", "\x00copy", deadline, payload.text, "ABSTTL", "REPLACE"); v.text != "OK" {
		if redis.Do("PTTL", key).text != "-1" {
			t.Fatalf("RESTORE of %.100q: %s", key, v)
		}
		says(t, redis, "OK", "RESTORE", "\x00copy", 0, payload.text, "REPLACE")
	}
	digests := redis.Do("DEBUG", "DIGEST-VALUE", key, "\x00copy").elems
	redis.Do("DEL", "\x00copy")
	if digests[0].text != digests[1].text {
		t.Fatalf("%.100q: what is dumped is another value", key)
	}
}

// streamState is what XINFO tells of a stream and its groups, without what depends on the clock or on Redis's radix
// trees, and without what is named.
func streamState(c *client, key string, without []string) string {
	without = append(without, "radix-tree-keys", "radix-tree-nodes", "seen-time", "active-time")
	var text strings.Builder
	var tell func(v value)
	tell = func(v value) {
		if v.elems == nil {
			fmt.Fprintf(&text, "%.100q ", v.text)
			return
		}
		text.WriteString("[")
		for i := 0; i < len(v.elems); i++ {
			if slices.Contains(without, v.elems[i].text) {
				i++
			} else {
				tell(v.elems[i])
			}
		}
		text.WriteString("]")
	}
	tell(c.Do("XINFO", "STREAM", key, "FULL", "COUNT", 0))
	return text.String()
}

func TestLiveAMillionKeysMoveInAlsoAfterAKill(t *testing.T) {
	needsLive(t)
	const n, batch = 1_000_000, 1000
	for _, appending := range []string{"no", "yes"} {
		t.Run("appendonly "+appending, func(t *testing.T) {
			redis := startServer(t, *redisFlag, "--save", "", "--appendonly", appending, "--enable-debug-command", "yes")
			c := dial(t, redis.Addr)
			says(t, c, "OK", "DEBUG", "POPULATE", n)
			if appending == "no" {
				says(t, c, "OK", "SAVE")
			} else {
				says(t, c, "Background append only file rewriting started", "BGREWRITEAOF")
				rewritten(t, c)
				for i := range 20_000 { // commands behind the base
					c.Send("SET", "key:"+strconv.Itoa(i*50), i)
				}
				for range 20_000 {
					c.Receive()
				}
			}
			redis.Kill9()
			dir := copied(t, redis.Dir)
			redis.Restart()
			c = dial(t, redis.Addr)
			s := newServer(t, subjectBin(t), "--dir", dir, "--appendonly", appending, "--enable-debug-command", "yes")
			s.Dir = dir
			ours := underWay(t, s)
			if !awaitLoaded(t, ours, 50) {
				t.Fatal("all was loaded before half of it was seen to be")
			}
			s.Kill9()
			if hasDatabase(s) {
				t.Fatal("killed in the middle, it left a database")
			}
			s.start(nil)
			ours = dial(t, s.Addr)
			says(t, ours, strconv.Itoa(n), "DBSIZE")
			for from := 0; from < n; from += batch {
				get := []any{"MGET"}
				for i := range batch {
					get = append(get, "key:"+strconv.Itoa(from+i))
				}
				if want, got := c.Do(get...), ours.Do(get...); got.String() != want.String() || want.elems[7].IsNil() {
					t.Fatalf("the values of keys from %d on differ", from)
				}
			}
		})
	}
}
