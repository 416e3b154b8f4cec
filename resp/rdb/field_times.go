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

// hashTimes reads fields with deadlines that count from the first one.
func (r *reader) hashTimes() *Value {
	v := &Value{Kind: Hash}
	first := r.millis()
	for n := r.count(3); n > 0 && r.err == nil; n-- {
		t := r.length()
		if t > 0 {
			t += uint64(first) - 1
		}
		v.Elements = append(v.Elements, r.string(), r.string())
		r.time(v, t)
	}
	return v.withTimes()
}

// hashTimesPack reads a listpack of fields, values and deadlines.
func (r *reader) hashTimesPack() *Value {
	v := &Value{Kind: Hash}
	r.millis() // the first deadline
	ss := r.compact(eachListpack, 3)
	for i := 0; i < len(ss) && r.err == nil; i += 3 {
		t, ok := canonicalInt(ss[i+2])
		if !ok {
			r.fail("deadline")
		}
		v.Elements = append(v.Elements, ss[i], ss[i+1])
		r.time(v, uint64(t))
	}
	return v.withTimes()
}

func (r *reader) time(v *Value, t uint64) {
	if t > maxFieldTime {
		r.fail("deadline %d", t)
	}
	r.spend(8)
	v.Times = append(v.Times, int64(t))
}

// withTimes drops Times without any.
func (v *Value) withTimes() *Value {
	if !slices.ContainsFunc(v.Times, func(t int64) bool { return t != 0 }) {
		v.Times = nil
	}
	return v
}
