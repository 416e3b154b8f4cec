package store

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"diskette/store/journal"
)

// TestWhatWasWrittenIsThere runs each case's commands and looks at the result in memory, on disk, after a
// restart, and after a kill before and after the write-back.
func TestWhatWasWrittenIsThere(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", chunkBytes/16+1000)
	edit := func(names []string, fn func(tx *Tx, k [][]byte)) func(t *testing.T, st *Store) {
		return func(t *testing.T, st *Store) { t.Helper(); must(t, st, 0, names, fn) }
	}
	do := func(steps ...func(t *testing.T, st *Store)) []func(t *testing.T, st *Store) { return steps }
	put := func(key, value string) func(t *testing.T, st *Store) {
		return func(t *testing.T, st *Store) { t.Helper(); mustSet(t, st, key, value) }
	}
	remove := func(key string) func(t *testing.T, st *Store) {
		return func(t *testing.T, st *Store) { t.Helper(); mustDel(t, st, key) }
	}
	rename := func(from, to string) func(t *testing.T, st *Store) {
		return edit([]string{from, to}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
	}
	writeBack := func(t *testing.T, st *Store) { t.Helper(); flushed(t, st) }
	for _, c := range []struct {
		name  string
		steps []func(t *testing.T, st *Store)
		want  map[string]string // database 0, all of it
	}{
		{"a value", do(put("k", "v")), map[string]string{"k": "v"}},
		{"a value that was overwritten", do(put("k", "v"), put("k", "w")), map[string]string{"k": "w"}},
		{"a value that was overwritten after its write-back", do(put("k", "v"), writeBack, put("k", "w")), map[string]string{"k": "w"}},
		{"an empty key and an empty value", do(put("", "v"), put("k", "")), map[string]string{"": "v", "k": ""}},
		{"binary keys and values", do(put("\x00\xff\r\n", "\xff\x00")), map[string]string{"\x00\xff\r\n": "\xff\x00"}},
		{"a deleted key", do(put("k", "v"), remove("k")), nil},
		{"a key deleted after its write-back", do(put("k", "v"), writeBack, remove("k")), nil},
		{"a key deleted and created again", do(put("k", "v"), writeBack, remove("k"), put("k", "w")), map[string]string{"k": "w"}},
		{"a key created, deleted and created within one write-back", do(put("k", "v"), remove("k"), put("k", "w")), map[string]string{"k": "w"}},
		{"a long value", do(put("k", long)), map[string]string{"k": long}},
		{"a long value that became short", do(put("k", long), writeBack, put("k", "v")), map[string]string{"k": "v"}},
		{"a short value that became long", do(put("k", "v"), writeBack, put("k", long)), map[string]string{"k": long}},
		{"a deleted long value", do(put("k", long), writeBack, remove("k")), nil},
		{"a long value patched beyond its end", do(put("k", long), writeBack, edit([]string{"k"}, func(tx *Tx, k [][]byte) {
			tx.SetRange(k[0], len(long)+2*chunkBytes, []byte("end"))
			tx.SetRange(k[0], 3, []byte("!!"))
		})), map[string]string{"k": "012!!" + long[5:] + strings.Repeat("\x00", 2*chunkBytes) + "end"}},
		{"appends to a long value", do(put("k", long), writeBack, edit([]string{"k"}, func(tx *Tx, k [][]byte) {
			tx.Append(k[0], []byte("a"))
			tx.Append(k[0], []byte(long))
		})), map[string]string{"k": long + "a" + long}},
		{"a renamed key", do(put("a", "1"), writeBack, rename("a", "b")), map[string]string{"b": "1"}},
		{"a key renamed before its write-back", do(put("a", "1"), rename("a", "b")), map[string]string{"b": "1"}},
		{"a key renamed over another", do(put("a", "1"), put("b", "2"), writeBack, rename("a", "b")), map[string]string{"b": "1"}},
		{"a key renamed away and back", do(put("a", "1"), writeBack, rename("a", "b"), rename("b", "a")), map[string]string{"a": "1"}},
		{"two keys that exchanged names within one write-back", do(put("a", "1"), put("b", "2"), writeBack,
			rename("a", "tmp"), rename("b", "a"), rename("tmp", "b")), map[string]string{"a": "2", "b": "1"}},
		{"a renamed key whose name was taken again", do(put("a", "1"), writeBack, rename("a", "b"), put("a", "2")), map[string]string{"a": "2", "b": "1"}},
		{"a renamed key that was deleted", do(put("a", "1"), writeBack, rename("a", "b"), remove("b")), nil},
		{"a copy, of which the original was changed", do(put("a", long), writeBack, edit([]string{"a", "b"}, func(tx *Tx, k [][]byte) {
			tx.Copy(k[0], 0, k[1], false)
			tx.SetRange(k[0], 0, []byte("XX"))
		})), map[string]string{"a": "XX" + long[2:], "b": long}},
		{"a key moved into a database that was then flushed, within one write-back", do(put("a", "1"), put("b", "2"), writeBack,
			edit([]string{"a"}, func(tx *Tx, k [][]byte) {
				tx.FlushDB(1)
				tx.Move(k[0], 1)
				tx.FlushDB(1)
			})), map[string]string{"b": "2"}},
		{"a key moved away and back", do(put("a", "1"), writeBack, edit([]string{"a"}, func(tx *Tx, k [][]byte) {
			tx.Move(k[0], 1)
			tx.Select(1)
			tx.Move(k[0], 0)
		})), map[string]string{"a": "1"}},
		{"a flushed database", do(put("a", "1"), writeBack, put("b", "2"), edit(nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(0) }), put("c", "3")),
			map[string]string{"c": "3"}},
		{"databases swapped there and back", do(put("a", "1"), edit(nil, func(tx *Tx, _ [][]byte) { tx.SwapDB(0, 1) }), put("b", "2"),
			edit(nil, func(tx *Tx, _ [][]byte) { tx.SwapDB(1, 0) })), map[string]string{"a": "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDisk(t)
			st := opened(t, t.TempDir(), d.use)
			for _, step := range c.steps {
				step(t, st)
			}
			wantAll(t, st, c.want)
			wantAll(t, opened(t, d.killed(t, st.dir), d.use), c.want)
			checked(t, st)
			unloadAll(st)
			wantAll(t, st, c.want)
			wantAll(t, opened(t, d.killed(t, st.dir), d.use), c.want)
			st = reopened(t, st, d.use)
			wantAll(t, st, c.want)
			checked(t, st)
		})
	}
}

// wantAll compares database 0, through GET, SCAN, DBSIZE and RANDOMKEY.
func wantAll(t *testing.T, st *Store, want map[string]string) {
	t.Helper()
	for k, v := range want {
		wantGet(t, st, k, v)
	}
	for _, k := range []string{"k", "a", "b", "tmp", ""} {
		if _, there := want[k]; !there {
			wantAbsent(t, st, k)
		}
	}
	var keys []string
	for k := range want {
		keys = append(keys, k)
	}
	got := scanAll(t, st, 0, 1, ScanOptions{})
	slices.Sort(keys)
	slices.Sort(got)
	if !slices.Equal(got, keys) {
		t.Fatalf("scan returned %q, want %q", got, keys)
	}
	if n, _, err := st.DBSize(0, testNow, false); err != nil || n != int64(len(want)) {
		t.Fatalf("dbsize = %d, %v; want %d", n, err, len(want))
	}
	if k, _, ok, err := st.RandomKey(0, testNow, false); err != nil || ok != (len(want) > 0) || ok && !slices.Contains(keys, k) {
		t.Fatalf("randomkey = %q, %v, %v", k, ok, err)
	}
}

func TestAKeyIsGoneForEveryReaderAtItsDeadline(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow+1000) })
	for _, state := range []string{"in memory", "on disk", "after a restart"} {
		for _, c := range []struct {
			after int64
			there bool
		}{{0, true}, {999, true}, {1000, false}, {100_000, false}} {
			now := testNow + c.after
			if n, _, err := st.DBSize(0, now, false); err != nil || n != int64(btoi(c.there)) {
				t.Errorf("%s, dbsize after %d ms = %d, %v", state, c.after, n, err)
			}
			if keys, _, _, err := st.Scan(0, 0, 10, now, ScanOptions{}, false); err != nil || len(keys) != btoi(c.there) {
				t.Errorf("%s, scan after %d ms = %q, %v", state, c.after, keys, err)
			}
			if _, _, ok, err := st.RandomKey(0, now, false); err != nil || ok != c.there {
				t.Errorf("%s, randomkey after %d ms = %v, %v", state, c.after, ok, err)
			}
			err := command(st, 0, now, []string{"k"}, func(tx *Tx, k [][]byte) {
				if v, _ := tx.View.String(k[0]); (v != nil) != c.there || tx.Touch(k[0]) != c.there || tx.ExistsIn(0, k[0]) != c.there && c.there {
					t.Errorf("%s, after %d ms there = %v", state, c.after, v != nil)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if !c.there {
				break // ExistsIn has removed it: it is a writer's
			}
		}
		must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow+1000) })
		checked(t, st)
		if state == "in memory" {
			unloadAll(st)
		} else {
			st = reopened(t, st)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTheSweeperRemovesExpiredKeysFromMemoryAndDisk(t *testing.T) {
	const n = 3000
	st := opened(t, t.TempDir())
	for i := range n {
		must(t, st, i%2, []string{fmt.Sprint("k", i)}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow+int64(i)) })
	}
	mustSet(t, st, "stays", "v")
	flushed(t, st)
	unloadAll(st)
	for i := range n / 2 { // half of them are in memory again
		must(t, st, i%2, []string{fmt.Sprint("k", i)}, func(tx *Tx, k [][]byte) { tx.Touch(k[0]) })
	}
	eventually(t, "the end of the sweep", func() bool {
		for st.Sweep(testNow + n) {
		}
		st.Lock()
		defer st.Unlock()
		return st.dbs[0].live == 1 && st.dbs[1].live == 0
	})
	if got, err := st.Stats(false); err != nil || got.Expired != n {
		t.Fatalf("%d expired, want %d (%v)", got.Expired, n, err)
	}
	checked(t, st)
	wantAll(t, reopened(t, st), map[string]string{"stays": "v"})
}

func TestAScanReturnsEveryKeyOnceWhileListsAndWriteBacksChange(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.Databases = 2 })
	want := map[string]bool{}
	put := func(from, n int) { // one in a hundred matches: a scan by prefix needs a list
		for i := from; i < from+n; i++ {
			name := fmt.Sprint("other:", i)
			if i%100 == 0 {
				name = fmt.Sprint("some:", i)
				want[name] = true
			}
			mustSet(t, st, name, "v")
		}
	}
	put(0, 6000)
	must(t, st, 1, []string{"moves"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), 0) }) // of middle age
	put(6000, 2000)
	flushed(t, st)
	put(10_000, 1000) // not written back when the scan begins
	must(t, st, 1, []string{"moves", "some:moved"}, func(tx *Tx, k [][]byte) {
		tx.Rename(k[0], k[1])
		tx.Move(k[1], 0)
	})
	want["some:moved"] = true

	got := map[string]int{}
	for cursor, pages := int64(0), 0; ; pages++ {
		keys, next, _, err := st.Scan(0, cursor, 7, testNow, ScanOptions{Prefix: "some:", Match: func(k []byte) bool { return strings.HasPrefix(string(k), "some:") }}, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			got[k]++
		}
		if pages == 3 {
			flushed(t, st) // what was born or renamed is in the tables from here on, and forgotten in memory
			unloadAll(st)
		}
		if cursor = next; next == 0 {
			break
		}
	}
	for k := range want {
		if got[k] != 1 {
			t.Errorf("%q was returned %d times", k, got[k])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
}

func TestAScanReturnsEveryKeyOnceWhenThousandsWereRenamed(t *testing.T) {
	const n = 1500
	st := opened(t, t.TempDir())
	for i := range n {
		mustSet(t, st, fmt.Sprint("a", i), "v")
	}
	flushed(t, st)
	for i := 0; i < n; i += 2 {
		must(t, st, 0, []string{fmt.Sprint("a", i), fmt.Sprint("b", i)}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
	}
	for _, count := range []int{10, 100, 10_000} {
		keys := scanAll(t, st, 0, count, ScanOptions{})
		slices.Sort(keys)
		if len(keys) != n || len(slices.Compact(keys)) != n {
			t.Fatalf("count %d: %d keys, %d different, want %d", count, len(keys), len(slices.Compact(keys)), n)
		}
	}
}

func TestADeadlineSetToWhatItIsCanBeReadAtOnce(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) { tx.SetDeadline(k[0], 0) })
	wantGet(t, st, "k", "v")
}

func TestAReaderWaitsForTheFlushThatItSaw(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	st.Lock()
	tx := st.Begin(0, testNow)
	tx.FlushDB(0)
	lsn := tx.End()
	tx = st.Begin(0, testNow)
	key := []byte("k")
	tx.Want(key, NeedValue)
	there := tx.Touch(key)
	seen := tx.End()
	st.Unlock()
	if there || seen != lsn {
		t.Fatalf("there %v, seen %d; want the flush's LSN %d (I2)", there, seen, lsn)
	}
}

func TestABufferBehindALongValueIsNotWrittenTo(t *testing.T) {
	st := opened(t, t.TempDir())
	buffer := []byte(strings.Repeat("v", shareBytes) + "the next command's arguments")
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) {
		tx.SetString(k[0], buffer[:shareBytes], 0)
		tx.Append(k[0], []byte("XXXX"))
	})
	if got := string(buffer[shareBytes:]); got != "the next command's arguments" {
		t.Fatalf("behind the value stands %q", got)
	}
}

func TestADirectoryHasOneStore(t *testing.T) {
	st := opened(t, t.TempDir())
	if _, err := tryOpen(st.dir); !isErr(err, ErrInUse) || !strings.Contains(err.Error(), st.dir) {
		t.Fatalf("a second open: %v", err)
	}
	mustSet(t, st, "k", "v") // the first has not suffered
	st = reopened(t, st)
	wantGet(t, st, "k", "v")
}

func TestADirectoryThatCanNotBeMadeIsNamed(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tryOpen(file + "/data"); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("open: %v", err)
	}
}

func TestPoliciesAreKept(t *testing.T) {
	for _, p := range []journal.Policy{journal.Always, journal.EverySec, journal.No} {
		d := newDisk(t)
		st := opened(t, t.TempDir(), d.use, func(o *Options) { o.Policy = p })
		syncs := 0
		d.breakWith(func(_ int, kind, file string, _ int) error {
			if kind == "sync" && file == "journal" {
				syncs++
			}
			return nil
		})
		mustSet(t, st, "k", "v")
		mustSet(t, st, "k", "w")
		d.breakWith(nil)
		if p == journal.Always && syncs < 2 {
			t.Errorf("%v: %d fsyncs for two writes", p, syncs)
		}
		closed(t, st)
	}
}
