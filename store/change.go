package store

import (
	"encoding/binary"
	"errors"
	"math"

	"diskette/store/journal"
)

// A Change is one row's new state, or its end. Values are absolute (INCR emits the sum,
// EXPIRE the deadline), so replaying changes that are in the tables already does
// no harm. The changes of one command, MULTI block or script make one journal record:
//
//	record = change*            change = op byte, id uvarint, then by op:
//
//	create    space uvarint, type byte, deadline varint, key bytes, value bytes
//	value     value bytes                     a string's whole new value
//	patch     length uvarint, offset uvarint, data bytes   a string of patchBytes or more, from offset on
//	deadline  deadline varint                 unix ms, 0 = none
//	rename    from uvarint, space uvarint, key bytes    RENAME, MOVE: from one space to another
//	drop      space uvarint                   the key is gone, and all rows of its id
//	database  space uvarint                   database number id is now that space
//	expiring  keys uvarint                    space number id has that many keys with a deadline
//	put       table byte, n varint, columns bytes   row n of a collection, see table.go
//	insert    as put                          a new row: if it goes again before it is written back, nothing is
//	remove    table byte, n varint            that row is gone
//	adopt     space uvarint                   as database; the tables have the rows already (copy.go)
//	lump      table byte, rows uvarint, bytes  the elements of a collection that the record made whole, see lump.go
//
//	bytes = length uvarint, data
//
// A row's change has the id 0 for that of the key that the record created last.
//
// Bytes of shareBytes or more are not copied into the record while it waits in memory: they stand beside it, in order,
// as journal.Ext. So does a large lump.
type change struct {
	op       op
	id       int64
	space    int64
	from     int64
	typ      Type
	deadline int64
	length   int64 // of a lump, its rows
	keys     int64
	offset   int64
	key      []byte
	n        int64 // of a collection's row
	table    table
	data     []byte
	shared   bool // data is referenced by others and must not be changed or reused
}

type op byte

const (
	opCreate op = iota + 1
	opValue
	opPatch
	opDeadline
	opRename
	opDrop
	opDatabase
	opExpiring
	opPut
	opInsert
	opRemove
	opAdopt
	opLump
)

// createdKey is the id of the key that a record created last.
const createdKey = 0

// ofKey reports whether the change is of a key's own row; the others are of databases and spaces, or of a
// collection's rows.
func (o op) ofKey() bool { return o < opDatabase }

// ofRow reports whether the change is of a collection's row.
func (o op) ofRow() bool { return o >= opPut && o <= opRemove }

// recordWriter gathers the changes of one record. Its buffers are reused.
type recordWriter struct {
	head  []byte
	ext   []journal.Ext
	extra int          // bytes of ext's data
	cols  []byte       // of the row that is being put
	fresh bool         // the next put is an insert
	lump  *lumpBuilder // gathers the rows of its table; nil = they are puts
}

func (w *recordWriter) reset() {
	w.head = w.head[:0]
	clear(w.ext)
	w.ext, w.extra = w.ext[:0], 0
	if cap(w.head) > 1<<20 {
		w.head = nil
	}
	if cap(w.cols) > 1<<20 {
		w.cols = nil
	}
}

func (w *recordWriter) start(o op, id int64) {
	w.head = binary.AppendUvarint(append(w.head, byte(o)), uint64(id))
}

func (w *recordWriter) uvarint(n int64) { w.head = binary.AppendUvarint(w.head, uint64(n)) }
func (w *recordWriter) varint(n int64)  { w.head = binary.AppendVarint(w.head, n) }

func (w *recordWriter) str(s string) {
	w.uvarint(int64(len(s)))
	if len(s) >= shareBytes {
		w.share(bytesOf(s))
		return
	}
	w.head = append(w.head, s...)
}

func (w *recordWriter) bytes(b []byte) {
	w.uvarint(int64(len(b)))
	if len(b) >= shareBytes {
		w.share(b)
		return
	}
	w.head = append(w.head, b...)
}

// beside adds the changes of another writer, long ones without copying them. The other is not used any more.
func (w *recordWriter) beside(other *recordWriter) {
	from := 0
	for _, x := range other.ext {
		w.part(other.head[from:x.At])
		w.share(x.Data)
		from = x.At
	}
	w.part(other.head[from:])
}

func (w *recordWriter) part(head []byte) {
	if len(head) >= shareBytes {
		w.share(head)
		return
	}
	w.head = append(w.head, head...)
}

// share puts data into the record without copying it.
func (w *recordWriter) share(data []byte) {
	w.ext = append(w.ext, journal.Ext{At: len(w.head), Data: data})
	w.extra += len(data)
}

func (w *recordWriter) create(o *object) {
	w.born(o.id, o.space.id, o.typ, o.deadline, o.name(), o.str())
}

func (w *recordWriter) born(id, space int64, typ Type, deadline int64, name string, value []byte) {
	w.start(opCreate, id)
	w.uvarint(space)
	w.head = append(w.head, byte(typ))
	w.varint(deadline)
	w.str(name)
	w.bytes(value)
}

func (w *recordWriter) value(id int64, value []byte) {
	w.start(opValue, id)
	w.bytes(value)
}

func (w *recordWriter) patch(id int64, length, offset int, data []byte) {
	w.start(opPatch, id)
	w.uvarint(int64(length))
	w.uvarint(int64(offset))
	w.bytes(data)
}

func (w *recordWriter) deadline(id, deadline int64) {
	w.start(opDeadline, id)
	w.varint(deadline)
}

func (w *recordWriter) rename(id int64, from, to *space, key string) {
	w.start(opRename, id)
	w.uvarint(from.id)
	w.uvarint(to.id)
	w.str(key)
}

func (w *recordWriter) drop(id int64, s *space) {
	w.start(opDrop, id)
	w.uvarint(s.id)
}

func (w *recordWriter) database(db int, s *space) {
	w.start(opDatabase, int64(db))
	w.uvarint(s.id)
}

func (w *recordWriter) adopt(db int, s *space) {
	w.start(opAdopt, int64(db))
	w.uvarint(s.id)
}

func (w *recordWriter) expiring(s *space) {
	w.start(opExpiring, s.id)
	w.uvarint(s.expiring)
}

// insert makes the next put say that the row is new.
func (w *recordWriter) insert() *recordWriter {
	w.fresh = true
	return w
}

// put begins row n of a collection. The columns follow, in the order of the table's definition, then end.
func (w *recordWriter) put(id int64, t table, n int64) {
	w.cols = w.cols[:0]
	if w.lump == nil || !w.lump.begin(t, n) {
		w.beginRow(id, t, n)
	}
}

func (w *recordWriter) beginRow(id int64, t table, n int64) {
	if w.fresh {
		w.fresh = false
		w.start(opInsert, id)
	} else {
		w.start(opPut, id)
	}
	w.head = append(w.head, byte(t))
	w.varint(n)
}

func (w *recordWriter) colStr(s string) {
	w.cols = append(binary.AppendUvarint(w.cols, uint64(len(s))), s...)
}

func (w *recordWriter) colInt(v int64) { w.cols = binary.AppendVarint(w.cols, v) }

func (w *recordWriter) colFloat(f float64) {
	w.cols = binary.LittleEndian.AppendUint64(w.cols, math.Float64bits(f))
}

// end completes a row that put began.
func (w *recordWriter) end() {
	if l := w.lump; l != nil && l.open {
		if len(w.cols) < shareBytes {
			l.add(w.cols)
			return
		}
		w.beginRow(createdKey, l.table, l.n)
	}
	if len(w.cols) >= shareBytes {
		w.bytes(w.cols)
		w.cols = nil // the record has it
		return
	}
	w.bytes(w.cols)
}

// A shortText is a text whose row has a byte for the length of the text and one for that of the column.
const shortText = 1<<7 - 2

// appendText adds to a record's head what put, colStr and end write for a row with a shortText alone. Who has many
// keeps the head in a variable meanwhile: to store it after each took a third of the time while the collector marks.
func appendText(head []byte, id int64, t table, n int64, text string) []byte {
	head = append(binary.AppendUvarint(append(head, byte(opPut)), uint64(id)), byte(t))
	head = append(binary.AppendVarint(head, n), byte(len(text)+1), byte(len(text)))
	return append(head, text...)
}

func (w *recordWriter) remove(id int64, t table, n int64) {
	w.head = appendRemove(w.head, id, t, n)
}

// appendRemove adds to a record's head what remove writes.
func appendRemove(head []byte, id int64, t table, n int64) []byte {
	head = append(binary.AppendUvarint(append(head, byte(opRemove)), uint64(id)), byte(t))
	return binary.AppendVarint(head, n)
}

var errBadRecord = errors.New("the journal record does not decode")

// next decodes a record's next change; false = the end, or r.err. The slices in the change are valid
// as long as the record's.
func (r *recordReader) next(c *change) bool {
	if len(r.b) == 0 && !r.part() {
		return false
	}
	*c = change{op: op(r.byte()), id: r.uvarint()}
	switch c.op {
	case opCreate:
		c.space, c.typ, c.deadline = r.uvarint(), Type(r.byte()), r.varint()
		c.key, _ = r.bytes()
		c.data, c.shared = r.bytes()
		r.created = c.id
	case opValue:
		c.data, c.shared = r.bytes()
	case opPatch:
		c.length, c.offset = r.uvarint(), r.uvarint()
		c.data, c.shared = r.bytes()
	case opDeadline:
		c.deadline = r.varint()
	case opRename:
		c.from, c.space = r.uvarint(), r.uvarint()
		c.key, _ = r.bytes()
	case opDrop, opDatabase, opAdopt:
		c.space = r.uvarint()
	case opExpiring:
		c.keys = r.uvarint()
	case opPut, opInsert, opRemove:
		c.table, c.n = table(r.byte()), r.varint()
		if c.op != opRemove {
			c.data, c.shared = r.bytes()
		}
		if c.id == createdKey {
			c.id = r.created
		}
		if int(c.table) >= len(tables) || c.table == 0 || c.id == 0 {
			r.bad = true
		}
	case opLump:
		c.table, c.length = table(r.byte()), r.uvarint()
		c.data, c.shared = r.bytes()
		if c.id == createdKey {
			c.id = r.created
		}
		if int(c.table) >= len(tables) || c.table == 0 || c.id == 0 {
			r.bad = true
		}
	default:
		r.bad = true
	}
	return !r.bad
}

// err is why next stopped before the record's end.
func (r *recordReader) err() error {
	if r.bad {
		return errBadRecord
	}
	return nil
}

// A recordReader decodes a record. Its parts are the Head, as far as the next Ext, and each
// Ext's data, which is a change's long bytes or whole changes.
type recordReader struct {
	b       []byte // what is left of the part
	head    []byte // what is left of the record's Head behind it
	pos     int    // bytes of the Head before that
	ext     []journal.Ext
	created int64 // the key that the record created last
	bad     bool
}

func readRecord(rec journal.Record) recordReader { return recordReader{head: rec.Head, ext: rec.Ext} }

// part goes on to the next part; false = there is none.
func (r *recordReader) part() bool {
	for len(r.b) == 0 {
		if len(r.ext) > 0 && r.ext[0].At == r.pos {
			r.b, r.ext = r.ext[0].Data, r.ext[1:]
			continue
		}
		end := len(r.head)
		if end == 0 {
			return false
		}
		if len(r.ext) > 0 {
			end = r.ext[0].At - r.pos
		}
		r.b, r.head, r.pos = r.head[:end:end], r.head[end:], r.pos+end
	}
	return true
}

func (r *recordReader) take(n int) []byte {
	if n > 0 && len(r.b) == 0 {
		r.part()
	}
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// fail ends the record at what does not decode.
func (r *recordReader) fail() { *r = recordReader{bad: true} }

func (r *recordReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *recordReader) uvarint() int64 {
	if len(r.b) == 0 {
		r.part()
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || int64(v) < 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return int64(v)
}

func (r *recordReader) varint() int64 {
	if len(r.b) == 0 {
		r.part()
	}
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *recordReader) bytes() (data []byte, shared bool) {
	n := r.uvarint()
	if n >= shareBytes && len(r.b) == 0 && len(r.ext) > 0 && r.ext[0].At == r.pos {
		data, r.ext = r.ext[0].Data, r.ext[1:]
		if int64(len(data)) != n {
			r.fail()
		}
		return data, true
	}
	return r.take(int(n)), false
}
