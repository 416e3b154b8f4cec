package order

import (
	"math/rand/v2"
	"slices"
)

// Policy says by what the order goes.
type Policy uint8

const (
	LRU    Policy = iota // least recently used
	LFU                  // least frequently used
	Random               // any
	LRS                  // least recently stored: when the value was written as a whole
	LRM                  // least recently modified
)

func (p Policy) countsUses() bool { return p == LRU || p == LFU }

// An Order knows the keys of one space. Its methods do not block, and its owner keeps them apart.
type Order struct {
	policy   Policy
	blocks   []*block // ascending
	large    map[int64]int64
	keys     int64
	volatile int64
	bytes    int64

	epoch  uint32
	events int64         // births and uses heard of in this epoch
	now    int64         // unix ms, as Tick said
	began  [epochs]int64 // when each of the last epochs began

	// By id: main keys up to main, what has left the window and was not looked at yet, and from window on the
	// youngest, which have windowBytes. top is above them all. The hand goes round the main keys. left is where main
	// was before the last Next.
	hand, main, window, top int64
	left                    int64
	windowBytes             int64

	threshold     int     // main keys with this score or less may go: see sample
	idle          float64 // the share of main keys without a use for long: see sample
	asked         int     // calls of Next since it was taken, for volatile keys alone if askedVolatile
	askedVolatile bool
	scores        []int

	ghosts  ghosts
	returns returns
	random  *rand.Rand
}

// New makes an Order without a key.
func New(p Policy) *Order { return newSeeded(p, rand.Uint64()) }

func newSeeded(p Policy, seed uint64) *Order {
	o := &Order{policy: p, random: rand.New(rand.NewPCG(seed, 0)), large: map[int64]int64{}}
	o.ghosts.seed = o.random.Uint64()
	return o
}

// Keys is how many keys the Order knows, Volatile how many of them have a deadline, and Bytes about what they take.
func (o *Order) Keys() int64     { return o.keys }
func (o *Order) Volatile() int64 { return o.volatile }
func (o *Order) Bytes() int64    { return o.bytes }

// Memory is what the Order itself takes, in bytes.
func (o *Order) Memory() int64 {
	return o.states() + int64(2*cap(o.ghosts.slots)+2*cap(o.returns.slots)) + 8*epochs
}

// states is what it takes but for the ghosts.
func (o *Order) states() int64 {
	n := int64(8*cap(o.blocks) + 48*len(o.large))
	for _, b := range o.blocks {
		n += b.memory()
	}
	return n
}

// longest is how long an epoch lasts in which something happens, in ms: about so exact is what Known says of the time.
const longest = 15 * 60_000

// Tick tells the time, unix ms: what is heard of from now on happens then. About once a second is enough.
func (o *Order) Tick(now int64) {
	o.now = max(o.now, now)
	if began := &o.began[o.epoch%epochs]; *began == 0 {
		*began = o.now
	} else if o.events > 0 && o.now-*began >= longest {
		o.newEpoch()
	}
}

// Load adds a key that was there before the Order was made. One that it knows already stays as it is.
func (o *Order) Load(id, bytes int64, volatile bool) {
	if o.find(id) == nil {
		o.add(id, bytes, volatile, levelOne)
	}
}

// Born adds a key that came to be now.
func (o *Order) Born(id int64, name string, bytes int64, volatile bool) {
	o.Delete(id)
	level := levelOne
	if o.policy.countsUses() {
		o.returns.came(o.ghosts.hash(name), o.keys)
		level = o.returned(name)
	}
	o.add(id, bytes, volatile, level)
	o.event(1)
}

// Stored notes that a key's value was written as a whole. It has a size of its own then, unless bytes are negative: it
// stays as it is. A key that is not known becomes so.
func (o *Order) Stored(id, bytes int64, volatile bool) { o.written(id, bytes, volatile, true) }

// Modified notes that a key's value was changed in part, or its deadline.
func (o *Order) Modified(id, bytes int64, volatile bool) {
	o.written(id, bytes, volatile, o.policy == LRM)
}

func (o *Order) written(id, bytes int64, volatile, counts bool) {
	s := o.find(id)
	if s == nil {
		if bytes >= 0 {
			o.add(id, bytes, volatile, levelOne)
		}
		return
	}
	o.count(id, *s, -1)
	if bytes < 0 {
		*s &^= volatileBit
		if volatile {
			*s |= volatileBit
		}
	} else {
		*s = *s&(epochs-1) | o.sized(id, bytes, volatile)
	}
	o.count(id, *s, 1)
	if counts && (o.policy == LRS || o.policy == LRM) {
		s.setEpoch(o.epoch)
		o.event(1)
	}
}

// Delete forgets a key. It may be one that is not known.
func (o *Order) Delete(id int64) {
	n, found := o.place(id >> blockBits)
	if !found {
		return
	}
	b := o.blocks[n]
	s := b.find(int(id & (blockIDs - 1)))
	if s == nil {
		return
	}
	o.count(id, *s, -1)
	delete(o.large, id)
	b.remove(s)
	if b.live == 0 {
		o.blocks = slices.Delete(o.blocks, n, n+1)
	}
}

// place is where a block stands, or would.
func (o *Order) place(number int64) (n int, found bool) {
	if last := len(o.blocks) - 1; last >= 0 && o.blocks[last].number <= number {
		if o.blocks[last].number == number {
			return last, true
		}
		return last + 1, false
	}
	return slices.BinarySearchFunc(o.blocks, number, func(b *block, number int64) int {
		return int(min(max(b.number-number, -1), 1))
	})
}

func (o *Order) find(id int64) *state {
	n, found := o.place(id >> blockBits)
	if !found {
		return nil
	}
	return o.blocks[n].find(int(id & (blockIDs - 1)))
}

// add adds a key that is not there.
func (o *Order) add(id, bytes int64, volatile bool, level int) {
	n, found := o.place(id >> blockBits)
	if !found {
		if n == len(o.blocks) && n > 0 { // what is behind it does not grow any more
			o.blocks[n-1].clip()
		}
		o.blocks = slices.Insert(o.blocks, n, &block{number: id >> blockBits})
	}
	s := o.sized(id, bytes, volatile)
	if o.policy.countsUses() {
		s.setUse(level, o.epoch)
	} else {
		s.setEpoch(o.epoch)
	}
	o.blocks[n].put(int(id&(blockIDs-1)), s)
	o.count(id, s, 1)
}

// sized is a state with a size and a deadline alone.
func (o *Order) sized(id, bytes int64, volatile bool) state {
	class := classOf(bytes)
	delete(o.large, id)
	if class == topClass {
		o.large[id] = bytes
	}
	s := state(class << classShift)
	if volatile {
		s |= volatileBit
	}
	return s
}

func (o *Order) size(id int64, s state) int64 {
	if s.class() == topClass {
		return o.large[id]
	}
	return classBytes[s.class()]
}

// count adds a key's figures to the sums, or takes them away.
func (o *Order) count(id int64, s state, by int64) {
	o.keys += by
	if id >= o.window {
		o.windowBytes += by * o.size(id, s)
	}
	o.top = max(o.top, id+1)
	o.bytes += by * o.size(id, s)
	if s.volatile() {
		o.volatile += by
	}
}

// SetPolicy changes what the order goes by. What it knows of uses does not carry over between policies that count them
// and such that do not: all keys begin the same then.
func (o *Order) SetPolicy(p Policy) {
	was := o.policy
	o.policy = p
	if was.countsUses() == p.countsUses() {
		return
	}
	for _, b := range o.blocks {
		b.walk(0, func(_ int, s *state) bool {
			if p.countsUses() {
				s.setUse(levelOne, o.epoch)
			} else {
				s.setEpoch(o.epoch)
			}
			return true
		})
	}
}
