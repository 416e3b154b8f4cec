package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testrand"
	"diskette/store/journal"
)

// A fold changes hardly more pages than are counted, whatever its rows are: it has nothing to learn but a little.
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
			g := guessAfter(t, st, pageGuess{comes: 1, changes: 1, keys: n, nameBytes: 6, perRecord: 2, perGone: 2},
				func() { test.fold(t, st) })
			t.Logf("of a page counted %.2f came, and %.2f changed", g.comes, g.changes)
			if g.comes > firstGuess || g.changes > firstGuess {
				t.Errorf("of a page counted %.2f came, and %.2f changed", g.comes, g.changes)
			}
		})
	}
}

// guessAfter is what is guessed after one fold that began with a guess. The tables have that many keys.
func guessAfter(t *testing.T, st *Store, was pageGuess, change func()) *pageGuess {
	t.Helper()
	eventually(t, "what the fold before tells", func() bool { return st.room.guess.Load().keys == was.keys })
	st.room.guess.Store(&was)
	change()
	flushed(t, st)
	eventually(t, "what the fold tells", func() bool { return st.room.guess.Load() != &was })
	return st.room.guess.Load()
}

// What a fold writes again and again, because the disk refuses it, is no page that it changes.
func TestAFoldThatFailsTellsOfItsPagesOnce(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use, func(o *Options) { o.WriteBackDelay = time.Hour })
	const n = 2000
	setMany(t, st, 0, "k", 0, n, strings.Repeat("v", 500))
	flushed(t, st)
	g := guessAfter(t, st, pageGuess{comes: 1, changes: 1, keys: n, nameBytes: 6, perRecord: 2, perGone: 2}, func() {
		setMany(t, st, 0, "new:", 0, n, strings.Repeat("v", 500))
		failures := 0
		d.breakWith(func(_ int, kind, file string, _ int) error {
			if kind != "sync" || file != databaseFile+"-wal" || failures == 5 {
				return nil
			}
			failures++
			return syscall.EIO
		})
		eventually(t, "a write-back", func() bool { return st.Flush() == nil })
		if failures != 5 {
			t.Errorf("%d attempts failed", failures)
		}
	})
	if g.comes > firstGuess {
		t.Errorf("of a page counted %.2f came", g.comes)
	}
}

// Contents that vanish within a fold leave nothing for the pages of what changes: that is not what those folds tell.
func TestContentsThatVanishSayLittleOfWhatChanges(t *testing.T) {
	g := unknownPages
	for range 100 {
		g = g.told(foldCounts{rows: 1000, records: 1000, comes: 300, changes: 100}, 100, 1000)
	}
	if g.changes < leastRest {
		t.Errorf("of a page counted %.2f changed", g.changes)
	}
	for range 100 {
		g = g.told(foldCounts{rows: 1000, records: 1000, changes: 400}, 80, 1000)
	}
	if g.changes > 0.25 {
		t.Errorf("of a page counted, with nothing else, %.2f changed", g.changes)
	}
}

// One record that changes very many pages does not have each that follows be taken for a full fold.
func TestNoRecordIsTakenForMoreThanAPartOfAFold(t *testing.T) {
	g := unknownPages.told(foldCounts{rows: 5000, records: 1, comes: 5000, names: foldPages{most: 320}}, 5000, 5000)
	if g.perRecord > 320/4 {
		t.Errorf("a record is taken for %.0f pages", g.perRecord)
	}
}

// A fold is counted record by record once it is nearly full.
func TestAFoldIsFullAtTheRecordThatFillsIt(t *testing.T) {
	f, s := newFold(arenaBlock), newSpace(1, 0, 0, 0)
	guess := unknownPages
	guess.keys = 1 << 20
	const most = 100
	f.plan(most, &guess)
	lsn := uint64(0)
	for !f.pages.full && lsn < most {
		var rec recordWriter
		lsn++
		rec.drop(int64(lsn)*1000, s)
		if err := f.add(lsn, journal.Record{Head: rec.head}); err != nil {
			t.Fatal(err)
		}
	}
	if got := guess.of(f); got < most || got >= most+4 { // a record's are 2 or 3
		t.Errorf("the fold ends with %.1f pages of %d", got, most)
	}
}

// What is estimated of the first fold knows how many keys the tables have.
func TestTheFirstGuessKnowsHowManyKeysThereAre(t *testing.T) {
	late := func(o *Options) { o.WriteBackDelay = time.Hour }
	st := opened(t, t.TempDir(), late)
	const n = 500
	setMany(t, st, 0, "k", 0, n, "v")
	st = reopened(t, st, late)
	if keys := st.room.guess.Load().keys; keys != n {
		t.Errorf("of %d keys %d are known", n, keys)
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
	watchDisk(t, st).Store(SmallestDisk + SmallestDisk/16)
	setMany(t, st, 0, "key:", 0, 25_000, strings.Repeat("v", 500))
}

// After a kill, too, the WAL keeps to its part: the next fold does not come behind one that has filled it. Where it can
// not be moved into the database file, recovery goes on all the same.
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
	dir, other := d.killed(t, st.dir), d.killed(t, st.dir)
	st = opened(t, dir, bounded(&Bounds{Disk: SmallestDisk}))
	s := st.onDisk.Load()
	if most, wal := int64(s.walPages)+s.foldPages, st.walLength(); wal > most+most/4 {
		t.Errorf("the WAL has %d pages, and its part is %d", wal, most)
	}
	checked(t, st)

	d = newDisk(t)
	var refused atomic.Int64
	d.breakWith(func(_ int, kind, file string, _ int) error {
		if kind != "write" || file != databaseFile {
			return nil
		}
		refused.Add(1)
		return errFull
	})
	st = opened(t, other, d.use, bounded(&Bounds{Disk: SmallestDisk}))
	if refused.Load() == 0 {
		t.Error("nothing was refused")
	}
	d.breakWith(nil)
	flushed(t, st)
	checked(t, st)
}

// A long value is counted before the record behind it is folded, however empty the fold is.
func TestAFoldIsFullAtALongValue(t *testing.T) {
	f := newFold(arenaBlock)
	guess := unknownPages
	f.plan(10, &guess)
	for lsn := uint64(1); lsn <= 2; lsn++ {
		var rec recordWriter
		rec.value(int64(lsn), make([]byte, 10*pageBytes))
		if err := f.add(lsn, journal.Record{Head: rec.head}); err != nil {
			t.Fatal(err)
		}
		if !f.pages.full {
			t.Fatalf("after value %d the fold is not full", lsn)
		}
	}
}

// What is born and dropped within a fold says nothing of how long names are.
func TestNamesThatVanishAreNotCounted(t *testing.T) {
	f, s := newFold(arenaBlock), newSpace(1, 0, 0, 0)
	for id := int64(1); id <= 1000; id++ {
		var rec recordWriter
		rec.born(id, 1, TypeString, 0, fmt.Sprint("key:", id), []byte("v"))
		if id > leastTold {
			rec.drop(id, s)
		}
		if err := f.add(uint64(id), journal.Record{Head: rec.head}); err != nil {
			t.Fatal(err)
		}
	}
	f.drain()
	if p := f.pages; p.born != leastTold || p.names > leastTold*int64(len("key:16")) {
		t.Errorf("%d names of %d bytes are counted", p.born, p.names)
	}
}
