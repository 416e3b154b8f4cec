package rdb

import "strconv"

// A longString is a string that is read in pieces.
type longString struct {
	left   uint64 // bytes, unfolded
	packed uint64 // bytes of the compressed form still to be read
	lzf    bool
	out    []byte // unfolded: what matches may refer to, then what has not been handed out
	handed int
	ready  string // an integer's text
}

// beginString reads what comes before the bytes of a string.
func (v *valueReader) beginString() *longString {
	s := &longString{}
	n, encoding := v.lengthOrEncoding()
	switch encoding {
	case 0:
		s.left = n
	case stringInt8, stringInt16, stringInt32:
		if b := v.take(1 << (encoding - stringInt8)); b != nil {
			s.ready = strconv.FormatInt(littleEndian(b), 10)
			s.left = uint64(len(s.ready))
		}
	case stringLZF:
		s.packed, s.left, s.lzf = v.length(), v.length(), true
		if v.err == nil && (s.left == 0 || s.left > 0 && s.packed == 0) {
			v.failAs(ErrFormat, v.at, "a compressed string", "one of %d bytes for %d", s.packed, s.left)
		}
	default:
		v.failAs(ErrFormat, v.at, "a string", "the encoding %#x", encoding)
	}
	if most := max(s.left, s.packed); most > uint64(v.maxString) {
		v.tooLong(v.at, most, v.maxString)
	}
	return s
}

// piece reads the next piece.
func (s *longString) piece(v *valueReader) string {
	n := min(s.left, uint64(v.whole))
	if v.err != nil || !v.spend(headerBytes+int64(n)) {
		return ""
	}
	var text string
	switch {
	case s.ready != "":
		text, n = s.ready, s.left
	case s.lzf:
		text = s.unfold(v, n)
	default:
		text = string(v.take(n))
	}
	s.left -= n
	v.done = s.left == 0
	if v.done && s.packed != 0 {
		s.fail(v)
	}
	return text
}

func (s *longString) fail(v *valueReader) {
	v.failAs(ErrFormat, v.at, "a compressed string", "bytes that are none")
}

// unfold returns the next n bytes of a compressed string.
func (s *longString) unfold(v *valueReader, n uint64) string {
	if s.out == nil && n == s.left { // the usual one: all of it
		packed := v.take(s.packed)
		s.packed = 0
		b := decompress(packed, n)
		if b == nil && v.err == nil {
			s.fail(v)
		}
		return string(b)
	}
	if s.handed > lzfMaxDistance {
		s.out = append(s.out[:0], s.out[s.handed-lzfMaxDistance:]...)
		s.handed = lzfMaxDistance
	}
	for uint64(len(s.out)-s.handed) < n && v.err == nil {
		s.step(v)
	}
	if v.err != nil {
		return ""
	}
	text := string(s.out[s.handed : s.handed+int(n)])
	s.handed += int(n)
	if n == s.left && s.handed != len(s.out) {
		s.fail(v)
	}
	return text
}

// step reads literals or a match.
func (s *longString) step(v *valueReader) {
	ctrl := int(s.byte(v))
	if ctrl < lzfMaxLiteral {
		n := uint64(ctrl + 1)
		if n > s.packed {
			s.fail(v)
			return
		}
		s.packed -= n
		s.out = append(s.out, v.take(n)...)
		return
	}
	n := ctrl >> 5
	if n == 7 {
		n += int(s.byte(v))
	}
	distance := (ctrl&0x1f)<<8 + int(s.byte(v)) + 1
	if v.err == nil && distance > len(s.out) {
		s.fail(v)
	}
	for n += 2; n > 0 && v.err == nil; n-- {
		s.out = append(s.out, s.out[len(s.out)-distance])
	}
}

func (s *longString) byte(v *valueReader) byte {
	if s.packed == 0 {
		s.fail(v)
		return 0
	}
	s.packed--
	return v.byte()
}
