package rdb

import (
	"encoding/binary"
	"math"
	"slices"
)

// An intset is a set of integers, ascending: the size of one in bytes (4), their number (4), the integers.
const intsetHeader = 8

// An intsetReader walks an intset.
type intsetReader struct {
	b       []byte
	size    int
	before  int64
	started bool
	damaged bool
}

// readIntset checks the frame.
func readIntset(b []byte) *intsetReader {
	if len(b) < intsetHeader {
		return nil
	}
	size, count := binary.LittleEndian.Uint32(b), uint64(binary.LittleEndian.Uint32(b[4:]))
	b = b[intsetHeader:]
	if size != 2 && size != 4 && size != 8 || uint64(len(b)) != count*uint64(size) {
		return nil
	}
	return &intsetReader{b: b, size: int(size)}
}

func (s *intsetReader) next() (e element, ok bool) {
	if s.damaged || len(s.b) == 0 {
		return element{}, false
	}
	n := littleEndian(s.b[:s.size])
	if s.started && n <= s.before {
		s.damaged = true
		return element{}, false
	}
	s.b, s.before, s.started = s.b[s.size:], n, true
	return element{n: n, isInt: true}, true
}

func (s *intsetReader) whole() bool { return !s.damaged }

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
