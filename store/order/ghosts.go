package order

import "math/bits"

// Ghosts are the levels of keys that were evicted, by a hash of their names: a key that comes back begins with what it
// had. There is one of 16 bits, 12 of the hash and 4 of the level, for each key that is there, or fewer: as many as
// make four bytes a key with the keys' own states, one for eight keys at least. Of few keys there are more whatever the
// states take (usual): one a key up to 16,384, under LFU four a key up to 262,144 ghosts, which with the states is some
// thirteen bytes a key. A new one takes the place of an older.
type ghosts struct {
	seed  uint64
	slots []uint16
	kept  uint
}

const (
	fewestGhosts = 1 << 10
	ghostsPeriod = 1 << 12 // so many are kept between two looks at their number
	bytesOfKey   = 4       // that an Order takes where keys are many
)

func (g *ghosts) hash(name string) uint64 {
	h := g.seed ^ uint64(len(name))
	for len(name) >= 8 {
		h = mix(h ^ word(name[:8]))
		name = name[8:]
	}
	tail := uint64(0)
	for i := range len(name) {
		tail |= uint64(name[i]) << (8 * i)
	}
	return mix(mix(h^tail) ^ g.seed)
}

func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func mix(h uint64) uint64 {
	high, low := bits.Mul64(h^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return high ^ low
}

// keep remembers the level of a key that goes. keys is how many there are, usual the fewest ghosts for them
// (Order.usual), and states what the keys' states take, in bytes.
func (g *ghosts) keep(name string, level int, keys, usual int64, states func() int64) {
	if g.kept++; g.kept%ghostsPeriod == 1 {
		g.fit(keys, usual, (bytesOfKey*keys-states())/2)
	}
	at, tag := g.place(name)
	g.slots[at] = tag | uint16(level)
}

// usual is how many ghosts there are whatever the states take: those of 32 KB, and under LFU those of half a MB, four
// for each of 65,536 keys. LFU compares counts, and learns them sooner: with four ghosts for a key 0.3 to 0.9 more of
// 100 requests hit with Zipf. Under LRU they are worth 0.2 at 10 requests a key, and cost 0.3 at 40.
func (o *Order) usual() int64 {
	if o.policy == LFU {
		return min(4*o.keys, 1<<18)
	}
	return min(o.keys, 1<<14)
}

// place is where a name's ghost stands, and the bits of the name's hash in it. As in linear hashing (Litwin, 1980) what
// has a place above a power of two has, with fewer slots, that without this bit.
func (g *ghosts) place(name string) (at uint64, tag uint16) {
	h, n := g.hash(name), uint64(len(g.slots))
	power := uint64(1) << bits.Len64(n)
	if at = h & (power - 1); at >= n {
		at &= power/2 - 1
	}
	return at, uint16(h>>48) &^ topLevel
}

// fit brings the number of slots near to what there is room for. What is there stays: with more slots it stands in
// either of two places, and with fewer it makes way for none but another.
func (g *ghosts) fit(keys, usual, room int64) {
	want := int(max(min(max(room, keys/8), keys), usual, fewestGhosts))
	old := len(g.slots)
	if want < old+old/8 && want >= old-old/32 {
		return
	}
	for at := old - 1; at >= max(want, 1); at-- {
		if lower := &g.slots[withoutTop(at)]; *lower == 0 {
			*lower = g.slots[at]
		}
	}
	slots := make([]uint16, want)
	copy(slots, g.slots)
	for at := max(old, 1); old > 0 && at < want; at++ {
		slots[at] = slots[withoutTop(at)]
	}
	g.slots = slots
}

// withoutTop is a number without its highest bit.
func withoutTop(n int) int { return n &^ (1 << (bits.Len(uint(n)) - 1)) }

// level is that of a key that went by this name; ok is false if none is remembered.
func (g *ghosts) level(name string) (level int, ok bool) {
	if len(g.slots) == 0 {
		return 0, false
	}
	at, tag := g.place(name)
	s := g.slots[at]
	if s == 0 || s&^topLevel != tag {
		return 0, false
	}
	return int(s & topLevel), true
}

// returned is the level of a key that comes to be: one use, and what is left of those by that name before.
func (o *Order) returned(name string) int {
	level, ok := o.ghosts.level(name)
	if !ok {
		return levelOne
	}
	return o.round(levels[level]*fade + 1)
}
