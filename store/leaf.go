package store

import "errors"

// Whoever only wants to see what is in a hash, set or sorted set leafs through its rows: to go on from a number reads
// no others, where HSCAN and its kind load the whole for their first answer. A hash of five million fields on disk took
// 21 s and 300 MB for that; a page of it takes a ms and next to nothing.

// An Element is a row of a collection. A name or value is the beginning of it if it is longer than LeafBytes.
type Element struct {
	Name, Value           string // a field or member, and the field's value
	NameBytes, ValueBytes int64  // their lengths; of one of LongElement and more that is all that is known
	Score                 float64
}

const (
	LeafBytes   = 1 << 10    // of a name or value that are read
	LongElement = chunkBytes // a name or value from which on its length is not known
)

// A LeafPlace is where one goes on: behind a row of the key with an id. The zero one is the beginning of any key.
type LeafPlace struct{ Key, Row int64 }

// ErrNotThere says that the tables do not have the key that the name belongs to, or that it is of a type that has no
// rows with names, or another key than the one of the place. One that was written in the last seconds may be in memory
// alone.
var ErrNotThere = errors.New("the tables have no such collection yet")

// Leaf lists at most so many elements of a hash, set or sorted set behind a place, in order of birth, and the place to
// go on from; the zero one = that was all. They are as the tables have them: what has changed in the last seconds may
// be missing or be otherwise by now. An element that is there throughout comes once, and none comes of a key that had
// the name before. The keyspace lock is held for a look at the database's number and the key's id alone.
func (st *Store) Leaf(
	db int, key string, behind LeafPlace, most int, now int64,
) (elements []Element, next LeafPlace, err error) {
	var space, id int64
	known := false
	if err := st.Look(false, func() {
		s := st.dbs[db]
		space = s.id
		// The tables may still have a key that was deleted (I5), or the one before this one.
		if o := s.keys.get(key); o != nil && o.load() == nil {
			id, known = o.id, true
		}
	}); err != nil {
		return nil, next, err
	}
	err = st.readers.use(func(r *reader) error {
		var of row
		if err := r.row(space, key, NeedHead, &of); err != nil {
			return err
		}
		if of.id == 0 || !hasNames(of.typ) || known && of.id != id || behind.Key != 0 && of.id != behind.Key {
			return ErrNotThere
		}
		elements, next.Row, err = r.leaf(of.id, of.typ, behind.Row, most, now)
		if next.Row != 0 {
			next.Key = of.id
		}
		return err
	})
	if err != nil && err != ErrNotThere {
		err = st.failed(place{op: scanning}, err)
	}
	return elements, next, err
}

// leafSQL are, by type, the beginnings and the lengths of a name and of what it has.
var leafSQL = map[Type]string{
	TypeHash: `substr(field, 1, ?4), length(field), substr(value, 1, ?4), length(value), expires_ms FROM hash_fields`,
	TypeSet:  `substr(member, 1, ?4), length(member) FROM set_members`,
	TypeZSet: `substr(member, 1, ?4), length(member), score FROM zset_members`,
}

func (r *reader) leaf(id int64, t Type, behind int64, most int, now int64) (elements []Element, next int64, err error) {
	q, err := r.stmt(`SELECT n, ` + leafSQL[t] + ` WHERE id = ?1 AND n > ?2 ORDER BY n LIMIT ?3`)
	if err != nil {
		return nil, 0, err
	}
	defer q.Reset()
	if err := bind(q, id, behind, most, LeafBytes); err != nil {
		return nil, 0, err
	}
	rows := 0
	for ; q.Step(); rows++ {
		next = q.ColumnInt64(0)
		e := Element{Name: string(q.ColumnRawBlob(1)), NameBytes: q.ColumnInt64(2)}
		switch t {
		case TypeHash:
			if due := q.ColumnInt64(5); due > 0 && due <= now {
				continue
			}
			e.Value, e.ValueBytes = string(q.ColumnRawBlob(3)), q.ColumnInt64(4)
		case TypeZSet:
			e.Score = q.ColumnFloat(3)
		}
		elements = append(elements, e)
	}
	if rows < most {
		next = 0
	}
	return elements, next, q.Err()
}
