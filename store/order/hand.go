package order

import "math"

// Candidate is a key that may go.
type Candidate struct{ ID, Bytes int64 }

// Next appends up to n keys that may go, those with a deadline alone if volatile: none only if there is none. Their
// ids ascend, but that the hand begins again behind the last.
func (o *Order) Next(into []Candidate, n int, volatile bool) []Candidate {
	if o.keys == 0 || volatile && o.volatile == 0 {
		return into
	}
	had := len(into)
	young := o.youngest()
	for round := 0; len(into) == had && round < 2*topLevel; round++ {
		o.sweep(func(id int64, s *state) bool {
			if (!volatile || s.volatile()) && o.goes(id, s, young, round) {
				into = append(into, Candidate{id, o.size(id, *s)})
			}
			return len(into)-had < n
		})
	}
	return into
}

// sweep moves the hand over all keys once at most, and calls f with each until it returns false.
func (o *Order) sweep(f func(id int64, s *state) bool) {
	begun := o.hand
	if o.sweepTo(math.MaxInt64, f) {
		o.hand = 0
		o.sweepTo(begun, f)
	}
}

// sweepTo moves the hand to an id, and reports whether it came there.
func (o *Order) sweepTo(end int64, f func(id int64, s *state) bool) bool {
	at, _ := o.place(o.hand >> blockBits)
	for ; at < len(o.blocks); at++ {
		b := o.blocks[at]
		first := b.number << blockBits
		if first >= end {
			break
		}
		more := true
		b.walk(int(max(0, o.hand-first)), func(offset int, s *state) bool {
			if o.hand = first + int64(offset); o.hand >= end {
				return false
			}
			o.hand++
			more = f(first+int64(offset), s)
			return more
		})
		if !more {
			return false
		}
	}
	o.hand = end
	return true
}

// youngest is the id from which on keys are too young to go.
func (o *Order) youngest() int64 {
	if len(o.blocks) == 0 {
		return 0
	}
	last := o.blocks[len(o.blocks)-1]
	return last.number<<blockBits + blockIDs - int64(last.live/10)
}

func (o *Order) goes(id int64, s *state, young int64, round int) bool {
	switch {
	case o.policy == Random:
		return o.random.IntN(16) == 0
	case !o.policy.countsUses():
		age := (o.epoch - s.epoch()) % epochs
		return round > 0 && age > 0 || round > 1 || age >= epochs/2
	}
	if id >= young && round < topLevel {
		return false
	}
	if level := o.level(*s); level > 0 {
		s.setUse(level-1, o.epoch-o.age(*s))
		return false
	}
	return true
}

// Evicted forgets a key that was a candidate, and remembers its level for the time when it comes back.
func (o *Order) Evicted(id int64, name string) {
	if s := o.find(id); s != nil && o.policy.countsUses() {
		o.ghosts.keep(name, o.level(*s), o.keys)
	}
	o.Delete(id)
}
