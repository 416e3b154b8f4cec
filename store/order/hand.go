package order

import (
	"math"
	"slices"
)

// Candidate is a key that may go, and about what it takes.
type Candidate struct{ ID, Bytes int64 }

const (
	// newest are never candidates while there is another: a value may be longer than the window.
	newest = 8
	// places and atPlace are how many keys the threshold is taken from, which holds for so many calls of Next.
	places, atPlace, thresholdHolds = 128, 8, 16
	// lowest is the share of the main keys at or below the threshold, as 1/lowest: those go that the hand comes to. The
	// fewer there are, the nearer to the lowest is what goes, and the more keys the hand passes for each.
	lowest = 32
)

// Next appends up to n keys that may go, those with a deadline alone if volatile: none only if there is none. What has
// left the window comes first, then what the hand finds; the ids of either ascend, but that the hand begins again
// behind the last.
func (o *Order) Next(into []Candidate, n int, volatile bool) []Candidate {
	if o.keys == 0 || volatile && o.volatile == 0 || n <= 0 {
		return into
	}
	o.moveWindow()
	o.main = max(o.main, o.window-(o.top-o.window)) // what left the window while there was room: a main key
	if o.asked++; o.asked >= thresholdHolds || o.askedVolatile != volatile {
		o.asked, o.askedVolatile = 0, volatile
		o.sample(volatile)
	}
	had := len(into)
	least := math.MaxInt
	look := func(upTo int) func(id int64, s *state) bool {
		return func(id int64, s *state) bool {
			if volatile && !s.volatile() {
				return true
			}
			if score := o.score(*s); score <= upTo {
				into = append(into, Candidate{id, o.size(id, *s)})
			} else {
				least = min(least, score)
			}
			return len(into)-had < n
		}
	}
	// What leaves the window must be better than what would go in its place, or goes itself.
	main := o.main
	o.left = main
	o.walk(&o.main, o.window, look(o.admission()))
	if len(into)-had >= n {
		return into
	}
	if o.sweep(main, look(o.threshold)); len(into) > had {
		return into
	}
	if least < math.MaxInt { // all are better
		o.sample(volatile)
		o.threshold = max(o.threshold, least)
		o.sweep(o.main, look(o.threshold))
	}
	if len(into) == had { // there are none but in the window, or chance is against all
		from := int64(0)
		o.walk(&from, math.MaxInt64, look(math.MaxInt))
	}
	return into
}

// NotNeeded takes candidates back of which nothing came, by their ids, which ascend: it is as if the last Next had not
// named them. What has left the window would be a main key otherwise, only because more were asked for than had to go.
func (o *Order) NotNeeded(ids []int64) {
	for _, id := range slices.Backward(ids) {
		if id >= o.left {
			o.main = min(o.main, id)
		} else {
			o.hand = id
		}
	}
}

// admission is the score above which a key stays that leaves the window: see returns.go.
func (o *Order) admission() int {
	switch {
	case !o.policy.countsUses():
		return o.threshold
	case o.returns.share >= aLoop && o.idle <= inTurn:
		return math.MaxInt
	case o.returns.share >= aLoop && o.idle > over:
		return math.MinInt
	case o.policy == LFU && o.returns.share >= aSet:
		return o.threshold + better
	}
	return o.threshold
}

// sweep moves the hand over all keys below an id, once at most, and calls f with each until it returns false.
func (o *Order) sweep(end int64, f func(id int64, s *state) bool) {
	begun := min(o.hand, end)
	if o.hand = begun; o.walk(&o.hand, end, f) {
		o.hand = 0
		o.walk(&o.hand, begun, f)
	}
}

// walk calls f with each key from an id to another until it returns false; at is then behind that key. It reports
// whether it came to the end.
func (o *Order) walk(at *int64, end int64, f func(id int64, s *state) bool) bool {
	n, _ := o.place(*at >> blockBits)
	for ; n < len(o.blocks); n++ {
		b := o.blocks[n]
		first := b.number << blockBits
		if first >= end {
			break
		}
		more := true
		b.walk(int(max(0, *at-first)), func(offset int, s *state) bool {
			id := first + int64(offset)
			if id >= end {
				return false
			}
			*at = id + 1
			more = f(id, s)
			return more
		})
		if !more {
			return false
		}
	}
	*at = max(*at, end)
	return true
}

// moveWindow lets the oldest leave the window while it has more than its share of all bytes.
func (o *Order) moveWindow() {
	share := int64(windowOfLRU)
	if o.policy == LFU {
		share = windowOfLFU
	}
	o.walk(&o.window, max(0, o.top-newest), func(id int64, s *state) bool {
		if o.windowBytes <= o.bytes/share {
			o.window = id // it stays
			return false
		}
		o.windowBytes -= o.size(id, *s)
		return true
	})
}

// score is what a key is worth for the bytes that it takes, in eighths of an octave. Who has the lowest goes.
func (o *Order) score(s state) int {
	switch o.policy {
	case LRU, LFU:
		return worth[s.level()] - int(o.age(s)) - s.class()
	case Random:
		return o.random.IntN(epochs)
	}
	return -int((o.epoch - s.epoch()) % epochs)
}

// sample takes the threshold from some of the main keys, at random places, and sees how many are used.
func (o *Order) sample(volatile bool) {
	turn := uint32(longestTurn)
	if o.policy == LRU { // an epoch is half as long
		turn *= 2
	}
	o.scores = o.scores[:0]
	looked, idle := 0, 0
	for range places {
		b := o.blocks[o.random.IntN(len(o.blocks))]
		end := min(blockIDs, o.main-b.number<<blockBits)
		if end <= 0 {
			continue
		}
		n := 0
		b.walk(int(o.random.Int64N(end)), func(offset int, s *state) bool {
			if int64(offset) >= end {
				return false
			}
			if !volatile || s.volatile() {
				o.scores = append(o.scores, o.score(*s))
			}
			if looked++; o.age(*s) > turn {
				idle++
			}
			n++
			return n < atPlace
		})
	}
	o.idle = float64(idle) / float64(max(looked, 1))
	if len(o.scores) > 0 {
		slices.Sort(o.scores)
		o.threshold = o.scores[len(o.scores)/lowest]
	}
}

// Evicted forgets a key that was a candidate, and remembers its level for the time when it comes back.
func (o *Order) Evicted(id int64, name string) {
	if s := o.find(id); s != nil && o.policy.countsUses() {
		o.returns.went(o.ghosts.hash(name), o.keys)
		o.ghosts.keep(name, o.round(o.uses(*s)), o.keys, o.usual(), o.states)
	}
	o.Delete(id)
}
