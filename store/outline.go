package store

import (
	"fmt"
	"math"

	"github.com/ncruces/go-sqlite3"
)

// An outline is what is known of a value that is on disk alone. A string's comes with its head. A
// collection's elements are counted in the tables, for a command that wants the key with NeedShape: of those that
// are small the value comes along, as for NeedSmall, so only what is large is counted, and that while nothing
// of it is kept. It stays true until the value is in memory, for nothing else changes the rows of a key.
//
// With a million fields of 100 bytes on disk and maxmemory 64mb, HLEN took 230 MB of RSS and 11 to 19 s when it loaded
// them, on a machine that others use; it takes 0.4 s and next to no memory.
type outline struct {
	shape Shape // of a collection: how many elements it has, and of the rest what the first ones tell
	bytes int64 // a string's length; about what a collection takes in memory

	long   bool      // of a string: it stands in chunks
	chunks *chunkSet // those of them that are in memory, nil = none
	passed int64     // bytes of it that commands have used and that did not come into memory

	rough bool  // of the shape the type and the number of elements alone are known, and bytes are not
	part  *part // elements that memory has; then the outline changes with the rows: see paged.go
}

const outlineBytes = 112

// size is what it takes in memory.
func (o *outline) size() int64 {
	switch {
	case o == nil:
		return 0
	case o.chunks != nil:
		return outlineBytes + o.chunks.bytes
	}
	return outlineBytes + o.part.size()
}

// fits reports whether the outline, if there is one, is that of a row.
func (o *outline) fits(r *row) bool {
	switch {
	case r.typ == TypeString:
		return o != nil && o.bytes == int64(len(r.value))
	case o == nil:
		return true
	}
	return r.coll != nil && o.shape.Len == r.coll.length() && o.part.fits(r.coll)
}

// outlineOf is that of a collection of which c has as many of the first elements as are small together.
func (r *reader) outlineOf(id int64, c collection) (*outline, error) {
	o := &outline{shape: c.shape()}
	t := elementTable(c.kind())
	elements, ok, err := r.indexed(id)
	length := int(elements)
	if err == nil && !ok {
		length, err = r.count(id, t)
	}
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", tables[t].name, err)
	}
	if o.bytes, err = r.pieceBytes(id); err != nil {
		return nil, fmt.Errorf("count pieces: %w", err)
	}
	if some := c.length(); some > 0 {
		o.bytes += int64(float64(c.size()) * float64(length) / float64(some))
	}
	if c.size() <= r.small { // the next element is in pieces
		o.shape.LongestBytes, o.shape.MostLen = chunkBytes, max(o.shape.MostLen, 1)
		o.shape.Bytes, o.shape.MostBytes = o.shape.Bytes+chunkBytes, o.shape.MostBytes+chunkBytes
	}
	o.shape.Len = length
	return o, nil
}

// elementTable is the table whose rows are a type's elements.
func elementTable(t Type) table {
	if t == TypeStream {
		return streamEntries
	}
	return tablesOf(t)[0]
}

// countRows is how many rows are counted at a time: some 0.4 us each.
const countRows = 4096

func (d *tableDef) countSQL() string {
	return `SELECT count(*), max(n) FROM (SELECT n FROM ` + d.name + ` WHERE id = ?1 AND n > ?2 ORDER BY n LIMIT ` +
		itoa(countRows) + `)`
}

// partsSQL does not read the data of a run that is longer than one of several rows may be.
func (d *tableDef) partsSQL() string {
	return `SELECT n, gaps, CASE WHEN length(gaps) + length(data) <= ` + itoa(runBytes) + ` THEN data END FROM ` +
		d.name +
		` WHERE id = ?1 ORDER BY n`
}

// count is how many rows a key has in a table, however many of them stand in a run.
func (r *reader) count(id int64, t table) (rows int, err error) {
	d := &tables[t]
	if d.step != 0 {
		return r.countRuns(id, d)
	}
	s, err := r.stmt(d.countSQL())
	if err != nil {
		return 0, err
	}
	var b breath
	for last := int64(math.MinInt64); ; b.step(breathSteps) {
		if err := bind(s, id, last); err != nil {
			return 0, err
		}
		s.Step()
		some := s.ColumnInt(0)
		rows, last = rows+some, s.ColumnInt64(1)
		if err := s.Reset(); err != nil || some < countRows {
			return rows, err
		}
	}
}

func (r *reader) countRuns(id int64, d *tableDef) (rows int, err error) {
	s, err := r.stmt(d.partsSQL())
	if err != nil {
		return 0, err
	}
	defer s.Reset()
	if err := bind(s, id); err != nil {
		return 0, err
	}
	var b breath
	run := runReader{d: d}
	for s.Step() {
		b.step(1)
		if s.ColumnType(2) == sqlite3.NULL {
			rows++
			continue
		}
		run.open(s.ColumnInt64(0), s.ColumnRawBlob(1), s.ColumnRawBlob(2))
		for run.next() {
			rows++
		}
		if err := run.err(); err != nil {
			return 0, err
		}
	}
	return rows, s.Err()
}

// pieceBytes is about what a key's long elements take.
func (r *reader) pieceBytes(id int64) (bytes int64, err error) {
	s, err := r.stmt(`SELECT sum(length(data)) + sum(piece = 0) * ` + itoa(chunkBytes) +
		` FROM pieces WHERE id = ?1 AND part > 0`)
	if err != nil {
		return 0, err
	}
	defer s.Reset()
	if err := bind(s, id); err != nil {
		return 0, err
	}
	s.Step()
	return s.ColumnInt64(0), s.Err()
}

// shaped is a key of which the outline is enough.
func (v *View) shaped(key []byte) *object { return v.known(key, NeedShape) }

// Length is the number of elements of the key's collection, which is to be of a type; 0 when the key is not there. Of a
// hash those fields are counted, too, whose deadline has passed and that nothing has removed yet, as in Redis 7.4.
func (v *View) Length(key []byte, t Type) (int, error) {
	o := v.used(v.counted(key, v.known(key, NeedLength)))
	switch {
	case o == nil:
		return 0, nil
	case o.typ != t:
		return 0, ErrWrongType
	case o.coll() == nil:
		return o.outline().shape.Len, nil
	}
	return o.coll().length(), nil
}

// PeekOutline is PeekShape without the value. Unless whole, Len is true, and the rest is what the value has at least.
func (v *View) PeekOutline(key []byte) (s Shape, whole, ok bool) {
	o := v.there(v.shaped(key))
	if o != nil && o.coll() == nil && o.typ != TypeString {
		return o.outline().shape, false, true
	}
	s, ok = o.shape()
	return s, true, ok
}

// MemoryBytes is what the key takes in memory with its value, for MEMORY USAGE. Of a large
// collection that is on disk alone it is an estimate, as Redis's always is.
func (v *View) MemoryBytes(key []byte) (bytes int64, ok bool) {
	o := v.peekHead(key)
	switch {
	case o == nil:
		return 0, false
	case o.typ != TypeString:
		o = v.shaped(key)
	}
	bytes = o.size()
	if o.headOnly {
		bytes += o.outline().bytes - o.outline().size()
	}
	return bytes, true
}
