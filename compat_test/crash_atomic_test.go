package compat_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"diskette/internal/testrand"
)

// TestAKill9LeavesTransactionsAndScriptsWholeOrUndone lets clients send transactions, scripts and functions a thousand at a time, each of
// which writes its number into keys of three types, and kills the server in the middle: all keys of a client have the same
// number then, which is not below the last one acknowledged. A script that fails half-way leaves what it wrote before, as in
// Redis.
func TestAKill9LeavesTransactionsAndScriptsWholeOrUndone(t *testing.T) {
	random := rand.New(rand.NewPCG(testrand.Seed(t), 0))
	s := startServer(t, subjectBin(t), "--enable-debug-command", "local", "--maxmemory", "1mb")
	if v := dial(t, s.Addr).Do("FUNCTION", "LOAD", "REPLACE", "#!lua name=crash\nredis.register_function('write', function(KEYS, ARGV) "+writeAll+" end)"); v.Text() != "crash" {
		t.Fatal(v)
	}
	var clients []*stamper
	for i, way := range []string{"exec", "eval", "fcall", "fail", "exec", "eval"} {
		clients = append(clients, &stamper{name: fmt.Sprint("client", i), way: way})
	}
	var acknowledged int64
	end := time.Now().Add(max(*soakFlag/2, 5*time.Second))
	rounds := 0
	for ; time.Now().Before(end) && !t.Failed(); rounds++ {
		var wg sync.WaitGroup
		for _, c := range clients {
			wg.Go(func() { c.work(s.Addr) })
		}
		time.Sleep(time.Duration(20+random.IntN(500)) * time.Millisecond)
		s.Kill9()
		wg.Wait()
		s.start([]string{"--appendfsync", []string{"everysec", "always", "no"}[rounds%3]})
		conn := dial(t, s.Addr)
		for _, c := range clients {
			acknowledged += c.check(t, conn)
		}
		if v := conn.Do("DEBUG", "CHECK"); v.Text() != "OK" {
			t.Error(v)
		}
	}
	t.Logf("%d crashes, %d acknowledged", rounds, acknowledged)
	if acknowledged < 1000 {
		t.Error("that is too few to prove anything")
	}
}

// writeAll is in Lua what a client's transactions do.
const writeAll = `redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'stamp', ARGV[1])
redis.call('RPUSH', KEYS[3], ARGV[1]) redis.call('LTRIM', KEYS[3], -3, -1)
return redis.call('SET', KEYS[4], ARGV[1])`

const failHalfWay = `redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'stamp', ARGV[1])
redis.call('HSET', KEYS[1], 'no', 'hash')
redis.call('SET', KEYS[4], ARGV[1])`

// stamper is a client that writes ever higher numbers.
type stamper struct {
	name, way             string
	sent, acked, verified atomic.Int64
}

func (c *stamper) keys() []any {
	return []any{c.name + ":string", c.name + ":hash", c.name + ":list", c.name + ":last"}
}

// commands are those that write one number.
func (c *stamper) commands(n int64) [][]any {
	stamp, k := strconv.FormatInt(n, 10), c.keys()
	script := func(command, what string) [][]any {
		return [][]any{append(append([]any{command, what, 4}, k...), stamp)}
	}
	switch c.way {
	case "eval":
		return script("EVAL", writeAll)
	case "fcall":
		return script("FCALL", "write")
	case "fail":
		return script("EVAL", failHalfWay)
	}
	return [][]any{{"MULTI"}, {"SET", k[0], stamp}, {"HSET", k[1], "stamp", stamp}, {"RPUSH", k[2], stamp}, {"LTRIM", k[2], -3, -1}, {"SET", k[3], stamp}, {"EXEC"}}
}

// work sends a thousand at a time until the server is gone.
func (c *stamper) work(addr string) {
	conn, err := open(addr)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		var bytes []byte
		first, per := c.sent.Load()+1, 0
		for n := first; n < first+1000; n++ {
			commands := c.commands(n)
			for _, args := range commands {
				bytes = append(bytes, encode(args...)...)
			}
			per = len(commands)
		}
		c.sent.Add(1000)
		failed := make(chan error, 1)
		go func() { failed <- conn.write(bytes) }()
		for n := first; n < first+1000; n++ {
			for range per {
				if _, err := conn.read(10 * time.Second); err != nil {
					<-failed
					return
				}
			}
			c.acked.Store(n)
		}
		if <-failed != nil {
			return
		}
	}
}

// check compares the client's keys and returns how many of its numbers were acknowledged since the last time.
func (c *stamper) check(t *testing.T, conn *client) (acknowledged int64) {
	t.Helper()
	k := c.keys()
	str, hash := conn.Do("GET", k[0]), conn.Do("HGET", k[1], "stamp")
	list, last := conn.Do("LINDEX", k[2], -1), conn.Do("GET", k[3])
	if str.Text() != hash.Text() {
		t.Errorf("%s (%s): the string has %s and the hash %s", c.name, c.way, str, hash)
	}
	if c.way == "fail" {
		if list.Text() != "" || last.Text() != "" {
			t.Errorf("%s: the failing script has written behind its error: %s, %s", c.name, list, last)
		}
	} else if str.Text() != list.Text() || str.Text() != last.Text() {
		t.Errorf("%s (%s): the string has %s, the list %s and the last key %s", c.name, c.way, str, list, last)
	}
	n, _ := strconv.ParseInt(str.Text(), 10, 64)
	if n < c.acked.Load() || n > c.sent.Load() {
		t.Errorf("%s (%s): %d is there, %d was acknowledged, %d sent", c.name, c.way, n, c.acked.Load(), c.sent.Load())
	}
	acknowledged = c.acked.Load() - c.verified.Load()
	c.verified.Store(c.acked.Load())
	return acknowledged
}
