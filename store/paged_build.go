package store

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// An index of a key's elements is made by maintain, in slices, while clients are served. The rows stand in the order of
// their birth and the entries in that of hashes: written as they come each would need a page of its own. So rows
// are read from the first to the last, and the lowest hashes that memory has room for are gathered, sorted and
// written; then the bound is above them, and it begins anew with those that are next. A kill on the way
// costs one such pass.
//
// What write-back changes meanwhile below the bound is in the index at once. Above it, it is noted here.
type indexBuild struct {
	id    int64
	table table
	at    int64 // rows up to this n were read
	all   bool  // all were
	above int64 // hashes from here on are left to a later pass
	got   []indexEntry
	room  int // for how many of them
	tidy  bool
	gone  map[int64]struct{} // rows that were removed meanwhile

	counted int64 // of a list or stream, whose elements are counted and no more
}

const (
	buildRows = 4096 // rows that are read, or entries that are written, in a slice
	buildRuns = 256  // runs

	// buildShare of maxmemory is for what is gathered, between these bounds.
	buildShare = 4
	leastBuild = 1 << 20
	mostBuild  = 64 << 20
	entryBytes = 16
)

// indexElements does a slice of what is to be done for the keys whose elements are to be indexed.
func (st *Store) indexElements() (did bool, err error) {
	w := st.wb.w
	wanted := st.paged.takeWanted()
	err = w.guard(func() error {
		if err := w.wantIndexes(wanted); err != nil {
			return err
		}
		if w.build == nil {
			room := min(max(st.maxMemory.Load()/buildShare, leastBuild), mostBuild) / entryBytes
			if st.opts.pagedElements != 0 {
				room = int64(st.opts.pagedElements)
			}
			if err := w.beginIndex(int(room)); err != nil || w.build == nil {
				return err
			}
		}
		did = true
		return w.indexSlice()
	})
	st.paged.works(did && err == nil)
	if err != nil {
		w.build = nil
		for _, id := range wanted {
			st.paged.want(id)
		}
	}
	return did, err
}

// indexBetween goes on with indexes for a while between two write-backs, of which the second waits already: a hot set
// that is over its bound, or soon will be, may have to wait for that, because it can not let go of what is changed all
// the time.
func (st *Store) indexBetween(share time.Duration) {
	near := -st.maxMemory.Load() / 2
	for end := time.Now().Add(share); !st.DiskFull() && st.seenOver() > near && time.Now().Before(end); {
		did, err := st.indexElements()
		if err != nil {
			st.maintenanceFailed(indexing, err)
		}
		if err != nil || !did {
			return
		}
		st.checkpoint(st.walPages())
	}
}

// wantIndexes notes keys that are to be indexed.
func (w *writer) wantIndexes(ids []int64) error {
	added := ids[:0:0]
	for _, id := range ids {
		if _, known := w.indexed[id]; !known {
			added = append(added, id)
		}
	}
	if len(added) == 0 {
		return nil
	}
	noted := added[:0]
	err := w.transaction(func() {
		w.exec(`INSERT INTO meta (name, value) SELECT 'indexed_lsn', value FROM meta WHERE name = 'applied_lsn'
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
		for _, id := range added {
			if w.exec(`INSERT OR IGNORE INTO indexed_keys (id, elements, below)
				SELECT id, 0, 0 FROM keys WHERE id = ?1 AND type IN (2, 3, 4, 5, 6)`, id) > 0 {
				noted = append(noted, id)
			}
		}
	})
	if err == nil {
		for _, id := range noted {
			w.indexed[id] = 0
		}
	}
	return err
}

// beginIndex chooses a key and begins a pass.
func (w *writer) beginIndex(room int) error {
	for id, below := range w.indexed {
		if below == allHashes {
			continue
		}
		var typ, garbage int64
		if err := queryInts(w.c, `SELECT coalesce((SELECT type FROM keys WHERE id = `+itoa(id)+`), 0),
			(SELECT count(*) FROM garbage WHERE id = `+itoa(id)+`)`, &typ, &garbage); err != nil {
			return err
		}
		switch {
		case hasParts(Type(typ)):
			w.build = &indexBuild{id: id, table: elementTable(Type(typ)), room: max(room, 16)}
			w.build.begin()
			return nil
		case garbage == 0: // else the reaper comes for it
			return w.dropIndex(id)
		}
	}
	return nil
}

// dropIndex removes what is left of a key that had another's id, which another program had given it.
func (w *writer) dropIndex(id int64) error {
	err := w.transaction(func() {
		w.exec(`DELETE FROM element_index WHERE id = ?1`, id)
		w.run(w.dropIndexed, id)
	})
	if err == nil {
		w.letIndexGo(id)
	}
	return err
}

func (b *indexBuild) begin() {
	b.at, b.all, b.above, b.got, b.tidy, b.gone = math.MinInt64, false, allHashes, b.got[:0], false, nil
	b.counted = 0
}

func (w *writer) indexSlice() error {
	b := w.build
	below, there := w.indexed[b.id]
	var typ int64
	if err := queryInts(w.c, `SELECT type FROM keys WHERE id = `+itoa(b.id), &typ); err != nil {
		return err
	}
	switch {
	case !there || !hasParts(Type(typ)): // it was deleted
		w.build = nil
		return nil
	case below == toClear:
		return w.clearIndex(b.id)
	case !hasNames(Type(typ)) && !b.all:
		return w.countForIndex()
	case !hasNames(Type(typ)):
		return w.writeCount()
	case !b.all:
		return w.readForIndex(below)
	}
	return w.writeIndex()
}

// clearIndex removes a slice of entries that are not to be trusted.
func (w *writer) clearIndex(id int64) error {
	var left int64
	err := w.transaction(func() {
		w.run(w.reapEntries, id, int64(buildRows))
		if left = w.c.Changes(); left == 0 && w.err == nil {
			w.exec(`UPDATE indexed_keys SET elements = 0, below = 0 WHERE id = ?1`, id)
		}
	})
	if err == nil && left == 0 {
		w.indexed[id] = 0
		w.build.begin()
	}
	return err
}

// readForIndex reads a slice of the rows.
func (w *writer) readForIndex(below int64) error {
	b := w.build
	s := w.rowNames[b.table]
	if err := bind(s, b.id, b.at, int64(buildRows)); err != nil {
		return err
	}
	rows := 0
	for ; s.Step(); rows++ {
		b.at = s.ColumnInt64(0)
		b.gather(indexEntry{elementHash(s.ColumnRawBlob(1)), b.at}, below)
		if w.serving.Load() {
			w.breath.step(1)
		}
	}
	b.all = rows < buildRows
	return s.Reset()
}

// countForIndex counts the elements in a slice of runs, a list's or a stream's.
func (w *writer) countForIndex() error {
	b := w.build
	s := w.runsFrom[b.table]
	if err := bind(s, b.id, b.at, int64(buildRuns)); err != nil {
		return err
	}
	run, runs := runReader{d: &tables[b.table]}, 0
	for ; s.Step(); runs++ {
		n, last := s.ColumnInt64(0), s.ColumnInt64(0)
		if len(s.ColumnRawBlob(2)) >= chunkBytes { // one long row
			if n > b.at {
				b.counted++
			}
		} else {
			for run.open(n, s.ColumnRawBlob(1), s.ColumnRawBlob(2)); run.next(); last = run.n {
				if run.n > b.at {
					b.counted++
				}
			}
		}
		b.at = max(b.at, last)
		if w.serving.Load() {
			w.breath.step(1)
		}
	}
	b.all = runs < buildRuns
	return cmp.Or(s.Reset(), run.err())
}

// writeCount notes how many elements a list or stream has.
func (w *writer) writeCount() error {
	b := w.build
	err := w.transaction(func() {
		w.exec(`UPDATE indexed_keys SET elements = ?2, below = ?3 WHERE id = ?1`, b.id, b.counted, allHashes)
	})
	if err == nil {
		w.indexed[b.id] = allHashes
		w.paged.set(b.id, true)
		w.build = nil
	}
	return err
}

// gather takes in an entry, and leaves the higher half to a later pass when there are too many.
func (b *indexBuild) gather(e indexEntry, below int64) {
	if e.hash < below || e.hash >= b.above {
		return
	}
	b.got, b.tidy = append(b.got, e), false
	for len(b.got) > b.room && b.above-below > 1 {
		b.above = below + (b.above-below)/2
		b.got = slices.DeleteFunc(b.got, func(e indexEntry) bool { return e.hash >= b.above })
	}
}

// changed notes what write-back does to a row whose hash is not below the bound.
func (b *indexBuild) changed(c indexChange, below int64) {
	switch _, gone := b.gone[c.n]; {
	case c.hash < below || c.n > b.at && !b.all:
	case c.removed:
		if b.gone == nil {
			b.gone = map[int64]struct{}{}
		}
		b.gone[c.n] = struct{}{}
	case gone: // the number has come back, perhaps with another name
		b.begin()
	default:
		b.gather(c.indexEntry, below)
	}
}

// writeIndex writes a slice of what was gathered, and raises the bound to behind it.
func (w *writer) writeIndex() error {
	b := w.build
	if !b.tidy {
		slices.SortFunc(b.got, indexEntry.compare)
		b.got, b.tidy = slices.Compact(b.got), true
	}
	n, below := min(buildRows, len(b.got)), b.above
	for n < len(b.got) && b.got[n].hash == b.got[n-1].hash {
		n++
	}
	if n < len(b.got) {
		below = b.got[n-1].hash + 1
	}
	entries := make([]indexChange, 0, n)
	for _, e := range b.got[:n] {
		if _, gone := b.gone[e.n]; !gone {
			entries = append(entries, indexChange{e, false})
		}
	}
	err := w.transaction(func() {
		w.changeIndex(b.id, entries)
		w.exec(`UPDATE indexed_keys SET below = ?2 WHERE id = ?1`, b.id, below)
	})
	if err != nil {
		return err
	}
	b.got = b.got[n:]
	w.indexed[b.id] = below
	switch {
	case below == allHashes:
		w.paged.set(b.id, true)
		w.build = nil
	case below == b.above:
		b.begin()
	}
	return nil
}
