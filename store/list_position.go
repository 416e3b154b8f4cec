package store

import (
	"math"
	"math/bits"
)

const (
	positionBits = 16
	// positionStep lies between neighbours that came as pushes: room for 16 insertions at one place, or 65,535
	// spread evenly.
	positionStep = 1 << positionBits
)

// neighbourly turns a position around so that those of pushes, one after the other, are neighbours.
func neighbourly(n int64) int64 { return int64(bits.RotateLeft64(uint64(n), -positionBits)) }

// beyond returns the position of an element to come before the first, or behind the last.
func (l ListTx) beyond(end End) int64 {
	switch {
	case l.List.Len() == 0 && l.outline != nil:
		return l.outline.part.list.beyond(end)
	case l.List.Len() == 0:
		return 0
	case end == Head:
		if l.at(0).n < math.MinInt64+positionStep {
			l.renumberAll()
		}
		return l.at(0).n - positionStep
	}
	if l.at(l.List.Len()-1).n > math.MaxInt64-positionStep {
		l.renumberAll()
	}
	return l.at(l.List.Len()-1).n + positionStep
}

// between returns a position between the elements at i-1 and i.
func (l ListTx) between(i int) int64 {
	if distance(l.at(i-1).n, l.at(i).n) < 2 {
		l.spread(i)
	}
	low, high := l.at(i-1).n, l.at(i).n
	return low + int64(distance(low, high)/2)
}

func distance(low, high int64) uint64 { return uint64(high) - uint64(low) }

// spread makes room between the elements at i-1 and i by numbering those around anew, evenly. It takes the smallest
// of the windows of 2, 4, 8 ... elements that has room enough; larger windows must have more of it, by half with each
// doubling, so that insertions at one place empty small windows often and large ones rarely, and cost a logarithm each
// (Bender and others, Two Simplified Algorithms for Maintaining Order in a List). A window that reaches an end
// of the list has all the room beyond it.
func (l ListTx) spread(i int) {
	gap := uint64(4)
	for side := 1; ; side *= 2 {
		from, to := i-side, i+side
		if from <= 0 || to >= l.List.Len() {
			l.spreadToEnd(max(from, 0), min(to, l.List.Len()))
			return
		}
		low := l.at(from - 1).n
		if step := distance(low, l.at(to).n) / uint64(to-from+1); step >= gap {
			l.renumber(from, to, low+int64(step), int64(step))
			return
		}
		gap += gap / 2
	}
}

// spreadToEnd gives a window that reaches an end of the list the distances of pushes.
func (l ListTx) spreadToEnd(from, to int) {
	length := int64(to-from) * positionStep
	switch {
	case from == 0 && to < l.List.Len() && l.at(to).n >= math.MinInt64+length:
		l.renumber(from, to, l.at(to).n-length, positionStep)
	case to == l.List.Len() && from > 0 && l.at(from-1).n <= math.MaxInt64-length:
		l.renumber(from, to, l.at(from-1).n+positionStep, positionStep)
	default:
		l.renumberAll()
	}
}

// renumberAll puts the elements around 0 again: nobody will live to see the end of the range, which is 140 trillion
// pushes away, but what is in the file may be anything.
func (l ListTx) renumberAll() {
	l.renumber(0, l.List.Len(), -int64(l.List.Len())/2*positionStep, positionStep)
}

// renumber gives the elements from index i up to, not including, end the positions start, start+step and so on. All old
// rows go before the new ones come, for some have the same number.
func (l ListTx) renumber(i, end int, start, step int64) {
	for j := i; j < end; j++ {
		l.tx.rec.remove(l.o.id, listElements, l.at(j).n)
	}
	for j := i; j < end; j++ {
		l.number(j, start+int64(j-i)*step)
		e := l.at(j)
		putElement(&l.tx.rec, l.o.id, &e)
	}
}
