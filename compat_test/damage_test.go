package compat_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pageBytes = 4096 // of the database file

// damagedServer is a server that was started on a database with 20,000 keys of which sixty
// pages are zeroed or have a flipped bit. value is what key i has.
func damagedServer(t *testing.T, args ...string) (s *server, value func(i int) string) {
	t.Helper()
	value = func(i int) string { return fmt.Sprint("value ", i, strings.Repeat(".", i%300)) }
	s = startServer(t, subjectBin(t), args...)
	c := dial(t, s.Addr)
	const batch = 1000
	for i := 0; i < 20_000; i += batch {
		var sets [][]any
		for k := i; k < i+batch; k++ {
			sets = append(sets, []any{"SET", fmt.Sprint("key:", k), value(k)})
		}
		c.Pipeline(sets...)
	}
	if status := s.Terminate(); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	path := filepath.Join(s.Dir, "diskette.db")
	b := readFile(t, path)
	r := rand.New(rand.NewPCG(1, 2))
	for i, page := range r.Perm(len(b)/pageBytes - 40)[:60] {
		// The page stands behind the tables' roots, and before the last keys, which a start reads.
		page := b[(page+30)*pageBytes:][:pageBytes]
		if i%2 == 0 {
			clear(page)
		} else {
			page[r.IntN(pageBytes)] ^= 1 << r.IntN(8)
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	return s, value
}

// unreadableKey is a key that the server answers with an error; every other must have its value.
func unreadableKey(t *testing.T, c *client, value func(i int) string) (key string) {
	t.Helper()
	const batch = 500
	refused := 0
	for i := 0; i < 20_000; i += batch {
		var gets [][]any
		for k := i; k < i+batch; k++ {
			gets = append(gets, []any{"GET", fmt.Sprint("key:", k)})
		}
		for n, v := range c.Pipeline(gets...) {
			switch {
			case v.IsError():
				key = fmt.Sprint("key:", i+n)
				refused++
			case v.text != value(i+n):
				t.Fatalf("key:%d is %s", i+n, v)
			}
		}
	}
	if refused < 60 || refused > 15_000 {
		t.Fatalf("%d keys can not be read", refused)
	}
	return key
}

const damageText = "ERR the data on disk is damaged"

func TestWhatNeedsADamagedPageIsRefusedAndTheRestGoesOn(t *testing.T) {
	s, value := damagedServer(t)
	c := dial(t, s.Addr)
	key := unreadableKey(t, c, value)
	for _, command := range []string{
		"SET KEY v", "DEL KEY", "UNLINK KEY", "EXISTS KEY", "TYPE KEY", "TTL KEY", "EXPIRE KEY 100", "APPEND KEY v", "INCR KEY", "GETSET KEY v", "MGET KEY key:0",
		"MSET key:0 v KEY v", "OBJECT ENCODING KEY", "DUMP KEY", "RENAME KEY other", "COPY KEY other", "SORT KEY", "LPUSH KEY v",
		"BLPOP KEY 1", "BITCOUNT KEY", "WATCH KEY", "SCAN 0 COUNT 20000", "KEYS *", "MEMORY USAGE KEY",
		"EVAL \"return redis.call('GET', KEYS[1])\" 1 KEY", "EVAL \"return redis.call('GET', ARGV[1])\" 0 KEY",
		"EVAL \"redis.call('SET', 'key:0', 'v') return redis.call('SET', ARGV[1], 'v')\" 0 KEY",
	} {
		args, err := splitArgs(strings.ReplaceAll(command, "KEY ", key+" "))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(args) - 1; args[n] == "KEY" {
			args[n] = key
		}
		v := c.Do(toAny(args)...)
		for args[0] == "SCAN" && !v.IsError() && v.elems[0].text != "0" { // what stands before the damage is told
			v = c.Do("SCAN", v.elems[0].text, "COUNT", "20000")
		}
		if args[0] == "WATCH" && !v.IsError() { // it needs no value
			c.Do("UNWATCH")
			continue
		}
		if !v.IsError() || !strings.HasPrefix(v.text, damageText) {
			t.Errorf("%s: %s", command, v)
		}
	}
	if v := c.Do("ECHO", "still here"); v.text != "still here" {
		t.Errorf("the connection: %s", v)
	}
	// A transaction whose keys are known in advance is refused whole; one that comes upon the key has its error inside.
	c.Do("MULTI")
	c.Do("SET", "key:0", "not this")
	c.Do("GET", key)
	if v := c.Do("EXEC"); !v.IsError() || !strings.HasPrefix(v.text, "EXECABORT ") || !strings.Contains(v.text, "damaged") {
		t.Errorf("EXEC: %s", v)
	}
	c.Do("SELECT", "1")
	c.Do("RPUSH", "list", strings.TrimPrefix(key, "key:"))
	c.Do("MULTI")
	c.Do("ECHO", "first")
	c.Do("EVAL", "redis.call('SELECT', 0) return redis.call('GET', ARGV[1])", "0", key)
	c.Do("ECHO", "last")
	if v := c.Do("EXEC"); len(v.elems) != 3 || v.elems[0].text != "first" || !strings.Contains(v.elems[1].text, "damaged") || v.elems[2].text != "last" {
		t.Errorf("EXEC: %s", v)
	}
	c.Do("SELECT", "0")
	// SORT comes upon keys by its patterns, a pipeline goes on behind it.
	c.Do("RPUSH", "list", strings.TrimPrefix(key, "key:"))
	replies := c.Pipeline([]any{"SORT", "list", "BY", "nosort", "GET", "key:*"}, []any{"ECHO", "after"}, []any{"PING"})
	if !strings.HasPrefix(replies[0].text, damageText) || replies[1].text != "after" || replies[2].text != "PONG" {
		t.Errorf("SORT and what follows: %s", replies)
	}
}

func toAny(args []string) (all []any) {
	for _, a := range args {
		all = append(all, a)
	}
	return all
}

func TestDamageIsToldInTheLogInINFOAndByTheExitStatus(t *testing.T) {
	s, value := damagedServer(t)
	c := dial(t, s.Addr)
	if info := c.Do("INFO", "persistence").text; infoField(info, "storage_damaged") != "0" || infoField(info, "storage_damaged_what") != "" {
		t.Errorf("before anything was read: %s", info)
	}
	key := unreadableKey(t, c, value)
	c.Do("GET", key)
	info := c.Do("INFO", "persistence").text
	if infoField(info, "storage_damaged") != "1" || infoField(info, "storage_damaged_reads") == "0" ||
		!strings.Contains(infoField(info, "storage_damaged_what"), "does not fit its checksum") || infoField(info, "storage_damaged_since") == "" {
		t.Errorf("INFO: %s", info)
	}
	logSays(t, s, `"level":"error"`, "the database file is damaged", `"operation":"read a key"`, "--set-aside-damaged salvage")
	if n := strings.Count(s.Log.String(), `"operation":"read a key"`); n != 1 {
		t.Errorf("the log tells %d times of reading", n)
	}
	if v := c.Do("PING"); v.text != "PONG" {
		t.Errorf("PING: %s", v)
	}
	c.Send("SHUTDOWN")
	if status := s.Wait(); status != 1 {
		t.Errorf("exit status %d", status)
	}
	if strings.Contains(lastOf(s.Log.String(), 3), "everything is on disk") {
		t.Errorf("log: %s", lastOf(s.Log.String(), 3))
	}
}

func lastOf(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func TestPingFailsWhenDamagedAsAnOption(t *testing.T) {
	s, value := damagedServer(t, "--ping-fails-when-damaged", "yes")
	c := dial(t, s.Addr)
	if v := c.Do("PING"); v.text != "PONG" {
		t.Errorf("PING before: %s", v)
	}
	unreadableKey(t, c, value)
	for _, args := range [][]any{{"PING"}, {"PING", "hello"}} {
		if v := c.Do(args...); !v.IsError() || !strings.HasPrefix(v.text, "MISCONF ") {
			t.Errorf("%v: %s", args, v)
		}
	}
	c.Do("CONFIG", "SET", "ping-fails-when-damaged", "no")
	if v := c.Do("PING"); v.text != "PONG" {
		t.Errorf("PING: %s", v)
	}
}
