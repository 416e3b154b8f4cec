package compat_test

import (
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// A stock redis-server follows Diskette.

// followedBy starts a redis-server that follows a master at an address.
func followedBy(t *testing.T, master string, args ...string) *server {
	t.Helper()
	host, port, _ := net.SplitHostPort(master)
	return startServer(t, *redisFlag, append([]string{"--save", "", "--enable-debug-command", "yes", "--repl-timeout", "20",
		"--replicaof", host, port}, args...)...)
}

// hasCaughtUp waits until a replica has all that its master has sent.
func hasCaughtUp(t *testing.T, master, replica *client) {
	t.Helper()
	await(t, "the replica has what the master has", func() bool {
		ours, theirs := master.Do("INFO", "replication").text, replica.Do("INFO", "replication").text
		return infoField(theirs, "master_link_status") == "up" && infoField(theirs, "slave_repl_offset") == infoField(ours, "master_repl_offset")
	})
}

// number is a field of INFO.
func number(c *client, section, field string) int {
	n, _ := strconv.Atoi(infoField(c.Do("INFO", section).text, field))
	return n
}

// aCut is a way to a server that can be cut off.
type aCut struct {
	Addr string
	to   string
	ln   net.Listener
	mu   sync.Mutex
	open map[net.Conn]bool
}

func cutBefore(t *testing.T, to string) *aCut {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &aCut{Addr: ln.Addr().String(), to: to, ln: ln, open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		ln.Close()
		c.Cut()
	})
	go func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			on, err := net.Dial("tcp", to)
			if err != nil {
				from.Close()
				continue
			}
			c.mu.Lock()
			c.open[from], c.open[on] = true, true
			c.mu.Unlock()
			for _, way := range [][2]net.Conn{{from, on}, {on, from}} {
				go func() {
					io.Copy(way[0], way[1])
					way[0].Close()
					way[1].Close()
				}()
			}
		}
	}()
	return c
}

// Cut ends all connections. Others may be made.
func (c *aCut) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
	clear(c.open)
}

// playAtRandom plays n random commands of a family; what they answer does not matter here.
func playAtRandom(c *client, f randomFamily, r *rand.Rand, n int) error {
	templates := slices.DeleteFunc(strings.Split(strings.TrimSpace(f.templates), "\n"), func(template string) bool {
		return strings.HasPrefix(template, "CONFIG") // the replica has a configuration of its own
	})
	for range n {
		if _, err := c.Try(f.command(templates[r.IntN(len(templates))], r)...); err != nil {
			return err
		}
	}
	return nil
}

// playShortLives plays with keys and members that live for some milliseconds.
func playShortLives(c *client, r *rand.Rand, n int) error {
	key := func() string { return "brief" + strconv.Itoa(r.IntN(50)) }
	for range n {
		var err error
		switch r.IntN(7) {
		case 0, 1:
			_, err = c.Try("SET", key(), r.IntN(100), "PX", 1+r.IntN(60))
		case 2:
			_, err = c.Try("INCRBY", key(), 3)
		case 3:
			_, err = c.Try("PEXPIRE", key(), 1+r.IntN(60))
		case 4:
			_, err = c.Try("COPY", key(), key())
		case 5:
			_, err = c.Try("EVAL", "redis.call('rpush', KEYS[1], 'x'); return redis.call('pexpire', KEYS[1], ARGV[1])", 1, key(), 1+r.IntN(60))
		case 6:
			_, err = c.Try("GET", key())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// playTogether plays all families at once, each in a client and, as far as it does not choose another one, a database
// of its own, while meanwhile runs.
func playTogether(t *testing.T, addr string, seed uint64, n int, meanwhile func()) {
	t.Helper()
	var wg sync.WaitGroup
	play := func(db int, play func(c *client, r *rand.Rand) error) {
		c := dial(t, addr)
		c.Do("SELECT", db)
		wg.Go(func() {
			if err := play(c, rand.New(rand.NewPCG(seed, uint64(db)))); err != nil {
				t.Errorf("a client of database %d: %v", db, err)
			}
		})
	}
	for i, name := range slices.Sorted(maps.Keys(randomFamilies)) {
		// SORT of a redis-server takes an errno that another command has left, such as ZADD of 5e-324, for a weight
		// that is no number: its replicas can not follow it, or us, through both.
		if name != "acl" && name != "sort" {
			play(i, func(c *client, r *rand.Rand) error { return playAtRandom(c, randomFamilies[name], r, n) })
		}
	}
	play(15, func(c *client, r *rand.Rand) error { return playShortLives(c, r, n) })
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	for {
		select {
		case <-done:
			return
		case <-time.After(100 * time.Millisecond):
			meanwhile()
		}
	}
}

// sameData compares all databases of a redis-server, which must not follow any more, with Diskette's, which have no
// key that is about to expire.
func sameData(t *testing.T, redis, ours *client) {
	t.Helper()
	total := 0
	for db := range 16 {
		redis.Do("SELECT", db)
		ours.Do("SELECT", db)
		want, got := names(redis), names(ours)
		if !slices.Equal(want, got) {
			t.Fatalf("database %d: %d keys, want %d: %q, want %q", db, len(got), len(want), got, want)
		}
		for _, key := range want {
			sameKey(t, redis, ours, key, nil)
		}
		total += len(want)
	}
	redis.Do("SELECT", 0)
	ours.Do("SELECT", 0)
	equal(t, "the functions", ours.Do("FUNCTION", "LIST", "WITHCODE").String(), redis.Do("FUNCTION", "LIST", "WITHCODE").String())
	if total < 20 {
		t.Fatalf("only %d keys were compared", total)
	}
	t.Logf("%d keys compared", total)
}

func TestLiveARedisThatFollowsHasWhatDisketteHas(t *testing.T) {
	needsLive(t)
	seed := testrand.Seed(t)
	ours := startServer(t, subjectBin(t), "--enable-debug-command", "yes")
	c := dial(t, ours.Addr)
	fillVolume(t, c, rand.New(rand.NewPCG(seed, 31)), 300)
	way := cutBefore(t, ours.Addr)
	redis := followedBy(t, way.Addr)
	d := dial(t, redis.Addr)
	cuts := 0
	playTogether(t, ours.Addr, seed, 3000, func() {
		if infoField(d.Do("INFO", "replication").text, "master_link_status") == "up" {
			way.Cut()
			cuts++
		}
	})
	hasCaughtUp(t, c, d)
	await(t, "what is brief is gone", func() bool {
		c.Do("SELECT", 15)
		return !slices.ContainsFunc(names(c), func(name string) bool { return strings.HasPrefix(name, "brief") && c.Do("PTTL", name).Int() > 0 })
	})
	hasCaughtUp(t, c, d)
	says(t, d, "OK", "REPLICAOF", "NO", "ONE")
	sameData(t, d, c)
	t.Logf("%d cuts: %d full copies, %d continued, %d not", cuts, number(c, "stats", "sync_full"), number(c, "stats", "sync_partial_ok"), number(c, "stats", "sync_partial_err"))
	mentionsNot(t, redis.Log.String(), "CRITICAL")
}

func mentionsNot(t *testing.T, text string, words ...string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		for _, word := range words {
			if strings.Contains(line, word) {
				t.Errorf("the log says %s", line)
			}
		}
	}
}
