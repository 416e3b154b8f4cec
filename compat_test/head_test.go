package compat_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestWhatNeedsTheHeadOfAKeyAloneLeavesItsValueOnDisk asks for heads of eight values that are each larger
// than maxmemory, in every way that clients have, and looks at the most memory that the process ever had.
func TestWhatNeedsTheHeadOfAKeyAloneLeavesItsValueOnDisk(t *testing.T) {
	requireProc(t)
	const values = 8
	size := 32 << 20
	if testing.Short() {
		size = 16 << 20
	}
	s := startServer(t, subjectBin(t), "--maxmemory", "16mb")
	c := dial(t, s.Addr)
	types := []string{"string", "hash", "string", "list", "string", "stream", "string", "zset"}
	keys := make([]any, values)
	for i := range keys {
		keys[i] = fmt.Sprint("k", i)
		if i%2 == 0 {
			if err := c.sendBig(size, "SET", keys[i].(string)); err != nil {
				t.Fatal(err)
			}
			if v := c.Receive(); v.text != "OK" {
				t.Fatal(v)
			}
			continue
		}
		for n := 1; n <= size>>20; n++ {
			key := keys[i].(string)
			element := map[string][]string{"hash": {"HSET", key, strconv.Itoa(n)}, "list": {"RPUSH", key},
				"stream": {"XADD", key, fmt.Sprint("1-", n), "field"}, "zset": {"ZADD", key, strconv.Itoa(n)}}[types[i]]
			if err := c.sendBig(1<<20+n, element...); err != nil {
				t.Fatal(err)
			}
			if v := c.Receive(); v.IsError() {
				t.Fatal(v)
			}
		}
	}
	s.Restart() // VmHWM begins anew
	c = dial(t, s.Addr)
	idle := s.memoryLine("VmHWM")
	ask := func(want string, args ...any) {
		t.Helper()
		if v := c.Do(args...); v.text != want {
			t.Errorf("%.100v: %v, want %s", args, v, want)
		}
	}
	all := func(command ...any) []any { return append(command, keys...) }
	each := func(want string, command string, args ...any) {
		t.Helper()
		for _, key := range keys {
			ask(want, append([]any{command, key}, args...)...)
		}
	}
	ask("8", all("EXISTS")...)
	ask("8", all("TOUCH")...)
	each("-1", "TTL")
	each("1", "EXPIRE", 100)
	each("1", "PERSIST")
	for i, key := range keys {
		ask(types[i], "TYPE", key)
		ask("1", "OBJECT", "REFCOUNT", key)
		ask("0", "OBJECT", "IDLETIME", key)
	}
	ask(strconv.Itoa(size), "STRLEN", "k0")
	elements := strconv.Itoa(size >> 20)
	for i, command := range []string{1: "HLEN", 3: "LLEN", 5: "XLEN", 7: "ZCARD"} {
		if command != "" {
			ask(elements, command, keys[i])
		}
	}
	for i, encoding := range []string{"raw", "hashtable", "raw", "quicklist", "raw", "stream", "raw", "skiplist"} {
		ask(encoding, "OBJECT", "ENCODING", keys[i])
		if v := c.Do("MEMORY", "USAGE", keys[i]); v.Int() < int64(size) || v.Int() > int64(size)*5/4 {
			t.Errorf("MEMORY USAGE %s: %v", keys[i], v)
		}
	}
	const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"
	ask(wrongType, "STRLEN", "k1")
	ask(wrongType, "SORT", "k1")
	ask(wrongType, "SCARD", "k7")
	ask("0", "COPY", "k2", "k3")
	ask("OK", "WATCH", "k0", "k1")

	c.Do("MULTI") // EXEC's keys are all wanted at once
	for _, key := range keys {
		c.Do("EXISTS", key)
		c.Do("PEXPIRE", key, 1e6)
	}
	if got := c.Do("EXEC"); len(got.elems) != 2*values {
		t.Errorf("EXEC: %v", got)
	}
	var pipeline [][]any
	for _, key := range keys {
		pipeline = append(pipeline, []any{"TYPE", key}, []any{"PTTL", key}, []any{"RENAME", key, "new:" + key.(string)})
	}
	for i, v := range c.Pipeline(pipeline...) {
		if i%3 == 2 && v.text != "OK" {
			t.Errorf("%v: %v", pipeline[i], v)
		}
	}
	for i := range keys {
		keys[i] = "new:" + keys[i].(string)
	}
	ask("16", all("EVAL", `local n = 0
		for i = 1, #KEYS do n = n + redis.call("EXISTS", KEYS[i]) + redis.call("EXPIRE", KEYS[i], 1000) end
		return n`, values)...)
	ask(elements, "EVAL", `return redis.call("HLEN", KEYS[1]) + redis.call("LLEN", KEYS[2]) - redis.call("ZCARD", KEYS[3])`,
		3, keys[1], keys[3], keys[7])
	ask("0", "SETNX", keys[0], "x")
	ask("1", "MOVE", keys[0], 1)
	ask("OK", "SET", "k", "little")
	ask("OK", "SET", keys[1], "over it")
	ask("OK", "SETEX", keys[2], 100, "over it")
	ask("OK", "RENAME", "k", keys[3])
	ask("0", "SINTERSTORE", keys[4], "none")
	ask("0", "BITOP", "AND", keys[5], "none")
	ask("2", "DEL", keys[6], keys[7])
	ask("3", "DBSIZE")
	most := s.memoryLine("VmHWM")
	t.Logf("VmHWM %d MB, %d when idle, of values of %d MB", most>>20, idle>>20, size>>20)
	if most-idle > int64(size) {
		t.Errorf("VmHWM grew from %d to %d MB over heads of values of %d MB", idle>>20, most>>20, size>>20)
	}
}

// TestTheEncodingOfWhatIsOnDiskIsThatOfWhatIsInMemory, also where thresholds are so high that
// the first elements do not tell it.
func TestTheEncodingOfWhatIsOnDiskIsThatOfWhatIsInMemory(t *testing.T) {
	s := startServer(t, subjectBin(t), "--enable-debug-command", "local")
	c := dial(t, s.Addr)
	for i := 0; i < 20_000; i += 1000 {
		hash, set, zset, list := []any{"HSET", "hash"}, []any{"SADD", "set"}, []any{"ZADD", "zset"}, []any{"RPUSH", "list"}
		for n := i; n < i+1000; n++ {
			hash, set = append(hash, n, n), append(set, n)
			zset, list = append(zset, n, n), append(list, "e")
		}
		c.Pipeline(hash, set, zset, list)
	}
	for _, thresholds := range [][]string{
		{"128", "hashtable", "hashtable", "skiplist", "quicklist"},
		{"30000", "listpack", "intset", "listpack", "listpack"},
	} {
		for _, option := range []string{"hash-max-listpack-entries", "set-max-intset-entries", "zset-max-listpack-entries"} {
			c.Do("CONFIG", "SET", option, thresholds[0])
		}
		c.Do("CONFIG", "SET", "list-max-listpack-size", map[string]string{"128": "-2", "30000": "-5"}[thresholds[0]])
		for _, how := range []string{"loaded", "on disk", "in MULTI", "in a script"} {
			c.Do("DEBUG", "RELOAD")
			for i, key := range []string{"hash", "set", "zset", "list"} {
				ask := []any{"OBJECT", "ENCODING", key}
				var v value
				switch how {
				case "in MULTI":
					c.Do("MULTI")
					c.Do(ask...)
					v = c.Do("EXEC").elems[0]
				case "in a script":
					v = c.Do("EVAL", `return redis.call("OBJECT", "ENCODING", KEYS[1])`, 1, key)
				case "loaded":
					c.Do("DUMP", key)
					fallthrough
				default:
					v = c.Do(ask...)
				}
				if v.text != thresholds[i+1] {
					t.Errorf("%s %s, up to %s: %v, want %s", key, how, thresholds[0], v, thresholds[i+1])
				}
			}
		}
	}
}

// TestAScriptThatNeedsALargeValueRunsOnceItIsLoaded: what it had done before, which was to read, shows once; what comes
// after a change is not done twice.
func TestAScriptThatNeedsALargeValueRunsOnceItIsLoaded(t *testing.T) {
	s := startServer(t, subjectBin(t), "--enable-debug-command", "local")
	c := dial(t, s.Addr)
	large := strings.Repeat("v", 1<<20)
	for _, key := range []string{"a", "b", "c"} {
		c.Do("SET", key, large)
	}
	for i := range 40 {
		c.Do("HSET", "h", i, large[:20_000])
	}
	for name, script := range map[string]string{
		"reads": `return #redis.call("GET", KEYS[1]) + #redis.call("GET", KEYS[2]) + redis.call("HLEN", KEYS[3]) - redis.call("HLEN", "h")`,
		"catches errors": `local ok, n = pcall(function() return #redis.call("GET", KEYS[1]) end)
			local ok, m = pcall(function() return #redis.call("GET", KEYS[2]) + redis.call("HLEN", KEYS[3]) * 0 end)
			return n + m`,
		"writes first": `redis.call("INCR", "n")
			return #redis.call("GET", KEYS[1]) + #redis.call("GET", KEYS[2]) + redis.call("HLEN", KEYS[3]) * 0`,
		"writes between": `local n = #redis.call("GET", KEYS[1])
			redis.call("INCR", "n")
			return n + #redis.call("GET", KEYS[2]) + redis.call("HLEN", KEYS[3]) * 0`,
	} {
		t.Run(name, func(t *testing.T) {
			c.Do("DEL", "n")
			for _, how := range []string{"EVAL", "EVAL", "MULTI"} {
				c.Do("DEBUG", "RELOAD")
				if how == "MULTI" {
					c.Do("MULTI")
				}
				v := c.Do("EVAL", script, 3, "a", "b", "h")
				if how == "MULTI" {
					v = c.Do("EXEC").elems[0]
				}
				if v.text != strconv.Itoa(2<<20) {
					t.Errorf("%s: %v", how, v)
				}
			}
			if v := c.Do("GET", "n"); strings.HasPrefix(name, "writes") && v.text != "3" {
				t.Errorf("it ran %v times", v)
			}
		})
	}
	if v := c.Do("DEBUG", "CHECK"); v.text != "OK" {
		t.Error(v)
	}
	for try := 1; ; try++ { // a run that was slow so far is not given up
		c.Do("DEBUG", "RELOAD")
		c.Do("CONFIG", "RESETSTAT")
		c.Do("EVAL", `return redis.call("EXISTS", "none") + #redis.call("GET", KEYS[1])`, 1, "a")
		stats := c.Do("INFO", "commandstats").Text()
		if strings.Contains(stats, "cmdstat_exists:calls=2,") && strings.Contains(stats, "cmdstat_eval:calls=1,") {
			return
		}
		if try == 20 {
			t.Fatalf("it never began anew: %s", stats)
		}
	}
}

// TestAListOnDiskServesWhoWaitsForItsNewName renames a list. RENAME needs no more than the list's head, but the
// client that waits for the new name needs the elements.
func TestAListOnDiskServesWhoWaitsForItsNewName(t *testing.T) {
	s := startServer(t, subjectBin(t), "--enable-debug-command", "local")
	c, waiting := dial(t, s.Addr), dial(t, s.Addr)
	c.Do("RPUSH", "list", "a", "b")
	c.Do("DEBUG", "RELOAD")
	waiting.Send("BLPOP", "new", 0)
	for !strings.Contains(c.Do("INFO", "clients").Text(), "blocked_clients:1") {
	}
	if v := c.Do("RENAME", "list", "new"); v.text != "OK" {
		t.Fatal(v)
	}
	if v := waiting.Receive(); len(v.elems) != 2 || v.elems[1].text != "a" {
		t.Errorf("BLPOP: %v", v)
	}
	if v := c.Do("LRANGE", "new", 0, -1); len(v.elems) != 1 || v.elems[0].text != "b" {
		t.Errorf("LRANGE: %v", v)
	}
}
