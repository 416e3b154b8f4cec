package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// What a fold counts is about how many pages it changes, whatever its rows are: what is learned of it is near to 1.
func TestAFoldCountsThePagesThatItWillChange(t *testing.T) {
	r := rand.New(rand.NewPCG(testrand.Number(t, 1), 15))
	const n = 6000
	short, long := strings.Repeat("v", 500), strings.Repeat("v", 9000)
	for _, test := range []struct {
		name  string
		there string // the value of the keys that are there
		fold  func(t *testing.T, st *Store)
	}{
		{"new keys", short, func(t *testing.T, st *Store) { setMany(t, st, 0, "new:", 0, 500, short) }},
		{"new keys with names in no order", short, func(t *testing.T, st *Store) {
			for range 500 {
				mustSet(t, st, fmt.Sprint(r.Uint64()), short)
			}
		}},
		{"keys that go here and there", short, func(t *testing.T, st *Store) {
			for _, i := range r.Perm(n)[:400] {
				mustDel(t, st, fmt.Sprint("k", i))
			}
		}},
		{"neighbours that go", short, func(t *testing.T, st *Store) {
			for i := range 2000 {
				mustDel(t, st, fmt.Sprint("k", 1000+i))
			}
		}},
		{"other values", short, func(t *testing.T, st *Store) {
			for range 400 {
				mustSet(t, st, fmt.Sprint("k", r.IntN(n)), strings.Repeat("w", 450))
			}
		}},
		{"longer values", short, func(t *testing.T, st *Store) {
			for range 100 {
				mustSet(t, st, fmt.Sprint("k", r.IntN(n)), long)
			}
		}},
		{"new names", short, func(t *testing.T, st *Store) {
			for i := range 200 {
				from := fmt.Sprint("k", 7*i)
				must(t, st, 0, []string{from, "to" + from}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
			}
		}},
		{"small keys", "v", func(t *testing.T, st *Store) {
			for _, i := range r.Perm(n)[:400] {
				mustDel(t, st, fmt.Sprint("k", i))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay = time.Hour })
			setMany(t, st, 0, "k", 0, n, test.there)
			flushed(t, st)
			st.room.guess.Store(&pageGuess{comes: 1, changes: 1, keys: n, nameBytes: 6, perRecord: 2, perGone: 2})
			test.fold(t, st)
			flushed(t, st)
			g := st.room.guess.Load()
			eventually(t, "what the fold tells", func() bool {
				g = st.room.guess.Load()
				return g.comes != 1 || g.changes != 1
			})
			t.Logf("of a page counted %.2f came, and %.2f changed", g.comes, g.changes)
			if g.comes > firstGuess || g.changes > firstGuess || min(g.comes, g.changes) < 0.2 {
				t.Errorf("of a page counted %.2f came, and %.2f changed", g.comes, g.changes)
			}
		})
	}
}

// A fold ends at the record with which it is full, and what comes after it is the next one's.
func TestAFoldIsCutWhereItWouldChangeMorePagesThanItMay(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay = time.Hour })
	const n = 8000
	setMany(t, st, 0, "k", 0, n, strings.Repeat("v", 500))
	flushed(t, st)
	st.SetBounds(&Bounds{Disk: SmallestDisk})
	most := float64(st.onDisk.Load().foldPages)
	before := stats(t, st).WriteBacks
	var names []string
	for i := 0; i < n; i += 9 {
		names = append(names, fmt.Sprint("k", i))
	}
	st.Lock() // one batch of the journal
	for _, name := range names {
		tx := st.Begin(0, testNow)
		tx.Want([]byte(name), NeedHead)
		tx.Delete([]byte(name))
		tx.End()
	}
	st.Unlock()
	snapshot, err := st.Snapshot(nil) // it is of a moment behind several folds
	if err != nil {
		t.Fatal(err)
	}
	if d := snapshot.Databases; len(d) != 1 || d[0].Keys != int64(n-len(names)) {
		t.Errorf("the snapshot has %+v", d)
	}
	if err := snapshot.Close(); err != nil {
		t.Error(err)
	}
	if folds := stats(t, st).WriteBacks - before; float64(folds) < float64(len(names))/most {
		t.Errorf("%d keys that go here and there were %d folds, of %.0f pages at most", len(names), folds, most)
	}
	for _, name := range names {
		if _, there, err := get(st, name); there || err != nil {
			t.Fatalf("%s is there: %v, %v", name, there, err)
		}
	}
	checked(t, st)
}

// Before the bound folds with ascending names change few pages for a key. The first that evicts is none of those.
func TestTheFirstFoldThatEvictsStaysWithinTheBound(t *testing.T) {
	st := opened(t, t.TempDir(), bounded(&Bounds{Disk: SmallestDisk, Policy: AllKeysRandom}))
	watchDisk(t, st).Store(SmallestDisk + SmallestDisk/32)
	setMany(t, st, 0, "key:", 0, 25_000, strings.Repeat("v", 500))
}

// After a kill, too, the WAL keeps to its part: the next fold does not come behind one that has filled it.
func TestRecoveryKeepsTheWALToItsPart(t *testing.T) {
	d := newDisk(t)
	late := func(o *Options) { o.WriteBackDelay = time.Hour }
	st := opened(t, t.TempDir(), d.use, late)
	const n = 6000
	setMany(t, st, 0, "k", 0, n, strings.Repeat("v", 500))
	st = reopened(t, st, d.use, late) // its WAL is new
	for i := range 1200 {
		mustDel(t, st, fmt.Sprint("k", 5*i))
	}
	dir := d.killed(t, st.dir)
	st = opened(t, dir, bounded(&Bounds{Disk: SmallestDisk}))
	s := st.onDisk.Load()
	if most, wal := int64(s.walPages)+s.foldPages, st.walLength(); wal > most+most/4 {
		t.Errorf("the WAL has %d pages, and its part is %d", wal, most)
	}
	checked(t, st)
}
