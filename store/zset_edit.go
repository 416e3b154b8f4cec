package store

import (
	"encoding/binary"
	"math"
	"strings"
)

// add is for a copy of a member that is not there.
func (z *ZSet) add(member string, score float64) (n int64) {
	if z.large != nil {
		n = z.large.dict.next
	} else {
		n = z.pack.next()
	}
	if name := z.addRow(n, member, score); z.large != nil {
		z.large.order.insert(Scored{score, name})
	}
	return n
}

// addRow is add without the order of a large sorted set. It returns the name that it keeps.
func (z *ZSet) addRow(n int64, member string, score float64) (name string) {
	if z.large == nil && !z.pack.fits(n, member, "") {
		z.grow()
	}
	if z.large == nil {
		var text [scoreBytes]byte
		binary.LittleEndian.PutUint64(text[:], math.Float64bits(score))
		z.pack.insert(z.rank(Scored{score, member}), n, member, viewString(text[:]))
		name = member
	} else {
		name = strings.Clone(member)
		z.large.dict.restore(n, name, score)
	}
	z.grown.note(z.Len(), len(member))
	return name
}

// grow turns the pack into a dict and a tree.
func (z *ZSet) grow() {
	z.large = &largeZSet{newDict[float64](), newRanked()}
	small := z.pack
	z.pack = pack{}
	(&ZSet{pack: small}).After(math.MinInt64, func(n int64, member string, score float64) bool {
		member = strings.Clone(member)
		z.large.dict.restore(n, member, score)
		z.large.order.insert(Scored{score, member})
		return true
	})
	z.large.dict.next = max(z.large.dict.next, small.next())
}

// set gives a member a score and returns its number; the score that it has already changes nothing.
func (z *ZSet) set(member string, score float64) (n int64, created, updated bool) {
	if z.large == nil {
		place := z.pack.find(member)
		switch {
		case place < 0:
			return z.add(member, score), true, false
		case z.scoreAt(place) == score:
			return 0, false, false
		}
		return z.move(place, score), false, true
	}
	s := z.large.dict.find(member)
	switch {
	case s == nil:
		return z.add(member, score), true, false
	case s.val == score:
		return 0, false, false
	}
	z.large.order.remove(Scored{s.val, s.name})
	s.val = score
	z.large.order.insert(Scored{score, s.name})
	return s.n, false, true
}

// move gives the member at a place of the pack another score.
func (z *ZSet) move(from int, score float64) (n int64) {
	to := z.rank(Scored{score, z.pack.name(from)})
	if to > from {
		to-- // where it stands, it came before
	}
	binary.LittleEndian.PutUint64(z.pack.text(from), math.Float64bits(score))
	z.pack.shift(from, to)
	return z.pack.number(to)
}

// take removes a member that is there.
func (z *ZSet) take(member string) (n int64) {
	if z.large != nil {
		n, score, _ := z.large.dict.remove(member)
		z.large.order.remove(Scored{score, member})
		return n
	}
	place := z.pack.find(member)
	n = z.pack.number(place)
	z.pack.remove(place)
	return n
}

// A ZSetTx is a sorted set that a command changes. The key comes to be with its first member
// and goes with its last (I7).
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
	name := viewString(member)
	n, created, updated := z.set(name, score)
	if !created && !updated {
		return false, false
	}
	id := z.ensureKey(z.ZSet)
	if created {
		z.tx.rec.insert()
		z.noteAdded(name)
	}
	putMember(&z.tx.rec, id, n, name, score)
	z.changed()
	return created, updated
}

// Remove removes a member and reports whether it was there.
func (z ZSetTx) Remove(member []byte) bool {
	name := viewString(member)
	if _, there := z.Score(name); !there {
		return false
	}
	z.remove(name)
	z.changed()
	return true
}

func (z ZSetTx) remove(member string) {
	z.noteRemoved(member)
	z.tx.rec.remove(z.o.id, zsetMembers, z.take(member))
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
	if z.outline == nil && z.large != nil && len(items) >= z.Len()/manyOf {
		z.removeMany(items, from, to)
	} else {
		for _, it := range items {
			z.remove(it.Member)
		}
	}
	z.changed()
}

// manyOf is from which part of the members on their order is made anew without those that go: to take 10,000 of 20,000
// out of it one by one took half of the time.
const manyOf = 8

// removeMany removes the members of the ranks from .. to-1, which are gone.
func (z ZSetTx) removeMany(gone []Scored, from, to int) {
	kept := make([]Scored, 0, z.Len()-len(gone))
	keep := func(it *Scored) bool {
		kept = append(kept, *it)
		return true
	}
	z.Each(0, from, keep)
	z.Each(to, z.Len(), keep)
	head := z.tx.rec.head // and not stored for each: see appendText
	for _, it := range gone {
		z.noteRemoved(it.Member)
		n, _, _ := z.large.dict.remove(it.Member)
		head = appendRemove(head, z.o.id, zsetMembers, n)
	}
	z.tx.rec.head = head
	z.large.order = rankedOf(kept)
}

func putMember(w *recordWriter, id, n int64, member string, score float64) {
	w.put(id, zsetMembers, n)
	w.colStr(member)
	w.colFloat(score)
	w.end()
}
