package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// Whatever is done with a million renamed keys under one hold of the lock ends after as many of them as it was told.
func TestAMillionRenamedKeysAreGoneOverInSlices(t *testing.T) {
	const n, slice = 1_000_000, 1000
	s := newSpace(1, 0, 0, 0)
	r := newRenamedKeys()
	for i := range n {
		o := newObject(s, fmt.Sprintf("name:%07d", i*7919%n)) // in no order
		o.id = int64(i + 1)
		r.note(o, uint64(i+1))
	}
	steps := 1
	for r.sort(slice) {
		steps++
	}
	if steps != n/slice || r.byName.Len() != n {
		t.Fatalf("%d are in order after %d slices of %d", r.byName.Len(), steps, slice)
	}
	seen := 0
	r.ascend(1, "name:0500000", func(key string, n renaming) bool {
		if want := fmt.Sprintf("name:%07d", 500_000+seen); key != want || r.of(n.id) != n.o {
			t.Fatalf("%q comes as number %d behind the middle", key, seen)
		}
		seen++
		return seen < slice
	})
	if seen != slice {
		t.Fatalf("it was told to end after %d and went on to %d", slice, seen)
	}
	for steps = 1; r.applied(n/2, slice); steps++ {
	}
	if left := len(r.byID); steps != n/2/slice+1 || left != n/2 || r.byName.Len() != left || len(r.queue) != left {
		t.Fatalf("after %d slices %d are left by id, %d by name, %d in the queue", steps, left, r.byName.Len(), len(r.queue))
	}
	for r.applied(n, slice) {
	}
	if len(r.byID)+r.byName.Len()+len(r.queue)+r.sorted != 0 {
		t.Fatalf("something is left: %d, %d, %d, %d", len(r.byID), r.byName.Len(), len(r.queue), r.sorted)
	}
}

// A key that is renamed again, or whose name another one gets, is forgotten with the newest of that and not before.
func TestARenameIsForgottenWhenItIsApplied(t *testing.T) {
	s := newSpace(1, 0, 0, 0)
	r := newRenamedKeys()
	a, b := newObject(s, "a"), newObject(s, "b")
	r.note(withID(a, 7), 1) // to a
	a.id = 0
	r.note(withID(b, 7), 2) // to b
	b.id = 0
	r.note(withID(a, 7), 3) // to a again
	r.note(withID(b, 8), 4) // another key to b
	for r.sort(1) {
	}
	names := func() (names []string) {
		r.ascend(1, "", func(key string, n renaming) bool {
			names = append(names, fmt.Sprint(key, n.id))
			return true
		})
		return names
	}
	for _, c := range []struct {
		lsn       uint64
		of7, of8  *object
		want      []string
		remaining int
	}{
		{0, a, b, []string{"a7", "b8"}, 4},
		{1, a, b, []string{"a7", "b8"}, 3},
		{2, a, b, []string{"a7", "b8"}, 2},
		{3, nil, b, []string{"b8"}, 1},
		{4, nil, nil, nil, 0},
	} {
		r.applied(c.lsn, 100)
		if got := names(); r.of(7) != c.of7 || r.of(8) != c.of8 || !slices.Equal(got, c.want) || len(r.queue) != c.remaining {
			t.Errorf("up to %d: %v, %v, %q, %d in the queue; want %v", c.lsn, r.of(7), r.of(8), got, len(r.queue), c)
		}
	}
}

func withID(o *object, id int64) *object {
	o.id = id
	return o
}

// A step of a scan joins some hundred renamed keys, however many there are, and the scan finds each once, by id and by
// name, though the tables hear of the new names while it goes on.
func TestAScanFindsEachOfManyRenamedKeysOnceSomeHundredAStep(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for _, c := range []struct {
			what   string
			db     int
			o      ScanOptions
			byName bool
		}{
			{"by id", 0, ScanOptions{}, false},
			{"by name, with another database before", 1, ScanOptions{}, true},
			{"by name, with a prefix that many have", 1, ScanOptions{Prefix: "other:"}, true},
		} {
			st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackRows = 1 << 20 })
			const n = 8000
			crowd(t, st, n, 0)
			want := map[string]bool{}
			for i := range n {
				from, to := fmt.Sprint("many:", i), fmt.Sprint("other:", i)
				if i < 10 { // so that the tables have a page behind which all of the others stand
					to = from
				} else {
					must(t, st, c.db, []string{from, to}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
				}
				if c.o.Prefix == "" || i >= 10 {
					want[to] = true
				}
			}
			if left := len(st.renamed.queue); left != n-10 {
				t.Fatalf("%d keys are renamed in memory", left)
			}
			got, steps, byName := map[string]int{}, 0, false
			for cursor := int64(0); ; {
				step, err := st.scanOn(c.db, cursor, 100, testNow, c.o, false)
				if err != nil {
					t.Fatal(err)
				}
				if len(step.keys) > walkRows+512 {
					t.Fatalf("%s: a step joined %d keys", c.what, len(step.keys))
				}
				for _, key := range step.keys {
					got[key]++
				}
				steps++
				byName = byName || isNamesCursor(step.next)
				if applied && steps == 5 {
					flushed(t, st)
					unloadAll(st)
				}
				if cursor = step.next; cursor == 0 {
					break
				}
			}
			if c.byName && !byName {
				t.Errorf("%s: it did not go by names", c.what)
			}
			for key, times := range got {
				if times != 1 || !want[key] {
					t.Fatalf("%s: %q was returned %d times, and is there: %v", c.what, key, times, want[key])
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s, applied meanwhile %v: %d keys, want %d; none of %v", c.what, applied, len(got), len(want),
					slices.Sorted(maps.Keys(without(want, got)))[:5])
			}
		}
	}
}

func without(want map[string]bool, got map[string]int) map[string]bool {
	missing := maps.Clone(want)
	for key := range got {
		delete(missing, key)
	}
	return missing
}

// The births that a step passes over, of other databases or of keys that are gone, are some thousand, too.
func TestAStepOfAScanLooksAtSomeThousandBirths(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackRows = 1 << 20 })
	const n = 3*birthSlice + 10
	names := make([]string, 500)
	for from := 0; from < n; from += len(names) {
		for i := range names {
			names[i] = fmt.Sprint("gone:", from+i)
		}
		must(t, st, 1, names, func(tx *Tx, keys [][]byte) {
			for _, k := range keys {
				tx.SetString(k, []byte("v"), 0)
			}
		})
	}
	mustSet(t, st, "last", "v")
	var found []string
	steps := 0
	for cursor := int64(0); ; {
		step, err := st.scanOn(0, cursor, 10, testNow, ScanOptions{}, false)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, step.keys...)
		steps++
		if cursor = step.next; cursor == 0 {
			break
		}
	}
	if want := len(st.births)/birthSlice + 1; steps != want || !slices.Equal(found, []string{"last"}) {
		t.Errorf("%q in %d steps, want %d", found, steps, want)
	}
}

// DBSIZE looks at two thousand expired keys in memory and as many on disk, however many wait to be removed, and counts
// the others as Redis counts all of them.
func TestDBSizeLooksAtTwoThousandOfAMillionExpiredKeys(t *testing.T) {
	st := opened(t, t.TempDir())
	s := st.dbs[0]
	const n = 1_000_000
	st.Lock()
	for i := range n {
		st.due.Set(newObject(s, fmt.Sprint(i)), testNow-1)
	}
	size := st.sizeLocked(&space{live: n}, nil, testNow)
	s.live += n
	ours := st.sizeLocked(s, nil, testNow)
	for range n {
		_, o, _ := st.due.First()
		st.due.Set(o, 0)
	}
	s.live -= n
	st.Unlock()
	if size != n || ours != n-mostDue {
		t.Errorf("%d of another database's and %d of its own are left, want %d and %d", size, ours, n, n-mostDue)
	}
	const onDisk = 3 * mostDue
	for i := range onDisk {
		must(t, st, 0, []string{fmt.Sprint("k", i)}, func(tx *Tx, k [][]byte) {
			tx.SetString(k[0], []byte("v"), testNow+1+int64(i%2*int(time.Hour.Milliseconds())))
		})
	}
	flushed(t, st)
	unloadAll(st)
	names, err := st.expiredOnDisk(s.id, testNow+2)
	if err != nil || len(names) != mostDue {
		t.Errorf("%d names of %d that have expired, %v", len(names), onDisk/2, err)
	}
	if n, _, err := st.DBSize(0, testNow+2, false); err != nil || n != onDisk-mostDue {
		t.Errorf("%d keys, %v: want %d", n, err, onDisk-mostDue)
	}
	for st.Sweep(testNow + 2) {
	}
	if n, _, err := st.DBSize(0, testNow+2, false); err != nil || n != onDisk/2 {
		t.Errorf("%d keys when the expired ones are removed, %v: want %d", n, err, onDisk/2)
	}
}
