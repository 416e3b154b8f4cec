package order

import "math"

const (
	halving  = 8   // epochs in which a count of uses halves, while there are none
	levelOne = 3   // that of a new key: one use
	fade     = 0.8 // what a count is worth when its key comes back
)

// windowOf... is the share of all bytes that the youngest keys have to themselves, as 1/share.
const (
	windowOfLRU = 20
	windowOfLFU = 50
)

// levels are the uses that each level stands for. More than eight tell no more about what is to go, and would keep a
// key for long that nobody wants any more.
var levels = [topLevel + 1]float64{0.35, 0.5, 0.7, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8}

// worth is a level's part of the score: an epoch without use, an eighth of an octave, takes 1 away.
var worth = func() (w [topLevel + 1]int) {
	for n := range w {
		w[n] = int(math.Round(halving * math.Log2(levels[n])))
	}
	return w
}()

// faded is what a use counts after so many epochs.
var faded = func() (f [stamps]float64) {
	for age := range f {
		f[age] = math.Exp2(-float64(age) / halving)
	}
	return f
}()

// age is how many epochs ago the key was used last.
func (o *Order) age(s state) uint32 { return (o.epoch - s.stamp()) % stamps }

// uses is how often the key was used, as it counts now.
func (o *Order) uses(s state) float64 { return levels[s.level()] * faded[o.age(s)] }

// round is a level for so many uses. Between two levels chance decides, so that it is right on average.
func (o *Order) round(uses float64) int {
	n := 0
	for n < topLevel && levels[n+1] <= uses {
		n++
	}
	if n < topLevel && uses > levels[n] && o.random.Float64()*(levels[n+1]-levels[n]) < uses-levels[n] {
		n++
	}
	return n
}

// Used notes what memory knew of a key that is unloaded: its uses since it was loaded, or judged, and how long ago the
// last was, in ms.
func (o *Order) Used(id int64, hits uint8, idle int64) {
	if hits == 0 || !o.policy.countsUses() {
		return
	}
	if s := o.find(id); s != nil {
		o.hit(s, hits, idle)
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

func (o *Order) hit(s *state, hits uint8, idle int64) {
	s.setUse(o.round(o.uses(*s)+float64(hits)), o.ago(idle))
	o.event(int64(hits))
}

// ago is the epoch in which something was so many ms ago, of the last half of those that a stamp can tell apart.
func (o *Order) ago(idle int64) uint32 {
	oldest := min(stamps/2, o.epoch)
	for n := range oldest {
		if o.began[(o.epoch-n)%epochs] <= o.now-idle {
			return o.epoch - n
		}
	}
	return o.epoch - oldest
}

// event counts what an epoch is made of: as many births and uses as there are keys, or half of it, so that LRU forgets
// sooner; where uses do not count, births and writes, so that 512 epochs are eight times the keys.
func (o *Order) event(n int64) {
	length := o.keys
	switch o.policy {
	case LRU:
		length /= 2
	case LRS, LRM:
		length /= 64
	}
	if o.events += n; o.events <= length+64 {
		return
	}
	o.newEpoch()
}

func (o *Order) newEpoch() {
	o.events = 0
	o.epoch++
	o.began[o.epoch%epochs] = o.now
	o.renew()
}

// renew keeps stamps from coming round again: each block has its turn in good time.
func (o *Order) renew() {
	turns := int64(stamps / 4)
	if !o.policy.countsUses() {
		turns = epochs / 4
	}
	for _, b := range o.blocks {
		if b.number%turns != int64(o.epoch)%turns {
			continue
		}
		b.walk(0, func(_ int, s *state) bool {
			switch {
			case !o.policy.countsUses():
				if (o.epoch-s.epoch())%epochs >= epochs/2 {
					s.setEpoch(o.epoch - epochs/2)
				}
			case o.age(*s) >= stamps/2:
				s.setUse(o.round(o.uses(*s)/faded[stamps/4]), o.epoch-stamps/4)
			}
			return true
		})
	}
}

// Known is what the order knows of a key that is loaded: about its count of uses, as it counts now, and the ms since
// the last.
func (o *Order) Known(id int64) (uses uint8, idle int64, ok bool) {
	s := o.find(id)
	if s == nil || !o.policy.countsUses() {
		return 0, 0, false
	}
	age, end := o.age(*s), o.now
	if age > 0 {
		end = o.began[(o.epoch-age+1)%epochs]
	}
	return uint8(o.uses(*s)), max(0, o.now-(o.began[(o.epoch-age)%epochs]+end)/2), true
}
