package store

import (
	"crypto/sha256"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// What a client may store is up to 512 MB long: a field, a value, a member, an element, an entry, the name of a key
// or of a consumer group. SQLite handles a row in its own memory, whole and more than once (the parameter, the record
// that is made of it, what of it is compared or read), and that memory is bounded: see sqlite.go. So no row is long:
//
//	column of a collection's row    below chunkBytes: all of it; else its first chunkBytes, and the rest stands
//	                                in the table pieces
//	name of a key                   below longName: all of it; else its first bytes and its SHA-256, longName
//	                                together, and all of it stands in pieces
//
// A length of chunkBytes, or of longName, is thus what says that there is more. The readable views show what a row
// has. An index on names that are all the same for a megabyte compares 64 KiB of them, and a look-up binds no more.
//
// Rows of ordinary length pay nothing for it: write-back knows the keys that have pieces, which are few or none.

const (
	// longName is the length from which the name of a key stands in pieces.
	longName = 64 << 10
	// namePrefix is how much of a long name its row begins with.
	namePrefix = longName - sha256.Size
	// namePart is a name's part in pieces; its n is 0. The columns of a row count from 1.
	namePart = 0
)

// storedName is what stands in keys for a name. It refers to the name's bytes if they are not many.
func storedName[T string | []byte](name T) []byte {
	if len(name) < longName {
		return viewBytes(name)
	}
	sum := sha256.Sum256(viewBytes(name))
	return append(append(make([]byte, 0, longName), name[:namePrefix]...), sum[:]...)
}

// viewBytes views a name's bytes, never nil.
func viewBytes[T string | []byte](name T) []byte {
	switch name := any(name).(type) {
	case string:
		return bytesOf(name)
	case []byte:
		return notNil(name)
	}
	return nil
}

// head is what of a column's bytes stands in its row.
func head(b []byte) []byte { return b[:min(len(b), chunkBytes)] }

// A rope is bytes that stand in several places.
type rope [][]byte

// take takes the next n bytes off, or what there is; they are copied only if they do not stand together.
func (r *rope) take(n int) (b []byte) {
	for len(*r) > 0 && len(b) < n {
		first := (*r)[0]
		part := first[:min(len(first), n-len(b))]
		if len(part) == len(first) {
			*r = (*r)[1:]
		} else {
			(*r)[0] = first[len(part):]
		}
		if b == nil {
			b = part[:len(part):len(part)]
		} else {
			b = append(b, part...)
		}
	}
	return b
}

// putPieces writes what follows a column's head, or a long name. Those that were there before are gone: see dropPieces.
func (w *writer) putPieces(id, n int64, part int, rest rope) {
	for piece := int64(0); w.err == nil; piece++ {
		data := rest.take(chunkBytes)
		if len(data) == 0 {
			return
		}
		w.pieced[id] = struct{}{}
		w.bindID(w.putPiece, id)
		w.bindInt(w.putPiece, 2, n)
		w.bindInt(w.putPiece, 3, int64(part))
		w.bindInt(w.putPiece, 4, piece)
		w.bindBlob(w.putPiece, 5, data)
		w.step(w.putPiece)
		w.wrote(len(data))
	}
}

// dropPieces removes those of a row that goes, or is written anew.
func (w *writer) dropPieces(id, n int64) {
	if w.hasPieces(id) {
		w.run(w.dropRow, id, n)
	}
}

// hasPieces reports whether the key may have any.
func (w *writer) hasPieces(id int64) bool {
	if len(w.pieced) == 0 {
		return false
	}
	_, has := w.pieced[id]
	return has
}

// putName writes a long name's pieces in the place of those of the name before.
func (w *writer) putName(id int64, name string) {
	if w.hasPieces(id) {
		w.run(w.dropName, id)
	}
	if len(name) >= longName {
		w.putPieces(id, 0, namePart, rope{bytesOf(name)})
	}
}

// putRowPieces writes what is too long of a row whose table is not kept in runs. Its columns
// are in cols as a recordWriter encoded them.
func (w *writer) putRowPieces(d *tableDef, id, n int64, cols []byte) {
	r := columnReader{cols}
	for i, c := range d.columns {
		switch c.kind {
		case blobColumn:
			b := r.blob()
			w.putPieces(id, n, i+1, rope{b[len(head(b)):]})
		case intColumn:
			r.int()
		case floatColumn:
			r.float()
		}
	}
}

// pieced lists the keys that have pieces.
func pieced(c *sqlite3.Conn) (map[int64]struct{}, error) {
	s, _, err := c.Prepare(`SELECT min(id) FROM pieces WHERE id > ?1`)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	ids := map[int64]struct{}{}
	for id := int64(0); ; {
		if err := s.BindInt64(1, id); err != nil {
			return nil, err
		}
		if !s.Step() || s.ColumnType(0) == sqlite3.NULL {
			return ids, s.Err()
		}
		id = s.ColumnInt64(0)
		ids[id] = struct{}{}
		if err := s.Reset(); err != nil {
			return nil, err
		}
	}
}

// joined is a column or a long name: what its row has, and its pieces. It is freshly allocated.
func (r *reader) joined(id, n int64, part int, head []byte) ([]byte, error) {
	length, err := r.stmt(`SELECT coalesce(sum(length(data)), 0) FROM pieces WHERE id = ?1 AND n = ?2 AND part = ?3`)
	if err != nil {
		return nil, err
	}
	defer length.Reset()
	if err := bind(length, id, n, part); err != nil {
		return nil, err
	}
	if !length.Step() {
		return nil, length.Err()
	}
	whole := append(make([]byte, 0, int64(len(head))+length.ColumnInt64(0)), head...)
	s, err := r.stmt(`SELECT piece, data FROM pieces WHERE id = ?1 AND n = ?2 AND part = ?3 ORDER BY piece`)
	if err != nil {
		return nil, err
	}
	defer s.Reset()
	if err := bind(s, id, n, part); err != nil {
		return nil, err
	}
	var b breath
	for piece := int64(0); s.Step(); piece++ {
		b.step(breathSteps / 4)
		if s.ColumnInt64(0) != piece {
			return nil, fmt.Errorf("%w: piece %d of key %d, row %d, is missing", ErrDamaged, piece, id, n)
		}
		whole = append(whole, s.ColumnRawBlob(1)...)
	}
	return whole, s.Err()
}

// name is a key's name, of which stored stands in its row.
func (r *reader) name(id int64, stored []byte) (string, error) {
	if len(stored) < longName {
		return string(stored), nil
	}
	name, err := r.joined(id, 0, namePart, nil)
	return viewString(name), err
}

// inPieces reports whether more of the row is in pieces, which are not read for it.
func (r *tableRow) inPieces() bool {
	for i, c := range tables[r.table].stored() {
		if c.kind == blobColumn && len(r.stmt.ColumnRawBlob(i+1)) >= chunkBytes {
			return true
		}
	}
	return false
}

// column is what a row has of a column, which counts from 0 in the table's definition, with its
// pieces if there are any.
func (r *tableRow) column(i int) (b []byte) {
	b = r.stmt.ColumnRawBlob(i + 1)
	if len(b) < chunkBytes || r.err != nil {
		return b
	}
	b, r.err = r.reader.joined(r.key, r.stmt.ColumnInt64(0), i+1, b)
	return b
}
