package store

import (
	"slices"
	"sort"
)

// entryBlocks are a stream's entries by id, in blocks:
//
//	blocks  [ 5-0 5-1 7-0 ... ] [ 9-3 9-4 ... ]    up to blockEntries each, none empty
//
// An entry is found by binary search, first for its block. One is appended in the last block and trimmed off the first,
// neither of which moves others; one that is deleted in between moves those of its block.
type entryBlocks struct {
	blocks []*streamBlock
	live   int
	room   int   // entries that the blocks have memory for
	bytes  int64 // of the fields
}

type streamBlock struct {
	entries []streamEntry
	room    int
}

type streamEntry struct {
	id     StreamID
	n      int64
	fields StreamFields
}

const (
	blockEntries     = 128
	streamBlockBytes = 48 // a block without its entries
	streamEntryBytes = 48 // an entry without its fields, and what the allocator rounds these up by
)

// StreamFields are an entry's fields and values as they stand in its row: (length in decimal, ':', bytes)*, which a
// view of the tables can take apart. The string is made once, when the entry is added, and what Each hands out
// is part of it.
type StreamFields string

// MaxFieldsBytes is the most that an entry's fields may take: a row of SQLite has up to 1,000,000,000 bytes.
const MaxFieldsBytes = 900 << 20

// PackFields makes the fields of an entry.
func PackFields(elements [][]byte) StreamFields {
	packed := make([]byte, 0, fieldsBytes(elements))
	return StreamFields(viewString(appendFields(packed, elements)))
}

// fieldsBytes is what the elements take as fields.
func fieldsBytes[E string | []byte](elements []E) (size int) {
	for _, e := range elements {
		size += len(e) + 2
		for n := len(e); n >= 10; n /= 10 {
			size++
		}
	}
	return size
}

func appendFields[E string | []byte](packed []byte, elements []E) []byte {
	for _, e := range elements {
		packed = append(appendLength(packed, len(e)), e...)
	}
	return packed
}

// A FieldsPacker makes the fields of many entries. Short ones of neighbours share up to roomBytes, so that it is not
// an allocation for each. Who keeps one of them keeps no more than that; few entries take no more than twice their
// bytes.
type FieldsPacker struct{ room []byte }

const (
	roomBytes   = 1 << 10
	shortFields = roomBytes / 8
)

// Pack is PackFields.
func (p *FieldsPacker) Pack(elements []string) StreamFields {
	size := fieldsBytes(elements)
	if size > shortFields {
		return StreamFields(viewString(appendFields(make([]byte, 0, size), elements)))
	}
	if size > cap(p.room)-len(p.room) {
		p.room = make([]byte, 0, min(max(2*cap(p.room), size), roomBytes))
	}
	from := len(p.room)
	p.room = appendFields(p.room, elements)
	return StreamFields(viewString(p.room[from:]))
}

// next splits the first element off; ok is false at the end, and where no element begins.
func (f StreamFields) next() (element string, rest StreamFields, ok bool) {
	size, i := 0, 0
	for i < len(f) && f[i] >= '0' && f[i] <= '9' && size <= len(f) {
		size = 10*size + int(f[i]-'0')
		i++
	}
	if i == 0 || i == len(f) || f[i] != ':' || size > len(f)-i-1 {
		return "", f, false
	}
	i++
	return string(f[i : i+size]), f[i+size:], true
}

// Each calls fn for every field and value in turn.
func (f StreamFields) Each(fn func(element string)) {
	for element, rest, ok := f.next(); ok; element, rest, ok = rest.next() {
		fn(element)
	}
}

// Len counts the fields and values.
func (f StreamFields) Len() (n int) {
	f.Each(func(string) { n++ })
	return n
}

// valid reports whether f is fields with values, to its end.
func (f StreamFields) valid() bool {
	n := 0
	for _, rest, ok := f.next(); ok; _, rest, ok = rest.next() {
		f = rest
		n++
	}
	return f == "" && n%2 == 0
}

func (b *streamBlock) last() StreamID { return b.entries[len(b.entries)-1].id }

// append adds an entry whose id is above all others.
func (e *entryBlocks) append(entry streamEntry) {
	var b *streamBlock
	if k := len(e.blocks); k > 0 {
		b = e.blocks[k-1]
	}
	if b == nil || len(b.entries) >= blockEntries {
		b = new(streamBlock)
		if len(e.blocks) > 0 {
			b.entries = make([]streamEntry, 0, blockEntries)
			b.room = blockEntries
			e.room += blockEntries
		}
		e.blocks = append(e.blocks, b)
	}
	was := cap(b.entries)
	b.entries = append(b.entries, entry)
	if grown := cap(b.entries); grown != was { // the entries moved to new memory
		e.room += grown - b.room
		b.room = grown
	}
	e.live++
	e.bytes += int64(len(entry.fields))
}

// seek returns the place of the first entry whose id is not below id.
func (e *entryBlocks) seek(id StreamID) (block, place int) {
	block = sort.Search(len(e.blocks), func(i int) bool { return e.blocks[i].last().Compare(id) >= 0 })
	if block < len(e.blocks) {
		entries := e.blocks[block].entries
		place = sort.Search(len(entries), func(i int) bool { return entries[i].id.Compare(id) >= 0 })
	}
	return block, place
}

func (e *entryBlocks) find(id StreamID) *streamEntry {
	if block, place := e.seek(id); block < len(e.blocks) {
		if entry := &e.blocks[block].entries[place]; entry.id == id {
			return entry
		}
	}
	return nil
}

func (e *entryBlocks) first() *streamEntry {
	if e.live == 0 {
		return nil
	}
	return &e.blocks[0].entries[0]
}

func (e *entryBlocks) last() *streamEntry {
	if e.live == 0 {
		return nil
	}
	entries := e.blocks[len(e.blocks)-1].entries
	return &entries[len(entries)-1]
}

// ascend calls fn for the entries from id on until it returns false. fn must not change them.
func (e *entryBlocks) ascend(from StreamID, fn func(*streamEntry) bool) {
	block, place := e.seek(from)
	for ; block < len(e.blocks); block, place = block+1, 0 {
		entries := e.blocks[block].entries
		for ; place < len(entries); place++ {
			if !fn(&entries[place]) {
				return
			}
		}
	}
}

// descend calls fn for the entries from the last one that is not above id down, until it returns false.
func (e *entryBlocks) descend(from StreamID, fn func(*streamEntry) bool) {
	block, place := e.seek(from)
	if block < len(e.blocks) && e.blocks[block].entries[place].id == from {
		place++
	}
	for {
		for place--; place >= 0; place-- {
			if !fn(&e.blocks[block].entries[place]) {
				return
			}
		}
		block--
		if block < 0 {
			return
		}
		place = len(e.blocks[block].entries)
	}
}

// remove takes an entry out and returns it.
func (e *entryBlocks) remove(id StreamID) (entry streamEntry, ok bool) {
	block, place := e.seek(id)
	if block == len(e.blocks) || e.blocks[block].entries[place].id != id {
		return streamEntry{}, false
	}
	b := e.blocks[block]
	entry = b.entries[place]
	e.live--
	e.bytes -= int64(len(entry.fields))
	switch {
	case len(b.entries) == 1:
		e.cut(block)
	case place == 0:
		b.entries[0] = streamEntry{}
		b.entries = b.entries[1:]
	default:
		b.entries = slices.Delete(b.entries, place, place+1)
		e.join(block)
	}
	return entry, true
}

// removeFirst removes the first n entries, which are there, and calls gone for each before.
func (e *entryBlocks) removeFirst(n int, gone func(entry *streamEntry)) {
	for n > 0 {
		b := e.blocks[0]
		k := min(n, len(b.entries))
		for i := range b.entries[:k] {
			gone(&b.entries[i])
			e.bytes -= int64(len(b.entries[i].fields))
		}
		e.live -= k
		n -= k
		if k == len(b.entries) {
			e.cut(0)
			continue
		}
		clear(b.entries[:k])
		b.entries = b.entries[k:]
	}
}

// cut drops a block. The first one goes without moving the others.
func (e *entryBlocks) cut(block int) {
	e.room -= e.blocks[block].room
	if block == 0 {
		e.blocks[0] = nil
		e.blocks = e.blocks[1:]
		return
	}
	e.blocks = slices.Delete(e.blocks, block, block+1)
}

// join puts a block and the following one together if deletions have left little of both.
func (e *entryBlocks) join(block int) {
	if block+1 >= len(e.blocks) {
		return
	}
	b, next := e.blocks[block], e.blocks[block+1]
	if len(b.entries)+len(next.entries) > blockEntries/2 {
		return
	}
	joined := make([]streamEntry, 0, blockEntries)
	joined = append(append(joined, b.entries...), next.entries...)
	e.room += blockEntries - b.room
	b.entries, b.room = joined, blockEntries
	e.cut(block + 1)
}

// insert adds an entry whose id is not there.
func (e *entryBlocks) insert(entry streamEntry) {
	if last := e.last(); last == nil || last.id.Compare(entry.id) < 0 {
		e.append(entry)
		return
	}
	block, place := e.seek(entry.id)
	switch {
	case place == 0 && block > 0 && len(e.blocks[block-1].entries) < blockEntries:
		block--
		place = len(e.blocks[block].entries)
	case place == 0:
		e.blocks = slices.Insert(e.blocks, block, new(streamBlock))
	case len(e.blocks[block].entries) >= blockEntries:
		rest := &streamBlock{slices.Clone(e.blocks[block].entries[place:]), blockEntries - place}
		clear(e.blocks[block].entries[place:])
		e.blocks[block].entries = e.blocks[block].entries[:place]
		e.blocks = slices.Insert(e.blocks, block+1, rest)
		e.room += rest.room
	}
	b := e.blocks[block]
	was := cap(b.entries)
	b.entries = slices.Insert(b.entries, place, entry)
	if grown := cap(b.entries); grown != was {
		e.room += grown - b.room
		b.room = grown
	}
	e.live++
	e.bytes += int64(len(entry.fields))
}

// removeRange takes the entries from one id to another out, both included.
func (e *entryBlocks) removeRange(from, to StreamID) {
	first, _ := e.seek(from)
	gone := first // the blocks from here to first are empty
	for last := first; last < len(e.blocks); last++ {
		b := e.blocks[last]
		start := sort.Search(len(b.entries), func(i int) bool { return b.entries[i].id.Compare(from) >= 0 })
		end := sort.Search(len(b.entries), func(i int) bool { return b.entries[i].id.Compare(to) > 0 })
		if start >= end {
			break
		}
		for _, entry := range b.entries[start:end] {
			e.bytes -= int64(len(entry.fields))
		}
		e.live -= end - start
		if b.entries = slices.Delete(b.entries, start, end); len(b.entries) > 0 {
			if start == 0 {
				break
			}
			first, gone = last+1, last+1
			continue
		}
		e.room -= b.room
		gone = last + 1
	}
	e.blocks = slices.Delete(e.blocks, first, gone)
}

func (e *entryBlocks) size() int64 {
	return int64(len(e.blocks))*streamBlockBytes + int64(e.room)*streamEntryBytes + e.bytes
}

func (e *entryBlocks) clone() entryBlocks {
	c := entryBlocks{blocks: make([]*streamBlock, len(e.blocks)), live: e.live, bytes: e.bytes}
	for i, b := range e.blocks {
		room := len(b.entries)
		if len(e.blocks) > 1 {
			room = max(room, blockEntries)
		}
		c.blocks[i] = &streamBlock{append(make([]streamEntry, 0, room), b.entries...), room}
		c.room += room
	}
	return c
}
