package store

// This file is what hashes, sets and sorted sets do to be held in parts (paged.go), and what commands that name
// elements ask for.

func (e *elements[V]) next() int64 {
	if e.large != nil {
		return e.large.next
	}
	return e.pack.next()
}

// from makes the number of the next new element higher: those below may have been given out.
func (e *elements[V]) from(next int64) {
	if e.next() >= next {
		return
	}
	if e.large == nil {
		e.grow(0)
	}
	e.large.next = next
}

// adopt takes in a copy of an element, with its number.
func (e *elements[V]) adopt(s slot[V]) {
	if have, there := e.find(s.name); !there || have.n != s.n {
		e.remove(s.name)
		e.restore(s.n, s.name, s.val.text())
	} else {
		e.put(s.name, s.val.text())
	}
}

func (h *Hash) number(name string) (n int64, ok bool) {
	s, ok := h.fields.find(name)
	return s.n, ok
}

func (h *Hash) adopt(from parted, name string) {
	s, _ := from.(*Hash).fields.find(name)
	h.fields.adopt(s)
	h.grown.note(h.fields.len(), len(s.name), len(s.val.value))
}

func (h *Hash) discard(name string) {
	if n, ok := h.fields.remove(name); ok && h.deadlines != nil {
		h.deadlines.set(n, "", 0)
	}
}

func (h *Hash) same(other parted, name string) bool {
	a, _ := h.fields.find(name)
	b, _ := other.(*Hash).fields.find(name)
	return a == b
}

func (h *Hash) next() int64     { return h.fields.next() }
func (h *Hash) from(next int64) { h.fields.from(next) }
func (h *Hash) names(fn func(name string, n int64)) {
	h.fields.each(func(s slot[hashValue]) bool {
		fn(s.name, s.n)
		return true
	})
}

func (s *Set) number(name string) (n int64, ok bool) {
	m, ok := s.members.find(name)
	return m.n, ok
}

func (s *Set) adopt(from parted, name string) {
	m, _ := from.(*Set).members.find(name)
	s.members.adopt(m)
	s.note(m.name)
}

func (s *Set) same(other parted, name string) bool {
	a, _ := s.members.find(name)
	b, _ := other.(*Set).members.find(name)
	return a == b
}

func (s *Set) discard(name string) { s.members.remove(name) }
func (s *Set) next() int64         { return s.members.next() }
func (s *Set) from(next int64)     { s.members.from(next) }
func (s *Set) names(fn func(name string, n int64)) {
	s.members.each(func(m slot[noText]) bool {
		fn(m.name, m.n)
		return true
	})
}

func (z *ZSet) number(name string) (n int64, ok bool) {
	if z.large != nil {
		if s := z.large.dict.find(name); s != nil {
			return s.n, true
		}
	} else if place := z.pack.find(name); place >= 0 {
		return z.pack.number(place), true
	}
	return 0, false
}

func (z *ZSet) adopt(from parted, name string) {
	n, _ := from.number(name)
	score, _ := from.(*ZSet).Score(name)
	if have, there := z.number(name); there && have == n {
		z.set(name, score)
		return
	}
	z.discard(name)
	if kept := z.addRow(n, name, score); z.large != nil {
		z.large.order.insert(Scored{score, kept})
	}
}

func (z *ZSet) same(other parted, name string) bool {
	n, _ := z.number(name)
	m, _ := other.number(name)
	a, _ := z.Score(name)
	b, _ := other.(*ZSet).Score(name)
	return n == m && a == b
}

func (z *ZSet) discard(name string) {
	if _, there := z.number(name); there {
		z.take(name)
	}
}

func (z *ZSet) next() int64 {
	if z.large != nil {
		return z.large.dict.next
	}
	return z.pack.next()
}

func (z *ZSet) from(next int64) {
	if z.next() >= next {
		return
	}
	if z.large == nil {
		z.grow()
	}
	z.large.dict.next = next
}

func (z *ZSet) names(fn func(name string, n int64)) {
	z.After(0, func(n int64, member string, _ float64) bool {
		fn(member, n)
		return true
	})
}

// partOf returns the key's collection of a type, whole or with all that is there of the elements, or nil when there is
// no such key.
func (v *View) partOf(key []byte, names *Names, t Type) (collection, error) {
	o := v.used(v.counted(key, v.withElements(key, names)))
	switch {
	case o == nil:
		return nil, nil
	case o.typ != t:
		return nil, ErrWrongType
	case o.coll() != nil:
		return o.coll(), nil
	}
	return o.outline().part.young.there, nil
}

// HashPart is Hash for a command that asks for these fields alone, with Get and Deadline.
func (v *View) HashPart(key []byte, fields Names) (*Hash, error) {
	c, err := v.partOf(key, &fields, TypeHash)
	h, _ := c.(*Hash)
	h.at(v.now)
	return h, err
}

// SetPart is Set for a command that asks for these members alone, with Has.
func (v *View) SetPart(key []byte, members Names) (*Set, error) {
	c, err := v.partOf(key, &members, TypeSet)
	s, _ := c.(*Set)
	return s, err
}

// ZSetPart is ZSet for a command that asks for these members alone, with Score.
func (v *View) ZSetPart(key []byte, members Names) (*ZSet, error) {
	c, err := v.partOf(key, &members, TypeZSet)
	z, _ := c.(*ZSet)
	return z, err
}

// editPart is editOf for a command that names the elements that it asks for or changes. Unless the collection is whole,
// it may look at nothing else.
func (tx *Tx) editPart(key []byte, names *Names, t Type) (e editing, c collection, whole bool, err error) {
	o := tx.edited(tx.withElements(key, names))
	switch {
	case o.typ != None && o.typ != t:
		return editing{}, nil, false, ErrWrongType
	case o.headOnly:
		return editing{tx, o, o.outline()}, o.outline().part.young.there, false, nil
	}
	return editing{tx: tx, o: o}, o.coll(), true, nil
}

// EditHashPart is EditHash for a command that does no more than Get, Set, Update and Delete these fields, and Len.
func (tx *Tx) EditHashPart(key []byte, fields Names) (HashTx, error) {
	e, c, whole, err := tx.editPart(key, &fields, TypeHash)
	if err != nil || !whole {
		h, _ := c.(*Hash)
		return HashTx{h, e}, err
	}
	return e.hash(c)
}

// EditSetPart is EditSet for a command that does no more than Has, Add and Remove these members, and Len.
func (tx *Tx) EditSetPart(key []byte, members Names) (SetTx, error) {
	e, c, _, err := tx.editPart(key, &members, TypeSet)
	if err != nil {
		return SetTx{}, err
	}
	s, ok := c.(*Set)
	if !ok {
		s = newSet()
	}
	return SetTx{s, e}, nil
}

// EditZSetPart is EditZSet for a command that does no more than Score, Set and Remove these members, Len and Shape.
func (tx *Tx) EditZSetPart(key []byte, members Names) (ZSetTx, error) {
	e, c, _, err := tx.editPart(key, &members, TypeZSet)
	if err != nil {
		return ZSetTx{}, err
	}
	z, ok := c.(*ZSet)
	if !ok {
		z = newZSet()
	}
	return ZSetTx{z, e}, nil
}

// Len is Hash.Len.
func (h HashTx) Len() int { return h.lengthOf(h.Hash) }

// Len is Set.Len.
func (s SetTx) Len() int { return s.lengthOf(s.Set) }

// Len is ZSet.Len.
func (z ZSetTx) Len() int { return z.lengthOf(z.ZSet) }

// Shape is ZSet.Shape.
func (z ZSetTx) Shape() Shape {
	if z.outline != nil {
		return z.outline.shape
	}
	return z.ZSet.Shape()
}

// lengthOf is the number of elements of the key, of which c may be a part.
func (e editing) lengthOf(c collection) int {
	if e.outline != nil {
		return e.outline.shape.Len
	}
	return c.length()
}
