package store

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sort"
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
