package compat_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// Values are such that Redis's bytes follow from them: no hash tables, and no lists of several
// nodes, intsets or streams that may shrink and keep their form.
func init() {
	randomFamilies["dump"] = randomFamily{
		templates: `
SET K V
SET K I
APPEND K V
SETRANGE K 3 V
INCR K
RPUSH K V I
LPUSH K V
RPOP K
LSET K N V
SADD K 1 2 3
SADD K J J
SREM K J
ZADD K I2 V
ZADD K F2 V
ZREM K V
HSET K V V
HSET K V I
HDEL K V
XADD K E V V
XADD K E f V g I
XSETID K 1000-0
DEL K
DUMP K
DUMP K
DUMP K
DUMP K
TYPE K
RESTORE K T P
RESTORE K T P REPLACE
RESTORE K T P REPLACE
RESTORE K U P REPLACE ABSTTL
RESTORE K U P ABSTTL
RESTORE K 0 P REPLACE IDLETIME I2
RESTORE K 0 P REPLACE FREQ I
RESTORE K T P REPLACE FREQ 1 IDLETIME 1
RESTORE K 0 P REPLACE V
RESTORE K T V
PEXPIRETIME K
COPY K K REPLACE
RENAME K K
GET K
LRANGE K 0 -1
ZRANGE K 0 -1
HGETALL K
XRANGE K - +
XINFO GROUPS K
`,
		words: map[string][]string{
			"I2": {"0", "1", "-1", "5", "100", "70000", "3000000000"},
			"F2": {"0", "1", "-1.5", "0.1", "3.0e2", "1e-7", "1e17", "inf", "-inf"},
			"E":  {"0-1", "1-1", "1-2", "5-0", "7-3", "100-1", "999-99", "70000-0", "3000000000-5"},
			"P":  randomPayloads(),
			"J":  {"0", "1", "-1", "5", "100"},
			"U":  {"0", "1", "-1", "33177117420000", "9223372036854775807"},
			"T":  {"0", "0", "0", "-1", "9223372036854775807", "x"},
		},
	}
}

// randomPayloads are those that dump again as they are, and one with a wrong checksum.
func randomPayloads() (ps []string) {
	for name, payload := range recordedPayloads() {
		if unlike := regexp.MustCompile("table|^set|^intset (32|64)|deleted|^list (of|with|mixed)"); !unlike.MatchString(name) && len(payload) < 3000 {
			ps = append(ps, payload)
		}
	}
	slices.Sort(ps)
	return append(ps, ps[0][:len(ps[0])-1]+"\x00")
}

// recordedPayloads are what redis-server dumped, by name.
func recordedPayloads() map[string]string {
	b, err := os.ReadFile("../resp/rdb/testdata/redis-7.0.15.txt")
	if err != nil {
		panic(err)
	}
	payloads := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, digits, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && name[0] != '#' {
			payload, err := hex.DecodeString(digits)
			if err != nil {
				panic(err)
			}
			payloads[name] = string(payload)
		}
	}
	return payloads
}

// mover makes random values on two servers alike.
type mover struct {
	*rand.Rand
	ours, theirs *client
}

func (m *mover) both(t *testing.T, args ...any) {
	t.Helper()
	got, want := m.ours.Do(args...), m.theirs.Do(args...)
	if got.IsError() != want.IsError() || args[0] == "CONFIG" && got.IsError() {
		t.Fatalf("%.200q: Diskette says %.200s, redis-server %.200s", args, got, want)
	}
}

func (m *mover) text() string {
	switch m.IntN(8) {
	case 0:
		return strconv.Itoa(m.IntN(300) - 150)
	case 1:
		return strconv.FormatInt(int64(m.Uint64())>>m.IntN(64), 10)
	case 2:
		return strings.Repeat(string(rune('a'+m.IntN(3))), m.IntN(100))
	case 3:
		b := make([]byte, m.IntN(100))
		for i := range b {
			b[i] = byte(m.Uint32())
		}
		return string(b)
	case 4:
		return strings.Repeat("the disk holds "+strconv.Itoa(m.IntN(50))+" values; ", m.IntN(200))
	}
	return fmt.Sprintf("word%d", m.IntN(1000))
}

func (m *mover) score() string {
	return []string{"0", "-1", "17.5", "inf", "-inf", "0.1", "1e17", "-3e-300", strconv.Itoa(m.IntN(100000)), fmt.Sprint(m.NormFloat64())}[m.IntN(10)]
}

// value makes the key k of both servers. exact is false when Redis's bytes do not follow from the value.
func (m *mover) value(t *testing.T) (exact bool) {
	n := 1 + m.IntN(1<<m.IntN(9))
	commands := []func(){
		func() { m.both(t, "SET", "k", m.text()+m.text()) },
		func() { m.both(t, "RPUSH", "k", m.text(), m.text()) },
		func() { m.both(t, "SADD", "k", m.text()) },
		func() { m.both(t, "SADD", "k", m.IntN(1<<m.IntN(40))) },
		func() { m.both(t, "ZADD", "k", m.score(), m.text()) },
		func() { m.both(t, "HSET", "k", m.text(), m.text()) },
		func() { m.both(t, "LPUSH", "k", m.text()) },
		func() {
			m.both(t, "XADD", "k", fmt.Sprintf("%d-%d", m.IntN(1000), m.IntN(3)), "field", m.text(), "other", m.text())
		},
	}
	which := m.IntN(len(commands))
	for range n {
		commands[which]()
	}
	encoding := m.theirs.Do("OBJECT", "ENCODING", "k").Text()
	exact = encoding != "hashtable" && which != 6
	if encoding == "stream" && m.IntN(2) == 0 {
		m.groups(t)
		return false // the two have seen the consumers at different times
	}
	if m.IntN(4) == 0 && encoding != "skiplist" { // which is a listpack again when it is restored
		m.both(t, "RPOP", "k")
		m.both(t, "ZPOPMIN", "k")
		m.both(t, "HDEL", "k", "word1", "1")
	}
	return exact
}

func (m *mover) groups(t *testing.T) {
	m.both(t, "XGROUP", "CREATE", "k", "g", "0")
	m.both(t, "XGROUP", "CREATE", "k", "h", fmt.Sprintf("%d-0", m.IntN(1000)))
	m.both(t, "XGROUP", "CREATE", "k", "empty", "$", "ENTRIESREAD", 5)
	for range m.IntN(10) {
		m.both(t, "XREADGROUP", "GROUP", []string{"g", "h"}[m.IntN(2)], fmt.Sprintf("consumer%d", m.IntN(4)), "COUNT", 1+m.IntN(5), "STREAMS", "k", ">")
		id := fmt.Sprintf("%d-%d", m.IntN(1000), m.IntN(3))
		m.both(t, "XACK", "k", "g", id)
		m.both(t, "XCLAIM", "k", "g", "claimer", 0, id, "TIME", 12345, "RETRYCOUNT", m.IntN(300))
	}
	m.both(t, "XDEL", "k", "5-0", "7-1", "100-2")
	m.both(t, "XTRIM", "k", "MAXLEN", m.IntN(300))
}

// reading is all that clients can see of a key, in a form without order where there is none.
func reading(c *client, key string) string {
	switch c.Do("TYPE", key).Text() {
	case "string":
		return c.Do("GET", key).String()
	case "list":
		return c.Do("LRANGE", key, 0, -1).String()
	case "set":
		return c.Do("SMEMBERS", key).sorted(false).String()
	case "hash":
		return c.Do("HGETALL", key).sorted(true).String()
	case "zset":
		var b strings.Builder
		for i, v := range c.Do("ZRANGE", key, 0, -1, "WITHSCORES").elems {
			text := quote(v.Text())
			if i%2 == 1 {
				score, _ := strconv.ParseFloat(v.Text(), 64)
				text = fmt.Sprint(score)
			}
			b.WriteString(text + "\n")
		}
		return b.String()
	case "stream":
		return readStream(c, key)
	}
	return "nothing"
}

func readStream(c *client, key string) string {
	var b strings.Builder
	b.WriteString(c.Do("XRANGE", key, "-", "+").String())
	for pair := range slices.Chunk(c.Do("XINFO", "STREAM", key).elems, 2) {
		if !strings.HasPrefix(pair[0].Text(), "radix") {
			fmt.Fprintf(&b, "\n%s %s", pair[0], pair[1])
		}
	}
	for _, g := range c.Do("XINFO", "GROUPS", key).elems {
		name := g.elems[1].Text()
		fmt.Fprintf(&b, "\n%s\n", g)
		for _, consumer := range c.Do("XINFO", "CONSUMERS", key, name).elems {
			fmt.Fprintf(&b, "%s %s\n", consumer.elems[1], consumer.elems[3])
		}
		for _, p := range c.Do("XPENDING", key, name, "-", "+", 10000).elems {
			fmt.Fprintf(&b, "%s %s %s\n", p.elems[0], p.elems[1], p.elems[3])
		}
	}
	return b.String()
}

// TestValuesMoveToALiveRedisAndBack belongs to -live. Values of every type and encoding are dumped by one server,
// restored by the other and read there; and as far as Redis's bytes follow from a value they are Diskette's, too.
func TestValuesMoveToALiveRedisAndBack(t *testing.T) {
	ours, theirs := startBoth(t, "that values move to a live Redis and back")
	m := &mover{rand.New(rand.NewPCG(1, testrand.Seed(t))), dial(t, ours.Addr), dial(t, theirs.Addr)}
	settings := []string{"set-max-intset-entries", "zset-max-listpack-entries", "zset-max-listpack-value", "hash-max-listpack-entries", "hash-max-listpack-value", "stream-node-max-entries", "stream-node-max-bytes"}
	for range 600 {
		m.both(t, "FLUSHALL")
		m.both(t, "CONFIG", "SET", settings[m.IntN(len(settings))], 1<<m.IntN(13))
		m.both(t, "CONFIG", "SET", "list-max-listpack-size", []int{-5, -2, -1, 1, 3, 1000}[m.IntN(6)])
		m.both(t, "CONFIG", "SET", "rdbcompression", []string{"yes", "no"}[m.IntN(2)])
		exact := m.value(t)
		dumped, mine := m.theirs.Do("DUMP", "k"), m.ours.Do("DUMP", "k")
		if dumped.IsNil() {
			continue
		}
		if exact && mine.Text() != dumped.Text() {
			t.Fatalf("%.300s\ndumps as\n%x, by Redis as\n%x", reading(m.theirs, "k"), mine.Text(), dumped.Text())
		}
		for _, move := range []struct {
			name     string
			from, to *client
			payload  string
		}{
			{"Redis to Diskette", m.theirs, m.ours, dumped.Text()},
			{"Diskette to Redis", m.ours, m.theirs, mine.Text()},
			{"Diskette to Diskette", m.ours, m.ours, mine.Text()},
		} {
			want := reading(move.from, "k")
			if reply := move.to.Do("RESTORE", "moved", 0, move.payload, "REPLACE"); reply.Text() != "OK" {
				t.Fatalf("%s: %s for %x", move.name, reply, move.payload)
			}
			if got := reading(move.to, "moved"); got != want {
				t.Fatalf("%s: %x\nis read as\n%.2000s\nand was\n%.2000s", move.name, move.payload, got, want)
			}
			if back := move.to.Do("DUMP", "moved").Text(); exact && back != dumped.Text() {
				t.Fatalf("%s: %.300s\ndumps as\n%x, it was\n%x", move.name, want, back, dumped.Text())
			}
		}
	}
}
