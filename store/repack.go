package store

import (
	"maps"
	"time"
	"unsafe"
)

// Eviction leaves holes: a key goes here and there, SQLite joins a page of the table of keys with its neighbours only
// when two thirds of it are free, and new keys come to the table's end. So at the bound pages are packed again, a slice
// after a write-back, in a transaction of its own that changes no row. All it does is to insert rows that are as large
// as a page, walls, between two keys, and to delete them again:
//
//	[V] [a b . . .] [c d . . .] [e f g . .]      pages of the table; V is a wall
//	[V] [a b . . .] [c d e . .] [W] [f g . . .]  the next, where a page that begins with a would be full
//	[a b c d e] [W] [f g . . .]                  V is deleted
//
// When a row does not fit its page, or a page is two thirds empty, SQLite takes three neighbouring pages and fills as
// few as their rows need. Walls have pages of their own, so that what stands before one is not evened out with what
// follows. Rows of 500 bytes, of which a page has 7 at most, are 5.6 to a page before and 6.8 after. With two walls a
// page it is 6.83, with one for two pages 5.7, and 6.0 if each is deleted before the next. To delete the rows and to
// insert them again fills pages to 6.96, but takes twice the processor time, changes a page of the index by name for
// each row, and touches what it must not lose.
//
// I4 holds because no row changes: no other connection sees a wall, and what SQLite rolls back after an error or a
// crash are walls. A wall takes an id between two rows that the tables have, which no row has in this transaction. It
// comes between write-backs, where none goes in slices.
//
// A fold that has changed four pages lets one be packed. What holes a range of ids has is known from the births and
// deaths of its keys, also where it was not packed yet: a stream of new keys, which go together again, has few, and
// little is packed for it.

const (
	// repackRows are read at a time, and repackPages packed in a transaction, some 50 us each.
	repackRows  = 512
	repackPages = 512
	lookPages   = 8 // what it costs to read them, in pages that could be packed
	// repackShare: a fold that has changed so many pages lets one be packed, for which some two are written.
	repackShare = 4
	// repackLost: rows are packed again when one for so many has gone.
	repackLost = 8
	// repackMean: pages of which a longer row leaves no half have no holes.
	repackMean = pageBytes / 2

	rangeBits = 10 // what is known of holes is known of ranges of so many ids

	pageRoom   = pageBytes - sealBytes - 8 // for cells, in a page of the table
	mostLocal  = pageBytes - sealBytes - 35
	leastLocal = (pageBytes-sealBytes-12)*32/255 - 23
	wallBytes  = mostLocal - 16 // and the row's other columns
)

// packing is what the writer knows of holes in the table of keys.
type packing struct {
	ranges map[int64]packedRange // by id >> rangeBits; one that is not there is not known
	hand   int64                 // the id from which the next slice begins
	noted  int64                 // the range that the hand was in last
	ahead  packedRange           // what was known of that range before: it holds for what the hand has not left behind
	rows   []packRow
	wall   int64 // the id of the wall before the hand, 0 = there is none

	credit int64 // pages that may be packed
	most   int   // ranges that were known at a time, since it began anew
	all    bool  // a test: whether there are holes or not
}

// packedRange counts keys: those that the hand has left behind or that were born since, and those of them that have
// gone. The zero value is a range of which nothing is known.
type packedRange struct{ live, lost int64 }

// holes is how many keys have gone for one that is left; where nothing is known, one.
func (r packedRange) holes() float64 {
	if r.live == 0 {
		return 1
	}
	return float64(r.lost) / float64(max(r.live-r.lost, 1))
}

type packRow struct {
	id, cell, payload int64 // cell = bytes that it takes in its page
}

// born notes that a key gets a row, in a page without holes. Below the bound nothing is noted.
func (p *packing) born(id int64) {
	if p.ranges == nil {
		return
	}
	if id>>rangeBits == p.noted {
		p.ahead.live++
		return
	}
	r := p.ranges[id>>rangeBits]
	r.live++
	p.ranges[id>>rangeBits] = r
}

// lose notes that a key's row goes.
func (p *packing) lose(id int64) {
	if id>>rangeBits == p.noted && id >= p.hand {
		if p.ahead.live > 0 {
			p.ahead.lost++
		}
		return
	}
	r, known := p.ranges[id>>rangeBits]
	if r.lost++; r.lost >= r.live && id>>rangeBits != p.noted { // it has no rows any more
		delete(p.ranges, id>>rangeBits)
	} else if known {
		p.ranges[id>>rangeBits] = r
	}
}

// note notes that the hand has left a row behind.
func (p *packing) note(id int64) {
	n := id >> rangeBits
	r := p.ranges[n]
	if n != p.noted {
		p.noted, p.ahead, r = n, r, packedRange{}
	}
	r.live++
	p.ranges[n] = r
}

// forget forgets all that is known.
func (p *packing) forget() {
	p.ranges, p.hand, p.noted, p.most = map[int64]packedRange{}, 0, -1, 0
}

// memory is about what it takes, in bytes. A map keeps the room that it had.
func (p *packing) memory() int64 {
	const each = 44 // 24, and what a map has free
	p.most = max(p.most, len(p.ranges))
	return int64(p.most)*each + int64(cap(p.rows))*int64(unsafe.Sizeof(packRow{}))
}

// turn brings the hand back to the first row, and forgets ranges that have no rows any more.
func (p *packing) turn() {
	p.hand, p.noted = 0, -1
	maps.DeleteFunc(p.ranges, func(_ int64, r packedRange) bool { return r.lost >= r.live })
}

// skip moves the hand over ranges that need no packing.
func (p *packing) skip() {
	for !p.all && p.hand>>rangeBits != p.noted {
		r, known := p.ranges[p.hand>>rangeBits]
		if !known || r.lost*repackLost >= r.live {
			return
		}
		p.hand = (p.hand>>rangeBits + 1) << rangeBits
	}
}

// worth reports whether the rows that were read have holes between them.
func (p *packing) worth() bool {
	lost, payload := 0.0, int64(0)
	for i := range p.rows {
		payload += p.rows[i].payload
		if n := p.rows[i].id >> rangeBits; n == p.noted {
			lost += p.ahead.holes()
		} else {
			lost += p.ranges[n].holes()
		}
	}
	rows := len(p.rows)
	return p.all || lost*repackLost >= float64(rows) && payload < int64(rows)*repackMean
}

// repack packs the next so many pages, and returns how many were. To look at rows that need it not counts as a few.
func (w *writer) repack(pages int64) (packed int64, err error) {
	p := &w.packing
	if p.ranges == nil {
		p.forget()
	}
	err = w.transaction(func() {
		p.wall = 0
		turned := false
		for looked := int64(0); packed+looked < pages && w.err == nil; {
			if p.wall == 0 {
				p.skip()
			}
			w.readToPack()
			n := len(p.rows)
			switch {
			case w.err != nil || n == 0:
			case p.worth():
				packed += w.packRows(pages - packed - looked)
			default:
				w.endWall()
				p.passBy()
				looked += lookPages
			}
			if n < repackRows && (n == 0 || p.hand > p.rows[n-1].id) { // the end
				w.endWall()
				p.turn()
				if turned {
					return
				}
				turned = true
			}
		}
		w.endWall()
	})
	if err != nil {
		p.forget()
	}
	return packed, err
}

// passBy leaves the rows that were read as they are.
func (p *packing) passBy() {
	for i := range p.rows {
		if _, known := p.ranges[p.rows[i].id>>rangeBits]; !known || p.rows[i].id>>rangeBits == p.noted {
			p.note(p.rows[i].id)
		}
	}
	p.hand = p.rows[len(p.rows)-1].id + 1
}

// readToPack reads what rows from the hand on take.
func (w *writer) readToPack() {
	p := &w.packing
	p.rows = p.rows[:0]
	s := w.packable
	w.bindID(s, p.hand)
	if w.err != nil {
		return
	}
	for s.Step() {
		r := packRow{id: s.ColumnInt64(0)}
		const header = 6 // its length, and the types of the columns but for name and value
		name, value := s.ColumnInt64(2), s.ColumnInt64(6)
		r.payload = header + name + varintBytes(2*name+13) + value + varintBytes(2*value+12)
		for _, column := range [...]int{1, 3, 4, 5} {
			r.payload += intBytes(s.ColumnInt64(column))
		}
		local := r.payload
		if local > mostLocal { // the rest is in pages of its own
			if local = leastLocal + (local-leastLocal)%(pageBytes-sealBytes-4); local > mostLocal {
				local = leastLocal
			}
			local += 4
		}
		r.cell = 2 + varintBytes(r.payload) + varintBytes(r.id) + local
		p.rows = append(p.rows, r)
	}
	w.err = s.Reset()
}

// varintBytes and intBytes are what SQLite takes for a number, in a header and in a column.
func varintBytes(v int64) (n int64) {
	for n = 1; v > 0x7f; n++ {
		v >>= 7
	}
	return n
}

func intBytes(v int64) int64 {
	switch {
	case v == 0 || v == 1:
		return 0
	case v == int64(int8(v)):
		return 1
	case v == int64(int16(v)):
		return 2
	case v == v<<40>>40:
		return 3
	case v == int64(int32(v)):
		return 4
	case v == v<<16>>16:
		return 6
	}
	return 8
}

// packRows packs the rows that were read into so many pages at most, but for the last if they fill no page: the hand
// stands before what it has left, if that is not all that there was.
func (w *writer) packRows(pages int64) (packed int64) {
	p := &w.packing
	rows, last := p.rows, len(p.rows) < repackRows
	for w.err == nil && len(rows) > 0 {
		full, bytes := 0, int64(0)
		for full < len(rows) && bytes+rows[full].cell <= pageRoom {
			bytes += rows[full].cell
			full++
		}
		if full == len(rows) {
			if !last {
				break
			}
			for _, r := range rows {
				p.note(r.id)
				p.hand = r.id + 1
			}
			break
		}
		if packed == pages {
			break
		}
		gap := full
		for gap > 0 && rows[gap].id-rows[gap-1].id < 2 {
			gap--
		}
		if gap == 0 { // there is no id for a wall: what stands so closely has no holes
			w.endWall()
			for gap = max(full, 1); gap < len(rows) && rows[gap].id-rows[gap-1].id < 2; {
				gap++
			}
		} else {
			w.buildWall(rows[gap-1].id + 1)
			packed++
		}
		for _, r := range rows[:gap] {
			p.note(r.id)
		}
		p.hand = rows[gap-1].id + 1
		rows = rows[gap:]
	}
	return packed
}

// buildWall builds the next wall, and then deletes the last.
func (w *writer) buildWall(id int64) {
	w.run(w.wall, id)
	w.endWall()
	w.packing.wall = id
}

// endWall deletes the last wall.
func (w *writer) endWall() {
	p := &w.packing
	if p.wall != 0 {
		w.run(w.dropWall, p.wall)
		p.wall = 0
	}
}

// earn notes how many pages a fold has changed.
func (st *Store) earn(pages int64) {
	p := &st.wb.w.packing
	p.credit = min(p.credit+pages/repackShare, st.onDisk.Load().foldPages/2)
}

// packs reports whether pages are to be packed: where keys are evicted for want of room in the tables. While somebody
// keeps the WAL from being written from its start, it is not to grow for that.
func (st *Store) packs() bool {
	b, w := st.Bounds(), st.wb.w
	if st.DiskFull() || w.inSlices || w.ahead != 0 || time.Since(st.wb.upkeepFailed) < upkeepPause {
		return false
	}
	if st.opts.upkeep.packAll {
		w.packing.all, w.packing.credit = true, repackPages
		return true
	}
	m := st.room.mark.Load()
	return b.evicts() && m.used >= st.limit(b, m)/8*7 && st.wal.snapshots.Load() == 0 && !st.wal.impatient
}

// repack packs as many pages as the folds have earned, and measures what that has freed.
func (st *Store) repack() error {
	w, p, m := st.wb.w, &st.wb.w.packing, st.room.mark.Load()
	if p.credit <= 0 && !st.opts.upkeep.packAll || !st.packs() {
		return nil
	}
	packed := int64(0)
	for p.credit > 0 {
		// B1: no more pages change than in a write-back, some two for one that is full then.
		slice := min(p.credit, repackPages, max(st.onDisk.Load().foldPages/4, 16))
		pages, err := w.repack(slice)
		if err != nil {
			return err
		}
		st.count(func(c *writeBackCounters) { c.repacked += pages })
		packed += pages
		p.credit -= slice
		st.checkpoint(st.walPages())
	}
	if packed == 0 {
		return nil
	}
	return st.measure(m.growth, m.dropped, false)
}
