package main

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// optimum is the hit ratio of a cache that knows what comes, and that spends so many bytes on a key beside its value.
// Where all values have one size that is Belady's: of the keys that are there, and the one that was asked for, that one
// goes that is asked for again last. With sizes the true optimum is hard to compute, and this is an upper estimate
// (PFOO-U; Berger et al., SIGMETRICS '18): to keep a key until it is asked for again takes its bytes for that time, and
// as many hits are counted as there is room for in bytes and time of the whole trace, the cheapest first.
func optimum(t *trace, capacity, beside int64) float64 {
	if slices.Min(t.sizes) == slices.Max(t.sizes) {
		return belady(t, capacity/(int64(t.sizes[0])+beside))
	}
	type stay struct {
		cost int64
		at   int // the request that hits
	}
	var stays []stay
	last := make([]int, len(t.sizes)) // the request that asked for the key, from 1
	for n, key := range t.requests {
		if last[key] > 0 {
			stays = append(stays, stay{int64(n+1-last[key]) * (int64(t.sizes[key]) + beside), n})
		}
		last[key] = n + 1
	}
	slices.SortFunc(stays, func(a, b stay) int { return cmp.Compare(a.cost, b.cost) })
	room, hits := capacity*int64(len(t.requests)), 0
	for _, s := range stays {
		if room -= s.cost; room < 0 {
			break
		}
		if s.at >= t.counted() {
			hits++
		}
	}
	return float64(hits) / float64(len(t.requests)-t.counted())
}

// due is a key that is there, and the request that asks for it again.
type due struct {
	at  int
	key uint32
}

type lastFirst []due

func (h lastFirst) Len() int           { return len(h) }
func (h lastFirst) Less(i, j int) bool { return h[i].at > h[j].at }
func (h lastFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lastFirst) Push(x any)        { *h = append(*h, x.(due)) }
func (h *lastFirst) Pop() any          { x := (*h)[len(*h)-1]; *h = (*h)[:len(*h)-1]; return x }

func belady(t *trace, capacity int64) float64 {
	again, next := make([]int, len(t.requests)), make([]int, len(t.sizes))
	for key := range next {
		next[key] = math.MaxInt
	}
	for n := len(t.requests) - 1; n >= 0; n-- {
		again[n], next[t.requests[n]] = next[t.requests[n]], n
	}
	until := make([]int, len(t.sizes)) // the request that asks again for a key that is there, 0 = it is not
	var h lastFirst
	var held int64
	hits := 0
	for n, key := range t.requests {
		switch {
		case until[key] == 0:
			held++
		case n >= t.counted():
			hits++
		}
		until[key] = again[n]
		heap.Push(&h, due{again[n], key})
		for held > capacity {
			if x := heap.Pop(&h).(due); until[x.key] == x.at {
				until[x.key] = 0
				held--
			}
		}
	}
	return float64(hits) / float64(len(t.requests)-t.counted())
}
