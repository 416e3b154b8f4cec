package rdb

import (
	"encoding/binary"
	"math"
	"strconv"
)

// A listpack:
//
//	+-----------------+-----------+---------------------------+------+
//	| bytes in all, 4 | elements, |  element ...              | 0xff |
//	|                 | 2         |                           |      |
//	+-----------------+-----------+---------------------------+------+
//
// An element is an encoding with its data and, to be read from behind, the length of both.
// 65535 elements means that nobody counted.
const (
	listpackHeader  = 6
	listpackUnknown = 1<<16 - 1
	listpackEnd     = 0xff
)

// An element of a compact encoding is an integer or a string.
type element struct {
	str   []byte
	n     int64
	isInt bool
}

// integer is the element as a number. Redis stores what can be one as one.
func (e element) integer() (int64, bool) {
	if e.isInt {
		return e.n, true
	}
	return canonicalInt(string(e.str))
}

// canonicalInt reads an integer that is written as Redis would write it, so that nothing is
// lost when it is kept as a number.
func canonicalInt(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 20 || s[0] == '+' || s[0] > '9' {
		return 0, false
	}
	digits := s
	if s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	if len(digits) > 18 { // it may not fit
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil
	}
	n := int64(0)
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = 10*n + int64(d)
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, true
}

// A listpackReader walks a listpack.
type listpackReader struct {
	b       []byte // without its end
	at      int
	left    int // elements, by the header; -1 = nobody counted
	damaged bool
}

// readListpack checks the frame. What is inside is checked on the way.
func readListpack(b []byte) (*listpackReader, bool) {
	if len(b) < listpackHeader+1 || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) ||
		b[len(b)-1] != listpackEnd {
		return nil, false
	}
	count := int(binary.LittleEndian.Uint16(b[4:]))
	if count == listpackUnknown {
		count = -1
	}
	return &listpackReader{b: b[:len(b)-1], at: listpackHeader, left: count}, true
}

// next returns an element that points into the listpack. ok is false at the end and at damage.
func (l *listpackReader) next() (e element, ok bool) {
	if l.damaged || l.at == len(l.b) {
		l.damaged = l.damaged || l.left > 0
		return element{}, false
	}
	e, n := listpackElement(l.b[l.at:])
	back := backLength(n)
	if n == 0 || l.left == 0 || n+back > len(l.b)-l.at || !hasBackLength(l.b[l.at+n:], n, back) {
		l.damaged = true
		return element{}, false
	}
	l.at += n + back
	l.left = max(l.left-1, -1)
	return e, true
}

func (l *listpackReader) whole() bool { return !l.damaged }

// listpackElement decodes what b begins with and returns its length without that at its back; 0 when it is none.
func listpackElement(b []byte) (e element, n int) {
	first := b[0]
	switch {
	case first < 0x80:
		return element{n: int64(first), isInt: true}, 1
	case first < 0xc0:
		return listpackString(b, 1, uint64(first&0x3f))
	case first < 0xe0:
		if len(b) < 2 {
			return element{}, 0
		}
		return element{n: signExtend(uint64(first&0x1f)<<8|uint64(b[1]), 13), isInt: true}, 2
	case first < 0xf0:
		if len(b) < 2 {
			return element{}, 0
		}
		return listpackString(b, 2, uint64(first&0x0f)<<8|uint64(b[1]))
	case first == 0xf0:
		if len(b) < 5 {
			return element{}, 0
		}
		return listpackString(b, 5, uint64(binary.LittleEndian.Uint32(b[1:])))
	case first <= 0xf4:
		size := [...]int{2, 3, 4, 8}[first-0xf1]
		if len(b) < 1+size {
			return element{}, 0
		}
		return element{n: littleEndian(b[1 : 1+size]), isInt: true}, 1 + size
	}
	return element{}, 0
}

func listpackString(b []byte, header int, size uint64) (e element, n int) {
	if size > uint64(len(b)-header) {
		return element{}, 0
	}
	n = header + int(size)
	return element{str: b[header:n]}, n
}

// littleEndian is the signed integer in 1 to 8 bytes.
func littleEndian(b []byte) int64 {
	var u uint64
	for i, c := range b {
		u |= uint64(c) << (8 * i)
	}
	return signExtend(u, 8*len(b))
}

func signExtend(u uint64, bits int) int64 {
	return int64(u<<(64-bits)) >> (64 - bits)
}

// backLength is how many bytes the length of an element takes at its back. Redis's limits are one lower than need be.
func backLength(n int) int {
	switch {
	case n <= 127:
		return 1
	case n < 1<<14-1:
		return 2
	case n < 1<<21-1:
		return 3
	case n < 1<<28-1:
		return 4
	}
	return 5
}

// hasBackLength reports whether b begins with n, seven bits a byte, the highest first; all but the first are marked.
func hasBackLength(b []byte, n, back int) bool {
	for i := range back {
		if b[i] != backByte(n, back, i) {
			return false
		}
	}
	return true
}

func backByte(n, back, i int) byte {
	c := byte(n >> (7 * (back - 1 - i)) & 0x7f)
	if i > 0 {
		c |= 0x80
	}
	return c
}

// A listpackWriter builds a listpack.
type listpackWriter struct {
	b     []byte
	count int
}

func (w *listpackWriter) reset() {
	w.b = append(w.b[:0], make([]byte, listpackHeader)...)
	w.count = 0
}

// bytes is what the listpack takes so far.
func (w *listpackWriter) bytes() int { return len(w.b) + 1 }

func (w *listpackWriter) string(s string) {
	if n, ok := canonicalInt(s); ok {
		w.integer(n)
		return
	}
	start := len(w.b)
	switch n := len(s); {
	case n < 1<<6:
		w.b = append(w.b, 0x80|byte(n))
	case n < 1<<12:
		w.b = append(w.b, 0xe0|byte(n>>8), byte(n))
	default:
		w.b = binary.LittleEndian.AppendUint32(append(w.b, 0xf0), uint32(n))
	}
	w.b = append(w.b, s...)
	w.close(start)
}

func (w *listpackWriter) integer(n int64) {
	start := len(w.b)
	u := uint64(n)
	switch {
	case n >= 0 && n < 1<<7:
		w.b = append(w.b, byte(n))
	case n >= -1<<12 && n < 1<<12:
		w.b = append(w.b, 0xc0|byte(n>>8)&0x1f, byte(n))
	case n >= math.MinInt16 && n <= math.MaxInt16:
		w.b = append(w.b, 0xf1, byte(n), byte(n>>8))
	case n >= -1<<23 && n < 1<<23:
		w.b = append(w.b, 0xf2, byte(n), byte(n>>8), byte(n>>16))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		w.b = binary.LittleEndian.AppendUint32(append(w.b, 0xf3), uint32(u))
	default:
		w.b = binary.LittleEndian.AppendUint64(append(w.b, 0xf4), u)
	}
	w.close(start)
}

func (w *listpackWriter) close(start int) {
	n := len(w.b) - start
	w.count++
	if n <= 127 {
		w.b = append(w.b, byte(n))
		return
	}
	back := backLength(n)
	for i := range back {
		w.b = append(w.b, backByte(n, back, i))
	}
}

// integerBytes is what integer writes before the length at its back.
func integerBytes(n int64) int {
	switch {
	case n >= 0 && n < 1<<7:
		return 1
	case n >= -1<<12 && n < 1<<12:
		return 2
	case n >= math.MinInt16 && n <= math.MaxInt16:
		return 3
	case n >= -1<<23 && n < 1<<23:
		return 4
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return 5
	}
	return 9
}

// finish returns the listpack, which is good until reset. Nothing may be added to it.
func (w *listpackWriter) finish() []byte {
	w.b = append(w.b, listpackEnd)
	w.setHeader()
	return w.b
}

func (w *listpackWriter) setHeader() {
	binary.LittleEndian.PutUint32(w.b, uint32(len(w.b)))
	binary.LittleEndian.PutUint16(w.b[4:], uint16(min(w.count, listpackUnknown)))
}
