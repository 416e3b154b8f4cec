package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// overhead is what a key takes beside its value.
const overhead = 100

// A cache holds keys up to a number of bytes. ask reports whether the key is there; if not, it is afterwards.
type cache interface{ ask(key uint32) bool }

// kind is a way to choose what goes.
type kind struct {
	name string
	make func(t *trace, capacity int64) cache
}

// simulate returns the hit ratio.
func simulate(t *trace, c cache) float64 {
	hits := 0
	for n, key := range t.requests {
		if c.ask(key) && n >= t.counted() {
			hits++
		}
	}
	return float64(hits) / float64(len(t.requests)-t.counted())
}

// list is a doubly linked one of keys; key numbers are shifted by one, 0 is both ends.
type list struct {
	t            *trace
	newer, older []uint32
	in           []bool
	bytes        int64
}

func newList(t *trace) *list {
	n := len(t.sizes) + 1
	return &list{t: t, newer: make([]uint32, n), older: make([]uint32, n), in: make([]bool, n)}
}

func (l *list) size(key uint32) int64 { return int64(l.t.sizes[key]) + overhead }

func (l *list) push(key uint32) {
	k := key + 1
	l.older[k], l.newer[k] = l.older[0], 0
	l.newer[l.older[0]] = k
	l.older[0] = k
	l.in[k] = true
	l.bytes += l.size(key)
}

func (l *list) remove(key uint32) {
	k := key + 1
	l.newer[l.older[k]], l.older[l.newer[k]] = l.newer[k], l.older[k]
	l.in[k] = false
	l.bytes -= l.size(key)
}

func (l *list) has(key uint32) bool { return l.in[key+1] }

// oldest is the list's tail; there is one.
func (l *list) oldest() uint32 { return l.newer[0] - 1 }

type lru struct {
	*list
	capacity int64
}

func (c *lru) ask(key uint32) bool {
	hit := c.has(key)
	if hit {
		c.remove(key)
	}
	c.push(key)
	for c.bytes > c.capacity {
		c.remove(c.oldest())
	}
	return hit
}

type sieve struct {
	*list
	capacity int64
	visited  map[uint32]bool
	hand     uint32 // shifted by one
}

func (c *sieve) ask(key uint32) bool {
	if c.visited == nil {
		c.visited = map[uint32]bool{}
	}
	if c.has(key) {
		c.visited[key] = true
		return true
	}
	c.push(key)
	for c.bytes > c.capacity {
		if c.hand == 0 {
			c.hand = c.newer[0]
		}
		k := c.hand
		c.hand = c.newer[k]
		if c.visited[k-1] {
			delete(c.visited, k-1)
		} else {
			c.remove(k - 1)
		}
	}
	return false
}

// s3 is S3-FIFO (Yang et al., SOSP '23): a small queue, a main one, and names that went from the small one.
type s3 struct {
	small, main, ghost *list
	capacity           int64
	uses               []uint8
}

func newS3(t *trace, n int64) *s3 {
	return &s3{newList(t), newList(t), newList(t), n, make([]uint8, len(t.sizes))}
}

func (c *s3) ask(key uint32) bool {
	if c.small.has(key) || c.main.has(key) {
		c.uses[key] = min(3, c.uses[key]+1)
		return true
	}
	c.uses[key] = 0
	if c.ghost.has(key) {
		c.ghost.remove(key)
		c.main.push(key)
	} else {
		c.small.push(key)
	}
	for c.small.bytes+c.main.bytes > c.capacity {
		if c.small.bytes > c.capacity/10 || c.main.bytes == 0 {
			old := c.small.oldest()
			c.small.remove(old)
			if c.uses[old] > 0 {
				c.uses[old] = 0
				c.main.push(old)
				continue
			}
			c.ghost.push(old)
			for c.ghost.bytes > c.capacity {
				c.ghost.remove(c.ghost.oldest())
			}
			continue
		}
		old := c.main.oldest()
		c.main.remove(old)
		if c.uses[old] > 0 {
			c.uses[old]--
			c.main.push(old)
		}
	}
	return false
}

// tiny is W-TinyLFU (Einziger et al., 2017) with exact counts, a window of 1 %, and halving after ten times the keys.
type tiny struct {
	window, probation, protected *list
	capacity                     int64
	uses                         []uint8
	asked, period                int
}

func newTiny(t *trace, n int64) *tiny {
	return &tiny{window: newList(t), probation: newList(t), protected: newList(t), capacity: n,
		uses: make([]uint8, len(t.sizes)), period: int(10 * float64(n) / t.mean())}
}

func (c *tiny) ask(key uint32) bool {
	c.uses[key] = min(15, c.uses[key]+1)
	if c.asked++; c.asked >= c.period {
		c.asked = 0
		for n := range c.uses {
			c.uses[n] /= 2
		}
	}
	switch {
	case c.window.has(key):
		c.window.remove(key)
		c.window.push(key)
		return true
	case c.protected.has(key):
		c.protected.remove(key)
		c.protected.push(key)
		return true
	case c.probation.has(key):
		c.probation.remove(key)
		c.protected.push(key)
		for c.protected.bytes > c.capacity*99/100*8/10 {
			old := c.protected.oldest()
			c.protected.remove(old)
			c.probation.push(old)
		}
		return true
	}
	c.window.push(key)
	for c.window.bytes > c.capacity/100 {
		candidate := c.window.oldest()
		c.window.remove(candidate)
		c.probation.push(candidate)
		for c.window.bytes+c.probation.bytes+c.protected.bytes > c.capacity {
			victim := c.probation.oldest()
			if victim != candidate && c.probation.has(candidate) && c.uses[candidate] <= c.uses[victim] {
				victim = candidate
			}
			c.probation.remove(victim)
		}
	}
	return false
}

// sampled is Redis's evict.c: five keys at random, a pool of the 16 best of earlier ones, by idleness or by a counter
// that grows the more seldom the higher it is. Its clock is finer than Redis's, and the counter does not decay: a
// replay takes less than a minute.
type sampled struct {
	t        *trace
	capacity int64
	bytes    int64
	keys     []uint32
	place    []int32 // in keys, by key; one more, 0 = not there
	used     []uint32
	uses     []uint8
	clock    uint32
	lfu      bool
	pool     []pooled
	r        *rand.Rand
}

type pooled struct {
	key  uint32
	idle uint32
}

func newSampled(t *trace, n int64, lfu bool) *sampled {
	keys := len(t.sizes)
	return &sampled{t: t, capacity: n, place: make([]int32, keys), used: make([]uint32, keys), uses: make([]uint8, keys),
		lfu: lfu, r: rand.New(rand.NewPCG(1, 1))}
}

func (c *sampled) ask(key uint32) bool {
	c.clock++
	c.used[key] = c.clock
	if c.place[key] != 0 {
		if n := max(0, int(c.uses[key])-5); c.uses[key] < 255 && c.r.Float64()*float64(n*10+1) < 1 {
			c.uses[key]++
		}
		return true
	}
	for c.bytes+int64(c.t.sizes[key])+overhead > c.capacity && len(c.keys) > 0 {
		c.evict()
	}
	c.uses[key] = 5
	c.keys = append(c.keys, key)
	c.place[key] = int32(len(c.keys))
	c.bytes += int64(c.t.sizes[key]) + overhead
	return false
}

func (c *sampled) evict() {
	for range 5 {
		key := c.keys[c.r.IntN(len(c.keys))]
		idle := c.clock - c.used[key]
		if c.lfu {
			idle = 255 - uint32(c.uses[key])
		}
		if slices.ContainsFunc(c.pool, func(p pooled) bool { return p.key == key }) {
			continue
		}
		n, _ := slices.BinarySearchFunc(c.pool, idle, func(p pooled, idle uint32) int { return cmp.Compare(p.idle, idle) })
		if len(c.pool) == 16 {
			if n == 0 {
				continue
			}
			c.pool = slices.Delete(c.pool, 0, 1)
			n--
		}
		c.pool = slices.Insert(c.pool, n, pooled{key, idle})
	}
	for len(c.pool) > 0 {
		key := c.pool[len(c.pool)-1].key
		c.pool = c.pool[:len(c.pool)-1]
		if n := c.place[key]; n != 0 {
			last := c.keys[len(c.keys)-1]
			c.keys[n-1], c.place[last] = last, n
			c.keys, c.place[key] = c.keys[:len(c.keys)-1], 0
			c.bytes -= int64(c.t.sizes[key]) + overhead
			return
		}
	}
}
