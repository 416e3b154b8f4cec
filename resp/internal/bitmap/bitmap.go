package bitmap

import (
	"encoding/binary"
	"math/bits"
)

// Strings as arrays of bits: bit 0 is the highest of the first byte.

// Count counts the bits that are set.
func Count(b []byte) (n int64) {
	for len(b) >= 32 {
		n += int64(bits.OnesCount64(binary.LittleEndian.Uint64(b)) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[8:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[16:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[24:])))
		b = b[32:]
	}
	for _, c := range b {
		n += int64(bits.OnesCount8(c))
	}
	return n
}

// CountIn counts the bits that are set from bit start up to bit end, which are in b.
func CountIn(b []byte, start, end int64) int64 {
	if start >= end {
		return 0
	}
	first, last := start/8, (end-1)/8
	n := Count(b[first : last+1])
	n -= int64(bits.OnesCount8(b[first] & ^(0xff >> (start & 7))))
	return n - int64(bits.OnesCount8(b[last]&(0x7f>>((end-1)&7))))
}

// Find returns the place of the first bit of the given value from bit start up to bit end,
// which are in b; -1 = there is none.
func Find(b []byte, bit byte, start, end int64) int64 {
	flip := bit - 1 // 0xff when a clear bit is looked for
	for at := start; at < end; at = at&^7 + 8 {
		if at&7 == 0 {
			at += 8 * skipBytes(b[at/8:], flip)
			if at >= end {
				break
			}
		}
		if c := (b[at/8] ^ flip) & (0xff >> (at & 7)); c != 0 {
			if at = at&^7 + int64(bits.LeadingZeros8(c)); at < end {
				return at
			}
			break
		}
	}
	return -1
}

// skipBytes counts bytes of the given value, by 32.
func skipBytes(b []byte, value byte) (n int64) {
	word := uint64(value) * 0x0101010101010101
	for len(b) >= 32 {
		other := (binary.LittleEndian.Uint64(b) ^ word) |
			(binary.LittleEndian.Uint64(b[8:]) ^ word) |
			(binary.LittleEndian.Uint64(b[16:]) ^ word) |
			(binary.LittleEndian.Uint64(b[24:]) ^ word)
		if other != 0 {
			break
		}
		n += 32
		b = b[32:]
	}
	return n
}

// combineBlock is how much of all sources is combined before the next: it stays in the processor's cache.
const combineBlock = 64 << 10

// Combine is BITOP's result, as long as the longest source; what shorter ones lack is zero. op
// is "and", "or", "xor", or "not" with one source.
func Combine(op string, sources [][]byte) []byte {
	length := 0
	for _, s := range sources {
		length = max(length, len(s))
	}
	made := make([]byte, length)
	for at := 0; at < length; at += combineBlock {
		dst := made[at:min(at+combineBlock, length)]
		for i, s := range sources {
			src := s[min(at, len(s)):min(at+len(dst), len(s))]
			switch {
			case i == 0:
				copy(dst, src)
			case op == "and":
				andBits(dst, src)
			case op == "or":
				orBits(dst, src)
			default:
				xorBits(dst, src)
			}
		}
		if op == "not" {
			notBits(dst)
		}
	}
	return made
}

func andBits(dst, src []byte) {
	clear(dst[len(src):])
	for len(src) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)&binary.LittleEndian.Uint64(src))
		dst, src = dst[8:], src[8:]
	}
	for i, c := range src {
		dst[i] &= c
	}
}

func orBits(dst, src []byte) {
	for len(src) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)|binary.LittleEndian.Uint64(src))
		dst, src = dst[8:], src[8:]
	}
	for i, c := range src {
		dst[i] |= c
	}
}

func xorBits(dst, src []byte) {
	for len(src) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)^binary.LittleEndian.Uint64(src))
		dst, src = dst[8:], src[8:]
	}
	for i, c := range src {
		dst[i] ^= c
	}
}

func notBits(dst []byte) {
	for len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, ^binary.LittleEndian.Uint64(dst))
		dst = dst[8:]
	}
	for i := range dst {
		dst[i] = ^dst[i]
	}
}
