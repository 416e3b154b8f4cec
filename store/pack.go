package store

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// A pack is what a small hash, set or sorted set is made of: names, each with a text and the number of its
// row, in one block of bytes without a pointer, as Redis's listpack. A look-up reads the block's first cache
// line, where the tags are, and those of one slot and one name.
//
//	block  [ tags, room ][ slots, room ][ name text name text ...   | free ]
//	                        |             ^
//	slot   offset of its name 2 bytes, length of the name 1, of the text 1, row's number less base 4
//
// Names and texts are handed out as strings that view the block and, like all strings, never change: bytes
// that are written stay. A new text goes behind the others, together with its name, and the slot turns to it;
// a block that is full is copied, without what no slot has any more. A string of the old block that is still
// in use keeps the block alive.
type pack struct {
	block []byte
	base  int64  // the first number of all
	last  uint32 // the highest number so far, less base
	dead  uint16 // bytes of names and texts that no slot has any more
	count uint8  // elements
	room  uint8  // tags and slots that the block has place for
}

// Redis's thresholds for a listpack (hash-max-listpack-entries and the like); a text may be a score as well.
const (
	packElements = 128
	packText     = 64

	packSlotBytes = 8
)

type packSlot uint64

func newPackSlot(at, name, text int, number uint32) packSlot {
	return packSlot(at) | packSlot(name)<<16 | packSlot(text)<<24 | packSlot(number)<<32
}

func (s packSlot) at() int        { return int(uint16(s)) }
func (s packSlot) name() int      { return int(uint8(s >> 16)) }
func (s packSlot) text() int      { return int(uint8(s >> 24)) }
func (s packSlot) number() uint32 { return uint32(s >> 32) }

func (p *pack) slot(i int) packSlot {
	return packSlot(binary.LittleEndian.Uint64(p.block[int(p.room)+i*packSlotBytes:]))
}

func (p *pack) setSlot(i int, s packSlot) {
	binary.LittleEndian.PutUint64(p.block[int(p.room)+i*packSlotBytes:], uint64(s))
}

// fits reports whether another element may join.
func (p *pack) fits(n int64, name, text string) bool {
	return p.count < packElements && len(name) <= packText && len(text) <= packText &&
		(p.block == nil || uint64(n-p.base) <= math.MaxUint32)
}

// at returns the name and the text at a place, and the number of the row.
func (p *pack) at(place int) (n int64, name, text string) {
	s := p.slot(place)
	from := s.at()
	mid := from + s.name()
	return p.base + int64(s.number()), viewString(p.block[from:mid]), viewString(p.block[mid : mid+s.text()])
}

func (p *pack) name(place int) string {
	s := p.slot(place)
	return viewString(p.block[s.at() : s.at()+s.name()])
}

// text is the text's bytes, for a score, which changes in place.
func (p *pack) text(place int) []byte {
	s := p.slot(place)
	from := s.at() + s.name()
	return p.block[from : from+s.text()]
}

func (p *pack) number(place int) int64 { return p.base + int64(p.slot(place).number()) }

// setNumber gives the element at a place another number, which is not below base.
func (p *pack) setNumber(place int, n int64) {
	s := p.slot(place)
	p.setSlot(place, newPackSlot(s.at(), s.name(), s.text(), uint32(n-p.base)))
}

// rebase makes base another number: none of the elements' is below it, or 32 bits above.
func (p *pack) rebase(base int64) {
	was := *p
	p.base = base
	for i := range int(p.count) {
		p.setNumber(i, was.number(i))
	}
}

// next is the number of the next row.
func (p *pack) next() int64 {
	if p.block == nil {
		return 1
	}
	return p.base + int64(p.last) + 1
}

// find returns a name's place, -1 if it is not there.
func (p *pack) find(name string) int {
	for from, tag := 0, tagOf(name); ; from++ {
		i := bytes.IndexByte(p.block[from:p.count], tag)
		if i < 0 {
			return -1
		}
		if from += i; p.name(from) == name {
			return from
		}
	}
}

// insert puts an element that is not there before the one at a place. It copies name and text.
func (p *pack) insert(place int, n int64, name, text string) {
	if p.block == nil && p.base == 0 { // a list's has one
		p.base = n
	}
	if need := len(name) + len(text); p.count == p.room || need > cap(p.block)-len(p.block) {
		elements, bytes := 1+int(p.count)/8, need+p.live()/8
		if name == "" { // a list's elements come one by one, and come and go
			elements, bytes = 1+int(p.count)/4, need+p.live()/4
			if p.dead > 0 {
				bytes += packText
			}
		}
		p.rewrite(elements, bytes)
	}
	number := uint32(n - p.base)
	p.last = max(p.last, number)
	at := p.write(name, text)
	p.count++
	p.shift(int(p.count)-1, place)
	p.block[place] = tagOf(name)
	p.setSlot(place, newPackSlot(at, len(name), len(text), number))
}

// write puts a name and its text behind the others.
func (p *pack) write(name, text string) (at int) {
	at = len(p.block)
	p.block = append(append(p.block, name...), text...)
	return at
}

// live is how many bytes names and texts have.
func (p *pack) live() int {
	return len(p.block) - int(p.room)*(1+packSlotBytes) - int(p.dead)
}

// set gives the element at a place another text. It leaves more room than insert: what is
// changed once is often changed again.
func (p *pack) set(place int, text string) {
	_, name, old := p.at(place)
	p.dead += uint16(len(name) + len(old))
	if need := len(name) + len(text); need > cap(p.block)-len(p.block) {
		number := p.slot(place).number()
		p.setSlot(place, newPackSlot(0, 0, 0, number))
		p.rewrite(int(p.room-p.count), need+p.live()/4+packText)
	}
	number := p.slot(place).number()
	p.setSlot(place, newPackSlot(p.write(name, text), len(name), len(text), number))
}

// rewrite copies what is alive into a new block with room for so many more elements and bytes.
func (p *pack) rewrite(more, bytes int) {
	count := int(p.count)
	old := *p
	p.room, p.dead = uint8(min(count+more, packElements)), 0
	head := int(p.room) * (1 + packSlotBytes)
	p.block = slices.Grow([]byte(nil), head+old.live()+bytes)[:head]
	copy(p.block, old.block[:count])
	if old.dead == 0 { // all texts move as they stand
		from := int(old.room) * (1 + packSlotBytes)
		p.block = append(p.block, old.block[from:]...)
		for i := range count {
			s := old.slot(i)
			p.setSlot(i, newPackSlot(s.at()+head-from, s.name(), s.text(), s.number()))
		}
		return
	}
	for i := range count {
		s := old.slot(i)
		p.setSlot(i, newPackSlot(len(p.block), s.name(), s.text(), s.number()))
		p.block = append(p.block, old.block[s.at():s.at()+s.name()+s.text()]...)
	}
}

// shift moves the tag and the slot at a place to another; those between move up.
func (p *pack) shift(from, to int) {
	tags, slots := p.block[:p.room], p.block[p.room:]
	tag, slot := tags[from], p.slot(from)
	if from < to {
		copy(tags[from:to], tags[from+1:])
		copy(slots[from*packSlotBytes:to*packSlotBytes], slots[(from+1)*packSlotBytes:])
	} else {
		copy(tags[to+1:from+1], tags[to:])
		copy(slots[(to+1)*packSlotBytes:(from+1)*packSlotBytes], slots[to*packSlotBytes:])
	}
	tags[to] = tag
	p.setSlot(to, slot)
}

// remove takes the element at a place away.
func (p *pack) remove(place int) {
	s := p.slot(place)
	p.shift(place, int(p.count)-1)
	p.count--
	p.dead += uint16(s.name() + s.text())
	if int(p.dead) > p.live()+2*packText {
		p.rewrite(0, 0)
	}
}

// each calls fn for the elements in their order until it returns false.
func (p *pack) each(fn func(name, text string) bool) {
	for i := range int(p.count) {
		s := p.slot(i)
		both := p.block[s.at() : s.at()+s.name()+s.text()]
		if !fn(viewString(both[:s.name()]), viewString(both[s.name():])) {
			return
		}
	}
}

// after calls fn with the places of the elements whose numbers are above n, in their order, until it returns false.
func (p *pack) after(n int64, fn func(place int) bool) {
	var order [packElements]uint64
	numbers := order[:0]
	for i := range int(p.count) {
		if p.number(i) > n {
			numbers = append(numbers, uint64(p.slot(i).number())<<8|uint64(i))
		}
	}
	slices.Sort(numbers) // a sorted set's are not yet
	for _, number := range numbers {
		if !fn(int(uint8(number))) {
			return
		}
	}
}

// sample calls fn with count different places, each choice with the same chance, or with all if there are no more.
func (p *pack) sample(count int, fn func(place int)) {
	left := int(p.count)
	for i := 0; i < int(p.count) && count > 0; i++ { // Knuth's algorithm S
		if count >= left || rand.IntN(left) < count {
			fn(i)
			count--
		}
		left--
	}
}

func (p *pack) size() int64 { return int64(cap(p.block)) }

func (p *pack) clone() pack {
	c := *p
	c.block = slices.Clone(p.block)
	return c
}
