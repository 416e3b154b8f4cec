package store

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

const headTestBytes = 1 << 20

// headValues are values that do not come with their heads: what makes them, and what tells that they are whole.
var headValues = map[string]struct {
	typ  Type
	make func(tx *Tx, key []byte)
	size func(tx *Tx, key []byte) int
}{
	"string in chunks": {TypeString, func(tx *Tx, key []byte) { tx.SetString(key, make([]byte, headTestBytes), 0) }, stringSize},
	"string in its row": {TypeString, func(tx *Tx, key []byte) {
		tx.SetString(key, []byte(strings.Repeat("v", headBytes)), 0)
	}, stringSize},
	"hash": {TypeHash, func(tx *Tx, key []byte) {
		h, _ := tx.EditHash(key)
		for i := range 5_000 {
			h.Set(fmt.Append(nil, i), []byte(strings.Repeat("v", 100)))
		}
	}, func(tx *Tx, key []byte) int { h, _ := tx.Hash(key); return h.Len() }},
	"list": {TypeList, func(tx *Tx, key []byte) { tx.Place(key, MakeList(slices.Repeat([]string{"element"}, 10_000))) },
		func(tx *Tx, key []byte) int { l, _ := tx.List(key); return l.Len() }},
	"small set": {TypeSet, func(tx *Tx, key []byte) { tx.Place(key, MakeSet(slices.Values([]string{"a", "b"}), 0)) },
		func(tx *Tx, key []byte) int { s, _ := tx.Set(key); return s.Len() }},
	"sorted set": {TypeZSet, func(tx *Tx, key []byte) { tx.Place(key, MakeZSet([]Scored{{Member: "a"}, {Member: "b"}})) },
		func(tx *Tx, key []byte) int { z, _ := tx.ZSet(key); return z.Len() }},
}

func stringSize(tx *Tx, key []byte) int { v, _ := tx.String(key); return len(v) }

// headCommands need no more than heads. at is the name under which the value is afterwards, "" = nowhere.
var headCommands = map[string]struct {
	keys []string
	run  func(t *testing.T, tx *Tx, typ Type, k [][]byte)
	at   string
}{
	"existence": {[]string{"k"}, func(t *testing.T, tx *Tx, typ Type, k [][]byte) {
		if tx.View.TypeOf(k[0]) != typ || tx.TypeOf(k[0]) != typ || !tx.ExistsIn(0, k[0]) || !tx.Touch(k[0]) || tx.IsExpired(k[0]) {
			t.Error("it is not there, or of another type")
		}
	}, "k"},
	"deadline": {[]string{"k"}, func(t *testing.T, tx *Tx, _ Type, k [][]byte) {
		there := tx.SetDeadline(k[0], testNow+5000)
		d, ok := tx.Deadline(k[0])
		if seen, _ := tx.View.Deadline(k[0]); !there || !ok || d != testNow+5000 || seen != d {
			t.Errorf("deadline %d, %v", d, ok)
		}
	}, "k"},
	"length": {[]string{"k"}, func(t *testing.T, tx *Tx, typ Type, k [][]byte) {
		n, err := tx.StringLength(k[0])
		if (err == nil) != (typ == TypeString) || typ == TypeString && n != headTestBytes && n != headBytes {
			t.Errorf("length %d, %v", n, err)
		}
	}, "k"},
	"use": {[]string{"k"}, func(t *testing.T, tx *Tx, _ Type, k [][]byte) {
		tx.SetIdle(k[0], 5000)
		idle, ok := tx.IdleMillis(k[0])
		tx.SetFrequency(k[0], 7)
		if n, _ := tx.Frequency(k[0]); !ok || idle < 5000 || idle >= 5000+1<<usedShift || n != 7 {
			t.Errorf("idle %d, %v, frequency %d", idle, ok, n)
		}
	}, "k"},
	"rename": {[]string{"k", "other"}, func(t *testing.T, tx *Tx, _ Type, k [][]byte) {
		if !tx.Rename(k[0], k[1]) {
			t.Error("it is not there")
		}
	}, "other"},
	"rename over it": {[]string{"k", "little"}, func(t *testing.T, tx *Tx, _ Type, k [][]byte) {
		if !tx.Rename(k[1], k[0]) {
			t.Error("it is not there")
		}
	}, ""},
	"move":     {[]string{"k"}, func(_ *testing.T, tx *Tx, _ Type, k [][]byte) { tx.Move(k[0], 1); tx.Select(1); tx.Move(k[0], 0) }, "k"},
	"deletion": {[]string{"k"}, func(_ *testing.T, tx *Tx, _ Type, k [][]byte) { tx.Delete(k[0]) }, ""},
	"set":      {[]string{"k"}, func(_ *testing.T, tx *Tx, _ Type, k [][]byte) { tx.SetString(k[0], []byte("new"), 0) }, ""},
	"copy over it": {[]string{"k", "little"}, func(_ *testing.T, tx *Tx, _ Type, k [][]byte) {
		tx.Copy(k[1], 0, k[0], true)
	}, ""},
	"store set": {[]string{"k"}, func(_ *testing.T, tx *Tx, _ Type, k [][]byte) {
		tx.Place(k[0], MakeSet(slices.Values([]string{"m"}), 0))
	}, ""},
	"store list":       {[]string{"k"}, func(_ *testing.T, tx *Tx, _ Type, k [][]byte) { tx.Place(k[0], MakeList(nil)) }, ""},
	"store sorted set": {[]string{"k"}, func(_ *testing.T, tx *Tx, _ Type, k [][]byte) { tx.Place(k[0], MakeZSet(nil)) }, ""},
}

// TestWhatNeedsTheHeadAloneDoesNotLoadTheValue runs each such command on each kind of value: the value is not in memory
// afterwards, nor was it on the way, and it is whole when something asks for it.
func TestWhatNeedsTheHeadAloneDoesNotLoadTheValue(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.pagedElements = 1 << 30 }) // an index takes memory, too
	for kind, value := range headValues {
		for name, c := range headCommands {
			t.Run(name+" of a "+kind, func(t *testing.T) {
				must(t, st, 0, []string{"k", "other", "little"}, func(tx *Tx, k [][]byte) {
					tx.Delete(k[1])
					tx.SetString(k[2], []byte("little"), 0)
					tx.Delete(k[0])
					value.make(tx, k[0])
				})
				flushed(t, st)
				unloadAll(st)
				loads, allocated := st.Loads(), allocatedBytes()
				headsOf(t, st, c.keys, func(tx *Tx, k [][]byte) { c.run(t, tx, value.typ, k) })
				if n := allocatedBytes() - allocated; n > headTestBytes/4 {
					t.Errorf("it took %d bytes", n)
				}
				if n := st.Loads() - loads; n > int64(len(c.keys))+1 { // a move looks into the other database
					t.Errorf("%d loads", n)
				}
				o := st.dbs[0].keys.get(c.at)
				if c.at == "" {
					o = st.dbs[0].keys.get("k")
				}
				if o == nil || o.headOnly != (c.at != "") || o.str() != nil && c.at != "" || o.coll() != nil && c.at != "" {
					t.Errorf("memory has %+v", o)
				}
				checked(t, st)
				if c.at == "" {
					return
				}
				want := map[bool]int{true: headTestBytes, false: headBytes}[kind == "string in chunks"]
				if value.typ != TypeString {
					must(t, st, 1, []string{"k"}, func(tx *Tx, k [][]byte) { value.make(tx, k[0]); want = value.size(tx, k[0]); tx.Delete(k[0]) })
				}
				must(t, st, 0, []string{c.at}, func(tx *Tx, k [][]byte) {
					if n := value.size(tx, k[0]); n != want {
						t.Errorf("the value has the size %d, want %d", n, want)
					}
				})
				checked(t, st)
			})
		}
	}
}

// headsOf is must for a command that needs no more than the heads of its keys.
func headsOf(t testing.TB, st *Store, names []string, fn func(tx *Tx, k [][]byte)) {
	t.Helper()
	needs := map[int]Need{}
	for i := range names {
		needs[i] = NeedHead
	}
	if err := commandOn(st, 0, testNow, names, needs, fn); err != nil {
		t.Fatalf("command on the heads of %q: %v", names, err)
	}
}

func allocatedBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// TestASmallValueComesWithItsHead: the command after it reads nothing.
func TestASmallValueComesWithItsHead(t *testing.T) {
	st := opened(t, t.TempDir())
	value := strings.Repeat("v", headBytes-1)
	mustSet(t, st, "k", value)
	flushed(t, st)
	unloadAll(st)
	headsOf(t, st, []string{"k"}, func(tx *Tx, k [][]byte) { tx.Touch(k[0]) })
	loads := st.Loads()
	if wantGet(t, st, "k", value); st.Loads() != loads {
		t.Fatal("its value was read on its own")
	}
}

// TestASmallValueIsTakenAlongAndALargeOneIsNot, whatever makes it large: many elements or a long one.
func TestASmallValueIsTakenAlongAndALargeOneIsNot(t *testing.T) {
	st := opened(t, t.TempDir())
	long := strings.Repeat("v", 2*chunkBytes)
	ids := func(tx *Tx, key []byte, fields ...string) {
		s, _ := tx.EditStream(key)
		for i, f := range fields {
			s.Add(StreamID{1, uint64(i)}, packed("f", f))
		}
	}
	short := slices.Repeat([]string{"element"}, 20)
	for name, c := range map[string]struct {
		make  func(tx *Tx, key []byte)
		large bool
	}{
		"string of a row":            {func(tx *Tx, k []byte) { tx.SetString(k, []byte(long[:chunkBytes-1]), 0) }, false},
		"string of chunks":           {func(tx *Tx, k []byte) { tx.SetString(k, []byte(long), 0) }, true},
		"short hash":                 {func(tx *Tx, k []byte) { h, _ := tx.EditHash(k); h.Set([]byte("f"), []byte("v")) }, false},
		"hash of a long value":       {func(tx *Tx, k []byte) { h, _ := tx.EditHash(k); h.Set([]byte("f"), []byte(long)) }, true},
		"large hash":                 {headValues["hash"].make, true},
		"short list":                 {func(tx *Tx, k []byte) { tx.Place(k, MakeList(short)) }, false},
		"list of a long value":       {func(tx *Tx, k []byte) { tx.Place(k, MakeList([]string{"a", long, "b"})) }, true},
		"large list":                 {headValues["list"].make, true},
		"short stream":               {func(tx *Tx, k []byte) { ids(tx, k, short...) }, false},
		"stream of a long value":     {func(tx *Tx, k []byte) { ids(tx, k, "a", long) }, true},
		"short set":                  {func(tx *Tx, k []byte) { tx.Place(k, MakeSet(slices.Values([]string{"a"}), 0)) }, false},
		"set of a long value":        {func(tx *Tx, k []byte) { tx.Place(k, MakeSet(slices.Values([]string{"a", long}), 0)) }, true},
		"short sorted set":           {func(tx *Tx, k []byte) { tx.Place(k, MakeZSet([]Scored{{1, "a"}})) }, false},
		"sorted set of a long value": {func(tx *Tx, k []byte) { tx.Place(k, MakeZSet([]Scored{{1, "a"}, {2, long}})) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) {
				tx.Delete(k[0])
				c.make(tx, k[0])
			})
			flushed(t, st)
			unloadAll(st)
			err := commandOn(st, 0, testNow, []string{"k"}, map[int]Need{0: NeedSmall}, func(*Tx, [][]byte) {})
			if o := st.dbs[0].keys.get("k"); err != nil || o.headOnly != c.large {
				t.Errorf("head alone: %v, %v; want %v", o.headOnly, err, c.large)
			}
			checked(t, st)
			must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) { tx.entry(k[0]) })
			checked(t, st)
		})
	}
}

// TestWhoNeedsHeadAndValueReadsOnce: they are two commands of a pipeline, or a name that a command has twice.
func TestWhoNeedsHeadAndValueReadsOnce(t *testing.T) {
	st := opened(t, t.TempDir())
	value := strings.Repeat("v", 2*headBytes)
	for _, needs := range []map[int]Need{{0: NeedHead}, {1: NeedHead}, {0: NeedHead, 1: NeedSmall}} {
		mustSet(t, st, "k", value)
		flushed(t, st)
		unloadAll(st)
		loads := st.Loads()
		err := commandOn(st, 0, testNow, []string{"k", "k"}, needs, func(tx *Tx, k [][]byte) {
			if v, _ := tx.String(k[0]); string(v) != value {
				t.Errorf("GET = %s", brief(string(v)))
			}
		})
		if n := st.Loads() - loads; err != nil || n != 1 {
			t.Errorf("%v: %d loads, %v", needs, n, err)
		}
	}
}

// TestAHeadIsNewerThanItsRow changes a head in each way that leaves the value on disk, before
// the change is applied: the value comes by id, and what memory knows of the head stands.
func TestAHeadIsNewerThanItsRow(t *testing.T) {
	st := opened(t, t.TempDir())
	value := strings.Repeat("v", 2*chunkBytes)
	for _, applied := range []bool{false, true} {
		mustSet(t, st, "k", value)
		flushed(t, st)
		unloadAll(st)
		headsOf(t, st, []string{"k", "new"}, func(tx *Tx, k [][]byte) {
			tx.SetDeadline(k[0], testNow+1000)
			tx.Rename(k[0], k[1])
		})
		mustSet(t, st, "k", "another")
		if applied {
			flushed(t, st)
		}
		unloadAll(st) // a dirty head must stay (I3)
		if !applied && !st.dbs[0].keys.get("new").headOnly {
			t.Fatal("it is no head")
		}
		wantGet(t, st, "new", value)
		must(t, st, 0, []string{"new"}, func(tx *Tx, k [][]byte) {
			if d, _ := tx.Deadline(k[0]); d != testNow+1000 {
				t.Fatalf("deadline %d", d)
			}
			tx.Delete(k[0])
		})
		wantGet(t, st, "k", "another")
		checked(t, st)
	}
}

// TestAValueThatIsGivenUpWhileItIsRead: a load of it comes too late, and finds perhaps no row any more.
func TestAValueThatIsGivenUpWhileItIsRead(t *testing.T) {
	value := strings.Repeat("v", 2*chunkBytes)
	for name, c := range map[string]struct {
		change func(tx *Tx, k [][]byte)
		after  func(t *testing.T, st *Store)
	}{
		"deleted": {func(tx *Tx, k [][]byte) { tx.Delete(k[0]) }, func(t *testing.T, st *Store) { wantAbsent(t, st, "k") }},
		"renamed": {func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) }, func(t *testing.T, st *Store) { wantGet(t, st, "new", value); wantAbsent(t, st, "k") }},
		"set":     {func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("x"), 0) }, func(t *testing.T, st *Store) { wantGet(t, st, "k", "x") }},
		"expired": {func(tx *Tx, k [][]byte) { tx.expire(tx.head(k[0])) }, func(t *testing.T, st *Store) { wantAbsent(t, st, "k") }},
		"deadline": {func(tx *Tx, k [][]byte) { tx.SetDeadline(k[0], testNow+9) }, func(t *testing.T, st *Store) {
			wantGet(t, st, "k", value)
		}},
	} {
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " applied ", applied), func(t *testing.T) {
				st := opened(t, t.TempDir())
				mustSet(t, st, "k", value)
				flushed(t, st)
				unloadAll(st)
				headsOf(t, st, []string{"k"}, func(tx *Tx, k [][]byte) { tx.Touch(k[0]) })
				st.Lock()
				tx := st.Begin(0, testNow)
				if tx.Want([]byte("k"), NeedValue) {
					t.Fatal("the value is there")
				}
				f := tx.TakeFetch()
				tx.End()
				st.Unlock()
				headsOf(t, st, []string{"k", "new"}, c.change)
				if applied {
					flushed(t, st)
				}
				if err := f.Load(); err != nil {
					t.Fatal(err)
				}
				st.Lock()
				f.Release()
				st.Unlock()
				c.after(t, st)
				checked(t, st)
				c.after(t, reopened(t, st))
			})
		}
	}
}

// TestAHeadWithoutItsRowIsDamage: what asks for its value hears so, and does not wait for ever.
func TestAHeadWithoutItsRowIsDamage(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", strings.Repeat("v", 2*chunkBytes))
	flushed(t, st)
	unloadAll(st)
	headsOf(t, st, []string{"k"}, func(tx *Tx, k [][]byte) { tx.Touch(k[0]) })
	c, err := openDB(st.dir, "", writerMemory.Load(), false) // write-back's own connection is its goroutine's
	if err == nil {
		err = c.Exec(`PRAGMA busy_timeout = 5000; DELETE FROM keys`)
		c.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	st.readers.renew()
	for _, announced := range [][]string{{"k"}, nil} {
		err := command(st, 0, testNow, announced, func(tx *Tx, _ [][]byte) { tx.String([]byte("k")) })
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("GET of what is not there: %v", err)
		}
	}
	headsOf(t, st, []string{"k"}, func(tx *Tx, k [][]byte) {
		if !tx.Touch(k[0]) {
			t.Fatal("its head is gone")
		}
	})
}

// TestHeadsAndValuesAreAskedForAtOnce by many clients, who rename, delete and replace meanwhile
// and have next to no memory: nobody sees another value than one that was set, and none is lost.
func TestHeadsAndValuesAreAskedForAtOnce(t *testing.T) {
	const clients, commands, names = 8, 300, 6
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay, o.MaxMemory = time.Millisecond, 20_000 })
	var born, gone atomic.Int64
	var wg sync.WaitGroup
	for c := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := testrand.New(t, uint64(c))
			for range commands {
				key, dst := fmt.Sprint("k", r.IntN(names)), fmt.Sprint("k", r.IntN(names))
				length := []int{10, headBytes, 2 * headBytes, chunkBytes + 7}[r.IntN(4)]
				what := r.IntN(6)
				needs := map[int]Need{0: NeedHead, 1: []Need{NeedHead, NeedSmall}[r.IntN(2)]}
				if what == 0 {
					needs[0] = NeedValue
				}
				err := commandOn(st, 0, testNow, []string{key, dst}, needs, func(tx *Tx, k [][]byte) {
					there := tx.TypeOf(k[0]) != None
					switch what {
					case 0:
						if v, _ := tx.String(k[0]); len(v) > 0 && strings.Trim(string(v), string(v[:1])) != "" {
							t.Errorf("read %s", brief(string(v)))
						}
					case 1:
						tx.SetString(k[0], []byte(strings.Repeat(fmt.Sprint(r.IntN(10)), length)), 0)
						if !there {
							born.Add(1)
						}
					case 2:
						if key != dst && there && tx.TypeOf(k[1]) != None {
							gone.Add(1)
						}
						tx.Rename(k[0], k[1])
					case 3:
						if tx.SetDeadline(k[0], testNow+1000); there != (tx.TypeOf(k[0]) != None) {
							t.Error("it went with its deadline")
						}
					case 4:
						if n, _ := tx.StringLength(k[0]); (n > 0) != there {
							t.Errorf("the length %d, there %v", n, there)
						}
					case 5:
						if r.IntN(3) == 0 && tx.Delete(k[0]) {
							gone.Add(1)
						}
					}
				})
				if err != nil {
					t.Errorf("command: %v", err)
					return
				}
			}
		}()
	}
	wg.Wait()
	checked(t, st)
	st = reopened(t, st)
	if n, _, _ := st.DBSize(0, testNow, false); n != born.Load()-gone.Load() {
		t.Fatalf("%d keys, want %d", n, born.Load()-gone.Load())
	}
	checked(t, st)
}

// TestADatabaseThatGetsAHeadIsNotAllInMemory: a value that is on disk alone keeps being there when its key is moved.
func TestADatabaseThatGetsAHeadIsNotAllInMemory(t *testing.T) {
	st := opened(t, t.TempDir())
	value := strings.Repeat("v", 2*chunkBytes)
	mustSet(t, st, "k", value)
	flushed(t, st)
	unloadAll(st)
	headsOf(t, st, []string{"k"}, func(tx *Tx, k [][]byte) {
		if tx.Select(1); !tx.AllInMemory() {
			t.Error("nothing was in there yet")
		}
		tx.Select(0)
		tx.Move(k[0], 1)
		if tx.Select(1); tx.AllInMemory() {
			t.Error("its value is said to be in memory")
		}
	})
}
