package store

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// A dict is names with values in order of birth: what large hashes, sets and sorted sets are made of. It
// is Python's dict in blocks:
//
//	blocks  [ n=1 a | n=2 b | dead | n=4 d ] [ n=5 e ... ]    slots by place, n ascending
//	index   name -> place, from indexedSlots names on: dict_index.go
//	tags    below that: a byte of a hash for each slot. A look-up finds the byte, then compares one name: without it
//	        HGET from 20 fields had a cache miss for each name of the same length, and half of Redis's throughput
//
// A slot's n is the number of its row. A removed name leaves a dead slot; when there are as many of them as names, the
// live ones move together, a few at every change, so that no command pays for a million (but see sparseIndexBytes).
type dict[V any] struct {
	blocks [][]slot[V]
	index  *dictIndex
	tags   []byte
	places int   // slots, dead ones included
	live   int   // names
	next   int64 // number of the next name
	bytes  int64 // of all names; values are the owner's to count

	// While slots move together: places below to are done, those from there up to from are dead, and
	// the rest is still to come.
	moving   bool
	to, from int
}

// slot ends with what is never empty: behind an empty val Go would leave room.
type slot[V any] struct {
	val  V
	n    int64 // < 0 = dead; its number was -n
	name string
}

const (
	blockSlots   = 256
	indexedSlots = 64  // a walk over them takes as long as a map's look-up, about
	sparseSlots  = 32  // dead slots that are not worth a move
	moveSlots    = 8   // moved at each change: four times what a change can add
	trimSlots    = 256 // dead slots at the end that one removal drops

	// sparseIndexBytes a slot are what an index is made anew for: it is of a dict that was some 200 times as large.
	sparseIndexBytes = 64

	dictBytes = 136 // a dict without its slots
	slotBytes = 32  // a slot without its value, and what the allocator rounds a name up by
)

func newDict[V any]() dict[V] { return dict[V]{next: 1} }

// newDictFor makes a dict for about so many names: an index that has its size from the beginning takes half the time.
func newDictFor[V any](names int) dict[V] {
	d := newDict[V]()
	if names > indexedSlots {
		d.index = newDictIndex(names)
	}
	return d
}

func (d *dict[V]) at(place int) *slot[V] { return &d.blocks[place/blockSlots][place%blockSlots] }

// find returns a name's slot, nil if it is not there.
func (d *dict[V]) find(name string) *slot[V] {
	if place := d.place(name); place >= 0 {
		return d.at(place)
	}
	return nil
}

func (d *dict[V]) place(name string) int {
	if d.index != nil {
		return d.placeOf(hashOfName(name), name)
	}
	if d.places > indexedSlots { // a snapshot
		d.buildIndex()
		return d.place(name)
	}
	for from, tag := 0, tagOf(name); ; from++ { // without an index there is one block, and no slot is dead
		i := bytes.IndexByte(d.tags[from:], tag)
		if i < 0 {
			return -1
		}
		if from += i; d.blocks[0][from].name == name {
			return from
		}
	}
}

// placeOf is place for a dict with an index.
func (d *dict[V]) placeOf(hash uint32, name string) int {
	p := d.index.part(hash)
	for i := p.home(hash); p.slots[i] != 0; i = p.next(i) {
		if s := p.slots[i]; s.hash() == hash && d.at(s.place()).name == name {
			return s.place()
		}
	}
	return -1
}

// tagOf tells short names apart that differ at an end or in the middle.
func tagOf(name string) byte {
	n := len(name)
	if n == 0 {
		return 0
	}
	return byte(n) + 3*name[0] + 7*name[n/2] + 31*name[n-1]
}

func (d *dict[V]) buildTags() {
	d.tags = make([]byte, d.places)
	for i := range d.tags {
		d.tags[i] = tagOf(d.at(i).name)
	}
}

// restore appends a name with its number, which is above all others.
func (d *dict[V]) restore(n int64, name string, val V) *slot[V] {
	d.move()
	if d.places%blockSlots == 0 && d.places/blockSlots == len(d.blocks) {
		var block []slot[V]
		if d.places > 0 {
			block = make([]slot[V], 0, blockSlots)
		}
		d.blocks = append(d.blocks, block)
	}
	last := &d.blocks[d.places/blockSlots]
	*last = append(*last, slot[V]{val, n, name})
	d.places++
	d.live++
	d.next = max(d.next, n+1)
	d.bytes += int64(len(name))
	switch {
	case d.index != nil:
		d.index.put(hashOfName(name), d.places-1)
	case d.places > indexedSlots:
		d.buildIndex()
	default:
		d.tags = append(d.tags, tagOf(name))
	}
	return &(*last)[len(*last)-1]
}

func (d *dict[V]) buildIndex() {
	d.tags = nil
	d.index = newDictIndex(d.places)
	for p := range d.places {
		if s := d.at(p); s.n > 0 {
			d.index.put(hashOfName(s.name), p)
		}
	}
}

// remove takes a name away and returns its number and value.
func (d *dict[V]) remove(name string) (n int64, val V, ok bool) {
	place := d.place(name)
	if place < 0 {
		return 0, val, false
	}
	n, val = d.removeAt(place)
	return n, val, true
}

// removeAt is remove for the name at a place.
func (d *dict[V]) removeAt(place int) (n int64, val V) {
	s := d.at(place)
	n, val = s.n, s.val
	if d.index != nil {
		d.index.remove(hashOfName(s.name), place)
	}
	d.live--
	d.bytes -= int64(len(s.name))
	*s = slot[V]{n: -n}
	d.trim()
	switch dead := d.places - d.live; {
	case d.moving:
		d.move()
	case d.index == nil:
		d.tags = slices.Delete(d.tags, place, place+1)
		d.closeUp(d.places)
	case dead > max(d.live, sparseSlots):
		d.moving = true
		d.move()
	}
	return n, val
}

// trim drops dead slots at the end.
func (d *dict[V]) trim() {
	for range trimSlots {
		if d.places == d.from || d.at(d.places-1).n > 0 {
			return
		}
		d.cut(d.places - 1)
	}
}

// cut ends the slots at a place.
func (d *dict[V]) cut(places int) {
	for len(d.blocks) > 0 && (len(d.blocks)-1)*blockSlots >= places {
		d.blocks[len(d.blocks)-1] = nil
		d.blocks = d.blocks[:len(d.blocks)-1]
	}
	if k := len(d.blocks); k > 0 {
		last := d.blocks[k-1]
		clear(last[places-(k-1)*blockSlots:])
		d.blocks[k-1] = last[:places-(k-1)*blockSlots]
	}
	d.places = places
}

// move goes on moving slots together, if that is under way.
func (d *dict[V]) move() {
	if d.moving {
		d.closeUp(moveSlots)
	}
}

// closeUp looks at the next slots of a move, and ends it behind the last.
func (d *dict[V]) closeUp(steps int) {
	for ; steps > 0 && d.from < d.places; steps-- {
		s := d.at(d.from)
		if s.n > 0 {
			if d.to < d.from {
				if d.index != nil {
					d.index.move(hashOfName(s.name), d.from, d.to)
				}
				*d.at(d.to) = *s
				*s = slot[V]{n: -s.n}
			}
			d.to++
		}
		d.from++
	}
	if d.from < d.places {
		return
	}
	d.cut(d.to)
	d.moving, d.to, d.from = false, 0, 0
	if d.index != nil && d.places <= sparseSlots {
		d.index = nil
		d.closeUp(d.places) // what was removed behind the move
		d.buildTags()
	} else if d.index != nil && d.index.bytes > sparseIndexBytes*int64(d.places) {
		d.buildIndex() // its parts do not join again
	}
}

// each calls fn for the names in order of birth until it returns false. fn must not change the dict.
func (d *dict[V]) each(fn func(s *slot[V]) bool) {
	for _, block := range d.blocks {
		for i := range block {
			if block[i].n > 0 && !fn(&block[i]) {
				return
			}
		}
	}
}

// after calls fn for the names with numbers above n, in order, until it returns false. A scan goes
// on from the number at which it stopped: who is there throughout is seen exactly once.
func (d *dict[V]) after(n int64, fn func(s *slot[V]) bool) {
	low, high := 0, d.places
	if d.moving { // two ascending runs with dead slots between them
		if d.to > 0 && abs(d.at(d.to-1).n) > n {
			high = d.to
		} else {
			low = d.from
		}
	}
	for low < high {
		mid := int(uint(low+high) / 2)
		if abs(d.at(mid).n) <= n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	for ; low < d.places; low++ {
		if d.moving && low == d.to {
			low = d.from
			if low == d.places {
				return
			}
		}
		if s := d.at(low); s.n > 0 && !fn(s) {
			return
		}
	}
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// random returns a slot, each with the same chance; nil when there is none.
func (d *dict[V]) random() *slot[V] {
	if place := d.randomPlace(); place >= 0 {
		return d.at(place)
	}
	return nil
}

// randomPlace is random's place, -1 when there is none. About a third of the places is live, or there are sparseSlots
// at most that are not.
func (d *dict[V]) randomPlace() int {
	for d.live > 0 {
		if place := rand.IntN(d.places); d.at(place).n > 0 {
			return place
		}
	}
	return -1
}

// sample calls fn for count different slots, each choice with the same chance, or for all if there are no more. It
// takes time in proportion to count.
func (d *dict[V]) sample(count int, fn func(s *slot[V])) {
	if count < d.live/3 {
		seen := make(map[int64]struct{}, count)
		for len(seen) < count {
			if s := d.random(); !has(seen, s.n) {
				seen[s.n] = struct{}{}
				fn(s)
			}
		}
		return
	}
	left := d.live
	d.each(func(s *slot[V]) bool { // Knuth's algorithm S
		if count >= left || rand.IntN(left) < count {
			fn(s)
			count--
		}
		left--
		return count > 0
	})
}

func has(set map[int64]struct{}, n int64) bool {
	_, ok := set[n]
	return ok
}

// size is what the dict takes in memory, in bytes. valueBytes is the size of a V.
func (d *dict[V]) size(valueBytes int64) int64 {
	n := dictBytes + d.bytes + int64(d.places)*(slotBytes+valueBytes)
	if d.index != nil {
		n += d.index.bytes
	}
	return n
}

// snapshot copies the slots, and leaves to a later look-up what finds them by name.
func (d *dict[V]) snapshot() dict[V] {
	c := dict[V]{blocks: make([][]slot[V], 0, d.live/blockSlots+1), places: d.live, live: d.live, next: d.next,
		bytes: d.bytes}
	if d.live == d.places {
		for _, block := range d.blocks {
			c.blocks = append(c.blocks, append(make([]slot[V], 0, max(len(block), min(blockSlots, d.live))), block...))
		}
	} else {
		d.each(func(s *slot[V]) bool {
			last := len(c.blocks) - 1
			if last < 0 || len(c.blocks[last]) == blockSlots {
				c.blocks = append(c.blocks, make([]slot[V], 0, min(blockSlots, d.live)))
				last++
			}
			c.blocks[last] = append(c.blocks[last], *s)
			return true
		})
	}
	if c.places <= indexedSlots {
		c.buildTags()
	}
	return c
}

// complete makes what finds names, unless it is there.
func (d *dict[V]) complete() {
	if d.index == nil && d.places > indexedSlots {
		d.buildIndex()
	}
}
