package store

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
)

// A ZSet is a sorted set: members with scores. While they are few and short they stand in a pack in their
// order, a score's eight bytes behind each name; then they are found by name in a dict and by rank in a
// B-tree. Commands that read get it from View.ZSet; a nil *ZSet is that of an absent key and is empty.
//
// Ranges are given by ranks, from 0: from .. to-1. Seek turns other bounds into ranks.
type ZSet struct {
	pack  pack
	large *largeZSet // nil while small
	grown outgrown
}

type largeZSet struct {
	dict  dict[float64]
	order ranked
}

const (
	zsetBytes      = 64 // a ZSet without its members
	largeZSetBytes = 16 // a largeZSet without its dict and order
	scoreBytes     = 8
)

func newZSet() *ZSet { return &ZSet{} }

// ZSet returns the key's sorted set, nil when the key is not there.
func (v *View) ZSet(key []byte) (*ZSet, error) {
	c, err := v.collectionOf(key, TypeZSet)
	z, _ := c.(*ZSet)
	return z, err
}

// Len is the number of members.
func (z *ZSet) Len() int {
	switch {
	case z == nil:
		return 0
	case z.large != nil:
		return z.large.dict.live
	}
	return int(z.pack.count)
}

// Score returns a member's score.
func (z *ZSet) Score(member string) (score float64, ok bool) {
	switch {
	case z == nil:
		return 0, false
	case z.large != nil:
		if s := z.large.dict.find(member); s != nil {
			return s.val, true
		}
	default:
		if place := z.pack.find(member); place >= 0 {
			return z.scoreAt(place), true
		}
	}
	return 0, false
}

// scoreAt is the score at a place of the pack, which is its rank.
func (z *ZSet) scoreAt(place int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(z.pack.text(place)))
}

// scored is the member at a place of the pack.
func (z *ZSet) scored(place int) Scored {
	s := z.pack.slot(place)
	both := z.pack.block[s.at() : s.at()+s.name()+scoreBytes]
	return Scored{math.Float64frombits(binary.LittleEndian.Uint64(both[s.name():])), viewString(both[:s.name()])}
}

// Rank is how many members come before this one.
func (z *ZSet) Rank(member string) (rank int, score float64, ok bool) {
	if z != nil && z.large == nil {
		if rank = z.pack.find(member); rank < 0 {
			return 0, 0, false
		}
		return rank, z.scoreAt(rank), true
	}
	score, ok = z.Score(member)
	if !ok {
		return 0, 0, false
	}
	it := Scored{score, member}
	return z.large.order.seek(func(other *Scored) bool { return other.before(&it) }), score, true
}

// Seek is how many members come before a bound: those for which before is true. They must be the first ones.
func (z *ZSet) Seek(before func(it *Scored) bool) (rank int) {
	switch {
	case z == nil:
		return 0
	case z.large != nil:
		return z.large.order.seek(before)
	}
	var it Scored
	return sort.Search(z.Len(), func(i int) bool {
		it = z.At(i)
		return !before(&it)
	})
}

// At returns the member of a rank below Len.
func (z *ZSet) At(rank int) Scored {
	if z.large != nil {
		return *z.large.order.at(rank)
	}
	return z.scored(rank)
}

// Each calls fn for the members of the ranks from .. to-1 until it returns false. What it
// points to holds until fn returns.
func (z *ZSet) Each(from, to int, fn func(it *Scored) bool) {
	if from >= to {
		return
	}
	if z.large != nil {
		z.large.order.root.each(from, to, fn)
		return
	}
	var it Scored
	for ; from < to; from++ {
		if it = z.scored(from); !fn(&it) {
			return
		}
	}
}

// Any is Each for all members in any order.
func (z *ZSet) Any(fn func(it *Scored) bool) {
	if z == nil || z.large == nil {
		z.Each(0, z.Len(), fn)
		return
	}
	var it Scored
	z.large.dict.each(func(s *slot[float64]) bool {
		it = Scored{s.val, s.name}
		return fn(&it)
	})
}

// Snapshot is a copy that answers Len, Score and Any, without the keyspace lock.
func (z *ZSet) Snapshot() *ZSet {
	if z == nil {
		return nil
	}
	return z.snapshot().(*ZSet)
}

// Back is Each in reverse order.
func (z *ZSet) Back(from, to int, fn func(it *Scored) bool) {
	if from >= to {
		return
	}
	if z.large != nil {
		z.large.order.root.back(from, to, fn)
		return
	}
	var it Scored
	for to--; to >= from; to-- {
		if it = z.At(to); !fn(&it) {
			return
		}
	}
}

// After calls fn for the members in order of birth, from the first whose number is above n, until it
// returns false. A member's number stays the same, so who is there throughout a scan is seen exactly once.
func (z *ZSet) After(n int64, fn func(n int64, member string, score float64) bool) {
	switch {
	case z == nil:
	case z.large != nil:
		z.large.dict.after(n, func(s *slot[float64]) bool { return fn(s.n, s.name, s.val) })
	default:
		z.pack.after(n, func(place int) bool { return fn(z.pack.number(place), z.pack.name(place), z.scoreAt(place)) })
	}
}

// MemberBytes is the length of all members together.
func (z *ZSet) MemberBytes() int64 {
	if z.large != nil {
		return z.large.dict.bytes
	}
	return int64(z.pack.live()) - int64(z.pack.count)*scoreBytes
}

// Random returns a member, each with the same chance. The set is not empty.
func (z *ZSet) Random() Scored {
	if z.large != nil {
		s := z.large.dict.random()
		return Scored{s.val, s.name}
	}
	return z.At(rand.IntN(z.Len()))
}

// Sample calls fn with count different members, or with all if there are no more, in time of count.
func (z *ZSet) Sample(count int, fn func(it Scored)) {
	if z.large != nil {
		z.large.dict.sample(count, func(s *slot[float64]) { fn(Scored{s.val, s.name}) })
		return
	}
	z.pack.sample(count, func(place int) { fn(z.At(place)) })
}

// rank is how many members of a small sorted set come before one that has, or is to have, a score.
func (z *ZSet) rank(it Scored) int {
	return sort.Search(z.Len(), func(i int) bool {
		other := z.At(i)
		return !other.before(&it)
	})
}

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

func (z *ZSet) kind() Type  { return TypeZSet }
func (z *ZSet) length() int { return z.Len() }

func (z *ZSet) size() int64 {
	if z.large != nil {
		return zsetBytes + largeZSetBytes + z.large.dict.size(scoreBytes) + z.large.order.bytes
	}
	return zsetBytes + z.pack.size()
}

func (z *ZSet) snapshot() collection {
	if z.large != nil {
		return &ZSet{large: &largeZSet{dict: z.large.dict.snapshot()}, grown: z.grown}
	}
	return &ZSet{pack: z.pack.clone(), grown: z.grown}
}

func (z *ZSet) shape() Shape { return z.Shape() }

// Shape is View.Shape of this sorted set.
func (z *ZSet) Shape() Shape {
	return Shape{Type: TypeZSet, Len: z.Len(), MostLen: int(z.grown.mostLen), LongestBytes: int(z.grown.longest)}
}

func (z *ZSet) rows(w *recordWriter, id int64) {
	z.After(math.MinInt64, func(n int64, member string, score float64) bool {
		putMember(w, id, n, member, score)
		return true
	})
}

func (z *ZSet) restore(r *tableRow) error {
	z.addRow(r.n, r.view(0), r.float(1))
	return nil
}

// restored puts the members of a large sorted set in order.
func (z *ZSet) restored() error {
	if z.large == nil {
		return nil
	}
	z.large.dict.complete()
	items := make([]Scored, 0, z.Len())
	z.large.dict.each(func(s *slot[float64]) bool {
		items = append(items, Scored{s.val, s.name})
		return true
	})
	SortScored(items)
	z.large.order = rankedOf(items)
	return nil
}
