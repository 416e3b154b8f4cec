package order

import "sort"

// levels are the uses that each level stands for.
var levels = [topLevel + 1]int{0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192}

// used is the level after so many more uses. Between two levels chance decides, so that it is right on average.
func (o *Order) used(level int, hits uint8) int {
	uses := levels[level] + int(hits)
	n := sort.SearchInts(levels[:], uses+1) - 1
	if n < topLevel && o.random.IntN(levels[n+1]-levels[n]) < uses-levels[n] {
		n++
	}
	return n
}

// Used notes what memory knew of a key that is unloaded: its uses since it was loaded, or judged, and how long ago the
// last was, in ms.
func (o *Order) Used(id int64, hits uint8, idle int64) {
	if s := o.find(id); s != nil && o.policy.countsUses() && hits > 0 {
		o.hit(s, hits, idle)
	}
}

func (o *Order) hit(s *state, hits uint8, idle int64) {
	level := o.used(o.level(*s), hits)
	s.setUse(level, o.ago(idle))
	o.event(int64(hits))
}

// ago is the epoch in which something was so many ms ago, of the last 31.
func (o *Order) ago(idle int64) uint32 {
	for n := range uint32(min(stamps-1, o.epoch)) {
		if o.began[(o.epoch-n)%epochs] <= o.now-idle {
			return o.epoch - n
		}
	}
	return o.epoch - min(stamps-1, o.epoch)
}

// age is how many epochs ago the key was used last.
func (o *Order) age(s state) uint32 { return (o.epoch - s.stamp()) % stamps }

// level is the key's level now: it halves its uses every two epochs.
func (o *Order) level(s state) int { return max(0, s.level()-int(o.age(s))) }

// event counts what an epoch is made of.
func (o *Order) event(n int64) {
	if o.events += n; o.events > o.keys/2+64 {
		o.events = 0
		o.epoch++
		o.began[o.epoch%epochs] = o.now
		if o.policy.countsUses() {
			o.renew()
		}
	}
}

// renew keeps stamps from coming round again: it is called once an epoch, and each key's turn is in good time.
func (o *Order) renew() {
	for n, b := range o.blocks {
		if uint32(n)%(stamps/4) != o.epoch%(stamps/4) {
			continue
		}
		b.walk(0, func(_ int, s *state) bool {
			if o.age(*s) >= stamps/2 {
				s.setUse(0, o.epoch-stamps/2)
			}
			return true
		})
	}
}

// Judge says whether a candidate that is in memory is to go. One that was used is spared, and its hits are taken over.
func (o *Order) Judge(id int64, hits uint8, idle int64) bool {
	s := o.find(id)
	if s == nil || !o.policy.countsUses() || hits == 0 {
		return true
	}
	o.hit(s, hits, idle)
	return false
}

// Known is what the order knows of a key that is loaded: its count of uses, and the ms since the last.
func (o *Order) Known(id int64) (uses uint8, idle int64, ok bool) {
	s := o.find(id)
	if s == nil || !o.policy.countsUses() {
		return 0, 0, false
	}
	idle = max(0, o.now-o.began[(o.epoch-o.age(*s))%epochs])
	return uint8(levels[o.level(*s)]), idle, true
}
