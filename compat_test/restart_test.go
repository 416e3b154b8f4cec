package compat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestAClientFindsEverythingAgain writes all that there is through go-redis and looks at it again after an
// orderly end, after a crash, and after a crash during which nothing had been written back.
func TestAClientFindsEverythingAgain(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := goRedis(t, s, redis.Options{})
	ctx := t.Context()
	began := time.Now()
	round := 0
	write := func() {
		t.Helper()
		round++
		_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.FlushAll(ctx)
			p.Set(ctx, "word", fmt.Sprint("round ", round), 0)
			p.Set(ctx, "", "the empty key", 0)
			p.Set(ctx, "empty", "", 0)
			p.Set(ctx, "binary\x00\r\n\xff", "\x00\r\n\xff", 0)
			p.Set(ctx, "long", strings.Repeat("0123456789abcdef", 100_000), 0)
			p.SetRange(ctx, "long", 800_000, "PATCHED")
			p.Append(ctx, "long", "END")
			p.SetRange(ctx, "padded", 5, "x")
			p.IncrBy(ctx, "integer", 41)
			p.Incr(ctx, "integer")
			p.IncrByFloat(ctx, "float", 2.5)
			p.MSet(ctx, "m1", "1", "m2", "2", "gone", "3")
			p.Del(ctx, "gone")
			p.Rename(ctx, "m1", "renamed")
			p.Copy(ctx, "m2", "copied", 4, true)
			p.Set(ctx, "moved", "elsewhere", 0)
			p.Move(ctx, "moved", 5)
			p.Set(ctx, "hour", "v", time.Hour)
			p.Set(ctx, "kept", "v", 0)
			p.Expire(ctx, "kept", 2*time.Hour)
			p.Set(ctx, "kept", "w", redis.KeepTTL)
			p.Set(ctx, "exact", "v", 0)
			p.PExpireAt(ctx, "exact", began.Add(3*time.Hour))
			p.Set(ctx, "persisted", "v", time.Hour)
			p.Persist(ctx, "persisted")
			p.Set(ctx, "short", "v", 30*time.Millisecond)
			p.SwapDB(ctx, 4, 6)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write()
	deadlines := map[string]time.Duration{} // since 1970
	for _, key := range []string{"hour", "kept", "exact"} {
		deadlines[key] = must[time.Duration](t)(c.PExpireTime(ctx, key).Result())
	}
	equal(t, "exact's deadline", deadlines["exact"].Milliseconds(), began.Add(3*time.Hour).UnixMilli())

	look := func(t *testing.T) {
		t.Helper()
		long := strings.Repeat("0123456789abcdef", 100_000)
		for key, want := range map[string]string{
			"word": fmt.Sprint("round ", round), "": "the empty key", "empty": "", "binary\x00\r\n\xff": "\x00\r\n\xff",
			"long": long[:800_000] + "PATCHED" + long[800_007:] + "END", "padded": "\x00\x00\x00\x00\x00x",
			"integer": "42", "float": "2.5", "renamed": "1", "m2": "2", "hour": "v", "kept": "w", "exact": "v", "persisted": "v",
		} {
			if got, err := c.Get(ctx, key).Result(); err != nil || got != want {
				t.Errorf("%q is %.60q, %v; should be %.60q", key, got, err, want)
			}
		}
		equal(t, "EXISTS of what is gone", must[int64](t)(c.Exists(ctx, "gone", "m1", "moved", "short").Result()), 0)
		equal(t, "DBSIZE", must[int64](t)(c.DBSize(ctx).Result()), 14)
		for key, want := range deadlines {
			got := must[time.Duration](t)(c.PExpireTime(ctx, key).Result())
			equal(t, key+"'s deadline", got, want)
			expected := time.Until(time.UnixMilli(want.Milliseconds()))
			left := must[time.Duration](t)(c.PTTL(ctx, key).Result())
			const clocks = time.Second // may differ by so much
			if least := time.Until(time.UnixMilli(want.Milliseconds())); left < least-clocks || left > expected+clocks {
				t.Errorf("PTTL of %s is %v, should be %v to %v", key, left, least, expected)
			}
		}
		equal(t, "TTL of persisted", must[time.Duration](t)(c.TTL(ctx, "persisted").Result()), -1)
		for db, pair := range map[int][2]string{5: {"moved", "elsewhere"}, 6: {"copied", "2"}} {
			other := goRedis(t, s, redis.Options{DB: db})
			equal(t, pair[0]+" in another database", must[string](t)(other.Get(ctx, pair[0]).Result()), pair[1])
			equal(t, "DBSIZE of another database", must[int64](t)(other.DBSize(ctx).Result()), 1)
		}
		equal(t, "the type", must[string](t)(c.Type(ctx, "word").Result()), "string")
		equal(t, "the encoding", must[string](t)(c.ObjectEncoding(ctx, "integer").Result()), "int")
	}
	time.Sleep(40 * time.Millisecond) // short's
	look(t)
	for _, end := range []struct {
		name string
		stop func()
	}{
		{"an orderly end", func() {
			once := goRedis(t, s, redis.Options{MaxRetries: -1})
			_ = once.Shutdown(ctx).Err() // the connection ends with it
			if status := s.Wait(); status != 0 {
				t.Errorf("exit status %d", status)
			}
		}},
		{"a crash", s.Kill9},
		{"a crash after new writes", func() {
			write()
			deadlines["hour"] = must[time.Duration](t)(c.PExpireTime(ctx, "hour").Result())
			deadlines["kept"] = must[time.Duration](t)(c.PExpireTime(ctx, "kept").Result())
			s.Kill9()
		}},
		{"SIGTERM", func() { equal(t, "exit status", s.Terminate(), 0) }},
	} {
		t.Run("after "+end.name, func(t *testing.T) {
			end.stop()
			s.start(nil)
			look(t)
		})
	}
}
