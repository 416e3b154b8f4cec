package compat_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestLargeValuesMoveThroughDumpAndRestore moves values that are encoded and decoded without
// the keyspace lock: alone, in a pipeline, in MULTI, and while another client changes them.
func TestLargeValuesMoveThroughDumpAndRestore(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	long := strings.Repeat("the disk holds the values; ", 100_000)
	c.Do("SET", "string", long)
	for i := 0; i < 60_000; i += 1000 {
		var elements, pairs, members, entries []any
		for j := i; j < i+1000; j++ {
			elements = append(elements, fmt.Sprint("element ", j))
			pairs = append(pairs, fmt.Sprint("field ", j), j)
			members = append(members, j, fmt.Sprint("member ", j))
			entries = append(entries, "field", j)
		}
		c.Do(append([]any{"RPUSH", "list"}, elements...)...)
		c.Do(append([]any{"SADD", "set"}, elements...)...)
		c.Do(append([]any{"HSET", "hash"}, pairs...)...)
		c.Do(append([]any{"ZADD", "zset"}, members...)...)
		c.Do(append([]any{"XADD", "stream", "*"}, entries...)...)
	}
	keys := []string{"string", "list", "set", "hash", "zset", "stream"}
	for _, key := range keys {
		want := reading(c, key)
		replies := c.Pipeline([]any{"DUMP", key}, []any{"PING"}, []any{"DUMP", "nothing"})
		payload := replies[0].Text()
		if replies[1].Text() != "PONG" || !replies[2].IsNil() || len(payload) < 64<<10 && key != "string" {
			t.Fatalf("%s: %d bytes, %v", key, len(payload), replies[1:])
		}
		c.Do("DEL", "a", "b")
		replies = c.Pipeline([]any{"RESTORE", "a", 0, payload}, []any{"RESTORE", "a", 0, payload}, []any{"RESTORE", "a", 100_000, payload, "REPLACE"},
			[]any{"MULTI"}, []any{"RESTORE", "b", 0, payload, "REPLACE"}, []any{"DUMP", "b"}, []any{"EXEC"},
			[]any{"RESTORE", "c", 0, payload[:len(payload)-1] + "x"})
		if got := replies[0].Text() + replies[1].Text() + replies[2].Text() + replies[7].Text(); got != "OKBUSYKEY Target key name already exists.OKERR DUMP payload version or checksum are wrong" {
			t.Errorf("%s: %s", key, got)
		}
		if got := replies[6].elems; len(got) != 2 || got[0].Text() != "OK" || len(got[1].Text()) < len(payload)*9/10 {
			t.Errorf("%s: EXEC answers %.200v", key, got)
		}
		for _, restored := range []string{"a", "b"} {
			if reading(c, restored) != want {
				t.Errorf("%s: %s is something else", key, restored)
			}
		}
	}
	dumpWhileItChanges(t, s, keys)
}

// dumpWhileItChanges dumps and restores values that another client changes: every payload is one of them, whole.
func dumpWhileItChanges(t *testing.T, s *server, keys []string) {
	changing, dumping := dial(t, s.Addr), dial(t, s.Addr)
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			for _, command := range [][]any{
				{"SETRANGE", "string", i, "xx"}, {"LPUSH", "list", i}, {"RPOP", "list"}, {"SADD", "set", i}, {"SPOP", "set"},
				{"HSET", "hash", "field 7", i}, {"ZADD", "zset", i, "member 7"}, {"XADD", "stream", "*", "f", i}, {"XTRIM", "stream", "MAXLEN", 60},
			} {
				if _, err := changing.Try(command...); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 3 {
		for _, key := range keys {
			payload := dumping.Do("DUMP", key).Text()
			if reply := dumping.Do("RESTORE", "copy", 0, payload, "REPLACE"); reply.Text() != "OK" {
				t.Errorf("%s: %s", key, reply)
			}
		}
	}
	close(done)
	all.Wait()
}
