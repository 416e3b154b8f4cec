package store

import (
	"cmp"
	"errors"
	"fmt"
)

// A collection is the value of a key that is no string, in memory. It is a structure of Go's, loaded whole, and rows on
// disk, one an element (see table.go).
//
// What its elements hold is Go strings, or views of a pack (pack.go), which never change: a reply, the
// journal and write-back may refer to them for as long as they like. A mutator is a method of the type's Tx
// handle: it changes the structure, records the row, and calls changed.
//
// Everything belongs to the keyspace lock, but restore and restored, which fill a collection that nobody else has yet.
type collection interface {
	kind() Type
	// length is the number of elements. At 0 the key is gone (I7), unless it is a stream.
	length() int
	// size is what the structure takes in memory, in bytes. It is asked after every change and
	// must be kept, not counted.
	size() int64
	// shape is what OBJECT ENCODING goes by.
	shape() Shape
	// snapshot is a copy that shares nothing that can change, and is complete once restored was called, which needs no
	// lock. Its rows have the same numbers.
	snapshot() collection
	// rows records a put of every row, in an order that follows from the contents alone.
	rows(w *recordWriter, id int64)
	// restore takes in a loaded row. The rows of a table come in the order of n, the tables in
	// that of their definition.
	restore(r *tableRow) error
	// restored is called after the last row, or for a snapshot.
	restored() error
}

// Shape tells how large a collection is and has been, since it came into memory. Redis gives up a compact
// encoding for good when it was outgrown once, so what it had most counts, too.
type Shape struct {
	Type         Type
	Len, MostLen int   // elements
	LongestBytes int   // of all elements that it has had: fields and values of hashes, members of sets and sorted sets
	Bytes        int64 // of a list's elements now, as Redis's listpack holds them
	MostBytes    int64 // the most that they have been
	MostIntegers int   // members that a set has had while all were integers; its MostLen counts from then on
	Deadlines    bool  // a hash has had a field with a deadline
}

// PeekShape returns the shape of a collection; ok is false when the key is absent. A string has
// its Type alone. It counts neither hit nor miss.
func (v *View) PeekShape(key []byte) (s Shape, ok bool) { return v.peek(key).shape() }

func (o *object) shape() (s Shape, ok bool) {
	switch {
	case o == nil:
		return Shape{}, false
	case o.coll() == nil:
		return Shape{Type: o.typ}, true
	}
	return o.coll().shape(), true
}

// outgrown follows what Shape's MostLen and LongestBytes tell.
type outgrown struct {
	mostLen, longest int32
}

func (g *outgrown) note(length int, elements ...int) {
	g.mostLen = max(g.mostLen, int32(length))
	for _, n := range elements {
		g.longest = max(g.longest, int32(n))
	}
}

// newCollection makes an empty collection of a type.
func newCollection(t Type) collection {
	switch t {
	case TypeList:
		return &List{}
	case TypeSet:
		return newSet()
	case TypeZSet:
		return newZSet()
	case TypeHash:
		return newHash()
	case TypeStream:
		return newStream()
	}
	return nil
}

// collectionOf returns the key's collection of a type, or nil when there is no such key.
func (v *View) collectionOf(key []byte, t Type) (collection, error) {
	o := v.find(key)
	switch {
	case o == nil:
		return nil, nil
	case o.typ != t:
		return nil, ErrWrongType
	}
	return o.coll(), nil
}

// editing is what the Tx handles of all types have in common: the key whose collection is being changed.
type editing struct {
	tx      *Tx
	o       *object
	outline *outline // of a key of which the handle has a part (paged.go), else nil
}

// editOf is edit for a key that holds, or is to hold, a collection of a type. c is nil when the
// key is absent: the handle then has an empty collection of its own, which ensureKey makes the key's.
func (tx *Tx) editOf(key []byte, t Type) (e editing, c collection, err error) {
	o := tx.edit(key)
	if o.typ != None && o.typ != t {
		return editing{}, nil, ErrWrongType
	}
	return editing{tx: tx, o: o}, o.coll(), nil
}

// ensureKey comes before a row of c is recorded: an absent name becomes a key. It returns the key's id.
func (e editing) ensureKey(c collection) (id int64) {
	if e.o.typ == None {
		e.o.setColl(c)
		e.tx.create(e.o, c.kind(), 0)
	}
	return e.o.id
}

// changed ends a mutation: the books follow, and an empty collection is no key (I7).
func (e editing) changed() {
	if e.outline != nil {
		e.changedPart()
		return
	}
	if e.o.coll().length() == 0 && e.o.typ != TypeStream {
		e.tx.drop(e.o)
		return
	}
	e.tx.st.resized(e.o)
	e.tx.touched(e.o)
}

// collection loads the rows of a key. If they are more than needed, c is nil, and there is an outline if that is.
func (r *reader) collection(id int64, t Type, need Need) (c collection, o *outline, err error) {
	if c = newCollection(t); c == nil {
		return nil, nil, fmt.Errorf("%w: key %d has the unknown type %d", ErrDamaged, id, t)
	}
	for _, tb := range tablesOf(t) {
		err := r.loadTable(c, id, tb, need)
		switch {
		case err == errNotSmall && (need == NeedShape || need == NeedLength):
			o, err := r.outlineOf(id, c)
			return nil, o, err
		case err == errNotSmall:
			return nil, nil, nil
		case err != nil:
			return nil, nil, fmt.Errorf("load %s: %w", tables[tb].name, err)
		}
	}
	return c, nil, c.restored()
}

// errNotSmall ends the loading of a value that takes more than smallBytes, of which the head is enough.
var errNotSmall = errors.New("the value is not small")

func (r *reader) loadTable(c collection, id int64, t table, need Need) error {
	s, err := r.stmt(tables[t].loadSQL())
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := s.BindInt64(1, id); err != nil {
		return err
	}
	row := tableRow{table: t, key: id, reader: r, stmt: s}
	if tables[t].step != 0 {
		row.run = &runReader{d: &tables[t]}
	}
	var b breath
	for s.Step() {
		b.step(1)
		if need != NeedValue && row.inPieces() {
			return errNotSmall
		}
		if err := row.restoreTo(c); err != nil {
			return err
		}
		if need != NeedValue && c.size() > r.small {
			return errNotSmall
		}
	}
	return s.Err()
}

// restoreTo restores the row, or those of the run, at which the statement stands.
func (r *tableRow) restoreTo(c collection) error {
	r.n = r.stmt.ColumnInt64(0)
	if r.run == nil {
		return cmp.Or(c.restore(r), r.err)
	}
	r.run.open(r.n, r.column(0), r.column(1))
	if r.err != nil {
		return r.err
	}
	for r.run.next() {
		r.n = r.run.n
		if err := c.restore(r); err != nil {
			return err
		}
	}
	return r.run.err()
}
