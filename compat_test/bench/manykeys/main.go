// Command manykeys writes an RDB file of very many small keys, named as applications name theirs, some of them with a
// deadline, for measurements of what must not grow with their number:
//
//	go run ./compat_test/bench/manykeys -keys 50000000 DIR/dump.rdb
//
// A server imports it at its first start in DIR.
//
//	db0  3/5 of the keys: early:N, of which there are 5; TYPE:small:N and TYPE:large, collections; a quarter
//	     site:page:N; then user:N:profile, session:HEX (which expire), q:jobs:N and item:N:M in turns, as they are
//	     written beside one another; rare:needle:N, 5 again
//	db1  2/5: cache:HEX, half of them with a deadline
//	db2  a thousand names without ':'
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"diskette/resp/rdb"
)

func main() {
	keys := flag.Int("keys", 1_000_000, "write so many `keys`")
	flag.Parse()
	if flag.NArg() != 1 || *keys < 10_000 {
		fmt.Fprintln(os.Stderr, "usage: manykeys [-keys N] FILE, with N of 10,000 or more")
		os.Exit(2)
	}
	if err := write(flag.Arg(0), *keys); err != nil {
		fmt.Fprintln(os.Stderr, "manykeys:", err)
		os.Exit(1)
	}
}

// generator writes the keys. The first error is the file's and comes again from Finish.
type generator struct {
	w      *rdb.FileWriter
	random *rand.Rand
	now    int64 // unix ms
	spare  [80]byte
}

func write(path string, keys int) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffered := bufio.NewWriterSize(out, 1<<20)
	g := &generator{w: rdb.NewFileWriter(buffered, rdb.FileWriterOptions{}), random: rand.New(rand.NewPCG(50, 1)),
		now: time.Now().UnixMilli()}
	second := keys * 2 / 5
	g.crowded(keys - second - few)
	g.cache(second)
	g.plain()
	if err := g.w.Finish(); err != nil {
		return err
	}
	return buffered.Flush()
}

// few is how many keys are written beside the many, about.
const few = 7000

const elements = 50_000 // of a large collection

func (g *generator) crowded(keys int) {
	g.database(0, keys)
	for n := range 5 {
		g.text(fmt.Sprintf("early:%d", n), 0)
	}
	g.collections()
	for n := range keys / 4 {
		g.text(fmt.Sprintf("site:page:%d", n), 0)
	}
	for n := range keys - keys/4 {
		switch n % 8 {
		case 0, 1, 2:
			g.text(fmt.Sprintf("user:%d:profile", n), 0)
		case 3, 4:
			g.text(fmt.Sprintf("session:%016x", g.random.Uint64()), 24*time.Hour)
		case 5:
			g.text(fmt.Sprintf("q:jobs:%d", n), 0)
		default:
			g.text(fmt.Sprintf("item:%d:%d", n%5000, n), 0)
		}
	}
	for n := range 5 {
		g.text(fmt.Sprintf("rare:needle:%d", n), 0)
	}
}

func (g *generator) cache(keys int) {
	g.database(1, keys)
	for n := range keys {
		g.text(fmt.Sprintf("cache:%016x", g.random.Uint64()), time.Duration(n%2)*7*24*time.Hour)
	}
}

func (g *generator) plain() {
	g.database(2, 1000)
	for n := range 1000 {
		g.text(fmt.Sprintf("plain%d", n), 0)
	}
}

func (g *generator) database(db, keys int) {
	_ = g.w.SelectDB(db)
	_ = g.w.Sizes(uint64(keys), 0)
}

// text writes a string of 16 to 60 bytes; ttl 0 = it does not expire, else in so long or up to twice.
func (g *generator) text(name string, ttl time.Duration) {
	b := g.spare[:16+g.random.IntN(45)]
	for i := range b {
		b[i] = 'a' + byte(g.random.Uint32()%26)
	}
	g.key(name, ttl, &rdb.Value{Kind: rdb.String, String: string(b)})
}

func (g *generator) key(name string, ttl time.Duration, v *rdb.Value) {
	h := rdb.KeyHeader{Key: name, IdleSeconds: -1, Frequency: -1}
	if ttl > 0 {
		h.ExpiresMs = g.now + ttl.Milliseconds() + g.random.Int64N(ttl.Milliseconds())
	}
	_ = g.w.Key(h, v)
}

// collections writes a thousand small ones of each type, and a large one.
func (g *generator) collections() {
	for n := range 1000 {
		g.each(fmt.Sprintf(":small:%d", n), 1+n%20)
	}
	g.each(":large", elements)
}

func (g *generator) each(name string, size int) {
	var texts, pairs []string
	var members []rdb.Member
	stream := &rdb.StreamValue{Added: int64(size)}
	for i := range size {
		element := fmt.Sprintf("element%d", i)
		texts, pairs = append(texts, element), append(pairs, element, "value")
		members = append(members, rdb.Member{Name: element, Score: float64(i)})
		stream.Last = rdb.ID{Ms: uint64(g.now), Seq: uint64(i)}
		stream.Entries = append(stream.Entries, rdb.Entry{ID: stream.Last, Fields: []string{"field", element}})
	}
	g.key("list"+name, 0, &rdb.Value{Kind: rdb.List, Elements: texts})
	g.key("set"+name, 0, &rdb.Value{Kind: rdb.Set, Elements: texts})
	g.key("hash"+name, 0, &rdb.Value{Kind: rdb.Hash, Elements: pairs})
	g.key("zset"+name, 0, &rdb.Value{Kind: rdb.ZSet, Members: members})
	g.key("stream"+name, 0, &rdb.Value{Kind: rdb.Stream, Stream: stream})
}
