package compat_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestASubscriberThatDoesNotReadIsClosedAndHoldsNobodyUp(t *testing.T) {
	s := startServer(t, subjectBin(t), "--client-output-buffer-limit", "pubsub", "1mb", "0", "0")
	slow, reader, c := dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr)
	slow.Do("SUBSCRIBE", "a")
	reader.Do("SUBSCRIBE", "a")
	const messages = 400
	var heard atomic.Int64
	read := make(chan int, 1)
	go func() {
		n := 0
		for n < messages {
			v, err := reader.read(replyTimeout)
			if err != nil || len(v.elems) != 3 || !strings.HasPrefix(v.elems[2].text, fmt.Sprintf("%d ", n)) {
				break
			}
			n++
			heard.Store(int64(n))
		}
		read <- n
		heard.Store(messages)
	}()
	for i := range messages {
		message := fmt.Sprintf("%d %s", i, strings.Repeat("x", 100_000))
		if v := c.Do("PUBLISH", "a", message); v.IsError() { // were it held up, there would be no reply
			t.Fatal(v)
		}
		await(t, "the reader has this message", func() bool { return heard.Load() > int64(i) })
	}
	if n := <-read; n != messages {
		t.Errorf("the reader got %d of %d messages", n, messages)
	}
	await(t, "the reader alone is left", func() bool { return c.Do("PUBSUB", "NUMSUB", "a").elems[1].Int() == 1 })
	if info := c.Do("INFO", "stats").Text(); !strings.Contains(info, "client_output_buffer_limit_disconnections:1\r\n") {
		t.Error("INFO does not count the slow subscriber that was closed")
	}
}

func TestNoMessageComesBeforeItsSubscriptionIsConfirmed(t *testing.T) {
	s := startServer(t, subjectBin(t))
	stop := make(chan struct{})
	publishing := make(chan struct{})
	c := dial(t, s.Addr)
	go func() {
		defer close(publishing)
		for {
			select {
			case <-stop:
				return
			default:
				c.Do("PUBLISH", "a", "x")
			}
		}
	}()
	for range 300 {
		sub := dial(t, s.Addr)
		var b []byte
		for range 10 { // the confirmation waits behind replies
			b = append(b, encode("SET", "k", strings.Repeat("v", 1000))...)
		}
		b = append(b, encode("SUBSCRIBE", "a")...)
		if err := sub.write(b); err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			v, err := sub.read(replyTimeout)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case i < 10 && v.text != "OK", i == 10 && v.elems[0].text != "subscribe", i == 11 && v.elems[0].text != "message":
				t.Fatalf("reply %d is %s", i, v)
			}
		}
		sub.Close()
	}
	close(stop)
	<-publishing
}

// TestWhatAClientPublishesToItselfComesBehindTheReply follows Redis 7.2, which keeps pushes out
// of a running command's reply.
func TestWhatAClientPublishesToItselfComesBehindTheReply(t *testing.T) {
	c := dial(t, startServer(t, subjectBin(t)).Addr)
	c.Do("HELLO", 3)
	c.Do("SUBSCRIBE", "a")
	if v := c.Do("PUBLISH", "a", "x"); v.text != "1" {
		t.Errorf("PUBLISH: %s", v)
	}
	if v, err := c.read(replyTimeout); err != nil || len(v.elems) != 3 || v.elems[2].text != "x" {
		t.Errorf("the message: %s %v", v, err)
	}
}

// Applications do not wait for the confirmation of a subscription before they publish on another connection
// (resp/arrival.go). The two can not be kept in order for certain on two busy cores; hence a few may be lost.
// And no message comes behind the confirmation that its channel was left.
func TestASubscriptionComesBeforeWhatIsPublishedAfterIt(t *testing.T) {
	s := startServer(t, subjectBin(t), "--notify-keyspace-events", "KEA")
	for what, c := range map[string]struct {
		channel string
		command []any
	}{
		"a message": {"ch", []any{"PUBLISH", "ch", "m"}},
		"an event":  {"__keyevent@0__:set", []any{"SET", "m", "v"}},
	} {
		t.Run(what, func(t *testing.T) {
			const rounds, most = 500, 10
			lost := rounds
			for try := 0; try < 20 && lost > most; try++ { // the machine may be busy
				lost = 0
				subscriber, publisher := dial(t, s.Addr), dial(t, s.Addr)
				for range rounds {
					subscriber.Send("SUBSCRIBE", c.channel)
					publisher.Do(c.command...)
					subscriber.Receive()
					subscriber.Send("UNSUBSCRIBE", c.channel)
					heard := subscriber.Receive()
					if heard.elems[0].text == "unsubscribe" {
						lost++
						continue
					}
					if heard.elems[2].text != "m" {
						t.Fatal(heard)
					}
					subscriber.Receive()
				}
				subscriber.Close()
				publisher.Close()
			}
			if lost > most {
				t.Errorf("%d of %d were lost", lost, rounds)
			}
		})
	}
}

// Whoever kills clients finds nothing of them behind it in the same pipeline, in or out of a transaction, as in Redis
// 7.0. That ACL DELUSER ends them later there is a fault: what a list gets is lost with a client that is about to end.
func TestAKilledClientIsGoneForTheNextCommand(t *testing.T) {
	s := startServer(t, subjectBin(t))
	asked := [][]any{{"PUBSUB", "CHANNELS"}, {"PUBSUB", "NUMSUB", "c"}, {"PUBSUB", "NUMPAT"}, {"PUBSUB", "SHARDCHANNELS"},
		{"PUBLISH", "c", "x"}, {"SPUBLISH", "s", "x"}, {"RPUSH", "list", "e"}, {"LLEN", "list"}}
	const want = "[[] [c 0] 0 [] 0 0 1 1]"
	told := map[string]string{"clients": "connected_clients:1 blocked_clients:0 tracking_clients:0 pubsub_clients:0",
		"stats": "pubsub_channels:0 pubsub_patterns:0 pubsubshard_channels:0 tracking_total_prefixes:0"}
	for _, how := range []struct {
		what  string
		kill  []any
		multi bool
	}{
		{"CLIENT KILL", []any{"CLIENT", "KILL", "USER", "u"}, false},
		{"ACL DELUSER", []any{"ACL", "DELUSER", "u"}, false},
		{"CLIENT KILL in a transaction", []any{"CLIENT", "KILL", "USER", "u"}, true},
	} {
		t.Run(how.what, func(t *testing.T) {
			observer := dial(t, s.Addr)
			for range 20 {
				observer.Do("DEL", "list")
				observer.Do("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*", "&*")
				for _, role := range [][]any{{"SUBSCRIBE", "c"}, {"PSUBSCRIBE", "c*"}, {"SSUBSCRIBE", "s"}, {"MONITOR"},
					{"CLIENT", "TRACKING", "on"}, {"CLIENT", "TRACKING", "on", "BCAST"}, {"BLPOP", "list", "0"}} {
					c := dial(t, s.Addr)
					c.Do("AUTH", "u", "any")
					if role[0] != "BLPOP" {
						c.Do(role...)
					} else if err := c.write(encode(role...)); err != nil {
						t.Fatal(err)
					}
				}
				await(t, "all are there", func() bool {
					info := observer.Do("INFO", "clients").Text()
					return strings.Contains(info, "blocked_clients:1\r") && strings.Contains(info, "connected_clients:8\r")
				})
				commands := slices.Concat([][]any{how.kill}, asked, [][]any{{"INFO", "clients"}, {"INFO", "stats"}})
				if how.multi {
					commands = slices.Concat([][]any{{"MULTI"}}, commands, [][]any{{"EXEC"}})
				}
				replies, err := pipelined(observer, commands)
				if err != nil {
					t.Fatal(err)
				}
				if how.multi {
					replies = replies[len(replies)-1].elems
				}
				replies = replies[1:]
				if text := plainly(replies[:len(asked)]); text != want {
					t.Fatalf("after %s: %s, want %s", how.what, text, want)
				}
				for i, section := range []string{"clients", "stats"} {
					for _, line := range strings.Fields(told[section]) {
						if info := replies[len(asked)+i].Text(); !strings.Contains(info, line+"\r\n") {
							t.Fatalf("after %s INFO does not say %s:\n%s", how.what, line, info)
						}
					}
				}
			}
		})
	}
}

// plainly is replies' texts and numbers, in brackets where they stand in arrays.
func plainly(replies []value) string {
	var texts []string
	for _, v := range replies {
		if v.isAggregate() {
			texts = append(texts, plainly(v.elems))
		} else {
			texts = append(texts, v.Text())
		}
	}
	return "[" + strings.Join(texts, " ") + "]"
}
