package rdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"unsafe"
)

// A reader reads a payload, which is all there, or a file through a window. After the first error everything it
// returns is empty: loops look at err in every round. What take and blob return is good until the next of any reads.
type reader struct {
	b         []byte  // what is here and still to be read
	end       int64   // where b ends in the payload or file
	in        *window // where more comes from, nil for a payload
	maxString int64   // bytes of a string
	maxPacked int64   // bytes of a compact encoding, unfolded
	left      int64   // bytes of memory that the value, or the part of it, may still take
	valkey    bool    // types have Valkey's meaning
	err       error   // a *fault, or what the window's source said
	room      []byte  // for short texts that are kept: see keep
}

// A fault is what is wrong with the input. It is told in the words of FileError.
type fault struct {
	kind            error
	offset          int64
	expected, found string
}

func (f *fault) Error() string {
	return fmt.Sprintf("%v: found %s, expected %s", f.kind, f.found, f.expected)
}

func (f *fault) Unwrap() error { return f.kind }

// offset is how much has been read.
func (r *reader) offset() int64 { return r.end - int64(len(r.b)) }

// fail reports input that is not what was expected.
func (r *reader) fail(expected, found string, args ...any) {
	r.failAs(ErrFormat, r.offset(), expected, found, args...)
}

func (r *reader) failAs(kind error, offset int64, expected, found string, args ...any) {
	r.stop(&fault{kind, offset, expected, fmt.Sprintf(found, args...)})
}

func (r *reader) stop(err error) {
	if r.err == nil {
		r.err = err
	}
	r.end -= int64(len(r.b))
	r.b = nil
}

// spend takes memory from the budget.
func (r *reader) spend(n int64) bool {
	if n > r.left {
		r.failAs(ErrTooLarge, r.offset(), "a value within its limit", "one that takes more memory")
		return false
	}
	r.left -= n
	return r.err == nil
}

// need waits until n bytes are here.
func (r *reader) need(n uint64) bool {
	if n <= uint64(len(r.b)) {
		return true
	}
	if r.err != nil {
		return false
	}
	if r.in != nil && r.in.fill(r, n) {
		return true
	}
	if here := int64(len(r.b)); r.in != nil && r.in.err != nil && r.in.err != io.EOF {
		r.stop(r.in.err)
	} else {
		expected := fmt.Sprintf("%d bytes from offset %d on", n, r.offset())
		r.failAs(ErrTruncated, r.offset()+here, expected, "the end after %d", here)
	}
	return false
}

// take returns the next n bytes.
func (r *reader) take(n uint64) []byte {
	if !r.need(n) {
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// skip passes over n bytes.
func (r *reader) skip(n uint64) {
	for n > 0 && r.need(1) {
		some := min(n, uint64(len(r.b)))
		r.b = r.b[some:]
		n -= some
	}
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// lengthOrEncoding reads a length, or the first byte of a string that is encoded otherwise.
func (r *reader) lengthOrEncoding() (n uint64, encoding byte) {
	at := r.offset()
	switch c := r.byte(); {
	case c < length14:
		return uint64(c), 0
	case c < length32:
		return uint64(c&0x3f)<<8 | uint64(r.byte()), 0
	case c == length32:
		if b := r.take(4); b != nil {
			return uint64(binary.BigEndian.Uint32(b)), 0
		}
	case c == length64:
		if b := r.take(8); b != nil {
			return binary.BigEndian.Uint64(b), 0
		}
	case c >= stringInt8:
		return 0, c
	default:
		r.failAs(ErrFormat, at, "a length", "the byte %#x", c)
	}
	return 0, 0
}

func (r *reader) length() uint64 {
	n, encoding := r.lengthOrEncoding()
	if encoding != 0 {
		r.fail("a length", "the encoding %#x of a string", encoding)
	}
	return n
}

// number reads a count that is kept as a signed number.
func (r *reader) number() int64 {
	n := r.length()
	if n > math.MaxInt64 {
		r.fail("a count", "%d", n)
		return 0
	}
	return int64(n)
}

// millis reads a time.
func (r *reader) millis() int64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// blob reads a string of at most so many bytes. It may point into the payload or window.
func (r *reader) blob(most int64) []byte {
	at := r.offset()
	n, encoding := r.lengthOrEncoding()
	switch encoding {
	case 0:
		if n > uint64(most) {
			r.tooLong(at, n, most)
			return nil
		}
		return r.take(n)
	case stringInt8, stringInt16, stringInt32:
		b := r.take(1 << (encoding - stringInt8))
		if b == nil {
			return nil
		}
		return strconv.AppendInt(nil, littleEndian(b), 10)
	case stringLZF:
		packed := r.length()
		size := r.length()
		if size > uint64(most) || packed > uint64(most) {
			r.tooLong(at, max(size, packed), most)
			return nil
		}
		b := r.take(packed)
		if r.err != nil || !r.spend(int64(size)) {
			return nil
		}
		b = decompress(b, size)
		if b == nil {
			expected := fmt.Sprintf("a compressed string of %d bytes", size)
			r.failAs(ErrFormat, at, expected, "%d bytes that are none", packed)
		}
		r.left += int64(size) // it is paid for again by what is kept of it
		return b
	}
	r.failAs(ErrFormat, at, "a string", "the encoding %#x", encoding)
	return nil
}

func (r *reader) tooLong(at int64, n uint64, most int64) {
	r.failAs(ErrTooLarge, at, fmt.Sprintf("a string of at most %d bytes", most), "one of %d", n)
}

// headerBytes is what a string takes beside its bytes.
const headerBytes = 16

// string is blob for a string that is kept.
func (r *reader) string() string {
	b := r.blob(r.maxString)
	if r.err != nil || !r.spend(headerBytes+int64(len(b))) {
		return ""
	}
	return r.keep(b)
}

// text is the text of an element that is kept.
func (r *reader) text(e element) (s string) {
	if !r.spend(headerBytes) {
		return ""
	}
	if e.isInt {
		var digits [20]byte
		s = r.keep(strconv.AppendInt(digits[:0], e.n, 10))
	} else {
		s = r.keep(e.str)
	}
	r.spend(int64(len(s)))
	return s
}

// Short texts share up to roomBytes, so that it is not an allocation for each. Who keeps one of them keeps no more than
// that; a value of few texts takes no more than twice their bytes.
const (
	roomBytes = 1 << 10
	shortText = roomBytes / 8
)

// keep copies a text.
func (r *reader) keep(b []byte) string {
	if len(b) > shortText || len(b) == 0 {
		return string(b)
	}
	if len(b) > cap(r.room)-len(r.room) {
		r.room = make([]byte, 0, min(max(2*cap(r.room), len(b)), roomBytes))
	}
	from := len(r.room)
	r.room = append(r.room, b...)
	return unsafe.String(&r.room[from], len(b))
}
