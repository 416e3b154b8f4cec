package order

import (
	"bytes"
	"slices"
	"sort"
)

// A block has the states of the keys whose ids share all but their last 16 bits. Which form it has depends on how many
// of these ids are there still:
//
//	short   up to 512 keys: offsets of 16 bits and states, ascending              4 bytes a key
//	packed  the same with offsets of 8 bits, in 256 buckets of 256 ids each       3 bytes a key, 1/16 unused at most
//	dense   from 5/8 of all ids on: states alone, 0 where there is no key         2 bytes an id: 3.6 a key at most
type block struct {
	number int64 // its first id >> blockBits
	live   int   // keys
	dead   int   // states of short and packed that are 0: deleted since it was packed

	states []state
	wide   []uint16         // short: the offset of each state
	narrow []uint8          // packed: the last 8 bits of each
	starts *[buckets]uint16 // packed: where each bucket begins, up to the last that has a key
	last   int              // packed: that bucket
}

const (
	blockBits = 16
	blockIDs  = 1 << blockBits
	buckets   = 256
	shortKeys = 512
	denseKeys = blockIDs * 5 / 8
)

func (b *block) dense() bool { return len(b.states) == blockIDs }

// bucket is where the states of a packed block's bucket stand.
func (b *block) bucket(n int) (from, to int) {
	switch {
	case n > b.last:
		return len(b.states), len(b.states)
	case n == b.last:
		return int(b.starts[n]), len(b.states)
	}
	return int(b.starts[n]), int(b.starts[n+1])
}

// find returns the state of the key with that offset, nil if there is none.
func (b *block) find(offset int) *state {
	at := -1
	switch {
	case b.dense():
		at = offset
	case b.starts != nil:
		from, to := b.bucket(offset >> 8)
		if n := bytes.IndexByte(b.narrow[from:to], uint8(offset)); n >= 0 {
			at = from + n
		}
	default:
		if n, found := slices.BinarySearch(b.wide, uint16(offset)); found {
			at = n
		}
	}
	if at < 0 || b.states[at] == 0 {
		return nil
	}
	return &b.states[at]
}

// put adds a key that is not there. Mostly its offset is the highest of the block.
func (b *block) put(offset int, s state) {
	switch {
	case b.dense():
		b.states[offset] = s
	case b.live+b.dead >= denseKeys || b.starts == nil && len(b.states) >= shortKeys:
		b.pack(b.live + 1)
		b.put(offset, s)
		return
	case b.starts != nil:
		b.putPacked(offset, s)
	default:
		at, found := slices.BinarySearch(b.wide, uint16(offset))
		if found { // a dead one: an id that comes back, which a moved key may
			b.states[at] = s
			b.dead--
			break
		}
		b.wide = slices.Insert(b.wide, at, uint16(offset))
		b.states = slices.Insert(b.states, at, s)
	}
	b.live++
}

func (b *block) putPacked(offset int, s state) {
	n := offset >> 8
	from, to := b.bucket(n)
	at := from + sort.Search(to-from, func(i int) bool { return b.narrow[from+i] >= uint8(offset) })
	if at < to && b.narrow[at] == uint8(offset) {
		b.states[at] = s
		b.dead--
		return
	}
	for i := b.last + 1; i <= n; i++ {
		b.starts[i] = uint16(at)
	}
	b.last = max(b.last, n)
	b.narrow = slices.Insert(b.narrow, at, uint8(offset))
	b.states = slices.Insert(b.states, at, s)
	for i := n + 1; i <= b.last; i++ {
		b.starts[i]++
	}
}

// remove takes a key away that is there.
func (b *block) remove(s *state) {
	*s = 0
	b.live--
	if b.dense() {
		if b.live < denseKeys-denseKeys/16 {
			b.pack(b.live)
		}
		return
	}
	if b.dead++; b.dead*16 > b.live {
		b.pack(b.live)
	}
}

// pack brings the block into the form that suits so many keys, without dead states.
func (b *block) pack(keys int) {
	old := *b
	*b = block{number: b.number}
	switch {
	case keys >= denseKeys:
		b.states = make([]state, blockIDs)
	case keys > shortKeys:
		b.starts = new([buckets]uint16)
		b.narrow, b.states = make([]uint8, 0, keys), make([]state, 0, keys)
	default:
		b.wide, b.states = make([]uint16, 0, keys), make([]state, 0, keys)
	}
	old.walk(0, func(offset int, s *state) bool {
		switch {
		case b.dense():
			b.states[offset] = *s
		case b.starts != nil:
			for n := offset >> 8; b.last < n; {
				b.last++
				b.starts[b.last] = uint16(len(b.states))
			}
			b.narrow, b.states = append(b.narrow, uint8(offset)), append(b.states, *s)
		default:
			b.wide, b.states = append(b.wide, uint16(offset)), append(b.states, *s)
		}
		b.live++
		return true
	})
}

// walk calls f with each key from an offset on, until f returns false: then it returns the offset of that key, and
// blockIDs at the end.
func (b *block) walk(from int, f func(offset int, s *state) bool) int {
	switch {
	case from >= blockIDs:
	case b.dense():
		for i := from; i < blockIDs; i++ {
			if b.states[i] != 0 && !f(i, &b.states[i]) {
				return i
			}
		}
	case b.starts != nil:
		for n := from >> 8; n <= b.last; n++ {
			i, to := b.bucket(n)
			for ; i < to; i++ {
				offset := n<<8 | int(b.narrow[i])
				if b.states[i] != 0 && offset >= from && !f(offset, &b.states[i]) {
					return offset
				}
			}
		}
	default:
		i, _ := slices.BinarySearch(b.wide, uint16(from))
		for ; i < len(b.states); i++ {
			if b.states[i] != 0 && !f(int(b.wide[i]), &b.states[i]) {
				return int(b.wide[i])
			}
		}
	}
	return blockIDs
}

// memory is what the block takes, in bytes.
func (b *block) memory() int64 {
	n := int64(128) + 2*int64(cap(b.states)+cap(b.wide)) + int64(cap(b.narrow))
	if b.starts != nil {
		n += 2 * buckets
	}
	return n
}

// clip gives back the room for more keys, once there are no more.
func (b *block) clip() {
	b.states, b.wide, b.narrow = slices.Clip(b.states), slices.Clip(b.wide), slices.Clip(b.narrow)
}

// Has reports whether the Order knows a key.
func (o *Order) Has(id int64) bool { return o.find(id) != nil }
