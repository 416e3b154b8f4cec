package compat_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	redigo "github.com/gomodule/redigo/redis"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// goRedis is a go-redis client for the length of the test.
func goRedis(t testing.TB, s *server, o redis.Options) *redis.Client {
	t.Helper()
	o.Addr = s.Addr
	// Else it sends INCR again after three seconds.
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = replyTimeout, replyTimeout, replyTimeout
	c := redis.NewClient(&o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// patient is for clients whose own patience is too short for a busy machine.
var patient = net.Dialer{Timeout: replyTimeout}

// must is a client's result, or the end of the test.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, should be %v", what, got, want)
	}
}

// TestGoRedis runs what applications do with go-redis in both protocols.
func TestGoRedis(t *testing.T) {
	s := startServer(t, subjectBin(t))
	for _, protocol := range []int{2, 3} {
		for _, c := range []struct {
			name string
			test func(*testing.T, *redis.Client)
		}{
			{"stores, expires and counts", goRedisBasics},
			{"gets each command's own reply from a pipeline", goRedisPipeline},
			{"runs a transaction as a whole", goRedisTransaction},
			{"counts with WATCH and retries in many goroutines", goRedisWatch},
			{"iterates with SCAN", goRedisScan},
			{"gives up when its context ends, and goes on afterwards", goRedisContext},
			{"serves fifty goroutines from ten connections", goRedisPool},
		} {
			t.Run(fmt.Sprintf("RESP%d %s", protocol, c.name), func(t *testing.T) {
				client := goRedis(t, s, redis.Options{Protocol: protocol, PoolSize: 10, ClientName: "tester"})
				if err := client.FlushAll(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				c.test(t, client)
			})
		}
	}
}

func goRedisBasics(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	equal(t, "SET", must[string](t)(c.Set(ctx, "k", "v", 90*time.Second).Result()), "OK")
	equal(t, "GET", must[string](t)(c.Get(ctx, "k").Result()), "v")
	if _, err := c.Get(ctx, "absent").Result(); !errors.Is(err, redis.Nil) {
		t.Errorf("GET of an absent key: %v, should be redis.Nil", err)
	}
	if ttl := must[time.Duration](t)(c.PTTL(ctx, "k").Result()); ttl <= 80*time.Second || ttl > 90*time.Second {
		t.Errorf("PTTL is %v", ttl)
	}
	equal(t, "TTL without a deadline", must[bool](t)(c.Persist(ctx, "k").Result()), true)
	equal(t, "TTL without a deadline", must[time.Duration](t)(c.TTL(ctx, "k").Result()), -1)
	equal(t, "TTL of an absent key", must[time.Duration](t)(c.TTL(ctx, "absent").Result()), -2)
	equal(t, "SETNX", must[bool](t)(c.SetNX(ctx, "k", "other", 0).Result()), false)
	equal(t, "INCRBY", must[int64](t)(c.IncrBy(ctx, "n", 41).Result()), 41)
	equal(t, "INCRBYFLOAT", must[float64](t)(c.IncrByFloat(ctx, "n", 0.5).Result()), 41.5)
	if err := c.Incr(ctx, "k").Err(); err == nil || err.Error() != "ERR value is not an integer or out of range" {
		t.Errorf("INCR of a word: %v", err)
	}
	got := must[[]any](t)(c.MGet(ctx, "k", "absent", "n").Result())
	if !slices.Equal(got, []any{"v", nil, "41.5"}) {
		t.Errorf("MGET is %v", got)
	}
	equal(t, "TYPE", must[string](t)(c.Type(ctx, "k").Result()), "string")
	equal(t, "GETDEL", must[string](t)(c.GetDel(ctx, "k").Result()), "v")
	equal(t, "EXISTS", must[int64](t)(c.Exists(ctx, "k", "n", "n").Result()), 2)
	name := must[string](t)(c.ClientGetName(ctx).Result())
	equal(t, "CLIENT GETNAME", name, "tester")
	if info := must[*redis.ClientInfo](t)(c.ClientInfo(ctx).Result()); info.LibName == "" || info.DB != 0 {
		t.Errorf("CLIENT INFO says library %q, database %d", info.LibName, info.DB)
	}
	if commands := must[map[string]*redis.CommandInfo](t)(c.Command(ctx).Result()); commands["get"] == nil || !commands["get"].ReadOnly || commands["get"].FirstKeyPos != 1 {
		t.Errorf("COMMAND says of get: %+v", commands["get"])
	}
	if settings := must[map[string]string](t)(c.ConfigGet(ctx, "appendfsync").Result()); settings["appendfsync"] != "everysec" {
		t.Errorf("CONFIG GET appendfsync is %v", settings)
	}
	binary := string([]byte{0, '\r', '\n', 0xff, 0})
	equal(t, "SET", must[string](t)(c.Set(ctx, binary, binary, 0).Result()), "OK")
	equal(t, "a binary value", must[string](t)(c.Get(ctx, binary).Result()), binary)
}

func goRedisPipeline(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const n = 10_000
	all, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range n {
			p.Set(ctx, "k"+strconv.Itoa(i), i, 0)
			p.Get(ctx, "k"+strconv.Itoa(i))
		}
		p.Incr(ctx, "sum")
		return nil
	})
	if err != nil || len(all) != 2*n+1 {
		t.Fatalf("%d replies: %v", len(all), err)
	}
	for i := range n {
		if got := all[2*i+1].(*redis.StringCmd).Val(); got != strconv.Itoa(i) {
			t.Fatalf("k%d is %q", i, got)
		}
	}
	all, err = c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "word", "x", 0)
		p.Incr(ctx, "word")
		p.Incr(ctx, "sum")
		return nil
	})
	if err == nil || all[1].Err() == nil || all[2].Err() != nil || all[2].(*redis.IntCmd).Val() != 2 {
		t.Errorf("an error in a pipeline: %v, %v", err, all)
	}
}

func goRedisTransaction(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	all, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "1", time.Hour)
		p.IncrBy(ctx, "a", 9)
		p.Get(ctx, "a")
		p.Get(ctx, "absent")
		return nil
	})
	if !errors.Is(err, redis.Nil) || len(all) != 4 {
		t.Fatalf("%d replies: %v", len(all), err)
	}
	equal(t, "GET in a transaction", all[2].(*redis.StringCmd).Val(), "10")
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "2", 0)
		p.Do(ctx, "no-such-command")
		return nil
	})
	if err == nil {
		t.Error("a transaction with an unknown command works")
	}
	equal(t, "GET after a transaction that was refused", must[string](t)(c.Get(ctx, "a").Result()), "10")
}

func goRedisWatch(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const goroutines, each = 8, 25
	increment := func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, "counter").Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "counter", n+1, 0)
			return nil
		})
		return err
	}
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range each {
				err := error(redis.TxFailedErr)
				for errors.Is(err, redis.TxFailedErr) {
					err = c.Watch(ctx, increment, "counter")
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	equal(t, "the counter", must[int](t)(c.Get(ctx, "counter").Int()), goroutines*each)
}

func goRedisScan(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	const n = 3000
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range n {
			p.Set(ctx, "user:"+strconv.Itoa(i), i, 0)
			p.Set(ctx, "other:"+strconv.Itoa(i), i, 0)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	iterator := c.Scan(ctx, 0, "user:*", 100).Iterator()
	for iterator.Next(ctx) {
		seen[iterator.Val()]++
	}
	if err := iterator.Err(); err != nil {
		t.Fatal(err)
	}
	equal(t, "the number of keys seen", len(seen), n)
	for key, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", key, times)
		}
	}
}

func goRedisContext(t *testing.T, c *redis.Client) {
	impatient := goRedis(t, &server{Addr: c.Options().Addr}, redis.Options{Protocol: c.Options().Protocol, ContextTimeoutEnabled: true, MaxRetries: -1})
	if err := c.Do(t.Context(), "CLIENT", "PAUSE", 300_000, "WRITE").Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := impatient.Set(ctx, "k", "v", 0).Err(); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a SET that waits: %v", err)
	}
	if took := time.Since(start); took > time.Minute { // the pause is longer
		t.Errorf("the context ended after %v", took)
	}
	equal(t, "CLIENT UNPAUSE", must[any](t)(c.Do(t.Context(), "CLIENT", "UNPAUSE").Result()), any("OK"))
	equal(t, "SET afterwards", must[string](t)(impatient.Set(t.Context(), "k", "w", 0).Result()), "OK")
	equal(t, "GET afterwards", must[string](t)(impatient.Get(t.Context(), "k").Result()), "w")
}

func goRedisPool(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	var all sync.WaitGroup
	for g := range 50 {
		all.Go(func() {
			own := "own" + strconv.Itoa(g)
			for i := range 100 {
				if err := errors.Join(c.Set(ctx, own, i, time.Minute).Err(), c.Incr(ctx, "together").Err()); err != nil {
					t.Error(err)
					return
				}
				if got, err := c.Get(ctx, own).Int(); err != nil || got != i {
					t.Errorf("%s is %d, %v; should be %d", own, got, err, i)
					return
				}
			}
		})
	}
	all.Wait()
	equal(t, "what fifty counted", must[int](t)(c.Get(ctx, "together").Int()), 5000)
	if stats := c.PoolStats(); stats.Timeouts > 0 || stats.TotalConns > 10 {
		t.Errorf("the pool: %+v", stats)
	}
}

// Rueidis keeps what it has read until the server says that it has changed.
func TestRueidisCachesWhatItReads(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, Dialer: patient, ConnWriteTimeout: patient.Timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, other := t.Context(), dial(t, s.Addr)
	read := func() (value string, cached bool) {
		r := c.DoCache(ctx, c.B().Get().Key("k").Cache(), time.Minute)
		value, err := r.ToString()
		if err != nil {
			t.Fatal(err)
		}
		return value, r.IsCacheHit()
	}
	for i := range 20 {
		want := strconv.Itoa(i)
		other.Do("SET", "k", want)
		for deadline := time.Now().Add(replyTimeout); ; time.Sleep(time.Millisecond) {
			if got, _ := read(); got == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the cache never heard that k is %s", want)
			}
		}
		if got, cached := read(); got != want || !cached {
			t.Fatalf("read %s, from the cache: %v", got, cached)
		}
	}
}

// Rueidis sends what many goroutines ask for as pipelines on few connections. Its client-side cache is off.
func TestRueidisPipelinesByItself(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, Dialer: patient, ConnWriteTimeout: patient.Timeout, DisableCache: true, PipelineMultiplex: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := t.Context()
	var all sync.WaitGroup
	for g := range 50 {
		all.Go(func() {
			own := "own" + strconv.Itoa(g)
			for i := range 200 {
				err := c.Do(ctx, c.B().Set().Key(own).Value(strconv.Itoa(i)).ExSeconds(60).Build()).Error()
				if err != nil {
					t.Error(err)
					return
				}
				got, err := c.Do(ctx, c.B().Get().Key(own).Build()).AsInt64()
				if err != nil || got != int64(i) {
					t.Errorf("%s is %d, %v; should be %d", own, got, err, i)
					return
				}
				if err := c.Do(ctx, c.B().Incr().Key("together").Build()).Error(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	equal(t, "what fifty counted", must[int64](t)(c.Do(ctx, c.B().Get().Key("together").Build()).AsInt64()), 10_000)
	if err := c.Do(ctx, c.B().Get().Key("absent").Build()).Error(); !rueidis.IsRedisNil(err) {
		t.Errorf("GET of an absent key: %v", err)
	}
}

func TestRueidisRunsManyCommandsAndTransactions(t *testing.T) {
	s := startServer(t, subjectBin(t))
	for _, resp2 := range []bool{false, true} {
		c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, Dialer: patient, ConnWriteTimeout: patient.Timeout, DisableCache: true, AlwaysRESP2: resp2, SelectDB: 3})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx := t.Context()
		var commands rueidis.Commands
		for i := range 1000 {
			commands = append(commands, c.B().Set().Key("k"+strconv.Itoa(i)).Value(strconv.Itoa(i)).Build())
		}
		for i, reply := range c.DoMulti(ctx, commands...) {
			if err := reply.Error(); err != nil {
				t.Fatalf("command %d: %v", i, err)
			}
		}
		values := must[[]string](t)(c.Do(ctx, c.B().Mget().Key("k1", "k999").Build()).AsStrSlice())
		if !slices.Equal(values, []string{"1", "999"}) {
			t.Errorf("MGET is %q", values)
		}
		entry := must[rueidis.ScanEntry](t)(c.Do(ctx, c.B().Scan().Cursor(0).Match("k99*").Count(10_000).Build()).AsScanEntry())
		equal(t, "the number of keys that match", len(entry.Elements), 11)
		err = c.Dedicated(func(d rueidis.DedicatedClient) error {
			replies := d.DoMulti(ctx, d.B().Watch().Key("k1").Build(), d.B().Multi().Build(),
				d.B().Incr().Key("k1").Build(), d.B().Get().Key("absent").Build(), d.B().Exec().Build())
			inside, err := replies[4].ToArray()
			if err != nil {
				return err
			}
			n, err := inside[0].AsInt64()
			if err != nil || n != 2 || !inside[1].IsNil() {
				t.Errorf("EXEC returned %d, %v and %v", n, err, inside[1])
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := c.Do(ctx, c.B().Flushdb().Build()).Error(); err != nil {
			t.Error(err)
		}
	}
}

func TestRedigoPoolsPipelinesAndTransactions(t *testing.T) {
	s := startServer(t, subjectBin(t))
	pool := &redigo.Pool{
		MaxActive: 8, MaxIdle: 4, Wait: true,
		Dial:         func() (redigo.Conn, error) { return redigo.Dial("tcp", s.Addr, redigo.DialDatabase(2)) },
		TestOnBorrow: func(c redigo.Conn, _ time.Time) error { _, err := c.Do("PING"); return err },
	}
	defer pool.Close()
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			for range 50 {
				c := pool.Get()
				if _, err := c.Do("INCR", "together"); err != nil {
					t.Error(err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()

	c := pool.Get()
	defer c.Close()
	equal(t, "what thirty counted", must[int](t)(redigo.Int(c.Do("GET", "together"))), 1500)
	for i := range 100 {
		if err := c.Send("SET", i, i, "EX", 60); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		equal(t, "SET in a pipeline", must[string](t)(redigo.String(c.Receive())), "OK")
	}
	for _, args := range [][]any{{"MULTI"}, {"INCR", 7}, {"TTL", 7}, {"GET", "absent"}} {
		if err := c.Send(args[0].(string), args[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	replies := must[[]any](t)(redigo.Values(c.Do("EXEC")))
	if len(replies) != 3 || replies[0] != int64(8) || replies[2] != nil {
		t.Errorf("EXEC returned %v", replies)
	}
	if _, err := redigo.String(c.Do("GET", "absent")); !errors.Is(err, redigo.ErrNil) {
		t.Errorf("GET of an absent key: %v", err)
	}
	var refused redigo.Error
	if _, err := c.Do("SET", "k"); !errors.As(err, &refused) || refused.Error() != "ERR wrong number of arguments for 'set' command" {
		t.Errorf("SET without a value: %v", err)
	}
}
