package hyperloglog

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// A HyperLogLog is a string of Redis's own encoding, so that one server's GET is another's SET:
//
//	"HYLL" | encoding 1 | 0 0 0 | estimate 8, little endian | registers
//
// The estimate is the last that was computed; the highest bit of its last byte says that registers have
// changed since. There are 16384 registers, and an element belongs to one, by its hash. A register holds the
// most zeros, plus 1, that the rest of the hash of an element began with. Dense, they are 6 bits each, the
// first in the lowest bits. Sparse: see sparse.go.
//
// The estimate is Ertl's: "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, 2017.
const (
	Header    = 16
	Registers = 1 << indexBits
	indexBits = 14
	hashBits  = 64 - indexBits
	Dense     = 0
	Sparse    = 1

	denseBytes = Header + Registers*6/8
	Stale      = 15 // the byte whose highest bit says that the estimate is
)

// Raw is a byte a register, to merge into.
type Raw [Registers]byte

// Is judges by the header alone, as Redis does.
func Is(value []byte) bool {
	return len(value) >= Header && string(value[:4]) == "HYLL" && value[4] <= Sparse &&
		(value[4] == Sparse || len(value) == denseBytes)
}

// Estimated returns the estimate that stands in the header, if it is not stale.
func Estimated(value []byte) (n uint64, ok bool) {
	return binary.LittleEndian.Uint64(value[8:]), value[Stale]&0x80 == 0
}

// Place hashes an element to its register and what the register should hold at least.
func Place(element []byte) (register int, count byte) {
	h := murmurHash64A(element, 0xadc83b19)
	return int(h % Registers), byte(bits.TrailingZeros64(h>>indexBits|1<<hashBits) + 1)
}

// murmurHash64A is Austin Appleby's MurmurHash2 in its 64-bit form.
func murmurHash64A(data []byte, seed uint64) uint64 {
	const m, r = 0xc6a4a7935bd1e995, 47
	h := seed ^ uint64(len(data))*m
	for ; len(data) >= 8; data = data[8:] {
		k := binary.LittleEndian.Uint64(data) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(data) > 0 {
		var tail [8]byte
		copy(tail[:], data)
		h = (h ^ binary.LittleEndian.Uint64(tail[:])) * m
	}
	h ^= h >> r
	h *= m
	return h ^ h>>r
}

// Get reads a register of a dense value.
func Get(value []byte, register int) byte {
	at, shift := Header+register*6/8, register*6%8
	n := value[at] >> shift
	if shift > 2 {
		n |= value[at+1] << (8 - shift)
	}
	return n & 63
}

// Raise makes a register of a dense value count at least, and reports whether it was less.
func Raise(value []byte, register int, count byte) bool {
	if Get(value, register) >= count {
		return false
	}
	at, shift := Header+register*6/8, register*6%8
	value[at] = value[at]&^(63<<shift) | count<<shift
	if shift > 2 {
		value[at+1] = value[at+1]&^(63>>(8-shift)) | count>>(8-shift)
	}
	return true
}

// fourAt reads registers 4*i to 4*i+3 of a dense value, which have three bytes together.
func fourAt(value []byte, i int) [4]byte {
	b := value[Header+3*i : Header+3*i+3]
	return [4]byte{b[0] & 63, (b[0]>>6 | b[1]<<2) & 63, (b[1]>>4 | b[2]<<4) & 63, b[2] >> 2}
}

// Merge raises the registers to those of a HyperLogLog. ok is false if that is damaged.
func (raw *Raw) Merge(value []byte) (ok bool) {
	if value[4] == Dense {
		for i := range Registers / 4 {
			four, to := fourAt(value, i), raw[4*i:4*i+4]
			to[0], to[1], to[2], to[3] = max(to[0], four[0]), max(to[1], four[1]), max(to[2], four[2]), max(to[3], four[3])
		}
		return true
	}
	return sparseRuns(value, func(first, n int, count byte) {
		for i := first; i < first+n; i++ {
			raw[i] = max(raw[i], count)
		}
	})
}

// FillDense makes the registers of a dense value raw's.
func (raw *Raw) FillDense(value []byte) {
	for i := range Registers / 4 {
		r, b := raw[4*i:4*i+4], value[Header+3*i:Header+3*i+3]
		b[0], b[1], b[2] = r[0]|r[1]<<6, r[1]>>2|r[2]<<4, r[2]>>4|r[3]<<2
	}
}

// Estimate is about how many different elements there were.
func (raw *Raw) Estimate() uint64 {
	var h histogram
	for _, count := range raw {
		h[count]++
	}
	return h.estimate()
}

// Count estimates the number of different elements. ok is false if the value is damaged.
func Count(value []byte) (n uint64, ok bool) {
	var h histogram
	if value[4] == Dense {
		for i := range Registers / 4 {
			for _, count := range fourAt(value, i) {
				h[count]++
			}
		}
		return h.estimate(), true
	}
	ok = sparseRuns(value, func(_, n int, count byte) { h[count] += n })
	return h.estimate(), ok
}

// histogram is how many registers hold each number.
type histogram [64]int

// estimate multiplies in float64 and rounds every product, as Redis on x86-64 does: the
// conversions keep other processors from fusing it with the sum.
func (h *histogram) estimate() uint64 {
	const m, alpha = float64(Registers), 0.721347520444481703680
	z := float64(m * tau((m-float64(h[hashBits+1]))/m))
	for i := hashBits; i >= 1; i-- {
		z = (z + float64(h[i])) * 0.5
	}
	z += float64(m * sigma(float64(h[0])/m))
	n := math.Round(alpha * m * m / z)
	if n >= 1<<63 { // damaged registers
		return 1 << 63
	}
	return uint64(n)
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= float64((1 - x) * (1 - x) * y)
		if z == before {
			return z / 3
		}
	}
}

// ToDense returns a value with its registers dense. ok is false if it is damaged.
func ToDense(value []byte) (dense []byte, ok bool) {
	if value[4] == Dense {
		return value, true
	}
	dense = make([]byte, denseBytes)
	copy(dense, value[:Header])
	dense[4] = Dense
	ok = sparseRuns(value, func(first, n int, count byte) {
		for i := first; i < first+n; i++ {
			Raise(dense, i, count)
		}
	})
	return dense, ok
}
