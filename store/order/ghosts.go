package order

import "math/bits"

// Ghosts are the levels of keys that were evicted, by a hash of their names: a key that comes back begins with what it
// had. There is one of 16 bits, 12 of the hash and 4 of the level, for four keys that are there or fewer, so that they
// take half a byte each at most. A new one takes the place of an older.
type ghosts struct {
	seed  uint64
	slots []uint16
}

const fewestGhosts = 1 << 10

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

// keep remembers the level of a key that goes while there are so many.
func (g *ghosts) keep(name string, level int, keys int64) {
	if n := int64(len(g.slots)); n < fewestGhosts || keys/4 >= 2*n || keys/4 < n*3/4 && n > fewestGhosts {
		g.resize(max(fewestGhosts, 1<<bits.Len64(uint64(keys/8))))
	}
	h := g.hash(name)
	g.slots[h%uint64(len(g.slots))] = uint16(h>>48)&^topLevel | uint16(level)
}

func (g *ghosts) resize(n int) {
	old := g.slots
	g.slots = make([]uint16, n)
	for i := range max(n, len(old)) {
		if len(old) > 0 && g.slots[i%n] == 0 {
			g.slots[i%n] = old[i%len(old)]
		}
	}
}

// level is that of a key that went by this name; ok is false if none is remembered.
func (g *ghosts) level(name string) (level int, ok bool) {
	if len(g.slots) == 0 {
		return 0, false
	}
	h := g.hash(name)
	s := g.slots[h%uint64(len(g.slots))]
	if s == 0 || s&^topLevel != uint16(h>>48)&^topLevel {
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
