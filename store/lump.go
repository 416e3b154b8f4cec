package store

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// A lump is the elements of a collection of lumpElements or more that one record makes whole, as COPY, SUNIONSTORE and
// their kind do, and RESTORE but of a hash with field deadlines:
//
//	lump = run*   of a table that is kept in runs: n varint, gaps bytes, data bytes, as they are to stand there
//	lump = row*   of any other: the distance from the row before uvarint, from 0 on, and columns bytes
//
// The journal, the fold and write-back share the form. A fold keeps a lump as it came: its rows have no places there,
// and if the key is dropped before it is written back, they go with it at once; after a FLUSHDB they stay until the
// fold is applied, and are not written. What becomes of a row later stands in the fold as any row does, and is newer:
// so write-back puts the lump first, and then finds its rows in the tables. That takes a key that was born in the fold,
// of which the tables have nothing: where they may have some all the same, or rows are tried one by one, the lump is
// taken apart into rows of the fold before (expand).
//
// Rows of shareBytes or more are none of a lump's: they stand in the record by themselves, before it.
//
// COPY with REPLACE of 20,000 elements, ten times before they are written back, processor time until they are, us for
// each: of a list 10,900 with a row an element in the record and the fold, 4,300 as a lump; of a hash 15,800 and 9,300;
// of a stream 13,400 and 6,900. Ten copies that stay, of a list: 11,200 and 5,100. (On a machine with
// other load: about.)
type lump struct {
	table table
	rows  int
	data  []byte
}

// lumpElements is the number of elements from which a collection that is made whole is a lump.
var lumpElements = packElements + 1 // tests lower it

// lumpRow is a row of a lump, or a run of them.
type lumpRow struct {
	n          int64
	gaps, data []byte // of a row, data is its columns
}

// A lumpReader takes a lump apart.
type lumpReader struct {
	d    *tableDef
	last int64
	cols columnReader
	bad  bool
}

func (l *lump) reader() lumpReader {
	return lumpReader{d: &tables[l.table], cols: columnReader{l.data}}
}

// next is false at the end, and after what does not decode: bad tells.
func (r *lumpReader) next(row *lumpRow) bool {
	if len(r.cols.cols) == 0 {
		return false
	}
	if r.d.step != 0 {
		row.n = r.cols.int()
		row.gaps = r.cols.blob()
	} else {
		r.last += r.cols.uvarint()
		row.n = r.last
	}
	row.data = r.cols.blob()
	r.bad = r.cols.cols == nil
	return !r.bad
}

// A lumpBuilder gathers the rows of a lump, in their order. It is reused.
type lumpBuilder struct {
	table table
	rows  int
	n     int64 // of the row that is being put
	open  bool  // it is of this table
	last  int64
	data  []byte
	run   runBuilder
}

var lumpBuilders = sync.Pool{New: func() any {
	l := &lumpBuilder{run: runBuilder{limit: runBytes}}
	l.run.write = func(n int64, gaps, data []byte) {
		l.data = appendColumn(appendColumn(binary.AppendVarint(l.data, n), gaps), data)
	}
	return l
}}

func appendColumn(cols, b []byte) []byte {
	return append(binary.AppendUvarint(cols, uint64(len(b))), b...)
}

// recordLump records the rows of a collection that is to be a key's: its elements as a lump.
func (w *recordWriter) recordLump(c collection) {
	l := lumpBuilders.Get().(*lumpBuilder)
	l.table, l.rows, l.last, l.data = elementTable(c.kind()), 0, 0, l.data[:0]
	l.run.d = &tables[l.table]
	w.gather(l, c)
	l.run.endRun()
	if l.rows > 0 {
		made := lump{l.table, l.rows, l.data}
		if len(made.data) >= shareBytes { // it is not copied
			made.data = slices.Clone(made.data)
		}
		made.record(w, createdKey)
	}
	if cap(l.data) <= 4<<20 {
		lumpBuilders.Put(l)
	}
}

func (l *lump) record(w *recordWriter, id int64) {
	w.start(opLump, id)
	w.head = append(w.head, byte(l.table))
	w.uvarint(int64(l.rows))
	w.bytes(l.data)
}

// gather puts a collection's rows into a lump. A panic does not leave the lump with later rows: the command's record is
// completed then, and the writer goes on to the next.
func (w *recordWriter) gather(l *lumpBuilder, c collection) {
	w.lump = l
	defer func() { w.lump = nil }()
	c.rows(w, createdKey)
}

// begin notes a row that is being put, and reports whether it may be one of the lump's.
func (l *lumpBuilder) begin(t table, n int64) bool {
	l.n, l.open = n, t == l.table
	return l.open
}

// add takes in a row that a recordWriter encoded.
func (l *lumpBuilder) add(cols []byte) {
	l.rows++
	if l.run.d.step == 0 {
		l.data = appendColumn(binary.AppendUvarint(l.data, distance(l.last, l.n)), cols)
		l.last = l.n
	} else if err := l.run.add(l.n, cols); err != nil {
		panic(err) // it was encoded for this table
	}
}

// addElements takes in neighbours of a list. What the record is to have by itself is put into it.
func (l *lumpBuilder) addElements(elements []element, w *recordWriter) {
	for i := range elements {
		e := &elements[i]
		if len(e.value) > shortText {
			putElement(w, createdKey, e)
			continue
		}
		l.rows++
		l.run.addText(e.n, e.value)
	}
}

// addEntry takes in an entry of a stream.
func (l *lumpBuilder) addEntry(e *streamEntry) {
	const idBytes = 2 * (20 + 3)
	b := &l.run
	l.rows++
	b.makeRoom(e.n, len(e.fields)+idBytes+8)
	b.data = appendInt(appendInt(b.data, int64(e.id.Ms)), int64(e.id.Seq))
	b.data = append(appendLength(b.data, len(e.fields)), e.fields...)
}

// keepLump takes in a lump. The key was born in the record that has it.
func (f *fold) keepLump(c *change) {
	l := lump{c.table, int(c.length), c.data}
	if c.shared {
		f.text.used += int64(len(l.data))
	} else {
		l.data = f.text.keep(nil, l.data)
	}
	if f.lumps == nil {
		f.lumps = map[int64]lump{}
	}
	f.lumps[c.id] = l
	f.lumped += l.rows
}

// dropLump forgets the lump of a key that is gone.
func (f *fold) dropLump(id int64) {
	l, ok := f.lumps[id]
	if !ok {
		return
	}
	delete(f.lumps, id)
	f.lumped -= l.rows
	if len(l.data) > f.text.size/16 { // its memory is none of the arena's blocks'
		f.text.used -= int64(len(l.data))
	}
}

// expand makes rows of all lumps. Those that the fold has are newer. A lump that does not decode remains as it is, and
// leaves no rows; bad are the keys of such ones.
func (f *fold) expand() (bad []int64) {
	for id, l := range f.lumps {
		err := l.each(func(int64, []byte) {})
		if err == nil {
			err = l.each(func(n int64, cols []byte) {
				c := change{id: id, table: l.table, n: n}
				if f.rowIndex.find(wayToRow(&c)) == 0 {
					*f.rows.add() = rowEntry{id: id, n: n, table: l.table, data: f.text.keep(nil, cols)}
				}
			})
		}
		if err != nil {
			bad = append(bad, id)
			continue
		}
		f.dropLump(id)
	}
	return bad
}

// takeApart makes rows of a fold's lumps. A lump that does not decode is set aside once rows are (aside.go), with its
// key: what is known of the elements would be another collection.
func (w *writer) takeApart(f *fold) error {
	for _, id := range f.expand() {
		l := f.lumps[id]
		w.asides.at, w.asides.bytes = target{id: id}, len(l.data)
		if !w.asides.sifting {
			return errBadRecord
		}
		w.asides.out[w.asides.at] = errBadRecord
	}
	return nil
}

// each calls fn for the rows, with their columns as a recordWriter encodes them; fn must not keep these.
func (l *lump) each(fn func(n int64, cols []byte)) error {
	r := l.reader()
	rows := runReader{d: r.d}
	var w recordWriter
	for row := (lumpRow{}); r.next(&row); {
		if r.d.step == 0 {
			fn(row.n, row.data)
			continue
		}
		rows.open(row.n, row.gaps, row.data)
		for rows.next() {
			fn(rows.n, rows.encoded(&w))
		}
		if rows.bad {
			return errBadRecord
		}
	}
	if r.bad {
		return errBadRecord
	}
	return nil
}

// encoded is the row that next came to, as a recordWriter encodes it, in that one's buffer.
func (r *runReader) encoded(w *recordWriter) []byte {
	w.cols = w.cols[:0]
	for i, c := range r.d.columns {
		if c.kind == intColumn {
			w.colInt(r.ints[i])
		} else {
			w.colStr(viewString(r.blobs[i]))
		}
	}
	return w.cols
}

// lumps writes those of keys that are born in the fold.
func (w *writer) lumps(f *fold) {
	for _, id := range slices.Sorted(maps.Keys(f.lumps)) {
		if e := f.find(id); e != nil && w.comes(e) && !w.asides.leavesOut(target{id: id}) {
			l := f.lumps[id]
			w.putLump(id, &l)
		}
	}
}

func (w *writer) putLump(id int64, l *lump) {
	r := l.reader()
	var some [putRows]lumpRow
	for n := putRows; n == putRows && w.err == nil; {
		for n = 0; n < putRows && r.next(&some[n]); {
			n++
		}
		if n == putRows {
			w.putLumpRows(w.putMany[l.table], id, l, some[:])
			w.breath.steps += n - 1
			continue
		}
		for i := range some[:n] {
			w.putLumpRows(w.put[l.table], id, l, some[i:i+1])
		}
	}
	if r.bad {
		w.err = errBadRecord
	}
}

// putLumpRows runs a put statement with the rows that it is for.
func (w *writer) putLumpRows(s *sqlite3.Stmt, id int64, l *lump, rows []lumpRow) {
	d := &tables[l.table]
	w.asides.at, w.asides.bytes = target{id, rows[0].n, l.table}, len(rows[0].data)
	for i := range rows {
		row, at := &rows[i], 1+i*d.params()
		w.bindInt(s, at, id)
		w.bindInt(s, at+1, row.n)
		switch {
		case w.err != nil:
		case d.step == 0:
			w.err = d.bindColumns(s, at+2, row.data)
		default:
			w.bindBlob(s, at+2, row.gaps)
			w.bindBlob(s, at+3, row.data)
		}
	}
	w.step(s)
}
