package store

import (
	"bytes"
	"errors"
	"hash/maphash"

	"github.com/ncruces/go-sqlite3"
)

// The index on names is read once, and so is the table: whether the one has what the other has is told by the sums of
// the hashes of what they have, in whatever order. A look-up goes by the index's own order, so that is looked at, too.
// Only if they differ is each key looked up, which takes some us a key.

// index notes which keys the index on names does not lead to.
func (l *looker) index() {
	cause, sound := l.indexFits()
	if sound {
		return
	}
	p := DamagedPart{Table: "keys_by_name", Note: "these keys are not found by their names, and are whole"}
	if cause != nil {
		p.Cause = plain(cause).Error()
	}
	if err := l.unfound(&p); err != nil || len(p.Keys) == 0 {
		p.Note = "the index on names is damaged, and no key is known that it does not lead to"
	}
	l.parts = append(l.parts, p)
}

var errNamesOrder = errors.New("the index on names is not in order")

// indexFits compares the index with the table. cause is why the index can not be read, or is not in order. Of a table
// that can not be read itself it can not be told: what the index has is then taken for sound, if it can be read.
func (l *looker) indexFits() (cause error, sound bool) {
	var inIndex, inTable nameSum
	var space int64
	var name []byte
	cause = l.eachName(`INDEXED BY keys_by_name ORDER BY space, key`, func(id, of int64, stored []byte) error {
		if inIndex.keys > 0 && (of < space || of == space && bytes.Compare(stored, name) <= 0) {
			return errNamesOrder
		}
		space, name = of, append(name[:0], stored...)
		inIndex.add(id, of, stored)
		return nil
	})
	if cause != nil {
		return cause, false
	}
	if err := l.eachName(`NOT INDEXED`, func(id, of int64, stored []byte) error {
		inTable.add(id, of, stored)
		return nil
	}); err != nil {
		return nil, true
	}
	return nil, inIndex == inTable
}

// eachName gives all ids, spaces and stored names to fn, as far as they can be read.
func (l *looker) eachName(how string, fn func(id, space int64, stored []byte) error) error {
	s, _, err := l.c.Prepare(`SELECT id, space, key FROM keys ` + how)
	if err != nil {
		return err
	}
	defer s.Close()
	for s.Step() {
		if err := fn(s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnRawBlob(2)); err != nil {
			return err
		}
	}
	return s.Err()
}

// nameSum tells a set of keys from others, whatever their order.
type nameSum struct{ keys, sum uint64 }

var nameSeed = maphash.MakeSeed()

func (n *nameSum) add(id, space int64, stored []byte) {
	n.keys++
	n.sum += maphash.Comparable(nameSeed, [3]uint64{uint64(id), uint64(space), maphash.Bytes(nameSeed, stored)})
}

// unfound names the keys of the table that a look-up by name does not find.
func (l *looker) unfound(p *DamagedPart) error {
	find, _, err := l.c.Prepare(`SELECT id FROM keys INDEXED BY keys_by_name WHERE space = ?1 AND key = ?2`)
	if err != nil {
		return err
	}
	defer find.Close()
	r := rescue{from: l.c}
	return r.each(rescued{"keys", []string{"id"}}, []string{"space", "key"}, func(s *sqlite3.Stmt) error {
		name := s.ColumnRawBlob(2)
		if err := bind(find, s.ColumnInt64(1), notNil(name)); err != nil {
			return err
		}
		if found := find.Step() && find.ColumnInt64(0) == s.ColumnInt64(0); !found {
			l.nameOf(p, s.ColumnInt64(0), s.ColumnInt64(1), name)
		}
		_ = find.Reset() // says again why it was not found
		return nil
	})
}
