package store

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// A table holds one kind of row of one type of collection. A row is named by the key's id and by a number n that is
// the row's alone among all rows of the key, whatever their tables. n goes by birth (a list's by position), so that
// reading in its order gives the elements as they came, and an integer names a field of any length in
// the journal, in a fold and in the primary key. It is given by memory: the tables need no index on contents,
// because a collection that is touched is in memory whole.
//
// What comes and goes at the ends, a list's elements and a stream's entries, stands on disk many to a row: see run.go.
type table byte

const (
	hashFields table = iota + 1
	listElements
	setMembers
	zsetMembers
	streamHeads
	streamEntries
	streamGroups
	streamConsumers
	streamPending
)

// String is the table's name in the schema; a key's own row stands in keys.
func (t table) String() string {
	if t == 0 {
		return "keys"
	}
	return tables[t].name
}

// tableDef says which columns follow id and n. See schema.sql for what they mean.
type tableDef struct {
	name    string
	typ     Type
	columns []column
	step    int64 // not 0: its rows are kept in runs, and this is the usual distance between two n
}

type column struct {
	name string
	kind columnKind
}

type columnKind byte

const (
	blobColumn columnKind = iota
	intColumn
	floatColumn
)

var tables = [...]tableDef{
	hashFields: {"hash_fields", TypeHash,
		[]column{{"field", blobColumn}, {"value", blobColumn}, {"expires_ms", intColumn}}, 0},
	listElements: {"list_runs", TypeList, []column{{"value", blobColumn}}, positionStep},
	setMembers:   {"set_members", TypeSet, []column{{"member", blobColumn}}, 0},
	zsetMembers:  {"zset_members", TypeZSet, []column{{"member", blobColumn}, {"score", floatColumn}}, 0},

	streamHeads: {"stream_heads", TypeStream, []column{{"last_ms", intColumn}, {"last_seq", intColumn},
		{"deleted_ms", intColumn}, {"deleted_seq", intColumn}, {"added", intColumn}}, 0},
	streamEntries: {"stream_runs", TypeStream,
		[]column{{"ms", intColumn}, {"seq", intColumn}, {"fields", blobColumn}}, 1},
	streamGroups: {"stream_groups", TypeStream, []column{{"name", blobColumn},
		{"last_ms", intColumn}, {"last_seq", intColumn}, {"entries_read", intColumn}}, 0},
	streamConsumers: {"stream_consumers", TypeStream, []column{{"group_n", intColumn}, {"name", blobColumn},
		{"seen_ms", intColumn}, {"active_ms", intColumn}}, 0},
	streamPending: {"stream_pending", TypeStream, []column{{"group_n", intColumn}, {"consumer_n", intColumn},
		{"ms", intColumn}, {"seq", intColumn}, {"delivered_ms", intColumn}, {"deliveries", intColumn}}, 0},
}

// tablesOf are the tables that hold a type's rows, in the order in which they are loaded.
func tablesOf(t Type) (of []table) {
	for i := hashFields; int(i) < len(tables); i++ {
		if tables[i].typ == t {
			of = append(of, i)
		}
	}
	return of
}

// stored is the columns that the table has on disk, besides id and n.
func (d *tableDef) stored() []column {
	if d.step != 0 {
		return runColumns
	}
	return d.columns
}

func (d *tableDef) columnNames() (names string) {
	for _, c := range d.stored() {
		names += ", " + c.name
	}
	return names
}

// putRows is how many rows a statement puts where there are as many: 0.6 us a row instead of
// 1.1, where they are neighbours.
const putRows = 16

// putSQL puts rows. The parameters of a row follow those of the row before.
func (d *tableDef) putSQL(rows int) string {
	places := strings.Repeat(", ?", d.params())[2:]
	return `INSERT OR REPLACE INTO ` + d.name + ` (id, n` + d.columnNames() + `) VALUES ` +
		strings.Repeat(", ("+places+")", rows)[2:]
}

// params is how many parameters a row has.
func (d *tableDef) params() int { return 2 + len(d.stored()) }

func (d *tableDef) removeSQL() string {
	return `DELETE FROM ` + d.name + ` WHERE id = ?1 AND n = ?2`
}

// Of rows whose numbers are so near, one statement removes those that a mask has: 0.9 us a row instead of 1.5 where
// they are a fifth of what is there, 0.5 where they are two fifths. It passes over what is between them: for fewer
// rows than maskRows a statement for each is cheaper.
const (
	maskBits = 64
	maskRows = 8
)

// removeManySQL removes rows from number ?2 to ?3: n is the bit n - ?2 of ?4.
func (d *tableDef) removeManySQL() string {
	return `DELETE FROM ` + d.name + ` WHERE id = ?1 AND n BETWEEN ?2 AND ?3 AND (?4 >> (n - ?2)) & 1`
}

// reapSQL deletes a slice of the rows of a key that is gone.
func (d *tableDef) reapSQL() string {
	return `DELETE FROM ` + d.name + ` WHERE id = ?1 AND n IN (SELECT n FROM ` + d.name + ` WHERE id = ?1 LIMIT ?2)`
}

func (d *tableDef) loadSQL() string {
	return `SELECT n` + d.columnNames() + ` FROM ` + d.name + ` WHERE id = ?1 ORDER BY n`
}

// bindColumns gives a put statement the columns that a recordWriter encoded, from parameter at
// on: of long ones, what stands in the row.
func (d *tableDef) bindColumns(s *sqlite3.Stmt, at int, cols []byte) (err error) {
	r := columnReader{cols}
	for i, c := range d.columns {
		i += at
		switch c.kind {
		case blobColumn:
			err = s.BindBlob(i, notNil(head(r.blob())))
		case intColumn:
			err = s.BindInt64(i, r.int())
		case floatColumn:
			err = s.BindFloat(i, r.float())
		}
		if r.cols == nil {
			return errBadRecord
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A columnReader decodes what a recordWriter's col calls encoded. It is nil after what does not decode.
type columnReader struct{ cols []byte }

func (r *columnReader) blob() (b []byte) {
	n, k := binary.Uvarint(r.cols)
	if k <= 0 || n > uint64(len(r.cols)-k) {
		r.cols = nil
		return nil
	}
	b, r.cols = r.cols[k:k+int(n)], r.cols[k+int(n):]
	return b
}

func (r *columnReader) uvarint() int64 {
	v, k := binary.Uvarint(r.cols)
	if k <= 0 {
		r.cols = nil
		return 0
	}
	r.cols = r.cols[k:]
	return int64(v)
}

func (r *columnReader) int() int64 {
	v, k := binary.Varint(r.cols)
	if k <= 0 {
		r.cols = nil
		return 0
	}
	r.cols = r.cols[k:]
	return v
}

func (r *columnReader) float() float64 {
	if len(r.cols) < 8 {
		r.cols = nil
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(r.cols))
	r.cols = r.cols[8:]
	return f
}

// A tableRow is a row as it is loaded. Its columns count from 0, as in the table's definition;
// what str returns is freshly allocated.
type tableRow struct {
	table  table
	key    int64 // its id
	n      int64
	reader *reader
	stmt   *sqlite3.Stmt
	run    *runReader // not nil: the row stands in a run
	err    error      // of a column that could not be read
}

// str is a column, freshly allocated.
func (r *tableRow) str(i int) string {
	s := r.view(i)
	if len(s) >= chunkBytes { // it was joined for us
		return s
	}
	return strings.Clone(s)
}

// view is str without the copy: it holds until the next row.
func (r *tableRow) view(i int) string {
	if r.run != nil {
		return viewString(r.run.blobs[i])
	}
	return viewString(r.column(i))
}

func (r *tableRow) int(i int) int64 {
	if r.run != nil {
		return r.run.ints[i]
	}
	return r.stmt.ColumnInt64(i + 1)
}

func (r *tableRow) float(i int) float64 { return r.stmt.ColumnFloat(i + 1) }
