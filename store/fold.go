package store

import (
	"time"

	"diskette/store/journal"
)

// A fold is committed changes gathered by row, the last one of a row winning, until
// write-back takes it: a counter that was incremented a thousand times costs one row.
// Its memory is reused from one write-back to the next.
type fold struct {
	last    uint64 // newest LSN in it
	synced  uint64 // the journal had records up to this LSN, fsynced, when it was written back
	renames bool
	records int64
	bytes   int64     // journal bytes that it stands for
	whole   bool      // the fold must go in one transaction: see heavy
	since   time.Time // when its oldest change was folded

	index    index // key id -> place in entries
	entries  []entry
	rowIndex index // key id and n -> place in rows
	rows     foldRows
	vanished int             // rows that were born and removed: a queue's elements, mostly
	lumps    map[int64]lump  // by key
	lumped   int             // rows in lumps
	born     int             // keys that were born, and not dropped since
	spaces   map[int]int64   // database number -> its new space
	adopted  map[int64]bool  // new spaces whose rows the tables have already
	expiring map[int64]int64 // space -> its number of keys with a deadline
	nextID   int64           // above every key id created in it
	text     arena
	pages    foldPages

	block   [32]change // decoded, not folded yet: see drain
	blocked int
	ways    [32]way   // to the block's changes in index or rowIndex
	places  [32]int32 // theirs in entries or rows
	touched byte
}

// entry is what is to become of one key's rows. Two folds have up to 128,000 each, so what few need is apart.
type entry struct {
	// What a value's change touches comes first: it fits a cache line.
	id    int64
	value []byte

	hasValue, shared, born, dropped, renamed, hasDeadline bool
	typ                                                   Type

	patched  *patched // nil = it is not
	space    int64    // of a born or renamed key, at the end
	from     int64    // where the row stands on disk, for a renamed or dropped key
	deadline int64
	key      string
}

// rowEntry is what is to become of one row of a collection.
type rowEntry struct {
	data            []byte // the columns, as recordWriter encodes them
	id, n           int64
	table           table
	removed, shared bool
	born            bool // the tables do not have it
}

// find returns the key's entry, nil if the fold has none.
func (f *fold) find(id int64) *entry {
	if place := f.index.find(wayToKey(id)); place != 0 {
		return &f.entries[place-1]
	}
	return nil
}

// changes is how many rows the fold will write.
func (f *fold) changes() int { return len(f.entries) + f.rows.n - f.vanished + f.lumped }

// weight is changes in terms of what writing them costs, keys' rows being the measure (4-8 us). A
// collection's rows that are neighbours share pages and statements: 0.6 to 1 us each. What is pushed to a
// list or added to a stream takes less, but the memory that a fold has is bounded so, too.
//
// Of keys that are born, mostBirths weigh as much as twice as many others. A burst of new keys is where memory has all
// of them, and the two folds' come on top; a larger fold writes births no cheaper, for the tables have them in their
// order.
func (f *fold) weight() int {
	return len(f.entries) + max(0, 2*f.born-mostBirths) + len(f.rowIndex.pages) + (f.rows.n-f.vanished+f.lumped)/8
}

// patched is what becomes of a long string of which the fold has parts.
type patched struct {
	length  int64
	patches []patch
}

type patch struct {
	offset int64
	data   []byte
}

func newFold(arenaBytes int) *fold {
	return &fold{spaces: map[int]int64{}, adopted: map[int64]bool{}, expiring: map[int64]int64{},
		text: arena{size: arenaBytes}}
}

// heavyBytes is the size of a fold's contents from which it is written back in slices: the WAL
// grows by all that a transaction writes.
var heavyBytes int64 = 64 << 20 // tests lower it

// heavy reports whether a fold is to go in slices.
func (f *fold) heavy() bool {
	if f.whole || f.bytes < heavyBytes {
		return false
	}
	var n int64
	for i := range f.entries {
		n += int64(keyBytes(f, int32(i)))
	}
	for i := range f.rows.n {
		n += int64(rowBytes(f, int32(i)))
	}
	for _, l := range f.lumps {
		n += int64(len(l.data))
	}
	return n >= heavyBytes
}

func (f *fold) empty() bool { return f.last == 0 }

func (f *fold) reset() {
	if len(f.entries) > 1<<18 { // give back what an unusual burst took
		f.entries = nil
	}
	f.index.reset()
	f.rowIndex.reset()
	clear(f.entries)
	f.rows.reset()
	clear(f.spaces)
	clear(f.adopted)
	clear(f.expiring)
	clear(f.lumps)
	f.entries, f.vanished, f.lumped = f.entries[:0], 0, 0
	f.synced, f.born = 0, 0
	f.last, f.records, f.bytes, f.nextID, f.renames, f.whole = 0, 0, 0, 0, false, false
	f.text.reset()
	f.pages = foldPages{most: f.pages.most, guess: f.pages.guess}
}

// add folds one journal record, once drain is called; from then on it keeps no slice of the
// record but those the record shares.
func (f *fold) add(lsn uint64, rec journal.Record) error {
	if f.empty() {
		f.since = time.Now()
	}
	f.last = lsn
	f.records++
	r := readRecord(rec)
	for c := &f.block[f.blocked]; r.next(c); c = &f.block[f.blocked] {
		if c.op == opLump {
			f.drain() // the birth of its key comes before it
			f.keepLump(c)
			f.watch()
		} else if f.blocked++; f.blocked == len(f.block) {
			f.drain()
		}
	}
	if f.pages.near || f.pages.most > 0 && recordBytes(rec) >= pageBytes {
		f.drain()
	}
	return r.err()
}

// drain folds the decoded changes, in passes so that the cache misses of many rows overlap
// instead of adding up: 105 ns a change among 100,000 rows, 370 one by one. It must be called
// before the records that were added are let go.
func (f *fold) drain() {
	block := f.block[:f.blocked]
	f.blocked = 0
	f.findWays(block)
	for i := range block {
		switch c := &block[i]; {
		case c.op.ofKey():
			place := f.index.place(&f.ways[i])
			if *place == 0 {
				if c.op != opCreate && f.index.pages[f.ways[i].page-1].empty(f.ways[i].i) {
					f.pages.groups++
				}
				f.entries = append(doubled(f.entries), entry{id: c.id})
				*place = int32(len(f.entries))
			}
			f.places[i] = *place - 1
		case c.op.ofRow():
			place := f.rowIndex.place(&f.ways[i])
			if *place == 0 {
				*f.rows.add() = rowEntry{id: c.id, n: c.n, born: c.op == opInsert}
				*place = int32(f.rows.n)
			}
			f.places[i] = *place - 1
		}
	}
	for i := range block {
		var data []byte
		switch op := block[i].op; {
		case op.ofKey():
			data = f.entries[f.places[i]].value
		case op.ofRow():
			data = f.rows.at(f.places[i]).data
		}
		f.touch(data[:min(1, cap(data))])
	}
	for i := range block {
		switch c := &block[i]; c.op {
		case opDatabase:
			f.spaces[int(c.id)] = c.space
		case opAdopt:
			f.spaces[int(c.id)], f.adopted[c.space] = c.space, true
		case opExpiring:
			f.expiring[c.id] = c.keys
		case opPut, opInsert, opRemove:
			f.changeRow(f.rows.at(f.places[i]), c)
		default:
			f.pages.name(c, &f.entries[f.places[i]])
			f.change(&f.entries[f.places[i]], c)
		}
	}
	f.watch()
}

// doubled makes room for another element. append alone adds a quarter, and leaves four times the slice as garbage until
// it has grown to a fold's size; slices.Grow adds up to a quarter beyond what it is asked for each time.
func doubled[E any](s []E) []E {
	if len(s) < cap(s) {
		return s
	}
	return append(make([]E, 0, max(2*len(s), 256)), s...)
}

func (f *fold) changeRow(e *rowEntry, c *change) {
	e.table = c.table
	if removed := c.op == opRemove; e.removed != removed {
		e.removed = removed
		if e.born && removed {
			f.vanished++
		} else if e.born {
			f.vanished--
		}
	}
	switch {
	case e.removed: // what room data has may serve a later put
	case c.shared:
		f.pages.share(c.data, e.data, e.shared)
		e.data, e.shared = c.data, true
	default:
		var room []byte
		if !e.shared {
			room = e.data
		}
		e.data, e.shared = f.text.keep(room, c.data), false
	}
}

func (f *fold) change(e *entry, c *change) {
	switch c.op {
	case opCreate:
		*e = entry{id: c.id, space: c.space, typ: c.typ, deadline: c.deadline, born: true}
		e.key = viewString(f.text.keep(nil, c.key))
		f.setValue(e, c)
		f.nextID = max(f.nextID, c.id+1)
		f.born++
	case opValue:
		f.setValue(e, c)
	case opPatch:
		f.addPatch(e, c)
	case opDeadline:
		e.deadline, e.hasDeadline = c.deadline, true
	case opRename:
		if !e.born && !e.renamed {
			e.from, e.renamed = c.from, true
		}
		f.renames = true
		e.space, e.key = c.space, viewString(f.text.keep(nil, c.key))
	case opDrop:
		from := c.space
		if e.renamed {
			from = e.from
		}
		if e.born && !e.dropped {
			f.born--
		}
		*e = entry{id: c.id, dropped: true, born: e.born, from: from}
		f.dropLump(c.id)
	}
}

func (f *fold) setValue(e *entry, c *change) {
	if c.shared {
		f.pages.share(c.data, e.value, e.shared)
		e.value, e.shared = c.data, true
	} else {
		var room []byte
		if !e.shared {
			room = e.value
		}
		e.value, e.shared = f.text.keep(room, c.data), false
	}
	e.hasValue, e.patched = true, nil
}

// addPatch applies a patch to the whole value, if the fold has it, or keeps it for the row.
func (f *fold) addPatch(e *entry, c *change) {
	if !e.hasValue {
		data := c.data
		if !c.shared {
			data = append([]byte(nil), data...)
		}
		if e.patched == nil {
			e.patched = &patched{}
		}
		e.patched.length, e.patched.patches = c.length, append(e.patched.patches, patch{c.offset, data})
		f.text.used += int64(len(data)) + 64
		return
	}
	if e.shared || int64(cap(e.value)) < c.length {
		grown := make([]byte, len(e.value), c.length+c.length/8)
		copyLong(grown, e.value)
		e.value, e.shared = grown, false
	}
	was := int64(len(e.value))
	e.value = e.value[:max(was, c.length)]
	if was < c.offset {
		clear(e.value[was:c.offset])
	}
	copyLong(e.value[c.offset:], c.data)
}

// arena holds the names and values of a fold in large blocks, so that a hundred
// thousand rows are not a hundred thousand objects for the garbage collector.
type arena struct {
	size   int // a block's
	blocks [][]byte
	n      int   // blocks in use
	used   int64 // bytes given out
}

// arenaBlock is the size of an arena's block where memory is not short.
const arenaBlock = 1 << 20

// keep copies b, into room if it fits there.
func (a *arena) keep(room, b []byte) []byte {
	if len(b) <= cap(room) {
		room = room[:len(b)]
		copy(room, b)
		return room
	}
	a.used += int64(len(b))
	if len(b) > a.size/16 {
		return append([]byte(nil), b...)
	}
	if a.n == 0 || cap(a.blocks[a.n-1])-len(a.blocks[a.n-1]) < len(b) {
		if a.n == len(a.blocks) {
			a.blocks = append(a.blocks, make([]byte, 0, a.size))
		}
		a.n++
	}
	block := &a.blocks[a.n-1]
	at := len(*block)
	*block = append(*block, b...)
	return (*block)[at:len(*block):len(*block)]
}

func (a *arena) reset() {
	if len(a.blocks) > 2*a.n+1 { // give back what an unusual burst took
		clear(a.blocks[a.n+1:])
		a.blocks = a.blocks[:a.n+1]
	}
	for i := range a.blocks {
		a.blocks[i] = a.blocks[i][:0]
	}
	a.n, a.used = 0, 0
}
