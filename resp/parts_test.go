package resp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Commands that name the elements of a large hash, set or sorted set do on one that is on disk what they do on one
// that is in memory, and do not load it.
func TestCommandsThatNameElementsDoNotLoadALargeCollection(t *testing.T) {
	const n = 33_000
	addr, s := startServing(t)
	k := talk(t, addr)
	for _, line := range []string{"HSET h", "HSET inh", "SADD s", "SADD ins", "ZADD z", "ZADD inz"} {
		for from := 0; from < n; from += 1000 {
			var b strings.Builder
			for i := from; i < from+1000; i++ {
				switch line[0] {
				case 'H':
					fmt.Fprint(&b, " e", i, " ", i)
				case 'S':
					fmt.Fprint(&b, " e", i)
				default:
					fmt.Fprint(&b, " ", i, " e", i)
				}
			}
			k.do(line + b.String())
		}
	}
	unload := func() {
		t.Helper()
		if err := s.store.Unload(); err != nil {
			t.Fatal(err)
		}
	}
	unload()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		stats, err := s.store.Stats(false)
		if err != nil {
			t.Fatal(err)
		}
		if stats.IndexedKeys == 6 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d keys are indexed", stats.IndexedKeys)
		}
	}
	for _, key := range []string{"HVALS inh", "SMEMBERS ins", "ZRANGE inz 0 -1"} {
		k.do(key) // is whole now
	}
	before, err := s.store.Stats(false)
	if err != nil {
		t.Fatal(err)
	}
	script := `EVAL "return redis.call('HINCRBY',KEYS[1],'e5',2)+redis.call('HLEN',KEYS[1])" 1 Kh`
	lines := []string{
		"HLEN Kh", "HGET Kh e7", "HGET Kh none", "HMGET Kh e1 none e2 e1", "HEXISTS Kh e3", "HEXISTS Kh none", "HSTRLEN Kh e12345",
		"HSET Kh e1 new none there", "HGET Kh none", "HMSET Kh e1 a e1 b", "HGET Kh e1", "HSETNX Kh e1 x", "HSETNX Kh other x",
		"HINCRBY Kh e9 5", "HINCRBYFLOAT Kh e9 1.5", "HINCRBY Kh count 5", "HINCRBY Kh e1 1", "HDEL Kh e1 none never e2 e2", "HLEN Kh", "HGET Kh e2",
		script, "HGET Kh e5", "HSET Kh odd", "HGET Ks e1", "SADD Kh e1",
		"SCARD Ks", "SISMEMBER Ks e1", "SISMEMBER Ks none", "SMISMEMBER Ks e1 none e2", "SADD Ks e1 one two", "SREM Ks e1 one none", "SCARD Ks",
		"SISMEMBER Ks two", "SADD Ks e1", "SCARD Ks",
		"ZCARD Kz", "ZSCORE Kz e1", "ZSCORE Kz none", "ZMSCORE Kz e2 none e3", "ZADD Kz 5 e1 6 one", "ZADD Kz NX CH 7 e1 8 two",
		"ZADD Kz XX CH 7 e1 8 three", "ZADD Kz GT CH 1 e1 9 e2", "ZADD Kz INCR 3 e1", "ZADD Kz nx incr 3 e1", "ZINCRBY Kz 2 e7", "ZINCRBY Kz 2 four",
		"ZADD Kz -0 zero", "ZSCORE Kz zero", "ZREM Kz e1 four none", "ZCARD Kz", "ZSCORE Kz e1", "ZADD Kz x e1", "ZADD Kz nx",
	}
	for _, multi := range []bool{false, true} {
		for _, line := range lines {
			var replies [2]string
			for i, prefix := range []string{"", "in"} {
				line := strings.ReplaceAll(line, "K", prefix)
				line = strings.ReplaceAll(line, "inEYS", "KEYS")
				if i == 0 {
					line = strings.ReplaceAll(line, "EYS[1]", "KEYS[1]")
				}
				if multi {
					k.do("MULTI")
					k.do(line)
					line = "EXEC"
				}
				replies[i] = k.do(line)
			}
			if replies[0] != replies[1] {
				t.Errorf("%s (MULTI %v) answers %q in parts, %q as a whole", line, multi, replies[0], replies[1])
			}
		}
	}
	after, err := s.store.Stats(false)
	if grew := after.HotBytes - before.HotBytes; err != nil || grew > 1<<20 {
		t.Errorf("the commands have brought %d bytes to memory, %v", grew, err)
	}
	unload()
	for _, pair := range [][2]string{{"HLEN h", "HLEN inh"}, {"SCARD s", "SCARD ins"}, {"ZCARD z", "ZCARD inz"},
		{"HGETALL h", "HGETALL inh"}, {"SMEMBERS s", "SMEMBERS ins"}, {"ZRANGE z 0 -1 WITHSCORES", "ZRANGE inz 0 -1 WITHSCORES"}} {
		if a, b := k.do(pair[0]), k.do(pair[1]); a != b {
			t.Errorf("%s has other elements than %s", pair[0], pair[1])
		}
	}
	if err := s.store.Check(); err != nil {
		t.Error(err)
	}
}
