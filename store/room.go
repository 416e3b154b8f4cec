package store

import (
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// room is what the bounds leave the tables, and what they take. SQLite's pages are counted when a write-back is
// done; what has come and gone since is an estimate, by the keys that the Orders hear of (ordering.go):
//
//	takes = pages in use - garbage + growth since the fold that was written back
//
// Drops are applied before inserts, and the pages that they free are used again, so that the file stays as long as its
// pages in use have been at most. Of what was dropped and is not reaped yet (garbage), an estimate again, the pages
// still count for the file: room for what follows is made by reaping, and nothing is evicted for it.
type room struct {
	growth  atomic.Int64 // bytes by which the keys have grown since the start; written under the keyspace lock
	dropped atomic.Int64 // bytes of what became garbage since the start; as growth
	mark    atomic.Pointer[mark]

	growths growths

	fullSince atomic.Int64 // unix ns: writers wait for the evictor to mend a full disk; 0 = they do not
	pagesFull atomic.Int64 // bytes of the database file when the disk was found full; 0 = it is not

	// What growth may be, from the newest mark and the bounds: see setLimits.
	evictAt atomic.Int64  // above it the evictor has to do
	fullAt  atomic.Int64  // above it there is no more room
	nothing atomic.Bool   // the evictor has nothing that it could evict
	wake    chan struct{} // the evictor's
	setting sync.Mutex    // held while mark and what follows from it change
	evicts  atomic.Bool   // a policy may evict
	dbs     []roomOfDB    // by number

	guess atomic.Pointer[pageGuess] // how many pages a fold changes

	reaped int64 // the write-back goroutine's: dropped as of the last time that there was no garbage
	freed  int64 // and how much was reaped since
}

// roomOfDB is a database's, for a bound of its own.
type roomOfDB struct {
	bytes   atomic.Int64 // that its keys take, about
	fullAt  atomic.Int64 // MaxInt64 = no bound
	nothing atomic.Bool
	evicted atomic.Int64
	own     atomic.Int64 // keys evicted for the database's own bound since the start
}

// mark is what was measured when a write-back was done.
type mark struct {
	growth, dropped int64 // as of its fold
	pages, used     int64 // bytes of the database file's pages, and of those in use
	garbage         int64 // bytes of used that are to be reaped, about
	unreaped        bool  // there are some
	lately          int64 // how much became garbage with the last fold: its pages come too late for what comes instead
	free            int64 // bytes that the file system has free; -1 = not known
}

// takes is what the tables take, but for garbage.
func (m *mark) takes(growth int64) int64 { return m.used - m.garbage + growth - m.growth }

// limited reports whether there is any bound.
func (b *Bounds) limited() bool {
	return b.Disk > 0 || b.Free > 0 || b.Policy != NoEviction || len(b.Databases) > 0
}

// evicts reports whether a policy may evict.
func (b *Bounds) evicts() bool {
	for _, d := range b.Databases {
		if d.HasPolicy && d.Policy != NoEviction {
			return true
		}
	}
	return b.Policy != NoEviction
}

// limit is how many bytes the tables may take.
func (st *Store) limit(b *Bounds, m *mark) int64 {
	limit, s := int64(math.MaxInt64/2), st.onDisk.Load()
	if b.Disk > 0 {
		limit = b.Disk - s.onTheWay() + s.reserve - max(st.reserve.bytes.Load(), 0) // a test may have another
	}
	keep := b.Free
	if b.evicts() { // so that the disk does not become full, and write-back need not go in slices
		keep = max(keep, min(4*s.fold, m.pages/4)) // where others fill it, not all of a small cache goes for that
	}
	reserve := max(st.reserve.bytes.Load(), 0)
	if keep > 0 && m.free >= 0 {
		missing := int64(0)
		if st.DiskFull() {
			missing = reserve
		}
		limit = min(limit, m.pages+m.free-missing-keep)
	}
	if full := st.room.pagesFull.Load(); full > 0 { // whatever the file system says is free
		limit = min(limit, max(full-reserve-keep, full/2))
	}
	return max(limit, 0)
}

// mendingTime is how long writers wait for the evictor: on a full disk they are refused then. It is a variable for a
// test that is about whether it mends at all: without the processor for most of ten seconds nobody does.
var mendingTime = 10 * time.Second

// mendingPause is how long a writer sleeps before it looks again whether there is room.
const mendingPause = 2 * time.Millisecond

// mends reports whether an error says that the disk is full, and evicting may help.
func (st *Store) mends(err error) bool {
	r := &st.room
	if !r.evicts.Load() || r.nothing.Load() || !IsDiskFull(err) {
		return false
	}
	now := time.Now().UnixNano()
	if r.fullSince.CompareAndSwap(0, now) {
		return true
	}
	return now-r.fullSince.Load() < int64(mendingTime)
}

// setLimitsLocked brings what the bounds and the newest mark say to where commands look. The caller holds setting.
func (st *Store) setLimitsLocked() {
	r, b, m := &st.room, st.Bounds(), st.room.mark.Load()
	fullAt, evictAt := int64(math.MaxInt64), int64(math.MaxInt64)
	if b.limited() {
		limit := st.limit(b, m)
		fullAt = limit - m.takes(0)
		evictAt = fullAt - min(st.onDisk.Load().fold+m.lately, limit/4)
	}
	for db := range r.dbs {
		at := int64(math.MaxInt64)
		if d := b.Databases[db]; d.Disk > 0 {
			at = d.Disk
		}
		r.dbs[db].fullAt.Store(at)
		if never := b.policyOf(db) == NoEviction; never || r.dbs[db].bytes.Load() <= at {
			r.dbs[db].nothing.Store(never)
		}
	}
	r.evicts.Store(b.evicts())
	r.fullAt.Store(fullAt)
	r.evictAt.Store(evictAt)
	if r.growth.Load() <= fullAt {
		r.nothing.Store(false)
	}
}

// tooMuch reports whether writers have to wait for the evictor.
func (st *Store) tooMuch() bool {
	r := &st.room
	if r.growth.Load() > r.fullAt.Load() && r.evicts.Load() && !r.nothing.Load() {
		return true
	}
	for db := range r.dbs {
		d := &r.dbs[db]
		at := d.fullAt.Load()
		if at != math.MaxInt64 && d.bytes.Load() > at+at/16+64<<10 && !d.nothing.Load() &&
			st.Bounds().policyOf(db) != NoEviction {
			return true
		}
	}
	return false
}

// measure counts the pages: those after a write-back of a fold that was taken when growth and dropped were so. freed
// says that garbage was reaped since the last time. It belongs to the goroutine of the writing connection.
func (st *Store) measure(growth, dropped int64, freed bool) error {
	r, w, last := &st.room, st.wb.w, st.room.mark.Load()
	m := &mark{growth: growth, dropped: dropped}
	var free, all, garbage int64
	err := w.guard(func() error {
		return queryInts(w.c, `SELECT (SELECT freelist_count FROM pragma_freelist_count),
			(SELECT page_count FROM pragma_page_count),
			EXISTS (SELECT 1 FROM garbage) OR EXISTS (SELECT 1 FROM spaces WHERE db IS NULL`+w.butFilling()+`)`,
			&free, &all, &garbage)
	})
	if err != nil {
		return err
	}
	w.freePages.Store(free)
	m.pages, m.used, m.unreaped = all*pageBytes, (all-free)*pageBytes, garbage != 0
	switch {
	case garbage == 0:
		r.reaped, r.freed = dropped, 0
	case freed:
		r.freed += max(last.used-m.used, 0)
	}
	if m.lately = min(dropped-last.dropped, 2*st.onDisk.Load().tail); dropped == last.dropped {
		m.lately = last.lately / 2
	}
	m.garbage = min(max(dropped-r.reaped-r.freed, 0), m.used)
	m.free = freeBytes(st.dir)
	r.setting.Lock()
	r.mark.Store(m)
	st.setLimitsLocked()
	r.setting.Unlock()
	signal(r.wake)
	return nil
}

// usedDisk is what the bound is for: the bytes of the database file, WAL, journal and reserve.
func (st *Store) usedDisk() int64 {
	base := filepath.Join(st.dir, databaseFile)
	return fileBytes(base) + fileBytes(base+"-wal") + st.journal.Stats().Bytes + fileBytes(filepath.Join(st.dir, reserveFile))
}

// makeRoom keeps B1 where the evictor can not. It comes after a write-back in the same goroutine: it measures, and
// reaps and gives back pages that the next one or the bounds need. Otherwise both wait until there is nothing to be
// written back.
func (st *Store) makeRoom(growth, dropped int64, n foldCounts) {
	st.countPages(n)
	err := st.measure(growth, dropped, false)
	if err == nil && st.Bounds().limited() {
		err = st.madeRoom()
	}
	if st.tended(measuring, err) {
		st.tended(repacking, st.repack())
	}
	st.side.packing.Store(st.wb.w.packing.memory())
}

// keepRoom is makeRoom when nothing was written back; freed = maintain has reaped or given pages back.
func (st *Store) keepRoom(freed bool) {
	m := st.room.mark.Load()
	if !st.Bounds().limited() || !freed && m.pages <= st.limit(st.Bounds(), m) {
		return
	}
	err := st.measure(m.growth, m.dropped, freed)
	if err == nil {
		err = st.madeRoom()
	}
	if err != nil {
		st.maintenanceFailed(measuring, err)
	}
}

// madeRoom is makeRoom once that is measured: what the evictor has dropped takes pages until it is reaped, and the file
// keeps its length until pages are given back.
func (st *Store) madeRoom() error {
	w := st.wb.w
	if limit := int64(st.walPages()) * pageBytes; w.walLimit != limit {
		// SQLite is to cut the WAL to its part, which else keeps the length that one write-back has needed.
		if err := w.guard(func() error { return w.c.Exec(`PRAGMA journal_size_limit = ` + itoa(limit)) }); err != nil {
			return err
		}
		w.walLimit = limit
	}
	for m := st.room.mark.Load(); m.unreaped && m.used > st.limit(st.Bounds(), m)-2*st.onDisk.Load().tail; m = st.room.mark.Load() {
		rows, err := w.reap()
		if err != nil || rows == 0 {
			return err
		}
		st.count(func(c *writeBackCounters) { c.reaped += rows })
		st.checkpoint(st.walPages())
		if err := st.measure(m.growth, m.dropped, true); err != nil {
			return err
		}
	}
	return st.shrink()
}

// shrink gives back a slice of the pages that the bounds do not leave to the file.
func (st *Store) shrink() error {
	m, w := st.room.mark.Load(), st.wb.w
	n := min(m.pages-st.limit(st.Bounds(), m), m.pages-m.used) / pageBytes
	if n = min(n, max(st.onDisk.Load().foldPages/2, 64), 2*vacuumSlice); n <= 0 {
		return nil
	}
	if err := w.guard(func() error { return w.c.Exec(`PRAGMA incremental_vacuum(` + itoa(n) + `)`) }); err != nil {
		return err
	}
	st.count(func(c *writeBackCounters) { c.vacuumed += n })
	st.checkpoint(st.walPages())
	signal(st.wb.applyNow)
	return st.measure(m.growth, m.dropped, false)
}
