package compat_test

import (
	"strings"
	"testing"
)

const countingLibrary = "#!lua name=counting\nlocal step = 1\n" +
	"redis.register_function('count', function(keys) return redis.call('incrby', keys[1], step) end)\n" +
	"redis.register_function{function_name='peek', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}, description='looks'}"

// loadCounting loads two libraries and says what FUNCTION LIST shows of them.
func loadCounting(t *testing.T, c *client) string {
	t.Helper()
	says(t, c, "counting", "FUNCTION", "LOAD", countingLibrary)
	says(t, c, "big", "FUNCTION", "LOAD", "#!lua name=big\nredis.register_function('length', function() return "+strings.Repeat("1 + ", 1000)+"0 end)")
	return c.Do("FUNCTION", "LIST", "WITHCODE").String()
}

func TestFunctionsSurviveTheEndOfTheServer(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	listed := loadCounting(t, c)
	says(t, c, "1", "FCALL", "count", 1, "n")
	for name, end := range map[string]func(){
		"kill -9": s.Kill9,
		"SIGTERM": func() { s.Terminate() },
		"FLUSHALL and kill -9": func() {
			says(t, dial(t, s.Addr), "OK", "FLUSHALL")
			s.Kill9()
		},
		"SWAPDB, FLUSHDB and SIGTERM": func() {
			c := dial(t, s.Addr)
			says(t, c, "OK", "SWAPDB", "0", "15")
			says(t, c, "OK", "FLUSHDB")
			s.Terminate()
		},
		"SAVE and kill -9": func() {
			says(t, dial(t, s.Addr), "OK", "SAVE")
			s.Kill9()
		},
	} {
		t.Run(name, func(t *testing.T) {
			end()
			s.Restart()
			c := dial(t, s.Addr)
			equal(t, "FUNCTION LIST", c.Do("FUNCTION", "LIST", "WITHCODE").String(), listed)
			says(t, c, "OK", "SET", "n", "41")
			says(t, c, "42", "FCALL", "count", 1, "n")
			says(t, c, "42", "FCALL_RO", "peek", 1, "n")
			says(t, c, "1000", "FCALL", "length", 0)
			says(t, c, "NOSCRIPT No matching script. Please use EVAL.", "EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 0)
			c.Do("EVAL", "return 1", 0)
		})
	}
}

// What is deleted, replaced or flushed does not come back, and what a transaction loads comes with it.
func TestChangesOfFunctionsSurviveACrash(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	loadCounting(t, c)
	says(t, c, "OK", "FUNCTION", "DELETE", "big")
	says(t, c, "counting", "FUNCTION", "LOAD", "REPLACE", strings.ReplaceAll(countingLibrary, "step = 1", "step = 5"))
	says(t, c, "OK", "MULTI")
	c.Do("FUNCTION", "LOAD", "#!lua name=third\nredis.register_function('three', function() return 3 end)")
	c.Do("SET", "k", "v")
	c.Do("EXEC")
	s.Kill9()
	s.Restart()
	c = dial(t, s.Addr)
	says(t, c, "5", "FCALL", "count", 1, "n")
	says(t, c, "3", "FCALL", "three", 0)
	says(t, c, "v", "GET", "k")
	says(t, c, "ERR Function not found", "FCALL", "length", 0)
	says(t, c, "OK", "FUNCTION", "FLUSH")
	s.Kill9()
	s.Restart()
	equal(t, "the libraries after FUNCTION FLUSH", len(dial(t, s.Addr).Do("FUNCTION", "LIST").elems), 0)
}

func TestFunctionsMoveToALiveRedisAndBack(t *testing.T) {
	ours, theirs := startBoth(t, "that functions move to redis-server and back")
	here, there := dial(t, ours.Addr), dial(t, theirs.Addr)
	loadCounting(t, here)
	listed := sortDeep(here.Do("FUNCTION", "LIST", "WITHCODE"))
	says(t, there, "OK", "FUNCTION", "RESTORE", here.Do("FUNCTION", "DUMP").Text())
	equal(t, "FUNCTION LIST of redis-server", sortDeep(there.Do("FUNCTION", "LIST", "WITHCODE")).String(), listed.String())
	says(t, there, "1", "FCALL", "count", 1, "n")
	dump := there.Do("FUNCTION", "DUMP").Text()
	for _, policy := range []string{"FLUSH", "REPLACE"} {
		says(t, here, "OK", "FUNCTION", "RESTORE", dump, policy)
		equal(t, "FUNCTION LIST", sortDeep(here.Do("FUNCTION", "LIST", "WITHCODE")).String(), listed.String())
		says(t, here, "1000", "FCALL", "length", 0)
	}
	for _, c := range []*client{here, there} {
		mentions(t, c.Do("FUNCTION", "RESTORE", dump).text, "ERR Library ", " already exists")
		says(t, c, "ERR DUMP payload version or checksum are wrong", "FUNCTION", "RESTORE", dump[:len(dump)-1])
		says(t, c, "OK", "FUNCTION", "FLUSH")
		says(t, c, "OK", "FUNCTION", "RESTORE", dump, "APPEND")
		says(t, c, "1000", "FCALL", "length", 0)
	}
}
