package compat_test

import (
	"strings"
	"testing"
	"time"
)

// Scripts act for the one who runs them: what others see of their commands, and what these may do.

func TestAScriptsCommandsNeedTheUsersPermission(t *testing.T) {
	s := startServer(t, subjectBin(t), "--user", "bob", "on", "nopass", "+eval", "+get", "+acl|log", "+acl|whoami", "~mine*", "--user", "default", "on", "nopass", "+@all", "~*", "&*")
	admin, bob := dial(t, s.Addr), dial(t, s.Addr)
	says(t, bob, "OK", "AUTH", "bob", "")
	admin.Do("SET", "mine", "1")
	says(t, bob, "1", "EVAL", "return redis.call('get','mine')", 0)
	mentions(t, bob.Do("EVAL", "return redis.call('set','mine','2')", 0).text,
		"ERR ACL failure in script: User bob has no permissions to run the 'set' command script: ", ", on @user_script:1.")
	mentions(t, bob.Do("EVAL", "return redis.call('get','other')", 0).text, "ERR ACL failure in script: No permissions to access a key")
	says(t, bob, "NOPERM No permissions to access a key", "EVAL", "return 1", 1, "other")
	says(t, bob, "NOPERM User bob has no permissions to run the 'evalsha' command", "EVALSHA", "x", 0)
	equal(t, "acl_check_cmd", bob.Do("EVAL", "return {redis.acl_check_cmd('get','mine'), redis.acl_check_cmd('get','other'), redis.acl_check_cmd('set','mine','x')}", 0).String(),
		admin.Do("EVAL", "return {true, false, false}", 0).String())
	says(t, admin, "1", "GET", "mine")
	log := admin.Do("ACL", "LOG").String()
	mentions(t, log, `"lua"`, `"toplevel"`, `"set"`, `"other"`, `"bob"`)
}

func TestACommandInAScriptInvalidatesWhatOthersTrack(t *testing.T) {
	s := startServer(t, subjectBin(t))
	watcher, writer := dial(t, s.Addr), dial(t, s.Addr)
	watcher.Do("HELLO", 3)
	says(t, watcher, "OK", "CLIENT", "TRACKING", "ON")
	writer.Do("MSET", "read", "1", "undeclared", "1", "other", "1")
	watcher.Do("EVAL_RO", "redis.call('get', KEYS[1]) return redis.call('get','undeclared')", 1, "read")
	writer.Do("EVAL", "redis.call('set','other','2') redis.call('set','undeclared','2') return redis.call('incr', KEYS[1])", 1, "read")
	for _, key := range []string{"undeclared", "read"} {
		v, err := watcher.read(replyTimeout)
		if err != nil {
			t.Fatal(err)
		}
		mentions(t, v.String(), "invalidate", `"`+key+`"`)
	}
	// What a client has read in a script that writes is not tracked less.
	watcher.Do("EVAL", "redis.call('set','w','1') return redis.call('get', KEYS[1])", 1, "other")
	writer.Do("SET", "other", "3")
	v, err := watcher.read(replyTimeout)
	if err != nil {
		t.Fatal(err)
	}
	mentions(t, v.String(), "invalidate", `"other"`)
}

func TestScriptsAreSeenInTheSlowLogAndInTheStatistics(t *testing.T) {
	s := startServer(t, subjectBin(t), "--slowlog-log-slower-than", "10000")
	c := dial(t, s.Addr)
	c.Do("SLOWLOG", "RESET")
	c.Do("CONFIG", "RESETSTAT")
	c.Do("EVAL", "redis.call('set', KEYS[1], 'v') for i = 1, 1000000 do end return redis.call('get', KEYS[1])", 1, "k")
	c.Do("EVAL", "return redis.pcall('lpush', KEYS[1], 'x')", 1, "k")
	log := c.Do("SLOWLOG", "GET", 10)
	equal(t, "entries of the slow log", len(log.elems), 1)
	mentions(t, log.String(), `"EVAL"`, `"k"`)
	stats := c.Do("INFO", "commandstats").Text()
	for line, want := range map[string]string{"cmdstat_eval": "calls=2,", "cmdstat_set": "calls=1,", "cmdstat_get": "calls=1,", "cmdstat_lpush": "failed_calls=1"} {
		if got := infoField(stats, line); !strings.Contains(got, want) {
			t.Errorf("%s is %q, should have %s", line, got, want)
		}
	}
	equal(t, "errorstat_WRONGTYPE", infoField(c.Do("INFO", "errorstats").Text(), "errorstat_WRONGTYPE"), "count=1")
}

func TestInfoCountsScriptsAndFunctions(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	field := func(name string) string { return infoField(c.Do("INFO", "memory").Text(), name) }
	for _, name := range []string{"used_memory_lua", "used_memory_vm_eval", "used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries", "used_memory_vm_functions", "used_memory_functions", "used_memory_scripts"} {
		equal(t, name, field(name), "0")
	}
	c.Do("EVAL", "return 1", 0)
	c.Do("SCRIPT", "LOAD", "return 22")
	loadCounting(t, c)
	equal(t, "number_of_cached_scripts", field("number_of_cached_scripts"), "2")
	equal(t, "used_memory_scripts_eval", field("used_memory_scripts_eval"), "17")
	equal(t, "number_of_libraries", field("number_of_libraries"), "2")
	equal(t, "number_of_functions", field("number_of_functions"), "3")
	for _, name := range []string{"used_memory_lua", "used_memory_vm_eval", "used_memory_vm_functions", "used_memory_functions"} {
		if field(name) == "0" {
			t.Errorf("%s is still 0", name)
		}
	}
	c.Do("SCRIPT", "FLUSH")
	c.Do("FUNCTION", "FLUSH")
	equal(t, "number_of_cached_scripts after SCRIPT FLUSH", field("number_of_cached_scripts"), "0")
	equal(t, "used_memory_scripts after both", field("used_memory_scripts"), "0")
}

func TestAPauseOfWritesHoldsScripts(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, other := dial(t, s.Addr), dial(t, s.Addr)
	says(t, c, "OK", "CLIENT", "PAUSE", 60_000, "WRITE")
	says(t, other, "", "GET", "k")
	says(t, other, "1", "EVAL_RO", "return 1", 0)
	other.Send("EVAL", "return redis.call('set','k','v')", 0)
	if v, err := other.read(2 * quiet); err == nil {
		t.Errorf("during the pause EVAL says %s", v)
	}
	start := time.Now()
	says(t, c, "OK", "CLIENT", "UNPAUSE")
	v, err := other.read(replyTimeout)
	if err != nil || v.text != "OK" || time.Since(start) > 30*time.Second {
		t.Errorf("after the pause EVAL says %s, %v", v, err)
	}
}

func TestNothingIsSweptWhileWritesArePaused(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	expired := func() string { return infoField(c.Do("INFO", "stats").Text(), "expired_keys") }
	says(t, c, "OK", "MULTI")
	says(t, c, "QUEUED", "SET", "k", "v", "PX", 10)
	says(t, c, "QUEUED", "CLIENT", "PAUSE", 60_000, "WRITE")
	c.Do("EXEC")
	await(t, "the key has expired", func() bool { return c.Do("GET", "k").String() == "(nil)" })
	time.Sleep(2 * quiet)
	equal(t, "expired_keys during the pause", expired(), "0")
	says(t, c, "OK", "CLIENT", "UNPAUSE")
	await(t, "it is swept", func() bool { return expired() == "1" })
}

// EVAL's scripts do not fill the memory when each has a text of its own; those that were loaded stay.
func TestOnlyTheLatestScriptsOfEvalAreKept(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	loaded := c.Do("SCRIPT", "LOAD", "return 'loaded'").Text()
	often := c.Do("EVAL", "return redis.sha1hex(\"return 'often'\")", 0).Text()
	c.Do("EVAL", "return 'often'", 0)
	for i := range 2000 {
		c.Do("EVAL", "return "+strings.Repeat("1+", 10)+"0 -- "+time.Duration(i).String(), 0)
		if i%100 == 0 {
			says(t, c, "often", "EVALSHA", often, 0)
		}
	}
	says(t, c, "loaded", "EVALSHA", loaded, 0)
	equal(t, "number_of_cached_scripts", infoField(c.Do("INFO", "memory").Text(), "number_of_cached_scripts"), "501")
}

// A script that walks over more keys than fit in memory does not keep them there.
func TestAScriptOverManyColdKeysStaysWithinItsMemory(t *testing.T) {
	s := startPrey(t, "", "--maxmemory", "8mb", "--busy-reply-threshold", "60000")
	c := dial(t, s.Addr)
	const keys = 300_000
	for from := 0; from < keys; from += 10_000 {
		says(t, c, "10000", "EVAL", "for i = ARGV[1], ARGV[1] + 9999 do redis.call('set', 'key:' .. i, string.rep('x', 100)) end return 10000", 0, from)
	}
	says(t, c, "OK", "SAVE")
	c.Send("EVAL", "local n = 0 for i = 0, ARGV[1] - 1 do n = n + #redis.call('get', 'key:' .. string.format('%d', i)) end return n", 0, keys)
	v, err := c.read(120 * time.Second)
	if err != nil || v.text != "30000000" {
		t.Fatalf("%s, %v", v, err)
	}
	if rss := s.memoryLine("VmHWM"); rss > 220<<20 {
		t.Errorf("the server took %d MB", rss>>20)
	}
}
