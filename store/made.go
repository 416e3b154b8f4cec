package store

import (
	"iter"
	"slices"
)

// A Made is a collection that is no key's yet. One of a million elements takes long to make, so that is done
// without the keyspace lock, from snapshots, with the record of its rows; giving it to a key then takes the
// same time whatever its size.
type Made struct {
	coll collection
	rows recordWriter // empty = they are recorded when a key gets it
}

// MakeSet makes a set of copies of the members, which may repeat themselves. If there are many,
// there are about so many.
func MakeSet(members iter.Seq[string], about int) *Made {
	s := newSet()
	for m := range members {
		if s.Has(m) {
			continue
		}
		if s.members.large == nil && s.Len() == packElements {
			s.members.grow(about)
		}
		s.insert(m)
	}
	return &Made{coll: s}
}

// MakeZSet makes a sorted set of copies of the members, which are in its order; none comes twice.
func MakeZSet(members []Scored) *Made {
	z := newZSet()
	if len(members) <= packElements {
		for _, it := range members {
			z.add(it.Member, it.Score)
		}
		return &Made{coll: z}
	}
	z.large = &largeZSet{dict: newDictFor[float64](len(members))}
	named := make([]Scored, len(members))
	for i, it := range members {
		named[i] = Scored{it.Score, z.addRow(int64(i+1), it.Member, it.Score)}
	}
	z.large.order = rankedOf(named)
	return &Made{coll: z}
}

// MakeList makes a list. It copies the elements.
func MakeList(elements []string) *Made { return makeList(elements, false) }

// KeepList is MakeList for elements that never change and that nobody else needs: it keeps them.
func KeepList(elements []string) *Made { return makeList(elements, true) }

func makeList(elements []string, kept bool) *Made {
	l := &List{}
	for i, e := range elements {
		l.add(i, element{int64(i) * positionStep, e}, kept)
	}
	return &Made{coll: l}
}

// MakeStream makes a stream without groups, which remembers what it is told. Its entries come in the order of their
// ids; it keeps their fields.
func MakeStream(last, deleted StreamID, added int64, entries iter.Seq2[StreamID, StreamFields]) *Made {
	s := newStream()
	s.lastID, s.deleted, s.added = last, deleted, added
	for id, fields := range entries {
		s.entries.append(streamEntry{id: id, n: s.number(), fields: fields})
	}
	return &Made{coll: s}
}

// MakeHash makes a hash of copies of fields and values, which take turns; no field comes twice.
func MakeHash(fields []string) *Made {
	h := newHash()
	for i := 0; i+1 < len(fields); i += 2 {
		if h.fields.large == nil && h.Len() == packElements {
			h.fields.grow(len(fields) / 2)
		}
		h.fields.add(fields[i], fields[i+1])
		h.grown.note(h.fields.len(), len(fields[i]), len(fields[i+1]))
	}
	return &Made{coll: h}
}

// Snapshot is a copy of what a key holds, to be completed by Complete; nil if that is no collection.
func (v *View) Snapshot(key []byte) *Made {
	if o := v.peek(key); o != nil && o.coll() != nil {
		return &Made{coll: o.coll().snapshot()}
	}
	return nil
}

// Complete completes a snapshot. The caller need not hold the keyspace lock.
func (m *Made) Complete() *Made {
	if err := m.coll.restored(); err != nil {
		panic(err) // it was complete when it was copied
	}
	return m
}

// Record records the rows, so that it takes no time under the keyspace lock later.
func (m *Made) Record() *Made {
	if m.Len() < lumpElements {
		m.coll.rows(&m.rows, createdKey)
	} else {
		m.rows.recordLump(m.coll)
	}
	return m
}

// Len is the number of its elements.
func (m *Made) Len() int { return m.coll.length() }

// Place makes the key what was made, whatever it held, and returns the number of elements; with none the key is gone.
func (tx *Tx) Place(key []byte, m *Made) int {
	o := tx.editHead(key)
	if o.typ != None {
		tx.replace(o)
	}
	if m.Len() > 0 {
		tx.place(o, m, 0)
	}
	tx.replaced = nil
	return m.Len()
}

// place makes an absent name a key with what was made.
func (tx *Tx) place(o *object, m *Made, deadline int64) {
	o.setColl(m.coll)
	tx.create(o, m.coll.kind(), deadline)
	switch {
	case len(m.rows.head) > 0:
		tx.rec.beside(&m.rows)
	case m.Len() < lumpElements:
		m.coll.rows(&tx.rec, createdKey)
	default:
		tx.rec.recordLump(m.coll)
	}
}

// A Version tells a state of a key from all others. The zero Version is that of an absent key.
type Version struct {
	o   *object
	id  int64
	lsn uint64
}

// Versions are those of some keys. Who found them, and finds the same ones after the keyspace lock was let go of,
// knows that nothing has become of the keys meanwhile. A key that was unloaded and loaded again has another one.
func (v *View) Versions(keys [][]byte) []Version {
	versions := make([]Version, len(keys))
	for i, key := range keys {
		if o := v.peekHead(key); o != nil {
			versions[i] = Version{o, o.id, o.lsn}
		}
	}
	return versions
}

// Unchanged reports whether the keys have these versions.
func (v *View) Unchanged(keys [][]byte, versions []Version) bool {
	return slices.Equal(v.Versions(keys), versions)
}
