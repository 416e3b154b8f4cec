package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// A shape is a value of one type that is long in one place.
type shape struct {
	name string
	make func(tx *Tx, key []byte, long string)
	typ  Type
	// change removes what is long, or makes it short; nil = it can not be.
	change func(tx *Tx, key []byte, long string)
}

var shapes = []shape{
	{"a string", func(tx *Tx, key []byte, long string) { tx.SetString(key, []byte(long), 0) }, TypeString,
		func(tx *Tx, key []byte, long string) { tx.SetString(key, []byte("short"), 0) }},
	{"a hash's field", func(tx *Tx, key []byte, long string) { hset(tx, key, long, "v") }, TypeHash,
		func(tx *Tx, key []byte, long string) { editHash(tx, key).Delete([]byte(long)) }},
	{"a hash's value", func(tx *Tx, key []byte, long string) { hset(tx, key, "f", long) }, TypeHash,
		func(tx *Tx, key []byte, long string) { hset(tx, key, "f", "short") }},
	{"a hash's field and value, with a deadline", func(tx *Tx, key []byte, long string) {
		hset(tx, key, long, long[1:])
		editHash(tx, key).SetDeadline([]byte(long), testNow+1000)
	}, TypeHash, func(tx *Tx, key []byte, long string) { hset(tx, key, long, "short") }},
	{"a list's element", func(tx *Tx, key []byte, long string) { rpush(tx, key, long) }, TypeList,
		func(tx *Tx, key []byte, long string) { editList(tx, key).Remove([]byte(long), 0) }},
	{"list elements among short ones", func(tx *Tx, key []byte, long string) {
		rpush(tx, key, "a", long, "b", "c", long[2:], long[3:], "d")
	}, TypeList, func(tx *Tx, key []byte, long string) {
		l := editList(tx, key)
		l.Set(2, []byte("short"))
		l.Insert(2, []byte("new"))
		l.Insert(3, []byte("new"))
		l.Push(Head, []byte("head"))
		l.Remove([]byte(long[2:]), 1)
	}},
	{"a set's member", func(tx *Tx, key []byte, long string) { sadd(tx, key, "m", long, "n") }, TypeSet,
		func(tx *Tx, key []byte, long string) { editSet(tx, key).Remove([]byte(long)) }},
	{"a sorted set's member", func(tx *Tx, key []byte, long string) { zadd(tx, key, 2.5, long, "m") }, TypeZSet,
		func(tx *Tx, key []byte, long string) { zadd(tx, key, 7, long) }},
	{"a stream's entries", func(tx *Tx, key []byte, long string) {
		s := editStream(tx, key)
		for i, v := range []string{"a", long, "b", long[1:], "c"} {
			s.Add(StreamID{uint64(i + 1), 0}, PackFields([][]byte{[]byte("f"), []byte(v)}))
		}
	}, TypeStream, func(tx *Tx, key []byte, long string) { editStream(tx, key).Delete(StreamID{2, 0}) }},
	{"the names of a stream's group and consumer", func(tx *Tx, key []byte, long string) {
		s := editStream(tx, key)
		s.Add(StreamID{1, 0}, PackFields([][]byte{[]byte("f"), []byte("v")}))
		g := s.CreateGroup([]byte(long), StreamID{}, 0)
		s.Deliver(g, s.CreateConsumer(g, []byte(long[1:])), 1, false, func(StreamID, StreamFields) {})
	}, TypeStream, func(tx *Tx, key []byte, long string) {
		s := editStream(tx, key)
		s.SetGroup(s.Group([]byte(long)), StreamID{9, 9}, 1)
	}},
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func editHash(tx *Tx, key []byte) HashTx     { return must2(tx.EditHash(key)) }
func editList(tx *Tx, key []byte) ListTx     { return must2(tx.EditList(key)) }
func editSet(tx *Tx, key []byte) SetTx       { return must2(tx.EditSet(key)) }
func editStream(tx *Tx, key []byte) StreamTx { return must2(tx.EditStream(key)) }

func hset(tx *Tx, key []byte, field, value string) {
	editHash(tx, key).Set([]byte(field), []byte(value))
}

func rpush(tx *Tx, key []byte, values ...string) {
	for _, v := range values {
		editList(tx, key).Push(Tail, []byte(v))
	}
}

func sadd(tx *Tx, key []byte, members ...string) {
	for _, m := range members {
		editSet(tx, key).Add([]byte(m))
	}
}

func zadd(tx *Tx, key []byte, score float64, members ...string) {
	for _, m := range members {
		must2(tx.EditZSet(key)).Set([]byte(m), score)
	}
}

// longBytes are random-looking bytes that differ wherever they are cut.
func longBytes(n int) string {
	b := make([]byte, 0, n+16)
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "%08x", int64(i)*2654435761)
	}
	return string(b[:n])
}

// printOf is a digest of all that a key holds.
func printOf(t *testing.T, st *Store, key string) (print string) {
	t.Helper()
	must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
		o := tx.peek(k[0])
		if o == nil {
			print = "absent"
			return
		}
		h := sha256.New()
		fmt.Fprintln(h, o.typ, o.deadline, len(o.str()))
		h.Write(o.str())
		if o.coll() != nil {
			var w recordWriter
			o.coll().rows(&w, 1)
			at := 0
			for _, x := range w.ext {
				h.Write(w.head[at:x.At])
				h.Write(x.Data)
				at = x.At
			}
			h.Write(w.head[at:])
		}
		print = fmt.Sprintf("%v %x", o.typ, h.Sum(nil))
	})
	return print
}

func TestEveryShapeOfALongValueIsWrittenBackAndLoadedAgain(t *testing.T) {
	// These lengths are around what stands in a row.
	lengths := []int{chunkBytes - 20, 3*chunkBytes + 7, chunkBytes - 1, chunkBytes}
	for _, n := range lengths[:shorter(4, 2)] {
		t.Run(fmt.Sprint(n, " bytes"), func(t *testing.T) { playShapes(t, longBytes(n)) })
	}
}

// A shelf is keys with long values, under short and long names, and what each holds.
type shelf struct {
	t      *testing.T
	d      *disk
	st     *Store
	shapes map[string]shape
	prints map[string]string
}

// playShapes takes values of all shapes through all that may happen to them.
func playShapes(t *testing.T, long string) {
	d := newDisk(t)
	s := &shelf{t, d, opened(t, t.TempDir(), d.use), map[string]shape{}, map[string]string{}}
	longNamed := longBytes(longName)
	for i, shape := range shapes {
		for _, name := range []string{shape.name, longNamed + shape.name} {
			if i%3 != 0 && name != shape.name {
				continue
			}
			must(t, s.st, 0, []string{name}, func(tx *Tx, k [][]byte) { shape.make(tx, k[0], long) })
			s.note(name, shape)
		}
	}
	s.verify("made")

	names := slices.Collect(maps.Keys(s.shapes))
	must(t, s.st, 0, names, func(tx *Tx, k [][]byte) {
		for i, key := range k {
			tx.Copy(key, 0, fmt.Append(nil, names[i], " copied"), false)
			tx.Rename(key, fmt.Append(nil, strings.TrimPrefix(names[i], longNamed), len(names[i]), " renamed"))
		}
	})
	for _, name := range names {
		shape := s.shapes[name]
		s.note(name, shape)
		s.note(name+" copied", shape)
		s.note(fmt.Sprint(strings.TrimPrefix(name, longNamed), len(name), " renamed"), shape)
	}
	s.verify("copied and renamed")

	for name, shape := range s.shapes {
		must(t, s.st, 0, []string{name}, func(tx *Tx, k [][]byte) { shape.change(tx, k[0], long) })
		s.note(name, shape)
	}
	s.verify("changed")

	for name, shape := range s.shapes {
		mustDel(t, s.st, name)
		s.note(name, shape)
	}
	s.verify("deleted")
	eventually(t, "the end of the pieces", func() bool { return rowsIn(t, s.st, "pieces") == 0 && rowsIn(t, s.st, "garbage") == 0 })
	checked(t, s.st)
}

// note notes what a key holds now.
func (s *shelf) note(name string, shape shape) {
	s.t.Helper()
	if s.prints[name] = printOf(s.t, s.st, name); s.prints[name] == "absent" {
		delete(s.prints, name)
		delete(s.shapes, name)
		return
	}
	s.shapes[name] = shape
}

// verify reads all keys from the journal, from the tables, and after a restart.
func (s *shelf) verify(when string) {
	s.t.Helper()
	s.compare(opened(s.t, s.d.killed(s.t, s.st.dir), s.d.use), when+", killed before write-back")
	checked(s.t, s.st)
	unloadAll(s.st)
	s.compare(s.st, when+", loaded")
	s.st = reopened(s.t, s.st, s.d.use)
	s.compare(s.st, when+", restarted")
	checked(s.t, s.st)
}

func (s *shelf) compare(st *Store, where string) {
	s.t.Helper()
	for name, was := range s.prints {
		if got := printOf(s.t, st, name); got != was {
			s.t.Fatalf("%s: %.60q of %d bytes is %s and was %s", where, name, len(name), got, was)
		}
	}
	got := scanAll(s.t, st, 0, 10, ScanOptions{})
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(s.prints)); !slices.Equal(got, want) {
		s.t.Fatalf("%s: a scan gives %d keys instead of %d, or others", where, len(got), len(want))
	}
}

func rowsIn(t *testing.T, st *Store, table string) (n int64) {
	t.Helper()
	flushed(t, st)
	if err := st.readers.use(func(r *reader) error { return queryInts(r.c, `SELECT count(*) FROM `+table, &n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestALongNameIsFoundByItsBeginning(t *testing.T) {
	st := opened(t, t.TempDir())
	begin := strings.Repeat("n", longName)
	for _, end := range []string{"", "1", "12", "2"} {
		mustSet(t, st, begin+end, "v"+end)
	}
	flushed(t, st)
	unloadAll(st)
	got := scanAll(t, st, 0, 3, ScanOptions{Prefix: begin + "1", Match: func(key []byte) bool { return strings.HasPrefix(string(key), begin+"1") }})
	if slices.Sort(got); !slices.Equal(got, []string{begin + "1", begin + "12"}) {
		t.Fatalf("%d keys", len(got))
	}
	wantGet(t, st, begin+"12", "v12")
	wantAbsent(t, st, begin+"x")
	wantAbsent(t, st, string(storedName(begin+"12"))) // what stands in the row is no name
}

func TestLongNamesExpireAndAreFlushed(t *testing.T) {
	st := opened(t, t.TempDir())
	for i := range 3 {
		name := fmt.Sprint(strings.Repeat("n", longName), i)
		must(t, st, 0, []string{name}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow+10) })
	}
	mustSet(t, st, strings.Repeat("n", longName), "v")
	flushed(t, st)
	unloadAll(st)
	if n, _, err := st.DBSize(0, testNow+20, false); err != nil || n != 1 {
		t.Fatalf("DBSIZE %d, %v", n, err)
	}
	for st.Sweep(testNow + 20) {
	}
	checked(t, st)
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) {
		if n := tx.Len(0); n != 1 {
			t.Errorf("%d keys after the sweep", n)
		}
		tx.FlushDB(0)
	})
	eventually(t, "the end of the pieces", func() bool { return rowsIn(t, st, "pieces") == 0 && rowsIn(t, st, "garbage") == 0 })
	checked(t, st)
}

// TestAKeyHalfReapedIsNoStray: what is left of it, whichever pieces went first, is on its way out.
func TestAKeyHalfReapedIsNoStray(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	flushed(t, st)
	c, err := sqlite3.Open("file:" + filepath.Join(st.dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	// In a transaction that does not end: the store would reap what is listed, and it never wrote pieces.
	err = c.Exec(`PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE; INSERT INTO garbage (id, type) VALUES (99, 4);
		INSERT INTO pieces (id, n, part, piece, data) VALUES (99, 1, 1, 7, x'76')`)
	for _, s := range strayPieces() {
		var strays int64
		if err = errors.Join(err, queryInts(c, `SELECT count(*) FROM (`+s.sql+`)`, &strays)); strays > 0 {
			t.Errorf("%d %s", strays, s.what)
		}
	}
	if err := errors.Join(err, c.Close()); err != nil {
		t.Error(err)
	}
}
