package resp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// cachingClient keeps each reply until it hears that a key of the command has changed, as clients with a cache do.
type cachingClient struct {
	*talker
	mode  string
	cache map[string]string // by the command
}

// next is the next reply; what is told before it is taken to heart.
func (c *cachingClient) next() string {
	for {
		reply := c.reply()
		told, ok := strings.CutPrefix(reply, ">2 invalidate ")
		if !ok {
			return reply
		}
		if told == "_" {
			clear(c.cache)
			continue
		}
		for _, key := range strings.Fields(told)[1:] {
			for command := range c.cache {
				if slices.Contains(strings.Fields(command)[1:], key) {
					delete(c.cache, command)
				}
			}
		}
	}
}

func (c *cachingClient) read(command string) {
	if strings.HasPrefix(c.mode, "OPTIN") {
		c.send("CLIENT CACHING YES")
		c.next()
	}
	c.send(command)
	reply := c.next()
	if !strings.HasPrefix(reply, "-") {
		c.cache[command] = reply
	}
}

// Whatever changes a key: a command, its deadline or a field's, a script, another name, another database.
func TestTheCachesOfTrackingClientsAreNeverStale(t *testing.T) {
	const rounds, steps = 40, 25
	addr, _ := startServing(t)
	rnd := testrand.New(t, 0x7472)
	var caches []*cachingClient
	for _, mode := range []string{"", "BCAST", "NOLOOP", "BCAST NOLOOP", "OPTIN", "OPTOUT"} {
		c := &cachingClient{talk(t, addr), mode, map[string]string{}}
		c.do("HELLO 3")
		if got := c.do("CLIENT TRACKING ON " + mode); got != "+OK" {
			t.Fatal(got)
		}
		caches = append(caches, c)
	}
	truth := talk(t, addr)
	truth.do("HELLO 3")
	writers := []*talker{talk(t, addr), talk(t, addr)}
	checked := 0
	for range rounds {
		var did []string
		for range steps {
			if rnd.IntN(2) == 0 {
				caches[rnd.IntN(len(caches))].read(aRead(rnd))
				continue
			}
			did = append(did, aChange(rnd))
			writers[rnd.IntN(len(writers))].do(did[len(did)-1])
		}
		for _, c := range caches {
			for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
				c.send("PING")
				c.next()
				stale := ""
				for command, cached := range c.cache {
					if is := truth.do(command); is != cached {
						stale = fmt.Sprintf("%s: cached %q, is %q", command, cached, is)
					}
				}
				if stale == "" {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("tracking %s: %s, after %s", c.mode, stale, strings.Join(did, "; "))
				}
			}
			checked += len(c.cache)
		}
	}
	if checked < rounds {
		t.Errorf("only %d replies were in a cache and looked at", checked)
	}
}

func aKey(rnd *rand.Rand) string { return fmt.Sprint("k", rnd.IntN(12)) }

func aRead(rnd *rand.Rand) string {
	k := aKey(rnd)
	reads := []string{"GET " + k, "TYPE " + k, "EXISTS " + k, "LRANGE " + k + " 0 -1", "HGET " + k + " f", "HLEN " + k,
		"MGET " + k + " " + aKey(rnd), "ZRANGE " + k + " 0 -1", "SISMEMBER " + k + " m", "STRLEN " + k}
	return reads[rnd.IntN(len(reads))]
}

func aChange(rnd *rand.Rand) string {
	k, other, n := aKey(rnd), aKey(rnd), rnd.IntN(1000)
	changes := []string{
		fmt.Sprintf("SET %s %d", k, n), fmt.Sprintf("SET %s %d PX %d", k, n, 1+rnd.IntN(50)), "DEL " + k, "INCR " + k,
		"APPEND " + k + " x", "GETDEL " + k, "GETEX " + k + " PX 5", "PEXPIRE " + k + " 3", "PERSIST " + k,
		fmt.Sprintf("HSET %s f %d g 1", k, n), "HPEXPIRE " + k + " 5 FIELDS 1 f", "HDEL " + k + " f g",
		fmt.Sprintf("RPUSH %s %d", k, n), "LPOP " + k, "SADD " + k + " m", "SPOP " + k, fmt.Sprintf("ZADD %s %d m", k, n),
		"RENAME " + k + " " + other, "COPY " + k + " " + other + " REPLACE", "MOVE " + k + " 1", "SWAPDB 0 1", "FLUSHDB",
		"LMOVE " + k + " " + other + " LEFT RIGHT", "SUNIONSTORE " + k + " " + other, "SORT " + other + " ALPHA STORE " + k,
		fmt.Sprintf(`EVAL "redis.call('set','%s',%d) return redis.call('del','%s')" 0`, k, n, other),
		fmt.Sprintf(`EVAL "redis.call('select',1) return redis.call('set','%s',%d)" 0`, k, n),
	}
	return changes[rnd.IntN(len(changes))]
}
