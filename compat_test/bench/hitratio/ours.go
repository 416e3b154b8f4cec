package main

import (
	"slices"
	"strconv"

	"diskette/store/order"
)

// ours is package order with the hot set around it: a part of the keys is in memory, which SIEVE chooses, and what is
// there counts its uses.
type ours struct {
	t        *trace
	order    *order.Order
	capacity int64
	last     int64            // id given out
	id       []int64          // of a key, 0 = it is not there
	key      map[int64]uint32 // by id
	hot      *list            // keys in memory
	memory   int64            // bytes that they may take
	hand     uint32           // SIEVE's, shifted by one
	visited  []bool           // by key, as what follows
	hits     []uint8
	used     []int64 // at clock
	clock    int64   // requests
	found    []order.Candidate
}

// perMilli is how many requests come in a ms.
const perMilli = 20

func newOurs(t *trace, capacity int64, p order.Policy, resident float64) *ours {
	n := len(t.sizes)
	return &ours{t: t, order: order.New(p), capacity: capacity, id: make([]int64, n), key: map[int64]uint32{},
		hot: newList(t), memory: int64(resident * float64(capacity)),
		visited: make([]bool, n), hits: make([]uint8, n), used: make([]int64, n)}
}

func name(key uint32) string { return "key:" + strconv.Itoa(int(key)) }

func (c *ours) idle(key uint32) int64 { return (c.clock - c.used[key]) / perMilli }

func (c *ours) ask(key uint32) bool {
	if c.clock++; c.clock%1000 == 0 {
		c.order.Tick(c.clock / perMilli)
	}
	hit := c.id[key] != 0
	if !hit {
		c.last++
		c.id[key], c.key[c.last] = c.last, key
		c.order.Born(c.last, name(key), c.hot.size(key), false)
	}
	switch {
	case c.hot.has(key):
		c.visited[key] = true
		c.hits[key] = min(254, c.hits[key]) + 1
	default:
		c.hot.push(key)
		c.hits[key], c.visited[key] = 0, false
		if hit {
			c.hits[key] = 1
		}
	}
	c.used[key] = c.clock
	c.unload()
	if c.order.Bytes() > c.capacity {
		c.evict(c.capacity - c.capacity/500)
	}
	return hit
}

func (c *ours) unload() {
	for c.hot.bytes > c.memory {
		if c.hand == 0 {
			c.hand = c.hot.newer[0]
		}
		key := c.hand - 1
		c.hand = c.hot.newer[c.hand]
		if c.visited[key] {
			c.visited[key] = false
			continue
		}
		c.hot.remove(key)
		c.order.Used(c.id[key], c.hits[key], c.idle(key))
	}
}

// evict lets keys go until so many bytes are left, a batch at a time.
func (c *ours) evict(want int64) {
	for c.order.Bytes() > want {
		c.found = c.order.Next(c.found[:0], 64, false)
		for n, f := range c.found {
			if c.order.Bytes() <= want {
				c.notNeeded(c.found[n:])
				break
			}
			key := c.key[f.ID]
			if c.hot.has(key) {
				if !c.order.Judge(f.ID, c.hits[key], c.idle(key)) {
					c.hits[key] = 0
					continue
				}
				if c.hand == key+1 {
					c.hand = c.hot.newer[c.hand]
				}
				c.hot.remove(key)
			}
			c.order.Evicted(f.ID, name(key))
			delete(c.key, f.ID)
			c.id[key] = 0
		}
	}
}

func (c *ours) notNeeded(found []order.Candidate) {
	ids := make([]int64, len(found))
	for n, f := range found {
		ids[n] = f.ID
	}
	slices.Sort(ids)
	c.order.NotNeeded(ids)
}
