package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"diskette/expire"
)

// A SnapshotKey is a key of a snapshot. Its strings and bytes are the snapshot's and good until the function that was
// given it returns; what is given by Elements, Entries and Groups, until theirs does.
type SnapshotKey struct {
	Name     string
	Type     Type
	Deadline int64 // unix ms, 0 = none
	Bytes    int64 // a string's length

	s     *Snapshot
	id    int64
	value []byte // a string's that does not stand in chunks
}

// A SnapshotElement is one of a list, set, sorted set or hash.
type SnapshotElement struct {
	Name, Value string // of a hash the field and its value; else Name is the element
	Score       float64
	Deadline    int64 // a field's, unix ms, 0 = none
}

// Keys calls fn for the keys of a database that have not expired at the snapshot's moment, in the order of their birth,
// until it returns an error.
func (s *Snapshot) Keys(d SnapshotDatabase, fn func(k *SnapshotKey) error) error {
	var all int64
	for _, other := range s.Databases {
		all += other.Keys
	}
	err := s.r.guard(func() error {
		if d.Keys >= all/4 {
			return s.walk(d.space, fn)
		}
		return s.listed(d.space, fn)
	})
	return nameDamage(s.r.dir, err)
}

const snapshotColumns = `SELECT id, key, type, expires_ms, chunked, value FROM keys `

// walk goes through the keys of all databases: for one that has many of them.
func (s *Snapshot) walk(space int64, fn func(k *SnapshotKey) error) error {
	q, err := s.r.stmt(snapshotColumns + `NOT INDEXED WHERE space = ?1 ORDER BY id`)
	if err != nil {
		return err
	}
	defer q.Reset()
	if err := bind(q, space); err != nil {
		return err
	}
	for q.Step() {
		if err := s.key(q, fn); err != nil {
			return err
		}
	}
	return q.Err()
}

// listedKeys is how many ids listed holds at a time.
var listedKeys = 1 << 20 // tests lower it

// listed goes by ids, which the index on names has, so many at a time.
func (s *Snapshot) listed(space int64, fn func(k *SnapshotKey) error) error {
	q, err := s.r.stmt(snapshotColumns + `WHERE id = ?1`)
	if err != nil {
		return err
	}
	for after := int64(math.MinInt64); ; {
		ids, err := s.idsAfter(space, after)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := bind(q, id); err != nil {
				return err
			}
			if q.Step() {
				err = s.key(q, fn)
			}
			if err = errors.Join(err, q.Reset()); err != nil {
				return err
			}
		}
		after = ids[len(ids)-1]
	}
}

// idsAfter returns the lowest ids above one, in order.
func (s *Snapshot) idsAfter(space, after int64) (ids []int64, err error) {
	q, err := s.r.stmt(`SELECT id FROM keys INDEXED BY keys_by_name WHERE space = ?1`)
	if err != nil {
		return nil, err
	}
	defer q.Reset()
	if err := bind(q, space); err != nil {
		return nil, err
	}
	for q.Step() {
		s.step.step(1)
		id := q.ColumnInt64(0)
		if id <= after {
			continue
		}
		if ids = append(ids, id); len(ids) == 2*listedKeys {
			slices.Sort(ids)
			ids = ids[:listedKeys]
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), listedKeys)], q.Err()
}

// key gives fn the key at which a statement stands.
func (s *Snapshot) key(q *sqlite3.Stmt, fn func(k *SnapshotKey) error) (err error) {
	s.step.step(1)
	k := &s.at
	*k = SnapshotKey{s: s, id: q.ColumnInt64(0), Type: Type(q.ColumnInt64(2)), Deadline: q.ColumnInt64(3),
		Bytes: q.ColumnInt64(4)}
	if typ := q.ColumnInt64(2); typ < int64(TypeString) || typ > int64(TypeStream) {
		return fmt.Errorf("%w: %d, of key %d", errNoType, typ, k.id)
	}
	if expire.Due(k.Deadline, s.TimeMs) {
		return nil
	}
	if stored := q.ColumnRawBlob(1); len(stored) < longName {
		k.Name = viewString(stored)
	} else if k.Name, err = s.r.name(k.id, stored); err != nil {
		return err
	}
	if k.Type == TypeString && k.Bytes == 0 {
		k.value = notNil(q.ColumnRawBlob(5))
		k.Bytes = int64(len(k.value))
	}
	return fn(k)
}

// Whole is a string that stands in one piece; nil = Text tells it.
func (k *SnapshotKey) Whole() []byte { return k.value }

// Text calls fn with the pieces of a string, in order.
func (k *SnapshotKey) Text(fn func(piece []byte) error) error {
	if k.value != nil {
		return fn(k.value)
	}
	s := k.s.r.chunks
	defer s.Reset()
	if err := s.BindInt64(1, k.id); err != nil {
		return err
	}
	at := int64(0)
	zeros := func(to int64) (err error) { // what is missing
		for ; at < to && err == nil; at += min(chunkBytes, to-at) {
			err = fn(zeroChunk[:min(chunkBytes, to-at)])
		}
		return err
	}
	for s.Step() {
		k.s.step.step(breathSteps)
		data := s.ColumnRawBlob(1)
		from := s.ColumnInt64(0) * chunkBytes
		if from < at || from >= k.Bytes {
			return fmt.Errorf("%w: chunk at %d of a string of %d bytes", ErrDamaged, from, k.Bytes)
		}
		if err := zeros(from); err != nil {
			return err
		}
		data = data[:min(int64(len(data)), k.Bytes-at)]
		if err := fn(data); err != nil {
			return err
		}
		at += int64(len(data))
	}
	if err := s.Err(); err != nil {
		return err
	}
	return zeros(k.Bytes)
}

var zeroChunk [chunkBytes]byte

// Elements calls fn for the elements of a list, set, sorted set or hash: a list's from its head, the others' in
// the order in which they came. Fields that have expired are left out. It may be called again.
func (k *SnapshotKey) Elements(fn func(e *SnapshotElement) error) error {
	var e SnapshotElement
	return k.rows(elementTable(k.Type), func(r *tableRow) error {
		e.Name = r.view(0)
		switch k.Type {
		case TypeHash:
			e.Value, e.Deadline = r.view(1), r.int(2)
			if r.err == nil && expire.Due(e.Deadline, k.s.TimeMs) {
				return nil
			}
		case TypeZSet:
			e.Score = r.float(1)
		}
		if r.err != nil {
			return r.err
		}
		return fn(&e)
	})
}

// rows calls fn for the key's rows of a table, in the order of n.
func (k *SnapshotKey) rows(t table, fn func(r *tableRow) error) error {
	d := &tables[t]
	s, err := k.s.r.stmt(d.loadSQL())
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := s.BindInt64(1, k.id); err != nil {
		return err
	}
	r := tableRow{table: t, key: k.id, reader: k.s.r, stmt: s}
	if d.step != 0 {
		r.run = &runReader{d: d}
	}
	for s.Step() {
		k.s.step.step(1)
		if r.n = s.ColumnInt64(0); r.run == nil {
			if err := fn(&r); err != nil {
				return err
			}
			continue
		}
		r.run.open(r.n, r.column(0), r.column(1))
		if r.err != nil {
			return r.err
		}
		for r.run.next() {
			r.n = r.run.n
			if err := fn(&r); err != nil {
				return err
			}
		}
		if err := r.run.err(); err != nil {
			return err
		}
	}
	return s.Err()
}

// StreamHead is what a stream remembers of its entries.
func (k *SnapshotKey) StreamHead() (last, deleted StreamID, added int64, err error) {
	err = k.rows(streamHeads, func(r *tableRow) error {
		last, deleted, added = r.id(0), r.id(2), r.int(4)
		return nil
	})
	return last, deleted, added, err
}

// Entries calls fn for a stream's entries, in the order of their ids.
func (k *SnapshotKey) Entries(fn func(id StreamID, fields StreamFields) error) error {
	return k.rows(streamEntries, func(r *tableRow) error {
		fields := StreamFields(r.view(2))
		if !fields.valid() {
			return fmt.Errorf("%w: the fields of entry %d-%d do not decode", ErrDamaged, r.id(0).Ms, r.id(0).Seq)
		}
		return fn(r.id(0), fields)
	})
}

// A SnapshotGroup is a consumer group of a stream, whole.
type SnapshotGroup struct {
	Name      string
	Last      StreamID
	Read      int64 // -1 = unknown
	Consumers []SnapshotConsumer
	Pending   []SnapshotPending // in the order of ids

	n int64
}

// A SnapshotConsumer is a consumer of a group.
type SnapshotConsumer struct {
	Name             string
	SeenMs, ActiveMs int64 // unix; -1 = never
	n                int64
}

// A SnapshotPending is an entry that waits for its acknowledgement.
type SnapshotPending struct {
	ID          StreamID
	Consumer    int   // place in Consumers
	DeliveredMs int64 // unix
	Deliveries  int64
}

// Groups calls fn for a stream's consumer groups, in the order of their names: of what is pending it holds one group's.
func (k *SnapshotKey) Groups(fn func(g *SnapshotGroup) error) error {
	var groups []SnapshotGroup
	err := k.rows(streamGroups, func(r *tableRow) error {
		groups = append(groups, SnapshotGroup{n: r.n, Name: r.str(0), Last: r.id(1), Read: r.int(3)})
		return r.err
	})
	if err != nil || len(groups) == 0 {
		return err
	}
	slices.SortFunc(groups, func(a, b SnapshotGroup) int { return strings.Compare(a.Name, b.Name) })
	err = k.rows(streamConsumers, func(r *tableRow) error {
		at := slices.IndexFunc(groups, func(g SnapshotGroup) bool { return g.n == r.int(0) })
		if at < 0 {
			return fmt.Errorf("%w: consumer %d is of no group", ErrDamaged, r.n)
		}
		g := &groups[at]
		g.Consumers = append(g.Consumers,
			SnapshotConsumer{n: r.n, Name: r.str(1), SeenMs: r.int(2), ActiveMs: r.int(3)})
		return r.err
	})
	for i := range groups {
		if err == nil {
			err = k.pending(&groups[i])
		}
		if err == nil {
			err = fn(&groups[i])
		}
		groups[i] = SnapshotGroup{}
	}
	return err
}

// pending reads what waits in a group.
func (k *SnapshotKey) pending(g *SnapshotGroup) error {
	places := make(map[int64]int, len(g.Consumers))
	for i, c := range g.Consumers {
		places[c.n] = i
	}
	err := k.rows(streamPending, func(r *tableRow) error {
		if r.int(0) != g.n {
			return nil
		}
		place, there := places[r.int(1)]
		if !there {
			return fmt.Errorf("%w: pending entry %d is of no consumer", ErrDamaged, r.n)
		}
		g.Pending = append(g.Pending, SnapshotPending{r.id(2), place, r.int(4), r.int(5)})
		return nil
	})
	slices.SortFunc(g.Pending, func(a, b SnapshotPending) int { return a.ID.Compare(b.ID) })
	return err
}

// OwnHash calls fn for the fields of a hash in the server's own database, which is no client's.
func (s *Snapshot) OwnHash(key string, fn func(e *SnapshotElement) error) error {
	return s.r.guard(func() error {
		q, err := s.r.stmt(snapshotColumns + `WHERE space = (SELECT space FROM spaces WHERE db = ?1) AND key = ?2`)
		if err != nil {
			return err
		}
		defer q.Reset()
		if err := bind(q, ownNumber, []byte(key)); err != nil {
			return err
		}
		if !q.Step() {
			return q.Err()
		}
		return s.key(q, func(k *SnapshotKey) error {
			if k.Type != TypeHash {
				return nil
			}
			return k.Elements(fn)
		})
	})
}
