package store

import (
	"time"

	"diskette/store/order"
)

// While there are bounds, each space has an Order, which says which key goes next. It hears of each change of a key
// under the keyspace lock: what it knows is what memory and tables know together. Of the keys that were there before,
// a scan of the tables tells it in slices; until that is over, those that it has heard of go first.

// order is the policy in package order's words. volatile-ttl goes by the deadlines themselves: see evict_ttl.go.
func (p Policy) order() order.Policy {
	switch p {
	case AllKeysLFU, VolatileLFU:
		return order.LFU
	case AllKeysRandom, VolatileRandom:
		return order.Random
	case AllKeysLRS, VolatileLRS:
		return order.LRS
	case AllKeysLRM, VolatileLRM:
		return order.LRM
	}
	return order.LRU
}

// Bytes that a key takes in the tables, about. A row stands in pages of 4 KiB, of which a long one has several, and a
// name a second time in the index, whose pages are filled to 70 % or so.
func keyBytesOnDisk(name int, value int64, deadline bool) int64 {
	const row, page = 20, pageBytes - 40
	n := int64(name) + value + row
	if deadline {
		n += 30
	}
	if n > page {
		n = (n + page - 1) / page * pageBytes
	} else {
		n = pageBytes / (page / n)
	}
	return n + (int64(name)+nameEntry)*10/7
}

// nameEntry is how many bytes a name has beside it in the index.
const nameEntry = 14

// bytesOnDisk is -1 if memory does not know.
func (o *object) bytesOnDisk() int64 {
	value := int64(len(o.str()))
	switch {
	case o.coll() != nil:
		value = o.coll().size()
	case o.headOnly && (o.outline() == nil || o.outline().rough):
		return -1
	case o.headOnly:
		value = o.outline().bytes
	}
	return keyBytesOnDisk(len(o.name()), value, o.deadline != 0)
}

// ordered tells an Order of something, and the room what that changes. The caller holds the keyspace lock, as for the
// others here.
func (st *Store) ordered(s *space, what func(*order.Order)) int64 {
	before := s.order.Bytes()
	what(s.order)
	grown := s.order.Bytes() - before
	st.grew(s, grown)
	return grown
}

func (st *Store) grew(s *space, bytes int64) {
	r := &st.room
	growth := r.growth.Load() + bytes
	r.growth.Store(growth)
	wake := growth > r.evictAt.Load()
	if s.db >= 0 && s.db < len(r.dbs) {
		d := &r.dbs[s.db]
		d.bytes.Store(s.order.Bytes())
		wake = wake || s.order.Bytes() > d.fullAt.Load()
	}
	if wake && bytes > 0 {
		signal(r.wake)
	}
}

// orderBorn, orderChanged and orderDropped are told of a key that came to be under this name, that was changed, and
// that goes.
func (st *Store) orderBorn(o *object) {
	if o.space.order != nil {
		o.hits = 0 // what made it is no use of it
		o.space.order.Tick(st.tx.now)
		st.ordered(o.space, func(r *order.Order) { r.Born(o.id, o.name(), max(o.bytesOnDisk(), 0), o.deadline != 0) })
	}
}

func (st *Store) orderChanged(o *object, stored bool) {
	if o.space.order == nil || o.typ == None {
		return
	}
	st.ordered(o.space, func(r *order.Order) {
		if bytes := o.bytesOnDisk(); stored {
			r.Stored(o.id, bytes, o.deadline != 0)
		} else {
			r.Modified(o.id, bytes, o.deadline != 0)
		}
	})
}

func (st *Store) orderDropped(o *object) {
	if o.space.order == nil {
		return
	}
	freed := -st.ordered(o.space, func(r *order.Order) { r.Delete(o.id) })
	st.becomesGarbage(o.typ, freed)
}

// orderMoved is told of a key that got another name, to, and perhaps another space.
func (st *Store) orderMoved(from, to *object) {
	if from.space == to.space {
		st.orderChanged(to, false)
		return
	}
	if from.space.order != nil {
		st.ordered(from.space, func(r *order.Order) { r.Delete(from.id) })
	}
	st.orderBorn(to)
}

// orderFlushed is told of a space that no database has any more.
func (st *Store) orderFlushed(s *space) {
	if s.order == nil {
		return
	}
	bytes := s.order.Bytes()
	st.room.dropped.Add(bytes)
	st.room.growth.Store(st.room.growth.Load() - bytes)
	s.order = nil
}

// becomesGarbage notes that rows of a key are left to the reaper.
func (st *Store) becomesGarbage(typ Type, bytes int64) {
	if typ != TypeString || bytes >= chunkBytes {
		st.room.dropped.Add(bytes)
	}
}

// orderUnloaded is told of a key that leaves memory, and what it was used there.
func (st *Store) orderUnloaded(o *object) {
	if o.space.order != nil && o.space.db >= 0 {
		o.space.order.Tick(st.tx.now)
		o.space.order.Used(o.id, o.hits, o.sinceUse(st.tx.now))
	}
}

// orderLoaded gives a key that comes into memory what the Order remembers of it: about when it was used last, and how
// often. Without an Order it begins as a new one.
func (st *Store) orderLoaded(o *object) {
	if o.space.order == nil || o.space.db < 0 {
		return
	}
	o.space.order.Tick(st.tx.now)
	uses, idle, known := o.space.order.Known(o.id)
	if !known {
		return
	}
	o.setUsed(st.tx.now - idle)
	if st.CountsUses() {
		o.countedAs(usesOfNew - 1 + int64(uses))
	}
}

// orderSpace gives a database's space an Order by the bounds, or takes it away.
func (st *Store) orderSpace(db int, b *Bounds) {
	if db >= st.opts.Databases { // the server's own
		return
	}
	s := st.dbs[db]
	switch policy := b.policyOf(db).order(); {
	case !b.limited():
		s.order = nil
	case s.order == nil:
		s.order = order.New(policy)
		s.order.Tick(time.Now().UnixMilli())
		if s.live > 0 {
			st.order.missing = true
			signal(st.room.wake)
		}
	default:
		s.order.SetPolicy(policy)
	}
	bytes := int64(0)
	if s.order != nil {
		bytes = s.order.Bytes()
	}
	st.room.dbs[db].bytes.Store(bytes)
	st.room.dbs[db].nothing.Store(b.policyOf(db) == NoEviction)
}
