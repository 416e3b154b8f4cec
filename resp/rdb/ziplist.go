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

// A ziplistReader walks a ziplist.
type ziplistReader struct {
	b            []byte // without its end
	at           int
	before, last int // the length of the element before, and where that is
	tail         int // where the header says that the last one is
	count, want  int
	damaged      bool
}

// readZiplist checks the frame.
func readZiplist(b []byte) *ziplistReader {
	if len(b) < ziplistHeader+1 || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) ||
		b[len(b)-1] != ziplistEnd {
		return nil
	}
	return &ziplistReader{
		b: b[:len(b)-1], at: ziplistHeader, last: ziplistHeader,
		tail: int(binary.LittleEndian.Uint32(b[4:])), want: int(binary.LittleEndian.Uint16(b[8:])),
	}
}

func (z *ziplistReader) next() (e element, ok bool) {
	if z.damaged || z.at == len(z.b) {
		z.damaged = z.damaged || z.tail != z.last || z.want != z.count && z.want != 1<<16-1
		return element{}, false
	}
	length, n, ok := shortLength(z.b[z.at:])
	if !ok || length != uint64(z.before) || z.at+n == len(z.b) {
		z.damaged = true
		return element{}, false
	}
	e, size := ziplistElement(z.b[z.at+n:])
	if size == 0 {
		z.damaged = true
		return element{}, false
	}
	z.last, z.before = z.at, n+size
	z.at += z.before
	z.count++
	return e, true
}

func (z *ziplistReader) whole() bool { return !z.damaged }

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

// A zipmap is a small hash of Redis before 2.6: the number of fields (from 254 on nobody counted), then the length
// of a field, the field, the length of its value, how many bytes after it are free, the value and those; 0xff.

// A zipmapReader walks a zipmap: fields and values in turn.
type zipmapReader struct {
	b       []byte // without its end
	at      int
	want    byte
	count   int // fields and values
	damaged bool
}

// readZipmap checks the frame.
func readZipmap(b []byte) *zipmapReader {
	if len(b) < 2 || b[len(b)-1] != ziplistEnd {
		return nil
	}
	return &zipmapReader{b: b[:len(b)-1], at: 1, want: b[0]}
}

func (z *zipmapReader) next() (e element, ok bool) {
	isValue := z.count%2 == 1
	if z.damaged || z.at == len(z.b) && !isValue {
		z.damaged = z.damaged || z.want < longLength && int(z.want) != z.count/2
		return element{}, false
	}
	length, n, ok := shortLength(z.b[z.at:])
	if !ok || n > 1 && length < longLength || isValue && z.at+n == len(z.b) {
		z.damaged = true
		return element{}, false
	}
	z.at += n
	free := uint64(0)
	if isValue {
		free = uint64(z.b[z.at])
		z.at++
	}
	if length+free > uint64(len(z.b)-z.at) {
		z.damaged = true
		return element{}, false
	}
	e.str = z.b[z.at : z.at+int(length)]
	z.at += int(length + free)
	z.count++
	return e, true
}

func (z *zipmapReader) whole() bool { return !z.damaged }
