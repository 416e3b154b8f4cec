package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A trace is requests for keys by number, and the sizes of their values. Each is a GET, and on a miss a SET.
type trace struct {
	name     string
	requests []uint32
	sizes    []int32 // bytes of the value, by key
}

// All values have the size small, or sizes from 100 bytes to 100 KB, each octave as often as another.
const (
	small    = 500
	smallest = 100
	longest  = 100_000
)

func (t *trace) mean() float64 {
	sum := 0.0
	for _, n := range t.sizes {
		sum += float64(n) + overhead
	}
	return sum / float64(len(t.sizes))
}

// counted is the first request that counts: before it the caches fill.
func (t *trace) counted() int { return len(t.requests) / 4 }

// plan is how a trace is made, for a cache that holds about so many keys and for so many requests.
type plan struct {
	name  string
	sized bool
	fill  func(m *maker, keys, requests int)
}

// plans are the traces of the comparison.
func plans() (all []plan) {
	for _, sized := range []bool{false, true} {
		add := func(name string, fill func(m *maker, keys, requests int)) {
			if sized {
				name += ", sizes"
			}
			all = append(all, plan{name, sized, fill})
		}
		for _, exponent := range []float64{0.8, 1.0, 1.2} {
			add(fmt.Sprintf("Zipf %.1f", exponent), func(m *maker, keys, requests int) {
				m.zipf(10*keys, requests, exponent, 0.05)
			})
		}
		for _, times := range []float64{1.2, 2} {
			add(fmt.Sprintf("loop of %.1f caches", times), func(m *maker, keys, requests int) {
				m.loop(int(float64(keys)*times), requests)
			})
		}
		add("Zipf 1.0 with scans", (*maker).scans)
		add("Zipf 1.0 that moves", (*maker).moves)
	}
	return all
}

func (p plan) trace(keys int, turns float64) *trace {
	m := &maker{r: rand.New(rand.NewPCG(15, 1))}
	p.fill(m, keys, int(float64(keys)*turns))
	t := &trace{name: p.name, requests: m.requests, sizes: make([]int32, m.keys)}
	for n := range t.sizes {
		t.sizes[n] = small
		if p.sized {
			t.sizes[n] = int32(smallest * math.Pow(longest/smallest, m.r.Float64()))
		}
	}
	return t
}

// mean is what a key takes on average, in the traces with sizes or the others.
func (p plan) mean() float64 {
	if !p.sized {
		return small + overhead
	}
	return (longest-smallest)/math.Log(longest/smallest) + overhead
}

// maker makes a trace.
type maker struct {
	r        *rand.Rand
	requests []uint32
	keys     uint32 // numbers below it are given out
}

// zipf asks for keys of a universe by rank, and in a share of all requests for one that was never asked for before.
func (m *maker) zipf(universe, requests int, exponent, fresh float64) {
	rank := newZipf(universe, exponent)
	name := m.r.Perm(universe) // so that neighbours in rank are none otherwise
	m.keys = uint32(universe)
	for range requests {
		if m.r.Float64() < fresh {
			m.requests = append(m.requests, m.keys)
			m.keys++
			continue
		}
		m.requests = append(m.requests, uint32(name[rank.next(m.r)]))
	}
}

// loop asks for the same keys in the same order, again and again.
func (m *maker) loop(keys, requests int) {
	m.keys = uint32(keys)
	for n := range requests {
		m.requests = append(m.requests, uint32(n)%m.keys)
	}
}

// scans is Zipf, and between a walk over half a cache of keys, most of which are seldom asked for otherwise: a third of
// all requests.
func (m *maker) scans(keys, requests int) {
	m.zipf(10*keys, requests, 1, 0)
	hot := m.requests
	m.requests = nil
	length, at := keys/2, uint32(0)
	for len(m.requests) < requests {
		n := min(2*length, len(hot))
		m.requests = append(m.requests, hot[:n]...)
		hot = hot[n:]
		for range length {
			m.requests = append(m.requests, at)
			at = (at + 1) % m.keys
		}
	}
	m.requests = m.requests[:requests]
}

// moves is Zipf whose keys become others all at once, three times.
func (m *maker) moves(keys, requests int) {
	rank := newZipf(10*keys, 1)
	for range 4 {
		name := m.r.Perm(10 * keys)
		for range requests / 4 {
			m.requests = append(m.requests, m.keys+uint32(name[rank.next(m.r)]))
		}
		m.keys += uint32(10 * keys)
	}
}

// zipf draws ranks from 0, each with a probability like 1/(rank+1)^exponent.
type zipf struct{ sums []float64 }

func newZipf(n int, exponent float64) *zipf {
	z := &zipf{make([]float64, n)}
	sum := 0.0
	for i := range z.sums {
		sum += math.Pow(float64(i+1), -exponent)
		z.sums[i] = sum
	}
	return z
}

func (z *zipf) next(r *rand.Rand) int {
	u := r.Float64() * z.sums[len(z.sums)-1]
	low, high := 0, len(z.sums)-1
	for low < high {
		if mid := (low + high) / 2; z.sums[mid] < u {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}
