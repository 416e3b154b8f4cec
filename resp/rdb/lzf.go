package rdb

import "sync"

// LZF, as liblzf writes it:
//
//	000LLLLL                    L+1 bytes follow as they are
//	LLLooooo oooooooo           L+2 bytes are those at a distance of o+1
//	111ooooo LLLLLLLL oooooooo  L+9 bytes are
//
// A compressor makes the choices that liblzf 3.6 makes with Redis's settings (HLOG 16, VERY_FAST), so that the
// same value gives the same bytes. It differs in one thing: liblzf does not clear its table between calls,
// which is not to be seen in what it writes but by an accident.
const (
	lzfMaxLiteral  = 1 << 5
	lzfMaxDistance = 1 << 13
	lzfMaxMatch    = 1<<8 + 1<<3
	lzfMaxRatio    = lzfMaxMatch / 3 // no three bytes can stand for more
)

// A compressor remembers where each three bytes stood last, by a hash of them. Places count on from one call to the
// next, so that what earlier calls left is too old to count and need not be cleared.
type compressor struct {
	last [1 << 16]uint32 // base + place
	base uint32
	out  []byte
}

var compressors = sync.Pool{New: func() any { return new(compressor) }}

// release gives a compressor back for the next.
func (c *compressor) release() {
	if cap(c.out) > 1<<20 {
		c.out = nil
	}
	compressors.Put(c)
}

func lzfSlot(in []byte, i int) uint32 {
	h := uint32(in[i])<<16 | uint32(in[i+1])<<8 | uint32(in[i+2])
	return (h>>8 - h*5) & (1<<16 - 1)
}

// run compresses in to at most limit bytes of out. It returns their number, 0 when that is not possible.
func (c *compressor) run(in []byte, limit int) int {
	if len(in) == 0 || limit <= 0 || int64(len(in)) >= 1<<31 {
		return 0
	}
	if uint64(c.base)+uint64(len(in)) >= 1<<32 {
		clear(c.last[:])
		c.base = 0
	}
	base := c.base
	c.base += uint32(len(in))
	if cap(c.out) < limit+8 {
		c.out = make([]byte, limit+8)
	}
	out := c.out[:limit+8]

	at, op, literals := 0, 1, 0 // out[op-literals-1] is to say how many literals there are
	for at < len(in)-2 {
		slot := &c.last[lzfSlot(in, at)]
		ref := int(int64(*slot) - int64(base))
		*slot = base + uint32(at)
		if ref <= 0 || at-ref > lzfMaxDistance || in[ref] != in[at] || in[ref+1] != in[at+1] || in[ref+2] != in[at+2] {
			if op >= limit {
				return 0
			}
			out[op] = in[at]
			op, at, literals = op+1, at+1, literals+1
			if literals == lzfMaxLiteral {
				out[op-literals-1] = byte(literals - 1)
				op, literals = op+1, 0
			}
			continue
		}
		if literals == 0 {
			op--
		}
		if op+4 >= limit {
			return 0
		}
		if literals > 0 {
			out[op-literals-1] = byte(literals - 1)
		}
		n := matchLength(in, ref, at)
		op = putMatch(out, op, at-ref-1, n-2) + 1
		literals = 0
		at += n
		if at >= len(in)-2 {
			break
		}
		for i := at - 2; i < at; i++ {
			c.last[lzfSlot(in, i)] = base + uint32(i)
		}
	}
	if op+3 > limit {
		return 0
	}
	return putLast(out, in[at:], op, literals)
}

// putLast writes the last bytes of the input, which are too few for a match, behind the literals before them, and
// returns the length of the whole.
func putLast(out, last []byte, op, literals int) int {
	for _, b := range last {
		out[op] = b
		op, literals = op+1, literals+1
		if literals == lzfMaxLiteral {
			out[op-literals-1] = byte(literals - 1)
			op, literals = op+1, 0
		}
	}
	if literals == 0 {
		return op - 1
	}
	out[op-literals-1] = byte(literals - 1)
	return op
}

// matchLength is how many bytes at a place are those at ref, of which three are known. Near the end it is two
// less than it might be, but not when it begins 19 bytes or more before: liblzf compares the first 16 without
// looking for the end.
func matchLength(in []byte, ref, at int) int {
	most := min(len(in)-at-2, lzfMaxMatch)
	n := 2
	if most > 16 {
		for n < 18 {
			n++
			if in[ref+n] != in[at+n] {
				return n
			}
		}
	}
	for n++; n < most && in[ref+n] == in[at+n]; n++ {
	}
	return n
}

func putMatch(out []byte, op, distance, n int) int {
	if n < 7 {
		out[op] = byte(distance>>8 + n<<5)
		op++
	} else {
		out[op] = byte(distance>>8 + 7<<5)
		out[op+1] = byte(n - 7)
		op += 2
	}
	out[op] = byte(distance)
	return op + 1
}

// decompress returns the size bytes that in stands for, nil when it does not stand for exactly so many. It takes
// no memory for a size that in can not have.
func decompress(in []byte, size uint64) []byte {
	if size == 0 || size > uint64(len(in))*lzfMaxRatio {
		return nil
	}
	out := make([]byte, 0, size)
	for len(in) > 0 {
		ctrl := int(in[0])
		in = in[1:]
		if ctrl < lzfMaxLiteral {
			n := ctrl + 1
			if n > len(in) || n > cap(out)-len(out) {
				return nil
			}
			out = append(out, in[:n]...)
			in = in[n:]
			continue
		}
		n := ctrl >> 5
		if n == 7 {
			if len(in) == 0 {
				return nil
			}
			n += int(in[0])
			in = in[1:]
		}
		if len(in) == 0 {
			return nil
		}
		n += 2
		distance := (ctrl&0x1f)<<8 + int(in[0]) + 1
		in = in[1:]
		if distance > len(out) || n > cap(out)-len(out) {
			return nil
		}
		for ; n > 0; n-- { // byte by byte: a match may reach into what it makes
			out = append(out, out[len(out)-distance])
		}
	}
	if uint64(len(out)) != size {
		return nil
	}
	return out
}
