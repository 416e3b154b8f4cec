package rdb

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// This file is hashes whose fields have deadlines, as Redis 7.4 has them.

// hashTimes writes deadlines as distances from the first one, plus 1; 0 = none.
func (w *writer) hashTimes(pairs []string, times []int64) {
	first := int64(math.MaxInt64)
	for _, t := range times {
		if t > 0 {
			first = min(first, t)
		}
	}
	if w.Compact {
		w.hashTimesPack(pairs, times, first)
		return
	}
	w.b = append(w.b, typeHashTimes)
	w.millis(first)
	w.length(uint64(len(times)))
	for i, t := range times {
		if t > 0 {
			t -= first - 1
		}
		w.length(uint64(t))
		w.string(pairs[2*i])
		w.string(pairs[2*i+1])
	}
}

// hashTimesPack writes fields, values and deadlines as a listpack, the fields without a deadline last.
func (w *writer) hashTimesPack(pairs []string, times []int64, first int64) {
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(uint64(times[a]-1), uint64(times[b]-1)) })
	w.b = append(w.b, typeHashTimesPack)
	w.millis(first)
	w.lp.reset()
	for _, i := range order {
		w.lp.string(pairs[2*i])
		w.lp.string(pairs[2*i+1])
		w.lp.string(strconv.FormatInt(times[i], 10))
	}
	w.blob(w.lp.finish())
}

// maxFieldTime is the last deadline that Redis 7.4 gives a field: 48 bits.
const maxFieldTime = 1<<48 - 1

// fieldTime takes in the deadline of a field, 0 = none.
func (v *valueReader) fieldTime(into *Value, t int64) {
	if t < 0 || t > maxFieldTime {
		v.failAs(ErrFormat, v.at, "a deadline of 48 bits", "%d", t)
	}
	v.spend(8)
	into.Times = append(into.Times, t)
}

// valkeyFieldTime reads the deadline of a field as Valkey 9 writes it: -1 = none.
func (v *valueReader) valkeyFieldTime(into *Value) {
	t := v.millis()
	if t < -1 {
		v.failAs(ErrFormat, v.at, "a deadline", "%d", t)
	}
	v.spend(8)
	into.Times = append(into.Times, max(t, 0))
}

// withTimes drops Times without any.
func (v *Value) withTimes() *Value {
	if !slices.ContainsFunc(v.Times, func(t int64) bool { return t != 0 }) {
		v.Times = nil
	}
	return v
}
