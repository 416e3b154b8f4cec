package compat_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A client may write all of its commands before it reads a reply, as many libraries' pipelines do.
func TestAPipelineMayBeWrittenWholeBeforeItIsRead(t *testing.T) {
	a := newAuthority(t)
	s, overTLS := startTLS(t, a)
	for _, wire := range []struct {
		name string
		dial func() *client
	}{
		{"plain", func() *client { return dial(t, s.Addr) }},
		{"TLS", func() *client { return dialTLS(t, overTLS, a.clientConfig("client")) }},
	} {
		for _, proto := range []int{2, 3} {
			for _, shape := range []struct{ pairs, size int }{{1, 20 << 20}, {160, 100 << 10}, {20_000, 1000}} {
				t.Run(fmt.Sprintf("%s RESP%d %d pairs of %d bytes", wire.name, proto, shape.pairs, shape.size), func(t *testing.T) {
					c := wire.dial()
					c.Do("HELLO", proto)
					writeThenRead(t, c, shape.pairs, shape.size)
				})
			}
		}
	}
}

// writeThenRead pipelines GETs and SETs of a value of a size.
func writeThenRead(t *testing.T, c *client, pairs, size int) {
	t.Helper()
	value := bytes.Repeat([]byte("v"), size)
	c.Do("SET", "k", value)
	pair := append(encode("GET", "k"), encode("SET", "k", value)...)
	if err := c.write(bytes.Repeat(pair, pairs)); err != nil {
		t.Fatalf("the server does not read on: %v", err)
	}
	for i := range pairs {
		if v := c.Receive(); len(v.text) != size {
			t.Fatalf("GET %d: %d bytes", i, len(v.text))
		}
		if v := c.Receive(); v.text != "OK" {
			t.Fatalf("SET %d: %.100s", i, v)
		}
	}
}

// What is pushed to a client comes between its replies, in order, however much of both waits.
func TestPushesComeBetweenRepliesThatWait(t *testing.T) {
	a := newAuthority(t)
	s, overTLS := startTLS(t, a)
	for name, c := range map[string]*client{"plain": dial(t, s.Addr), "TLS": dialTLS(t, overTLS, a.clientConfig("client"))} {
		t.Run(name, func(t *testing.T) {
			c.Do("HELLO", 3)
			c.Do("SUBSCRIBE", "channel")
			publisher := dial(t, s.Addr)
			value := strings.Repeat("v", 200<<10)
			const rounds = 100
			for i := range rounds {
				c.Send("ECHO", value)
				c.Send("ECHO", i)
				publisher.Do("PUBLISH", "channel", i)
			}
			replies, messages := 0, 0
			for replies < 2*rounds || messages < rounds {
				v := c.Receive()
				switch {
				case v.kind == kindPush:
					equal(t, "the message", v.elems[2].text, strconv.Itoa(messages))
					messages++
				case replies%2 == 0:
					equal(t, "the length of an echo", len(v.text), len(value))
					replies++
				default:
					equal(t, "an echo", v.text, strconv.Itoa(replies/2))
					replies++
				}
			}
		})
	}
}

// Replies that wait when a client says QUIT, or shuts down its side, still come.
func TestWhatWaitsComesBeforeTheEnd(t *testing.T) {
	a := newAuthority(t)
	s, overTLS := startTLS(t, a)
	setMB(t, s)
	for name, end := range map[string]func(c *client){
		"QUIT":           func(c *client) { c.Send("QUIT") },
		"protocol error": func(c *client) { c.SendRaw([]byte("*x\r\n")) },
		"half-closed":    func(c *client) { _ = c.conn.(interface{ CloseWrite() error }).CloseWrite() },
	} {
		for wire, c := range map[string]*client{"plain": dial(t, s.Addr), "TLS": dialTLS(t, overTLS, a.clientConfig("client"))} {
			t.Run(name+" "+wire, func(t *testing.T) {
				c.SendRaw(bytes.Repeat(encode("GET", "mb"), 30))
				end(c)
				for i := range 30 {
					if v := c.Receive(); len(v.text) != 1<<20 {
						t.Fatalf("GET %d: %.100s", i, v)
					}
				}
				for {
					v, err := c.readOutcome(replyTimeout)
					if err != nil {
						t.Fatal(err)
					}
					if v.kind == kindClosed {
						return
					}
				}
			})
		}
	}
}

// unsentOf is omem of each client in CLIENT LIST.
func unsentOf(t *testing.T, c *client) (each map[string]int64, sum int64) {
	t.Helper()
	each = map[string]int64{}
	for line := range strings.Lines(c.Do("CLIENT", "LIST").Text()) {
		var id string
		for _, field := range strings.Fields(line) {
			name, value, _ := strings.Cut(field, "=")
			switch name {
			case "id":
				id = value
			case "omem":
				n, err := strconv.ParseInt(value, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				each[id] = n
				sum += n
			}
		}
	}
	return each, sum
}

func TestClientsThatReadLateAreSlowedDownAndNotClosed(t *testing.T) {
	requireProc(t)
	s := startServer(t, subjectBin(t), "--maxmemory-clients", "64mb", "--maxmemory", "64mb")
	looking := dial(t, s.Addr)
	looking.Do("SET", "short", blockOf[:60<<10]) // short enough to be copied
	before := s.memoryLine("VmRSS")
	var late []*client
	for range 3 {
		c := dial(t, s.Addr)
		late = append(late, c)
		gets := bytes.Repeat(encode("GET", "short"), 2000) // 120 MB of replies
		c.SendRaw(gets)
	}
	p := startPinger(s)
	await(t, "as much waits as may", func() bool {
		_, sum := unsentOf(t, looking)
		return sum > 40<<20
	})
	time.Sleep(200 * time.Millisecond)
	if each, sum := unsentOf(t, looking); sum > 60<<20 {
		t.Errorf("%d MB wait: %v", sum>>20, each)
	}
	if grown := s.memoryLine("VmHWM") - before; grown > 200<<20 {
		t.Errorf("%d MB for at most 60 MB that wait", grown>>20)
	}
	writeThenRead(t, dial(t, s.Addr), 1, 4<<20) // there is room for others
	for _, c := range late {
		for i := range 2000 {
			if v := c.Receive(); len(v.text) != 60<<10 {
				t.Fatalf("GET %d: %.100s", i, v)
			}
		}
	}
	if worst := p.end(t); worst > time.Second {
		t.Errorf("another client waited %v", worst)
	}
	await(t, "nothing waits", func() bool { _, sum := unsentOf(t, looking); return sum == 0 })
	equal(t, "evicted_clients", infoField(looking.Do("INFO", "stats").Text(), "evicted_clients"), "0")
}

func TestOneValueMayBeLongerThanAllThatMayWait(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory-clients", "16mb")
	const size = 64 << 20
	exempt := dial(t, s.Addr)
	exempt.Do("CLIENT", "NO-EVICT", "on") // what a client sends counts
	exempt.Do("SET", "long", bytes.Repeat([]byte("v"), size))
	exempt.Close()
	c := dial(t, s.Addr)
	for i := range 10 {
		c.Send("GET", "long")
		other := dial(t, s.Addr)
		writeThenRead(t, other, 1, 1<<20) // others go on
		other.Close()
		if i%3 == 0 {
			c.Send("GET", "k") // another reply behind it, which waits when the long one begins to be sent
			c.Send("GET", "long")
		}
		if v := c.Receive(); len(v.text) != size {
			t.Fatalf("GET: %.100s", v)
		}
		if i%3 == 0 {
			equal(t, "the short value's length", fmt.Sprint(len(c.Receive().text)), fmt.Sprint(1<<20))
			equal(t, "the long value's length", fmt.Sprint(len(c.Receive().text)), fmt.Sprint(size))
		}
	}
	c.Send("MGET", "long", "long", "long") // two too many
	if v, err := c.readOutcome(replyTimeout); err != nil || v.kind != kindClosed {
		t.Errorf("MGET: %.100s, %v", v, err)
	}
	equal(t, "evicted_clients", infoField(dial(t, s.Addr).Do("INFO", "stats").Text(), "evicted_clients"), "1")
}

// The same for a value on disk, which is sent while it is read: it counts as one value, however much of it waits.
func TestOneValueOnDiskMayBeLongerThanAllThatMayWait(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory-clients", "16mb", "--maxmemory", "16mb")
	const size = 64 << 20
	exempt := dial(t, s.Addr)
	exempt.Do("CLIENT", "NO-EVICT", "on")
	exempt.Do("SET", "long", bytes.Repeat([]byte("v"), size))
	exempt.Close()
	equal(t, "exit code", fmt.Sprint(s.Terminate()), "0")
	s.Restart()
	c, looking := dial(t, s.Addr), dial(t, s.Addr)
	for range 3 {
		c.Send("GET", "long")
		await(t, "some of it waits", func() bool { _, sum := unsentOf(t, looking); return sum > 1<<20 })
		writeThenRead(t, dial(t, s.Addr), 1, 1<<20) // others go on
		if v := c.Receive(); len(v.text) != size {
			t.Fatalf("GET: %.100s", v)
		}
	}
	equal(t, "evicted_clients", infoField(looking.Do("INFO", "stats").Text(), "evicted_clients"), "0")
}

// Of those that are slowed down, one that takes nothing would wait for the server as the server waits for it.
func TestAClientThatIsSlowedDownAndTakesNothingIsClosed(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory-clients", "16mb", "--timeout", "1")
	wantUnreadClosed(t, s, 60)
	logSays(t, s, "maxmemory-clients: ")
}

// As in Redis a lower bound holds for what waits already. maxmemory-clients may be a share of maxmemory.
func TestALowerBoundHoldsForWhatWaitsAlready(t *testing.T) {
	for name, change := range map[string][2]string{
		"maxmemory-clients":             {"maxmemory-clients", "16mb"},
		"maxmemory, of which it is 80%": {"maxmemory", "20mb"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, subjectBin(t), "--maxmemory", "800mb", "--maxmemory-clients", "80%")
			setMB(t, s)
			looking, late := dial(t, s.Addr), dial(t, s.Addr)
			id := late.Do("CLIENT", "ID").text
			late.SendRaw(bytes.Repeat(encode("GET", "mb"), 60))
			await(t, "the replies wait", func() bool { _, sum := unsentOf(t, looking); return sum > 40<<20 })
			looking.Do("CONFIG", "SET", change[0], change[1])
			waitClosed(t, s, id, time.Now())
			equal(t, "evicted_clients", infoField(looking.Do("INFO", "stats").Text(), "evicted_clients"), "1")
		})
	}
}

// fillList makes a list of n elements of 20 bytes.
func fillList(t *testing.T, s *server, key string, n int) {
	t.Helper()
	c := dial(t, s.Addr)
	for at := 0; at < n; at += 10_000 {
		args := []any{"RPUSH", key}
		for i := at; i < min(at+10_000, n); i++ {
			args = append(args, fmt.Sprintf("element of number %06d", i))
		}
		c.Do(args...)
	}
}

// The replies of a transaction, or of a pipeline, are bounded while they are made: memory, and the time of others.
func TestATransactionWhoseRepliesAreTooManyEndsItsClientAndStillWrites(t *testing.T) {
	requireProc(t)
	for _, limit := range [][]string{
		{"--client-output-buffer-limit", "normal 32mb 0 0"},
		{"--maxmemory-clients", "32mb"},
	} {
		t.Run(limit[0], func(t *testing.T) {
			s := startServer(t, subjectBin(t), append(limit, "--maxmemory", "64mb")...)
			fillList(t, s, "l", 100_000)
			looking := dial(t, s.Addr)
			before := s.memoryLine("VmRSS")
			c := dial(t, s.Addr)
			p := startPinger(s)
			c.Do("MULTI")
			c.SendRaw(bytes.Repeat(encode("LRANGE", "l", 0, -1), 1000)) // 3 GB
			c.Send("SET", "after", 1)
			c.Send("EXEC")
			for range 1001 {
				if v, err := c.readOutcome(replyTimeout); err != nil || v.text != "QUEUED" {
					break // they may go down with the rest
				}
			}
			if v, err := c.readOutcome(replyTimeout); err != nil || v.kind != kindClosed {
				t.Errorf("EXEC: %.100s, %v", v, err)
			}
			if worst := p.end(t); worst > 2*time.Second {
				t.Errorf("another client waited %v", worst)
			}
			if v := looking.Do("GET", "after"); v.text != "1" {
				t.Errorf("what the transaction wrote: %s", v)
			}
			if grown := s.memoryLine("VmHWM") - before; grown > 200<<20 {
				t.Errorf("%d MB for replies of at most 32", grown>>20)
			}
			await(t, "nothing waits", func() bool { _, sum := unsentOf(t, looking); return sum == 0 })
		})
	}
}

// A long reply is encoded while others run: it is what was there when the command ran, and
// nothing comes into its middle.
func TestALongReplyIsOfOneMomentAndInOnePiece(t *testing.T) {
	s := startServer(t, subjectBin(t))
	const n = 40_000
	c, other := dial(t, s.Addr), dial(t, s.Addr)
	c.Do("HELLO", 3)
	c.Do("SUBSCRIBE", "channel")
	for round := range 2 {
		other.Do("DEL", "l", "s", "z", "h")
		fillList(t, s, "l", n)
		other.Do("EVAL", "local l = redis.call('LRANGE', 'l', 0, -1) for i, e in ipairs(l) do "+
			"redis.call('SADD', 's', e) redis.call('ZADD', 'z', i, e) redis.call('HSET', 'h', e, i) end", 4, "l", "s", "z", "h")
		for _, command := range [][]any{{"LRANGE", "l", 0, -1}, {"SMEMBERS", "s"}, {"ZRANGE", "z", 0, -1, "WITHSCORES"}, {"HGETALL", "h"}} {
			c.Send(command...)
			c.Send("ECHO", "behind")
			for range 5 {
				other.Pipeline([]any{"PUBLISH", "channel", "m"}, []any{"RPOPLPUSH", "l", "l"}, []any{"LSET", "l", 7, "other"}, []any{"SPOP", "s"},
					[]any{"ZINCRBY", "z", n, "element of number 000007"}, []any{"HSET", "h", "element of number 000007", "other"})
			}
			pushes, v := 0, c.Receive()
			for ; v.kind == kindPush; v = c.Receive() {
				pushes++
			}
			whole(t, fmt.Sprint(round, command), v, n)
			for v = c.Receive(); v.kind == kindPush || pushes < 5; v = c.Receive() {
				if v.kind == kindPush {
					pushes++
					continue
				}
				equal(t, "what comes behind", v.text, "behind")
				for ; pushes < 5; pushes++ {
					equal(t, "what comes last", c.Receive().kind, kindPush)
				}
				break
			}
		}
	}
}

// whole fails unless v has n elements, of which few are not those of fillList, and none comes twice.
func whole(t *testing.T, what string, v value, n int) {
	t.Helper()
	seen, others := map[string]bool{}, 0
	for _, e := range v.elems {
		if len(e.elems) > 0 {
			e = e.elems[0]
		}
		switch {
		case !strings.HasPrefix(e.text, "element of number "):
			others++
		case seen[e.text]:
			t.Fatalf("%s: %q comes twice", what, e.text)
		default:
			seen[e.text] = true
		}
	}
	if len(seen) < n-30 || len(seen) > n {
		t.Errorf("%s: %d elements and %d others of %d", what, len(seen), others, n)
	}
}

func TestAScriptWhoseReplyIsTooLargeEndsItsClientAndStillWrites(t *testing.T) {
	s := startServer(t, subjectBin(t), "--client-output-buffer-limit", "normal 1mb 0 0")
	c := dial(t, s.Addr)
	c.Send("EVAL", "redis.call('SET', 'after', 1) local r = {} for i = 1, 30 do r[i] = string.rep('x', 100000) end return r", 0)
	if v, err := c.readOutcome(replyTimeout); err != nil || v.kind != kindClosed {
		t.Errorf("EVAL: %.100s, %v", v, err)
	}
	if v := dial(t, s.Addr).Do("GET", "after"); v.text != "1" {
		t.Errorf("what the script wrote: %s", v)
	}
}

// Subscribers can not be slowed down.
func TestTheClientForWhichTheMostWaitsIsClosedAtMaxmemoryClients(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory-clients", "64mb", "--client-output-buffer-limit", "pubsub 0 0 0")
	publisher := dial(t, s.Addr)
	listening := func(channels ...any) (id string) {
		c := dial(t, s.Addr)
		id = c.Do("CLIENT", "ID").text
		if channels[0] == "exempt" {
			c.Do("CLIENT", "NO-EVICT", "on")
		}
		c.Send(append([]any{"SUBSCRIBE"}, channels...)...)
		for range channels {
			c.Receive()
		}
		return id
	}
	exempt, least, most := listening("exempt", "b"), listening("a"), listening("a", "b")
	message := strings.Repeat("m", 1<<20)
	for publisher.Do("EXISTS", "nosuch"); infoField(publisher.Do("INFO", "stats").Text(), "evicted_clients") == "0"; {
		publisher.Do("PUBLISH", "a", message)
		publisher.Do("PUBLISH", "b", message)
		publisher.Do("PUBLISH", "b", message)
	}
	each, _ := unsentOf(t, publisher)
	for id, there := range map[string]bool{exempt: true, least: true, most: false} {
		if _, is := each[id]; is != there {
			t.Errorf("client %s is there: %v\nleast %s, most %s, exempt %s\n%s", id, is, least, most, exempt, publisher.Do("CLIENT", "LIST").Text())
		}
	}
	logSays(t, s, "maxmemory-clients")
}

var _ interface{ CloseWrite() error } = (*tls.Conn)(nil)
var _ interface{ CloseWrite() error } = (*net.TCPConn)(nil)
