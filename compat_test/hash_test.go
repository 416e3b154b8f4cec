package compat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestFieldDeadlinesSurviveAnEndOfAnyKind sets deadlines of fields, ends the server and looks
// at them again. What passed meanwhile is gone.
func TestFieldDeadlinesSurviveAnEndOfAnyKind(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := goRedis(t, s, redis.Options{})
	ctx := t.Context()
	far := time.Now().Add(time.Hour)
	for _, end := range []struct {
		name string
		stop func()
	}{
		{"a crash", s.Kill9},
		{"SIGTERM", func() { equal(t, "exit status", s.Terminate(), 0) }},
	} {
		t.Run(end.name, func(t *testing.T) {
			_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.FlushAll(ctx)
				for i := range 200 {
					key := fmt.Sprint("h", i)
					p.HSet(ctx, key, "soon", "v", "far", "v", "kept", "v", "never", "v")
					p.HPExpire(ctx, key, 300*time.Millisecond, "soon", "kept")
					p.HPExpireAt(ctx, key, far, "far")
					p.HPersist(ctx, key, "kept")
					p.HSet(ctx, fmt.Sprint("all", i), "f", "v")
					p.HPExpire(ctx, fmt.Sprint("all", i), 300*time.Millisecond, "f")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			end.stop()
			time.Sleep(350 * time.Millisecond)
			s.start(nil)
			got := must[[]int64](t)(c.HPExpireTime(ctx, "h7", "soon", "far", "kept", "never").Result())
			equal(t, "the deadlines", fmt.Sprint(got), fmt.Sprint([]int64{-2, far.UnixMilli(), -1, -1}))
			equal(t, "the field that expired", must[bool](t)(c.HExists(ctx, "h8", "soon").Result()), false)
			end := time.Now().Add(replyTimeout)
			for must[int64](t)(c.DBSize(ctx).Result()) != 200 { // nobody asks for them: the sweeper finds them on disk
				if time.Now().After(end) {
					t.Fatal("hashes whose fields have all expired are still there")
				}
				time.Sleep(20 * time.Millisecond)
			}
			equal(t, "the length", must[int64](t)(c.HLen(ctx, "h9").Result()), 3)
		})
	}
}

func TestAHugeNumberOfRandomFieldsIsRefused(t *testing.T) {
	c := dial(t, startSubject(t, subjectBin(t)).Addr)
	c.Do("HSET", "h", "f", strings.Repeat("v", 1000), "g", "w")
	for _, count := range []string{"-9223372036854775807", "-4611686018427387903", "-1000000000"} {
		for _, args := range [][]any{{"HRANDFIELD", "h", count}, {"HRANDFIELD", "h", count, "WITHVALUES"}} {
			if v := c.Do(args...); v.kind != kindError || !strings.HasPrefix(v.Text(), "ERR value is out of range") {
				t.Errorf("%v: %.100s", args, v)
			}
		}
		if v := c.Do("HRANDFIELD", "missing", count); len(v.elems) != 0 || v.kind != kindArray {
			t.Errorf("%s fields of no key: %s", count, v)
		}
	}
	if v := c.Do("HRANDFIELD", "h", "-100000"); len(v.elems) != 100_000 {
		t.Errorf("%d of 100,000 random fields", len(v.elems))
	}
}

// TestScansOfElementsGoOnWhereTheyStoppedWhateverHappensMeanwhile changes a collection, and
// lets it be read anew from disk, between the calls of one iteration.
func TestScansOfElementsGoOnWhereTheyStoppedWhateverHappensMeanwhile(t *testing.T) {
	const stay = 100
	for _, kind := range []struct {
		scan, remove string
		put          func(name string) []any
		width        int // replies an element
	}{
		{"HSCAN", "HDEL", func(name string) []any { return []any{"HSET", "k", name, "v"} }, 2},
		{"SSCAN", "SREM", func(name string) []any { return []any{"SADD", "k", name} }, 1},
		{"ZSCAN", "ZREM", func(name string) []any { return []any{"ZADD", "k", len(name), name} }, 2},
	} {
		t.Run(kind.scan, func(t *testing.T) {
			c := dial(t, startSubject(t, subjectBin(t), "--enable-debug-command", "local").Addr)
			for i := range 1000 {
				c.Do(kind.put(fmt.Sprint("f", i))...)
			}
			seen := map[string]int{}
			cursor, gone := "0", stay
			for {
				v := c.Do(kind.scan, "k", cursor, "COUNT", "17")
				if len(v.elems) != 2 {
					t.Fatalf("%s: %s", kind.scan, v)
				}
				for i := 0; i < len(v.elems[1].elems); i += kind.width {
					seen[v.elems[1].elems[i].Text()]++
				}
				if cursor = v.elems[0].Text(); cursor == "0" {
					break
				}
				for range 60 { // down to a collection that would be answered whole
					if gone < 1000 {
						c.Do(kind.remove, "k", fmt.Sprint("f", gone))
						gone++
					}
				}
				c.Do(kind.put(fmt.Sprint("f", len(seen)%stay))...)
				c.Do("DEBUG", "RELOAD")
			}
			for i := range stay {
				if n := seen[fmt.Sprint("f", i)]; n != 1 {
					t.Fatalf("element %d came %d times", i, n)
				}
			}
		})
	}
}
