package compat_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// hostAndPort of a server, as MIGRATE wants them.
func hostAndPort(t *testing.T, s *server) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// Increments come while a counter is given away again and again: each of them is in it, here or there.
func TestNoWriteIsLostWhileAKeyMigrates(t *testing.T) {
	from, to := startServer(t, subjectBin(t)), startServer(t, subjectBin(t))
	host, port := hostAndPort(t, to)
	const writers, rounds = 6, 60
	var stop atomic.Bool
	var acked atomic.Int64
	var writing sync.WaitGroup
	for range writers {
		c := dial(t, from.Addr)
		writing.Go(func() {
			for !stop.Load() {
				for _, v := range c.Pipeline([]any{"INCR", "counter"}, []any{"RPUSH", "list", "x"}, []any{"INCR", "counter"}) {
					if v.IsError() {
						t.Errorf("%s", v)
						return
					}
				}
				acked.Add(2)
			}
		})
	}
	c, other := dial(t, from.Addr), dial(t, to.Addr)
	total, moved := 0, 0
	collect := func(at *client) {
		v := at.Do("GETDEL", "counter")
		if v.IsNil() {
			return
		}
		n, err := strconv.Atoi(v.text)
		if err != nil {
			t.Fatal(v)
		}
		total += n
	}
	for moved < rounds {
		switch v := c.Do("MIGRATE", host, port, "", 0, 5000, "KEYS", "counter", "list"); v.text {
		case "OK":
			moved++
			collect(other)
			other.Do("DEL", "list")
		case "NOKEY":
		default:
			t.Fatalf("MIGRATE: %s", v)
		}
	}
	stop.Store(true)
	writing.Wait()
	collect(c)
	if int64(total) != acked.Load() {
		t.Errorf("%d increments were acknowledged, the counters have %d in all", acked.Load(), total)
	}
	if cached := infoField(c.Do("INFO", "stats").text, "migrate_cached_sockets"); cached != "1" {
		t.Errorf("%s connections are kept, want 1", cached)
	}
}

// Who writes waits while a MIGRATE waits for a server that does not answer; who reads goes on.
func TestWhileAMigrateWaitsReadsGoOnAndWritesWait(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, port, err := net.SplitHostPort(silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, subjectBin(t))
	c, reader, writer := dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr)
	says(t, c, "OK", "SET", "k", "v")
	c.Send("MIGRATE", "127.0.0.1", port, "k", 0, 60000)
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 10)); err != nil { // what is sent arrives
		t.Fatal(err)
	}
	says(t, reader, "v", "GET", "k")
	writer.Send("SET", "other", "v")
	wrote := make(chan value, 1)
	go func() {
		v, _ := writer.readOutcome(replyTimeout)
		wrote <- v
	}()
	select {
	case v := <-wrote:
		t.Fatalf("a write did not wait: %s", v)
	case <-time.After(quiet):
	}
	conn.Close()
	equal(t, "the write afterwards", (<-wrote).text, "OK")
	if v := c.Receive(); v.text != "IOERR error or timeout reading to target instance" {
		t.Errorf("MIGRATE: %s", v)
	}
	says(t, reader, "v", "GET", "k")
	// With COPY nobody waits.
	c.Send("MIGRATE", "127.0.0.1", port, "k", 0, 3000, "COPY")
	again, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	says(t, writer, "OK", "SET", "k", "w")
	if v := c.Receive(); !strings.HasPrefix(v.text, "IOERR") {
		t.Errorf("MIGRATE: %s", v)
	}
}

// TestLiveMigrateAsRedisDoes has both servers give keys to a third, a redis-server, and take them back.
func TestLiveMigrateAsRedisDoes(t *testing.T) {
	ours, theirs := startBoth(t, "MIGRATE, beside Redis's")
	target := startServer(t, *redisFlag, "--save", "", "--requirepass", "pw")
	host, port := hostAndPort(t, target)
	c := dial(t, target.Addr)
	says(t, c, "OK", "AUTH", "pw")
	commands := strings.Split(strings.TrimSpace(`
SET a 1
MIGRATE HOST PORT a 0 1000
MIGRATE HOST PORT a 99 1000 AUTH pw
MIGRATE HOST PORT a 0 1000 AUTH wrong
MIGRATE HOST PORT a 0 1000 AUTH2 default pw COPY
MIGRATE HOST PORT a 0 1000 AUTH2 default pw COPY REPLACE
MIGRATE HOST PORT a 0 1000 AUTH2 default pw REPLACE
EXISTS a
MIGRATE HOST PORT nokey 0 1000
MIGRATE HOST PORT a b c
MIGRATE HOST PORT a 0 c
MIGRATE HOST PORT a 0 1000 foo
MIGRATE HOST PORT a 0 1000 AUTH
MIGRATE HOST PORT a 0 1000 AUTH2 x
MIGRATE HOST PORT a 0 1000 KEYS a
MIGRATE HOST PORT EMPTY 0 1000 KEYS
MIGRATE HOST PORT EMPTY 0 1000
MIGRATE HOST 1 nokey 0 -5
SET a 1
MIGRATE HOST 1 a 0 1000
MIGRATE HOST xyz a 0 1000
MIGRATE nosuch.invalid 1 a 0 1000
MSET a 1 b 2 c 3
PEXPIRE b 100000000
MIGRATE HOST PORT EMPTY 3 1000 AUTH pw KEYS a b c nokey
EXISTS a b c
MSET b new d new
MIGRATE HOST PORT EMPTY 3 1000 AUTH pw KEYS d b nokey
EXISTS b d
SET a 5
MULTI
MIGRATE HOST PORT a 0 1000 AUTH pw COPY REPLACE
EXEC
EVAL script 0
EXISTS a
COMMAND INFO migrate
`), "\n")
	var both [2]string
	for i, s := range []*client{dial(t, ours.Addr), dial(t, theirs.Addr)} {
		var said strings.Builder
		c.Do("FLUSHALL")
		for _, line := range commands {
			var args []any
			for _, word := range strings.Fields(line) {
				switch word {
				case "HOST":
					word = host
				case "PORT":
					word = port
				case "EMPTY":
					word = ""
				case "script":
					word = fmt.Sprintf("return redis.call('migrate', '%s', '%s', 'a', 0, 1000, 'AUTH', 'pw', 'REPLACE')", host, port)
				}
				args = append(args, word)
			}
			fmt.Fprintf(&said, "%s: %s\n", line, s.Do(args...))
		}
		for _, db := range []string{"0", "3"} {
			c.Do("SELECT", db)
			for _, key := range names(c) {
				fmt.Fprintf(&said, "%s %s %s %v\n", db, key, c.Do("GET", key), c.Do("PTTL", key).text != "-1")
			}
		}
		both[i] = said.String()
	}
	equal(t, "what is said and given", both[0], both[1])
}

// TestLiveKeysMigrateToRedisAndBack moves values of all types.
func TestLiveKeysMigrateToRedisAndBack(t *testing.T) {
	ours, theirs := startBoth(t, "that keys migrate to a live Redis and back")
	here, there := dial(t, ours.Addr), dial(t, theirs.Addr)
	fillVolume(t, here, testrand.New(t, 5), 600)
	here.Do("SELECT", 0)
	read := func(c *client) map[string]string {
		all := map[string]string{}
		for _, key := range names(c) {
			all[key] = c.Do("PEXPIRETIME", key).text + " " + reading(c, key)
		}
		return all
	}
	move := func(from *client, to *server) {
		host, port := hostAndPort(t, to)
		args := []any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}
		for _, key := range names(from) {
			args = append(args, key)
		}
		says(t, from, "OK", args...)
		equal(t, "keys left behind", len(names(from)), 0)
	}
	same := func(where string, got, want map[string]string) {
		equal(t, "keys "+where, len(got), len(want))
		for key := range want {
			at, after, _ := strings.Cut(got[key], " ")
			wanted, before, _ := strings.Cut(want[key], " ")
			a, _ := strconv.ParseInt(at, 10, 64)
			b, _ := strconv.ParseInt(wanted, 10, 64)
			if after != before || a-b > 5000 || b-a > 5000 { // RESTORE is told of the time that is left
				t.Errorf("%.100q %s: %s %.500s\nwant %s %.500s", key, where, at, after, wanted, before)
			}
		}
	}
	before := read(here)
	move(here, theirs.server)
	same("at Redis", read(there), before)
	move(there, ours.server)
	same("back", read(here), before)
}
