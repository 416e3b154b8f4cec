package store

import (
	"math"
	"slices"
	"strings"
)

// radixItems is the number of items from which they are sorted by the bytes of their scores.
const radixItems = 1 << 12

// SortScored brings members into the order of a sorted set.
func SortScored(items []Scored) {
	if len(items) < radixItems {
		slices.SortFunc(items, compareScored)
		return
	}
	if slices.IsSortedFunc(items, compareScored) {
		return
	}
	sorted := make([]Scored, len(items))
	for i, s := range sortedByScore(items) {
		sorted[i] = items[s.at]
	}
	copy(items, sorted)
	for from := 0; from < len(items); { // those of one score by their bytes
		to := from + 1
		for to < len(items) && items[to].Score == items[from].Score {
			to++
		}
		if to-from > 1 {
			slices.SortFunc(items[from:to], func(a, b Scored) int { return strings.Compare(a.Member, b.Member) })
		}
		from = to
	}
}

// A scoreAt is the score of the item at a place, as bits whose order is that of the scores.
type scoreAt struct {
	bits uint64
	at   int32
}

// sortedByScore is a radix sort, a byte a pass; a byte that is the same in all scores needs none.
func sortedByScore(items []Scored) []scoreAt {
	from, to := make([]scoreAt, len(items)), make([]scoreAt, len(items))
	var counts [8][256]int
	for i := range items {
		bits := orderedBits(items[i].Score)
		from[i] = scoreAt{bits, int32(i)}
		for b := range counts {
			counts[b][byte(bits>>(8*b))]++
		}
	}
	for b := range counts {
		c := &counts[b]
		if c[byte(from[0].bits>>(8*b))] == len(items) {
			continue
		}
		place := 0
		for digit, n := range c {
			c[digit] = place
			place += n
		}
		for _, s := range from {
			digit := byte(s.bits >> (8 * b))
			to[c[digit]] = s
			c[digit]++
		}
		from, to = to, from
	}
	return from
}

// orderedBits are a score's bits, those of a negative one turned round. -0 is 0.
func orderedBits(score float64) uint64 {
	bits := math.Float64bits(score + 0)
	if bits>>63 != 0 {
		return ^bits
	}
	return bits | 1<<63
}
