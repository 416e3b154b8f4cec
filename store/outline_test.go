package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// lengthChanges change a collection of a type at random and return how many elements it has then.
var lengthChanges = map[Type]func(r *rand.Rand, tx *Tx, key []byte) int{
	TypeHash: func(r *rand.Rand, tx *Tx, key []byte) int {
		h, _ := tx.EditHash(key)
		for range r.IntN(40) {
			switch field := fmt.Append(nil, r.IntN(60)); r.IntN(4) {
			case 0:
				h.Delete(field)
			case 1:
				h.SetDeadline(field, tx.Now()+int64(r.IntN(100)))
			default:
				h.Set(field, []byte(lengthElement(r)))
			}
		}
		return h.Len()
	},
	TypeList: func(r *rand.Rand, tx *Tx, key []byte) int {
		l, _ := tx.EditList(key)
		for range r.IntN(40) {
			switch r.IntN(5) {
			case 0:
				if l.Len() > 0 {
					l.Pop(Head)
				}
			case 1:
				if l.Len() > 0 { // between others: the distances are uneven then
					l.Insert(r.IntN(l.Len()), []byte(lengthElement(r)))
				}
			default:
				l.Push([]End{Head, Tail}[r.IntN(2)], []byte(lengthElement(r)))
			}
		}
		return l.Len()
	},
	TypeSet: func(r *rand.Rand, tx *Tx, key []byte) int {
		s, _ := tx.EditSet(key)
		for range r.IntN(40) {
			if member := []byte(lengthElement(r)); r.IntN(3) == 0 {
				s.Remove(member)
			} else {
				s.Add(member)
			}
		}
		return s.Len()
	},
	TypeZSet: func(r *rand.Rand, tx *Tx, key []byte) int {
		z, _ := tx.EditZSet(key)
		for range r.IntN(40) {
			if member := []byte(lengthElement(r)); r.IntN(3) == 0 {
				z.Remove(member)
			} else {
				z.Set(member, float64(r.IntN(9)))
			}
		}
		return z.Len()
	},
	TypeStream: func(r *rand.Rand, tx *Tx, key []byte) int {
		s, _ := tx.EditStream(key)
		if !s.Exists() {
			s.Create()
			s.CreateGroup([]byte("group"), StreamID{}, 0)
		}
		for range r.IntN(40) {
			id := StreamID{1 + uint64(r.IntN(50)), 0}
			if last := s.LastID(); id.Compare(last) <= 0 && r.IntN(2) == 0 {
				s.Delete(id)
			} else if id.Compare(last) > 0 {
				s.Add(id, packed("f", lengthElement(r)))
			} else {
				s.Add(StreamID{last.Ms, last.Seq + 1}, packed("f", lengthElement(r)))
			}
		}
		g := s.Group([]byte("group"))
		s.Deliver(g, s.See(g, []byte("consumer")), 3, false, func(StreamID, StreamFields) {})
		return s.Len()
	},
}

// lengthElement is a short random element, seldom one that has a run of its own, or pieces.
func lengthElement(r *rand.Rand) string {
	switch r.IntN(60) {
	case 0:
		return strings.Repeat(fmt.Sprint(r.IntN(5)), chunkBytes+r.IntN(9))
	case 1:
		return strings.Repeat(fmt.Sprint(r.IntN(5)), runBytes-20+r.IntN(40))
	}
	return fmt.Sprint(r.IntN(200))
}

// shapesOf is headsOf for the lengths of keys.
func shapesOf(st *Store, now int64, names []string, fn func(tx *Tx, k [][]byte)) error {
	needs := map[int]Need{}
	for i := range names {
		needs[i] = NeedShape
	}
	return commandOn(st, 0, now, names, needs, fn)
}

// TestALengthIsTheSameOnDiskAndInMemory plays random changes, with write-back and without,
// unloads, new names, deadlines, flushes and restarts, and counts the elements in between.
func TestALengthIsTheSameOnDiskAndInMemory(t *testing.T) {
	counted := 0
	for seed := range uint64(8) {
		r := testrand.New(t, seed)
		small := func(o *Options) { o.small = []int64{1, 1, 5_000}[seed%3] }
		st := opened(t, t.TempDir(), small)
		type key struct {
			typ    Type
			length int
		}
		types := []Type{TypeHash, TypeList, TypeSet, TypeZSet, TypeStream}
		want := map[string]key{}
		now := int64(testNow)
		gone := func(name string) {
			if want[name].length == 0 && want[name].typ != TypeStream {
				delete(want, name)
			}
		}
		for range 250 {
			name, other := fmt.Sprint("k", r.IntN(4)), fmt.Sprint("k", r.IntN(4))
			switch r.IntN(12) {
			case 0, 1, 2:
				at(t, st, now, []string{name}, func(tx *Tx, k [][]byte) {
					typ := tx.TypeOf(k[0])
					if typ == None {
						typ = types[r.IntN(len(types))]
					}
					want[name] = key{typ, lengthChanges[typ](r, tx, k[0])}
					gone(name)
				})
			case 3:
				flushed(t, st)
			case 4:
				unloadAll(st)
			case 5:
				flushed(t, st)
				unloadAll(st)
			case 6:
				headsOf(t, st, []string{name, other}, func(tx *Tx, k [][]byte) {
					if tx.Rename(k[0], k[1]) && name != other {
						want[other] = want[name]
						delete(want, name)
					}
				})
			case 7:
				headsOf(t, st, []string{name}, func(tx *Tx, k [][]byte) {
					if tx.SetDeadline(k[0], []int64{testNow - 1, now + 1_000_000}[r.IntN(2)]); tx.TypeOf(k[0]) == None {
						delete(want, name)
					}
				})
			case 8:
				if r.IntN(8) == 0 {
					at(t, st, now, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(0) })
					clear(want)
				}
			case 9:
				if r.IntN(8) == 0 {
					st = reopened(t, st, small)
				}
			default:
				err := shapesOf(st, now, []string{name}, func(tx *Tx, k [][]byte) {
					o, w := tx.shaped(k[0]), want[name]
					if o.headOnly {
						counted++
					}
					s, _, ok := tx.PeekOutline(k[0])
					if ok != (w.typ != None) || s.Type != w.typ || s.Len != w.length {
						t.Errorf("seed %d: outline %+v, %v; want %+v", seed, s, ok, w)
					}
					for _, typ := range types {
						n, err := tx.Length(k[0], typ)
						if wrong := w.typ != None && w.typ != typ; errors.Is(err, ErrWrongType) != wrong || !wrong && n != w.length {
							t.Errorf("seed %d: length as a %v %d, %v; want %+v", seed, typ, n, err, w)
						}
					}
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			now += int64(r.IntN(3)) // fields expire, and count until something removes them
		}
		checked(t, st)
		closed(t, st)
	}
	if counted < 50 {
		t.Errorf("only %d lengths were counted in the tables", counted)
	}
}

// TestALengthIsCountedWithoutTheValue: neither in memory afterwards nor on the way.
func TestALengthIsCountedWithoutTheValue(t *testing.T) {
	const elements = 40_000
	names := make([]string, elements)
	for i := range names {
		names[i] = fmt.Sprintf("%07d%s", i, strings.Repeat("e", 100))
	}
	scored := make([]Scored, elements)
	for i := range scored {
		scored[i] = Scored{float64(i), names[i]}
	}
	long := strings.Repeat("v", 4*chunkBytes)
	for kind, c := range map[string]struct {
		typ  Type
		make func(tx *Tx, key []byte)
		want int
	}{
		"hash":       {TypeHash, func(tx *Tx, k []byte) { tx.Place(k, MakeHash(names)) }, elements / 2},
		"list":       {TypeList, func(tx *Tx, k []byte) { tx.Place(k, MakeList(names)) }, elements},
		"set":        {TypeSet, func(tx *Tx, k []byte) { tx.Place(k, MakeSet(slices.Values(names), elements)) }, elements},
		"sorted set": {TypeZSet, func(tx *Tx, k []byte) { tx.Place(k, MakeZSet(scored)) }, elements},
		"stream": {TypeStream, func(tx *Tx, k []byte) {
			s, _ := tx.EditStream(k)
			for i, n := range names {
				s.Add(StreamID{1, uint64(i)}, packed("f", n))
			}
		}, elements},
		"hash of long values": {TypeHash, func(tx *Tx, k []byte) {
			h, _ := tx.EditHash(k)
			for i := range 6 {
				h.Set(fmt.Append(nil, i), []byte(long))
			}
		}, 6},
		"list of long values": {TypeList, func(tx *Tx, k []byte) { tx.Place(k, MakeList([]string{"a", long, "b", long, long})) }, 5},
	} {
		t.Run(kind, func(t *testing.T) {
			st := opened(t, t.TempDir(), func(o *Options) { o.pagedElements = 1 << 30 }) // an index takes memory, too
			var inMemory int64
			must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) {
				c.make(tx, k[0])
				inMemory, _ = tx.MemoryBytes(k[0])
			})
			flushed(t, st)
			unloadAll(st)
			loads, allocated := st.Loads(), allocatedBytes()
			count := func() {
				err := shapesOf(st, testNow, []string{"k"}, func(tx *Tx, k [][]byte) {
					n, err := tx.Length(k[0], c.typ)
					about, _ := tx.MemoryBytes(k[0])
					if n != c.want || err != nil || about < inMemory*2/3 || about > inMemory*4/3 {
						t.Errorf("length %d, %v, about %d bytes; want %d, %d bytes", n, err, about, c.want, inMemory)
					}
					if o := tx.shaped(k[0]); !o.headOnly || o.coll() != nil {
						t.Error("its value was loaded")
					}
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			count()
			if n := allocatedBytes() - allocated; n > 1<<20 {
				t.Errorf("it took %d bytes", n)
			}
			if count(); st.Loads() != loads+1 {
				t.Errorf("%d loads", st.Loads()-loads)
			}
			checked(t, st)
		})
	}
}

// TestLengthsAreCountedWhileOthersChangeThem, with next to no memory: nobody hears of another
// length than that of the moment.
func TestLengthsAreCountedWhileOthersChangeThem(t *testing.T) {
	const clients, commands = 8, 250
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay, o.MaxMemory, o.small = time.Millisecond, 1, 1 })
	types := []Type{TypeHash, TypeList, TypeSet, TypeZSet, TypeStream}
	lengths, counted := map[string]int{}, 0 // belong to the keyspace lock
	var wg sync.WaitGroup
	for c := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := testrand.New(t, uint64(c))
			for range commands {
				typ := types[r.IntN(len(types))]
				key, other := fmt.Sprint(typ, r.IntN(2)), fmt.Sprint(typ, r.IntN(2))
				var err error
				what := r.IntN(9)
				switch {
				case what == 0:
					err = commandOn(st, 0, testNow, []string{key, other}, map[int]Need{0: NeedHead, 1: NeedHead}, func(tx *Tx, k [][]byte) {
						if tx.Rename(k[0], k[1]) && key != other {
							lengths[other] = lengths[key]
							delete(lengths, key)
						}
					})
				case what < 3:
					err = st.Flush()
					unloadAll(st)
				case what < 5:
					err = command(st, 0, testNow, []string{key}, func(tx *Tx, k [][]byte) { lengths[key] = lengthChanges[typ](r, tx, k[0]) })
				default:
					err = shapesOf(st, testNow, []string{key}, func(tx *Tx, k [][]byte) {
						if tx.shaped(k[0]).headOnly {
							counted++
						}
						if n, err := tx.Length(k[0], typ); n != lengths[key] || err != nil {
							t.Errorf("%s has the length %d, %v; want %d", key, n, err, lengths[key])
						}
					})
				}
				if err != nil {
					t.Errorf("command: %v", err)
					return
				}
			}
		}()
	}
	wg.Wait()
	if counted < 50 {
		t.Errorf("only %d lengths were counted in the tables", counted)
	}
	checked(t, st)
}

// TestARunWhoseElementsCanNotBeCountedIsDamage, as one that can not be loaded.
func TestARunWhoseElementsCanNotBeCountedIsDamage(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.small = 1 })
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) { headValues["list"].make(tx, k[0]) })
	flushed(t, st)
	unloadAll(st)
	c, err := openDB(st.dir, "", writerMemory.Load(), false) // write-back's own connection is its goroutine's
	if err == nil {
		err = c.Exec(`PRAGMA busy_timeout = 5000; UPDATE list_runs SET data = CAST('9:x' AS BLOB) WHERE n = (SELECT max(n) FROM list_runs)`)
		c.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	st.readers.renew()
	if err := shapesOf(st, testNow, []string{"k"}, func(tx *Tx, k [][]byte) { tx.Length(k[0], TypeList) }); !errors.Is(err, ErrDamaged) {
		t.Fatalf("LLEN of a list with such a run: %v", err)
	}
}
