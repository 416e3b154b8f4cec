package store

import (
	"math"

	"github.com/ncruces/go-sqlite3"
)

// At a bound a write-back is to change no more pages than its part of the disk holds (B1), and how many it has changed
// is known only when it is done. So they are estimated while it is folded, from what is cheap to count, and the fold is
// cut at the record with which it would be too much, which is never cut itself; what comes after it is the next one's:
//
//	pages of what comes    the contents, and a leaf of the index by name for each new key
//	pages of what changes  groups of eight neighbouring keys of which the tables have a row that changes or goes,
//	                       groups of a collection's rows, and a leaf for each name that goes
//
// Names fall on leaves anyhow, many on the same one: of n leaves k names change n(1 - e^(-k/n)). What is left of it is
// learned from the folds before, for either kind by itself: before a bound is reached nothing goes, and the first fold
// with keys that do must not be taken for one of those.

// foldPages is what a fold counts for it.
type foldPages struct {
	groups int   // of ids of keys that the tables have
	born   int   // names that come into the index
	gone   int   // names that go
	names  int64 // bytes of those that come
	shared int64 // bytes of contents beside the fold's arena

	most  int64     // pages that it may change, 0 = any number
	guess pageGuess // how they are estimated
	near  bool      // it is to change most of them: each record is counted before the next one comes
	full  bool      // it is to change as many as it may
}

// pageGuess says how many pages a fold changes, about. Those before have told.
type pageGuess struct {
	comes, changes float64 // pages changed for one that was counted
	keys           int64   // that the tables have
	nameBytes      float64 // of a name
	perRecord      float64 // pages for a record of the journal
	perGone        float64 // pages for a key that goes, at most
}

const (
	groupIDs = pagePlaces / 2
	// firstGuess is what is said of pages that no fold has told of, leastGuess and mostGuess bound what folds tell.
	firstGuess, leastGuess, mostGuess = 1.25, 0.125, 4
	leastPerRecord                    = 1.0 / 64
	// guessSlow: a guess becomes less by one part of so many with a fold. Where keys of 500 bytes go at random at a
	// bound of 16 MB, of 100 folds one changes 1.17 times the pages that were guessed, and half change less than 0.95.
	// With 8 it was 1.36, and 1.00.
	guessSlow = 32
	// mostNameBytes is what a name takes in its leaf at most: the rest of a long one stands elsewhere.
	mostNameBytes = pageBytes / 4
	// leastTold is how many pages of a kind tell anything.
	leastTold = 16
	// leastRest is what a guess of what changes does not fall below where most pages are taken for those of what comes:
	// contents that vanish within the fold, or take the place of others, are counted there, and leave too little.
	leastRest = 0.5
)

var unknownPages = pageGuess{comes: firstGuess, changes: firstGuess, nameBytes: 32, perRecord: 2, perGone: 2}

// counted is what a fold's changes come to before it is known how far that is true.
func (g *pageGuess) counted(f *fold) (comes, changes float64) {
	p := &f.pages
	leaves := 1 + (float64(g.keys)+float64(p.born))*(g.nameBytes+nameEntry)*10/7/pageBytes
	changed := func(names int) float64 { return leaves * (1 - math.Exp(-float64(names)/leaves)) }
	ofNew := changed(p.born)
	comes = float64(f.text.used+p.shared)/pageBytes + ofNew
	changes = float64(p.groups+len(f.rowIndex.pages)) + changed(p.born+p.gone) - ofNew
	return comes, changes
}

// of is how many pages a fold is to change.
func (g *pageGuess) of(f *fold) float64 {
	comes, changes := g.counted(f)
	return comes*g.comes + changes*g.changes
}

// told is the guess after a fold that had these counts, and has changed so many pages. It takes what is more at once,
// and what is less by and by.
func (g pageGuess) told(n foldCounts, pages float64, keys int64) pageGuess {
	less := func(was, now float64) float64 { return min(max(now, was-was/guessSlow, leastGuess), mostGuess) }
	came := n.comes * g.comes
	switch {
	case n.changes < n.comes/8 && n.comes >= leastTold:
		g.comes = less(g.comes, pages/(n.comes+n.changes))
	case n.changes >= leastTold:
		rest := (pages - came) / n.changes
		if came > pages/2 {
			rest = max(rest, min(g.changes, leastRest))
		}
		g.changes = less(g.changes, rest)
	}
	if born := n.names.born; born >= leastTold {
		g.nameBytes += (min(max(float64(n.names.names)/float64(born), 1), mostNameBytes) - g.nameBytes) / 8
	}
	if gone := n.names.gone; gone >= leastTold {
		g.perGone = less(g.perGone, n.changes*g.changes/float64(gone))
	}
	g.keys = max(keys, 0) // the tables say so, whatever stands in them
	if n.rows >= leastTold {
		perRecord := max(pages/float64(n.records), leastPerRecord)
		if most := float64(n.names.most); most > 0 {
			perRecord = min(perRecord, most/4)
		}
		g.perRecord += (perRecord - g.perRecord) / 4
	}
	return g
}

// plan says how many pages a fold may change; 0 = any number.
func (f *fold) plan(most int64, guess *pageGuess) {
	f.pages.most, f.pages.guess = most, *guess
	f.watch()
}

// watch sees to it that the fold is full in time.
func (f *fold) watch() {
	p := &f.pages
	if p.most == 0 {
		p.near, p.full = false, false
		return
	}
	pages, most := p.guess.of(f), float64(p.most)
	p.near, p.full = pages >= most*3/4, pages >= most
}

// planLocked brings the bounds, and what the folds before have told, to the pending fold. The caller holds wb.mu.
func (st *Store) planLocked() {
	most := st.onDisk.Load().foldPages
	if most == anyPages {
		most = 0
	}
	st.wb.pending.plan(most, st.room.guess.Load())
}

// tellFilledLocked tells writers how full the pending fold is. The caller holds wb.mu.
func (st *Store) tellFilledLocked() {
	wb, f := &st.wb, st.wb.pending
	wb.rows.Store(int64(f.weight()))
	wb.text.Store(f.text.used)
	wb.full.Store(f.pages.full)
	pages := int64(0)
	if f.pages.most > 0 {
		pages = int64(f.pages.guess.of(f))
	}
	wb.pages.Store(pages)
}

// recordsInPages is about how many of the journal's records a fold has at most.
func (st *Store) recordsInPages() int64 {
	return int64(max(float64(st.onDisk.Load().foldPages)/st.pagesPerRecord(), 1))
}

// pagesFilled is how full the pending fold is with pages that are to change, if those of what waits to be folded are
// as many a record as lately.
func (st *Store) pagesFilled() float64 {
	waiting := float64(st.wb.queue.records.Load()) * st.pagesPerRecord()
	return (float64(st.wb.pages.Load()) + waiting) / float64(st.onDisk.Load().foldPages)
}

// pagesPerRecord is what folds have told of it, perhaps under a larger bound.
func (st *Store) pagesPerRecord() float64 {
	return min(st.room.guess.Load().perRecord, float64(st.onDisk.Load().foldPages)/4)
}

// foldFull reports whether who need not wait for write-back, as the evictor, waits all the same.
func (st *Store) foldFull() bool {
	return st.wb.rows.Load() > int64(st.rows()) || st.wb.full.Load() || st.pagesFilled() >= 1
}

// foldCounts is what a fold had, for countPages.
type foldCounts struct {
	rows           int
	records        int64
	comes, changes float64
	names          foldPages
}

func (f *fold) counts() foldCounts {
	n := foldCounts{rows: f.weight(), records: f.records, names: f.pages}
	n.comes, n.changes = f.pages.guess.counted(f)
	return n
}

// countPages learns from how many pages a fold has changed. It is the apply goroutine's.
func (st *Store) countPages(n foldCounts) {
	w := st.wb.w
	var keys int64
	written, err := w.writtenPages()
	if err == nil {
		err = w.guard(func() error { return queryInts(w.c, `SELECT coalesce(sum(keys), 0) FROM spaces`, &keys) })
	}
	if err == nil {
		guess := st.room.guess.Load().told(n, float64(written), keys)
		st.room.guess.Store(&guess)
		st.earn(written)
	}
}

// writtenPages is how many pages were written since the last call.
func (w *writer) writtenPages() (pages int64, err error) {
	err = w.guard(func() error {
		n, _, err := w.c.Status(sqlite3.DBSTATUS_CACHE_WRITE, false)
		pages, w.written = max(int64(n)-w.written, 0), int64(n) // a connection that was opened anew begins at 0
		return err
	})
	return pages, err
}

// name counts the leaves of the indexes that a change of a key's row changes; e is as it was before.
func (p *foldPages) name(c *change, e *entry) {
	switch {
	case c.op == opCreate:
		p.born++
		p.names += int64(len(c.key))
	case c.op == opDrop && e.born:
		p.born--
		p.names -= int64(len(e.key))
	case c.op == opDrop, c.op == opDeadline && !e.born && !e.hasDeadline:
		p.gone++
	case c.op == opRename && !e.born && !e.renamed:
		p.gone += 2
	}
}

// share counts contents that take the place of others, of which so many bytes were shared.
func (p *foldPages) share(now, was []byte, wasShared bool) {
	p.shared += int64(len(now))
	if wasShared {
		p.shared -= int64(len(was))
	}
}

// empty reports whether no key of a place's group is in the fold.
func (x *indexPage) empty(i int32) bool {
	group := x[i&^(groupIDs-1):][:groupIDs]
	var all int32
	for _, place := range group {
		all |= place
	}
	return all == 0
}
