package order

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// play is a cache of so many keys of one size: a request for one that is not there makes it. All uses are told at once.
type play struct {
	*Order
	size int64
	id   map[string]int64
	name map[int64]string
	last int64
}

func newPlay(p Policy, size int64) *play {
	return &play{newSeeded(p, 1), size, map[string]int64{}, map[int64]string{}, 0}
}

func (c *play) ask(name string) (hit bool) {
	if id, ok := c.id[name]; ok {
		c.Used(id, 1, 0)
		return true
	}
	c.last++
	c.id[name], c.name[c.last] = c.last, name
	c.Born(c.last, name, 100, false)
	for c.Keys() > c.size {
		candidates := c.Next(nil, 16, false)
		c.evict(candidates[0].ID)
		rest := []int64{}
		for _, k := range candidates[1:] {
			rest = append(rest, k.ID)
		}
		c.NotNeeded(rest)
	}
	return false
}

func (c *play) evict(id int64) {
	c.Evicted(id, c.name[id])
	delete(c.id, c.name[id])
	delete(c.name, id)
}

// loop asks for so many keys in turn, and returns the share of hits in the last of the turns.
func (c *play) loop(keys, turns int) float64 {
	hits := 0
	for turn := range turns {
		for n := range keys {
			if c.ask(fmt.Sprint("loop ", n)) && turn == turns-1 {
				hits++
			}
		}
	}
	return float64(hits) / float64(keys)
}

// At best those hit that are there: the cache's share of the loop.
func TestALoopKeepsWhatIsThere(t *testing.T) {
	const size = 4000
	for _, p := range []Policy{LRU, LFU} {
		for _, times := range []float64{1.05, 1.25, 2} {
			keys := int(size * times)
			got, best := newPlay(p, size).loop(keys, 8), 1/times
			t.Logf("policy %d, a loop of %.2f caches: %.3f of all hit, %.3f at best", p, times, got, best)
			if got < best*0.88 {
				t.Errorf("policy %d, a loop of %.2f caches: %.3f of all hit, %.3f at best", p, times, got, best)
			}
		}
	}
}

// What a loop has left makes way for other keys, though these come and go at first.
func TestALoopThatEndsMakesWay(t *testing.T) {
	const size = 4000
	for _, p := range []Policy{LRU, LFU} {
		after := func(c *play) (hits int) {
			r := rand.New(rand.NewPCG(1, 2))
			for n := range 20 * size { // a few are asked for often, all of them new
				key := int(float64(size) * r.ExpFloat64() / 2)
				if c.ask(fmt.Sprint("other ", key)) && n >= 15*size {
					hits++
				}
			}
			return hits
		}
		fresh, looped := newPlay(p, size), newPlay(p, size)
		looped.loop(size*5/4, 8)
		want, got := after(fresh), after(looped)
		t.Logf("policy %d: %d of %d hit, %d after a loop", p, want, 5*size, got)
		if got < want*8/10 {
			t.Errorf("policy %d: %d of %d hit, %d after a loop", p, want, 5*size, got)
		}
	}
}

// More are named than go: those that were not needed are what they were, and no better.
func TestACandidateThatWasNotNeededIsNamedAgain(t *testing.T) {
	for _, p := range []Policy{LRU, LFU, Random, LRS, LRM} {
		o := newSeeded(p, 1)
		for id := range int64(10_000) {
			o.Born(id, fmt.Sprint(id), 100, false)
		}
		o.Next(nil, 64, false)
		for range 100 {
			first := o.Next(nil, 64, false)
			var ids []int64
			for _, c := range first {
				ids = append(ids, c.ID)
			}
			if o.NotNeeded(ids[1:]); p == Random {
				continue // chance decides anew
			}
			o.Evicted(ids[0], "")
			again := o.Next(nil, 1, false)
			if len(again) != 1 || again[0].ID != ids[1] {
				t.Fatalf("policy %d: after %d not %d is named but %v", p, ids[0], ids[1], again)
			}
			o.NotNeeded([]int64{again[0].ID})
		}
	}
}

// Names that never went before are no returns, and of a loop's nearly all are.
func TestReturnsAreTold(t *testing.T) {
	const size = 4000
	c := newPlay(LFU, size)
	for n := range 10 * size {
		c.ask(fmt.Sprint("new ", n))
	}
	if c.returns.share > 0.01 {
		t.Errorf("%.2f of keys that are new are returns", c.returns.share)
	}
	if c.loop(size*2, 6); c.returns.share < 0.8 {
		t.Errorf("%.2f of a loop's keys are returns", c.returns.share)
	}
	for n := range size {
		c.ask(fmt.Sprint("newer ", n))
	}
	if c.returns.share > aSet {
		t.Errorf("%.2f of keys that are new are returns, after a loop", c.returns.share)
	}
}
