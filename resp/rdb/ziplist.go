package rdb

import "encoding/binary"

// A ziplist, which listpacks replaced in Redis 7:
//
//	+-----------------+---------------------+-----------+---------------+------+
//	| bytes in all, 4 | offset of the last, | elements, |  element ...  | 0xff |
//	|                 | 4                   | 2         |               |      |
//	+-----------------+---------------------+-----------+---------------+------+
//
// An element is the length of the one before (a byte, or 0xfe and 4), an encoding and its data. 65535 elements means
// that nobody counted.
const (
	ziplistHeader = 10
	ziplistEnd    = 0xff
	longLength    = 0xfe // 4 bytes with the length follow
)

// eachZiplist calls fn for the elements, which point into b. It reports whether b is a ziplist; it may have called fn when not.
func eachZiplist(b []byte, fn func(element)) bool {
	if len(b) < ziplistHeader+1 || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) || b[len(b)-1] != ziplistEnd {
		return false
	}
	tail, want := binary.LittleEndian.Uint32(b[4:]), int(binary.LittleEndian.Uint16(b[8:]))
	b = b[:len(b)-1]
	at, before, last, count := ziplistHeader, 0, ziplistHeader, 0
	for at < len(b) {
		length, n, ok := shortLength(b[at:])
		if !ok || length != uint64(before) || at+n == len(b) {
			return false
		}
		e, size := ziplistElement(b[at+n:])
		if size == 0 {
			return false
		}
		fn(e)
		last, before = at, n+size
		at += before
		count++
	}
	return int(tail) == last && (want == count || want == 1<<16-1)
}

// shortLength reads a length of a ziplist or zipmap and returns how many bytes it takes.
func shortLength(b []byte) (length uint64, n int, ok bool) {
	switch {
	case len(b) == 0 || b[0] > longLength || b[0] == longLength && len(b) < 5:
		return 0, 0, false
	case b[0] == longLength:
		return uint64(binary.LittleEndian.Uint32(b[1:])), 5, true
	}
	return uint64(b[0]), 1, true
}

// ziplistElement decodes what stands after the length before and returns how many bytes it takes, 0 when it is none.
func ziplistElement(b []byte) (e element, n int) {
	first := b[0]
	switch {
	case first < 0x40:
		return listpackString(b, 1, uint64(first))
	case first < 0x80:
		if len(b) < 2 {
			return element{}, 0
		}
		return listpackString(b, 2, uint64(first&0x3f)<<8|uint64(b[1]))
	case first < 0xc0:
		if len(b) < 5 {
			return element{}, 0
		}
		return listpackString(b, 5, uint64(binary.BigEndian.Uint32(b[1:])))
	case first >= 0xf1 && first <= 0xfd:
		return element{n: int64(first) - 0xf1, isInt: true}, 1
	}
	size, ok := map[byte]int{0xc0: 2, 0xd0: 4, 0xe0: 8, 0xf0: 3, 0xfe: 1}[first]
	if !ok || len(b) < 1+size {
		return element{}, 0
	}
	return element{n: littleEndian(b[1 : 1+size]), isInt: true}, 1 + size
}

// A zipmap is a small hash of Redis before 2.6: the number of fields (from 254 on nobody counted), then the length of a field,
// the field, the length of its value, how many bytes after it are free, the value and those; 0xff.

// eachZipmap is eachZiplist for one: fn gets fields and values in turn.
func eachZipmap(b []byte, fn func(element)) bool {
	if len(b) < 2 || b[len(b)-1] != ziplistEnd {
		return false
	}
	want, at, count := b[0], 1, 0
	b = b[:len(b)-1]
	for at < len(b) {
		for i := range 2 {
			length, n, ok := shortLength(b[at:])
			if !ok || n > 1 && length < longLength {
				return false
			}
			at += n
			free := uint64(0)
			if i == 1 {
				if at == len(b) {
					return false
				}
				free = uint64(b[at])
				at++
			}
			if length+free > uint64(len(b)-at) {
				return false
			}
			fn(element{str: b[at : at+int(length)]})
			at += int(length + free)
		}
		count++
	}
	return want >= longLength || int(want) == count
}
