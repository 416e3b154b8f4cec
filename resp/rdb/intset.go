package rdb

import (
	"encoding/binary"
	"math"
	"slices"
)

// An intset is a set of integers, ascending: the size of one in bytes (4), their number (4), the integers.
const intsetHeader = 8

// eachIntset calls fn for the members. It reports whether b is an intset that is not empty; it may have called fn when not.
func eachIntset(b []byte, fn func(element)) bool {
	if len(b) <= intsetHeader {
		return false
	}
	size, count := binary.LittleEndian.Uint32(b), uint64(binary.LittleEndian.Uint32(b[4:]))
	b = b[intsetHeader:]
	if size != 2 && size != 4 && size != 8 || uint64(len(b)) != count*uint64(size) {
		return false
	}
	for before := int64(math.MinInt64); len(b) > 0; b = b[size:] {
		n := littleEndian(b[:size])
		if n <= before && uint64(len(b)) != count*uint64(size) {
			return false
		}
		fn(element{n: n, isInt: true})
		before = n
	}
	return true
}

// integers returns the members as sorted integers, ok = false when they are not all such.
func integers(members []string) (ns []int64, ok bool) {
	ns = make([]int64, len(members))
	for i, m := range members {
		if ns[i], ok = canonicalInt(m); !ok {
			return nil, false
		}
	}
	slices.Sort(ns)
	return ns, true
}

// appendIntset appends an intset of sorted integers.
func appendIntset(b []byte, ns []int64) []byte {
	size := 2
	for _, n := range []int64{ns[0], ns[len(ns)-1]} {
		switch {
		case n < math.MinInt32 || n > math.MaxInt32:
			size = 8
		case n < math.MinInt16 || n > math.MaxInt16:
			size = max(size, 4)
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(ns)))
	for _, n := range ns {
		for i := range size {
			b = append(b, byte(n>>(8*i)))
		}
	}
	return b
}
