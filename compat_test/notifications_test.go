package compat_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hear reads messages until n of them are there, or nothing has come for a while, and counts what stands in element i.
func hear(t *testing.T, c *client, i, n int, patience time.Duration) map[string]int {
	t.Helper()
	heard := map[string]int{}
	for range n {
		v, err := c.read(patience)
		if err != nil {
			break
		}
		heard[v.elems[i].Text()]++
	}
	return heard
}

// Keys that lie cold on disk when their deadline passes are swept like those in memory: each fires one event.
func TestEveryExpiredKeyIsHeardOfOnceWhereverItLies(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory", "1mb")
	if s.dialectIsRedis(t) {
		t.Skip("NOT CHECKED: Redis would evict; go test ./compat_test without -bin does")
	}
	c := dial(t, s.Addr)
	var ears *client
	c.Do("CONFIG", "SET", "notify-keyspace-events", "Ex")
	const n = 3000
	pad := string(make([]byte, 1000))
	for ahead := 4 * time.Second; ; ahead *= 2 { // until all keys are there before their deadline
		says(t, c, "OK", "FLUSHALL")
		ears = dial(t, s.Addr)
		ears.Do("SUBSCRIBE", "__keyevent@0__:expired")
		deadline := time.Now().Add(ahead).UnixMilli()
		for i := range n {
			c.Send("SET", "k"+strconv.Itoa(i), pad, "PXAT", deadline)
		}
		for range n {
			if _, err := c.read(replyTimeout); err != nil {
				t.Fatal(err)
			}
		}
		if time.Now().UnixMilli() < deadline || ahead > 2*time.Minute {
			break
		}
	}
	heard := hear(t, ears, 2, n, replyTimeout)
	if len(heard) != n {
		t.Fatalf("%d keys expired, %d were heard of", n, len(heard))
	}
	for key, times := range heard {
		if times != 1 {
			t.Errorf("%s expired %d times", key, times)
		}
	}
	if more := hear(t, ears, 2, 1, 500*time.Millisecond); len(more) > 0 {
		t.Errorf("heard of %v once more", more)
	}
}

// A client that hears of an event and then reads finds what the event tells. Events come in the order of the changes.
func TestEventsComeInTheOrderOfTheChanges(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, ears, reader := dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr)
	c.Do("CONFIG", "SET", "notify-keyspace-events", "E$")
	ears.Do("SUBSCRIBE", "__keyevent@0__:set")
	const n = 500
	for i := range n {
		c.Send("SET", fmt.Sprintf("k%d", i), i)
	}
	for i := range n {
		v, err := ears.read(replyTimeout)
		if err != nil {
			t.Fatal(err)
		}
		key := v.elems[2].Text()
		if want := fmt.Sprintf("k%d", i); key != want {
			t.Fatalf("heard of %s, not of %s", key, want)
		}
		if got := reader.Do("GET", key).Text(); got != strconv.Itoa(i) {
			t.Fatalf("heard of %s, which is %q", key, got)
		}
	}
}

// Who is served by another's command fires its own events behind it.
func TestABlockedClientThatIsServedFiresItsEvents(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, waiter, ears := dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr)
	c.Do("CONFIG", "SET", "notify-keyspace-events", "Kgl")
	ears.Do("SUBSCRIBE", "__keyspace@0__:l")
	waiter.Send("BLPOP", "l", 0)
	await(t, "it is blocked", func() bool { return infoField(c.Do("INFO", "clients").Text(), "blocked_clients") == "1" })
	c.Do("RPUSH", "l", "x")
	for _, want := range []string{"rpush", "lpop", "del"} {
		v, err := ears.read(replyTimeout)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "event", v.elems[2].Text(), want)
	}
}

// The fields of a hash expire with an event of their own, and the last takes the key with it.
func TestAFieldThatExpiresIsHeardOf(t *testing.T) {
	s := startServer(t, subjectBin(t))
	if s.dialectIsRedis(t) {
		t.Skip("NOT CHECKED: it takes Redis 7.4; go test ./compat_test without -bin does")
	}
	c, ears := dial(t, s.Addr), dial(t, s.Addr)
	c.Do("CONFIG", "SET", "notify-keyspace-events", "KA")
	ears.Do("SUBSCRIBE", "__keyspace@0__:h")
	c.Do("HSET", "h", "f", "1", "g", "2")
	c.Do("MULTI") // nothing expires before both are done
	c.Do("HPEXPIRE", "h", 50, "FIELDS", 2, "f", "g")
	c.Do("HPERSIST", "h", "FIELDS", 1, "f")
	c.Do("EXEC")
	for _, want := range []string{"hset", "hexpire", "hpersist", "hexpired"} {
		v, err := ears.read(replyTimeout)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "event", v.elems[2].Text(), want)
	}
	c.Do("HPEXPIRE", "h", 50, "FIELDS", 1, "f")
	for _, want := range []string{"hexpire", "hexpired", "del"} {
		v, err := ears.read(replyTimeout)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "event", v.elems[2].Text(), want)
	}
}

// The table of tracked keys is bounded: what leaves it is invalidated, so that no cache holds what nobody watches.
func TestTheTableOfTrackedKeysIsBounded(t *testing.T) {
	s := startServer(t, subjectBin(t), "--tracking-table-max-keys", "10")
	if s.dialectIsRedis(t) {
		t.Skip("NOT CHECKED: Redis goes beyond its bound for a moment; go test ./compat_test without -bin does")
	}
	c := dial(t, s.Addr)
	c.Do("HELLO", 3)
	c.Do("CLIENT", "TRACKING", "ON")
	invalid := 0
	for i := range 100 {
		c.Send("GET", "k"+strconv.Itoa(i))
		for {
			v, err := c.read(replyTimeout)
			if err != nil {
				t.Fatal(err)
			}
			if v.kind != kindPush {
				break
			}
			invalid++
		}
	}
	if v, err := c.read(replyTimeout); err != nil || v.kind != kindPush {
		t.Fatalf("the last read pushed a key out: %v, %v", v, err)
	}
	equal(t, "invalidated", invalid+1, 90)
	equal(t, "tracked", infoField(c.Do("INFO", "stats").Text(), "tracking_total_keys"), "10")

	says(t, dial(t, s.Addr), "OK", "CONFIG", "SET", "tracking-table-max-keys", 3)
	for range 7 {
		if v, err := c.read(replyTimeout); err != nil || v.kind != kindPush {
			t.Fatalf("a lower bound pushes keys out: %v, %v", v, err)
		}
	}
}

func (s *server) dialectIsRedis(t *testing.T) bool {
	return infoField(dial(t, s.Addr).Do("INFO", "server").Text(), "diskette_version") == ""
}

// A command that waited tells its own client of its changes behind its reply, like any other.
func TestWhoIsServedHearsOfItsOwnChangesBehindTheReply(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, other := dial(t, s.Addr), dial(t, s.Addr)
	c.Do("HELLO", 3)
	c.Do("CLIENT", "TRACKING", "ON")
	for i := range 30 {
		says(t, other, strconv.Itoa(i+1), "RPUSH", "to", "x")
		if i > 0 { // RPUSH has changed what was read
			equal(t, "the push of another's change", c.Receive().kind, kindPush)
		}
		c.Do("LRANGE", "to", 0, -1)
		c.Send("BLMOVE", "from", "to", "LEFT", "LEFT", 0)
		await(t, "it waits", func() bool { return strings.Contains(other.Do("INFO", "clients").Text(), "blocked_clients:1") })
		says(t, other, "1", "RPUSH", "from", "element")
		equal(t, "first", c.Receive().Text(), "element")
		equal(t, "second", c.Receive().kind, kindPush)
		c.Do("LRANGE", "to", 0, -1)
		other.Do("LPOP", "to")
		equal(t, "the push of another's change", c.Receive().kind, kindPush)
		c.Do("LRANGE", "to", 0, -1)
	}
}
