package store

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// crowd fills database 0 with n keys, of which the last few begin with "rare:", and database 1 with n.
func crowd(t testing.TB, st *Store, n, few int) {
	t.Helper()
	const batch = 500
	for db := range 2 {
		for from := 0; from < n; from += batch {
			names := make([]string, batch)
			for i := range names {
				names[i] = fmt.Sprintf("many:%d", from+i)
				if db == 0 && from+i >= n-few {
					names[i] = fmt.Sprintf("rare:%d", from+i)
				}
			}
			must(t, st, db, names, func(tx *Tx, keys [][]byte) {
				for _, k := range keys {
					tx.SetString(k, []byte("v"), 0)
				}
			})
		}
	}
	flushed(t, st)
	unloadAll(st)
}

// What a scan looks at under one hold of the lock, and in one call, does not grow with the keys that there are.
func TestACallOfScanLooksAtSomeThousandRowsHoweverManyKeysThereAre(t *testing.T) {
	st := opened(t, t.TempDir())
	const n = 12_000
	crowd(t, st, n, 5)
	for _, c := range []struct {
		what  string
		db    int
		o     ScanOptions
		count int
		keys  int
		calls int // steps at most
	}{
		{"a prefix that few have", 0, ScanOptions{Prefix: "rare:"}, 10, 5, 3},
		{"a prefix that nobody has", 0, ScanOptions{Prefix: "none:"}, 10, 0, 3},
		{"a pattern that few match", 0, ScanOptions{Match: func(k []byte) bool { return strings.HasSuffix(string(k), "1999") }}, 100, 2, n/100 + n/1000 + 3},
		{"a pattern that nobody matches", 0, ScanOptions{Match: func([]byte) bool { return false }}, 1000, 0, 2*n/1000 + 3},
		{"a database behind another", 1, ScanOptions{}, 100, n, n/100 + 3},
		{"the same with a prefix", 1, ScanOptions{Prefix: "many:"}, 1000, n, n/1000 + 3},
		{"the same by type", 1, ScanOptions{Type: TypeString}, 1000, n, n/1000 + 3},
		{"more than a step finds", 1, ScanOptions{}, n, n, n/1000 + 3},
	} {
		got := map[string]int{}
		calls := 0
		for cursor := int64(0); ; calls++ {
			// A step at a time, as Scan makes them: each is one look, and one hold of the lock.
			step, err := st.scanOn(c.db, cursor, min(c.count, scanStep), testNow, c.o, false)
			if step.looked > max(walkRows, 2*min(c.count, scanStep)) || len(step.keys) > scanStep {
				t.Fatalf("%s: a step looked at %d rows and found %d", c.what, step.looked, len(step.keys))
			}
			keys, next := step.keys, step.next
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				got[k]++
			}
			if cursor = next; next == 0 {
				break
			}
		}
		if len(got) != c.keys || calls > c.calls {
			t.Errorf("%s: %d keys in %d steps, want %d in %d at most", c.what, len(got), calls+1, c.keys, c.calls)
		}
		for k, times := range got {
			if times != 1 {
				t.Fatalf("%s: %q was returned %d times", c.what, k, times)
			}
		}
	}
}

func TestAScanByNamesReturnsWhatWasThereThroughout(t *testing.T) {
	st := opened(t, t.TempDir())
	crowd(t, st, 3000, 0)
	want := map[string]bool{"": true}
	for i := range 3000 {
		want[fmt.Sprintf("many:%d", i)] = true
	}
	set := func(names ...string) {
		must(t, st, 1, names, func(tx *Tx, keys [][]byte) {
			for _, k := range keys {
				tx.SetString(k, []byte("v"), 0)
			}
		})
	}
	set("") // a name, too
	flushed(t, st)
	set("unwritten:a", "unwritten:z") // known to memory alone when it begins
	must(t, st, 1, []string{"many:7", "another"}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
	delete(want, "many:7")
	want["another"], want["unwritten:a"], want["unwritten:z"] = true, true, true
	expired := "many:8"
	must(t, st, 1, []string{expired}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow-1) })
	delete(want, expired)

	got := map[string]int{}
	cursor := int64(0)
	for page := 0; ; page++ {
		keys, next, _, err := st.Scan(1, cursor, 100, testNow, ScanOptions{}, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			got[k]++
		}
		switch page {
		case 5: // asked again, as by a client that has not heard the answer
			again, _, _, err := st.Scan(1, cursor, 100, testNow, ScanOptions{}, false)
			if err != nil || !slices.Equal(again, keys) {
				t.Fatalf("the second time: %q, %v; the first: %q", again, err, keys)
			}
			_, next, _, err = st.Scan(1, cursor, 100, testNow, ScanOptions{}, false)
			if err != nil {
				t.Fatal(err)
			}
		case 10:
			set("many:30000", "aaa")
			must(t, st, 1, []string{"many:2999"}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
			delete(want, "many:2999")
			flushed(t, st)
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
	for _, k := range []string{"many:7", expired} {
		if got[k] > 0 {
			t.Errorf("%q was returned", k)
		}
	}
	if len(st.names.scans) > 0 {
		t.Errorf("%d scans are remembered that are over", len(st.names.scans))
	}
}

func TestAScanWhoseCursorIsForgottenBeginsAnew(t *testing.T) {
	st := opened(t, t.TempDir())
	crowd(t, st, 3000, 0)
	found := map[string]bool{}
	_, first, _, err := st.Scan(1, 0, 10, testNow, ScanOptions{}, false)
	if err != nil || !isNamesCursor(first) {
		t.Fatal(first, err)
	}
	for range mostNameScans + 5 {
		st.names.begin(&nameScan{})
	}
	for range 3 { // takes nobody's place
		if _, _, _, err := st.RandomKey(1, testNow, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(st.names.scans); n > mostNameScans+1 {
		t.Errorf("%d scans are remembered", n)
	}
	for cursor := first; ; {
		keys, next, _, err := st.Scan(1, cursor, 500, testNow, ScanOptions{}, false)
		if err != nil {
			t.Fatal(err)
		}
		maps.Insert(found, maps.All(setOf(keys)))
		if cursor = next; next == 0 {
			break
		}
	}
	if len(found) != 3000 {
		t.Errorf("%d keys, want 3000", len(found))
	}
	long := strings.Repeat("x", namePrefix)
	for range mostNameScans {
		st.names.begin(&nameScan{prefix: long})
	}
	if st.names.bytes > mostNameScanBytes+namePrefix {
		t.Errorf("they take %d bytes", st.names.bytes)
	}
}

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// More scans than are remembered, a call of each in turn, all end.
func TestMoreScansThanAreRememberedEnd(t *testing.T) {
	st := opened(t, t.TempDir())
	crowd(t, st, 3000, 0)
	cursors := make([]int64, 2*mostNameScans)
	found := make([]map[string]bool, len(cursors))
	for round, left := 0, len(cursors); left > 0; round++ {
		if round > 100 {
			t.Fatalf("%d scans did not end", left)
		}
		for i := range cursors {
			if round > 0 && cursors[i] == 0 {
				continue
			}
			keys, next, _, err := st.Scan(1, cursors[i], 1000, testNow, ScanOptions{}, false)
			if err != nil {
				t.Fatal(err)
			}
			if found[i] == nil {
				found[i] = map[string]bool{}
			}
			maps.Insert(found[i], maps.All(setOf(keys)))
			if cursors[i] = next; next == 0 {
				if left--; len(found[i]) != 3000 {
					t.Errorf("scan %d came to %d keys, want 3000", i, len(found[i]))
				}
			}
		}
	}
}

// Keys that are not in the tables yet come some hundreds a call, too.
func TestACallOfScanReturnsSomeHundredOfTheNewestKeys(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay = time.Hour })
	const n = 5000
	for i := range n {
		mustSet(t, st, fmt.Sprint("k", i), "v")
	}
	found, calls := map[string]bool{}, 0
	for cursor := int64(0); ; {
		keys, next, _, err := st.Scan(0, cursor, 10, testNow, ScanOptions{}, false)
		if err != nil {
			t.Fatal(err)
		}
		if calls++; len(keys) > 600 {
			t.Fatalf("%d keys in a call", len(keys))
		}
		maps.Insert(found, maps.All(setOf(keys)))
		if cursor = next; next == 0 {
			break
		}
	}
	if len(found) != n || calls < n/600 {
		t.Errorf("%d keys in %d calls", len(found), calls)
	}
}

// Keys whose rows the tables have by now, and whose births memory has not let go of yet, come though a page ends among
// them where a scan turns from ids to names.
func TestAScanThatTurnsToNamesAmongNewKeysMissesNone(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay = time.Hour })
	want := map[string]bool{}
	for i := range 3000 {
		key := fmt.Sprint("q:", i)
		if i%100 == 99 {
			key = fmt.Sprint("p:", i)
			want[key] = true
		}
		mustSet(t, st, key, "v")
	}
	st.Lock()
	births := slices.Clone(st.births)
	st.Unlock()
	flushed(t, st)
	st.Lock()
	st.births = births // as they are while they are let go of, some at a time
	st.Unlock()

	o := ScanOptions{Prefix: "p:", Match: func(name []byte) bool { return bytes.HasPrefix(name, []byte("p:")) }}
	for _, key := range scanAll(t, st, 0, 100, o) {
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("%d keys of 30 did not come", len(want))
	}
	st.Lock()
	st.births = nil
	st.Unlock()
}
