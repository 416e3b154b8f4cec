package store

// A ZSet is a sorted set: members with scores, found by name in a dict and by rank in a B-tree. Commands that
// read get it from View.ZSet; a nil *ZSet is that of an absent key and is empty.
//
// Ranges are given by ranks, from 0: from .. to-1. Seek turns other bounds into ranks.
type ZSet struct {
	dict  dict[float64]
	order ranked
	grown outgrown
}

const scoreBytes = 8

func newZSet() *ZSet { return &ZSet{dict: newDict[float64](), order: newRanked()} }

// ZSet returns the key's sorted set, nil when the key is not there.
func (v *View) ZSet(key []byte) (*ZSet, error) {
	c, err := v.collectionOf(key, TypeZSet)
	z, _ := c.(*ZSet)
	return z, err
}

// Len is the number of members.
func (z *ZSet) Len() int {
	if z == nil {
		return 0
	}
	return z.dict.live
}

// Score returns a member's score.
func (z *ZSet) Score(member string) (score float64, ok bool) {
	if z == nil {
		return 0, false
	}
	s := z.dict.find(member)
	if s == nil {
		return 0, false
	}
	return s.val, true
}

// Rank is how many members come before this one.
func (z *ZSet) Rank(member string) (rank int, score float64, ok bool) {
	score, ok = z.Score(member)
	if !ok {
		return 0, 0, false
	}
	it := Scored{score, member}
	return z.Seek(func(other *Scored) bool { return other.before(&it) }), score, true
}

// Seek is how many members come before a bound: those for which before is true. They must be the first ones.
func (z *ZSet) Seek(before func(it *Scored) bool) (rank int) {
	if z == nil {
		return 0
	}
	return z.order.seek(before)
}

// At returns the member of a rank below Len.
func (z *ZSet) At(rank int) Scored { return *z.order.at(rank) }

// Each calls fn for the members of the ranks from .. to-1 until it returns false.
func (z *ZSet) Each(from, to int, fn func(it *Scored) bool) {
	if from < to {
		z.order.root.each(from, to, fn)
	}
}

// Back is Each in reverse order.
func (z *ZSet) Back(from, to int, fn func(it *Scored) bool) {
	if from < to {
		z.order.root.back(from, to, fn)
	}
}

// After calls fn for the members in order of birth, from the first whose number is above n, until it returns false. A member's
// number stays the same, so who is there throughout a scan is seen exactly once.
func (z *ZSet) After(n int64, fn func(n int64, member string, score float64) bool) {
	if z != nil {
		z.dict.after(n, func(s *slot[float64]) bool { return fn(s.n, s.name, s.val) })
	}
}

// MemberBytes is the length of all members together.
func (z *ZSet) MemberBytes() int64 { return z.dict.bytes }

// Random returns a member, each with the same chance. The set is not empty.
func (z *ZSet) Random() Scored {
	s := z.dict.random()
	return Scored{s.val, s.name}
}

// Sample calls fn with count different members, or with all if there are no more, in time of count.
func (z *ZSet) Sample(count int, fn func(it Scored)) {
	z.dict.sample(count, func(s *slot[float64]) { fn(Scored{s.val, s.name}) })
}

// A ZSetTx is a sorted set that a command changes. The key comes to be with its first member and goes with its last (I7).
type ZSetTx struct {
	*ZSet
	editing
}

// EditZSet returns the key's sorted set for changing it; an empty one when the key is not there.
func (tx *Tx) EditZSet(key []byte) (ZSetTx, error) {
	e, c, err := tx.editOf(key, TypeZSet)
	if err != nil {
		return ZSetTx{}, err
	}
	z, ok := c.(*ZSet)
	if !ok {
		z = newZSet()
	}
	return ZSetTx{z, e}, nil
}

// Set gives a member a score. It copies the member. The score it has already changes nothing.
func (z ZSetTx) Set(member []byte, score float64) (created, updated bool) {
	s := z.dict.find(viewString(member))
	if s != nil && s.val == score {
		return false, false
	}
	id := z.begin(z.ZSet)
	if s == nil {
		z.tx.rec.insert()
		s = z.add(string(member), score)
		created = true
	} else {
		z.order.remove(Scored{s.val, s.name})
		s.val = score
		z.order.insert(Scored{score, s.name})
	}
	z.put(&z.tx.rec, id, s)
	z.changed()
	return created, !created
}

// add is for a member that is not there.
func (z *ZSet) add(member string, score float64) *slot[float64] {
	s := z.dict.add(member, score)
	z.order.insert(Scored{score, member})
	z.grown.note(z.dict.live, len(member))
	return s
}

// Remove removes a member and reports whether it was there.
func (z ZSetTx) Remove(member []byte) bool {
	s := z.dict.find(viewString(member))
	if s == nil {
		return false
	}
	z.remove(Scored{s.val, s.name})
	z.changed()
	return true
}

func (z ZSetTx) remove(it Scored) {
	n, _, _ := z.dict.remove(it.Member)
	z.order.remove(it)
	z.tx.rec.remove(z.o.id, zsetMembers, n)
}

// RemoveRanks removes the members of the ranks from .. to-1. Without any left, the key goes as a whole.
func (z ZSetTx) RemoveRanks(from, to int) {
	switch {
	case from >= to:
		return
	case to-from == z.Len():
		z.tx.drop(z.o)
		return
	}
	items := make([]Scored, 0, to-from)
	z.Each(from, to, func(it *Scored) bool {
		items = append(items, *it)
		return true
	})
	for _, it := range items {
		z.remove(it)
	}
	z.changed()
}

// ReplaceZSet gives a key a new sorted set, whatever it held; without members there is no key then. No member may come
// twice.
func (tx *Tx) ReplaceZSet(key []byte, members []Scored) {
	o := tx.edit(key)
	if o.typ != None {
		tx.replace(o)
	}
	if len(members) == 0 {
		tx.replaced = nil
		return
	}
	z := newZSet()
	for _, it := range members {
		z.add(it.Member, it.Score)
	}
	o.coll = z
	tx.create(o, TypeZSet, 0)
	z.rows(&tx.rec, o.id)
}

func (z *ZSet) put(w *recordWriter, id int64, s *slot[float64]) {
	w.put(id, zsetMembers, s.n)
	w.colStr(s.name)
	w.colFloat(s.val)
	w.end()
}

func (z *ZSet) kind() Type  { return TypeZSet }
func (z *ZSet) length() int { return z.dict.live }
func (z *ZSet) size() int64 { return z.dict.size(scoreBytes) + z.order.bytes }

func (z *ZSet) clone() collection {
	return &ZSet{dict: z.dict.clone(), order: z.order.clone(), grown: z.grown}
}

func (z *ZSet) shape() Shape { return z.Shape() }

// Shape is View.Shape of this sorted set.
func (z *ZSet) Shape() Shape {
	return Shape{Type: TypeZSet, Len: z.dict.live, MostLen: z.grown.mostLen, LongestBytes: z.grown.longest}
}

func (z *ZSet) rows(w *recordWriter, id int64) {
	z.dict.each(func(s *slot[float64]) bool {
		z.put(w, id, s)
		return true
	})
}

func (z *ZSet) restore(r *tableRow) error {
	member := r.str(0)
	z.dict.restore(r.n, member, r.float(1))
	z.grown.note(z.dict.live, len(member))
	return nil
}

// restored puts the members in order: sorted ones fill the nodes.
func (z *ZSet) restored() error {
	items := make([]Scored, 0, z.dict.live)
	z.dict.each(func(s *slot[float64]) bool {
		items = append(items, Scored{s.val, s.name})
		return true
	})
	SortScored(items)
	for _, it := range items {
		z.order.insert(it)
	}
	return nil
}
