package lualib

import (
	"encoding/binary"
	"math"
	"strings"

	"diskette/resp/lua"

	"diskette/resp/internal/ccast"
)

// structFunctions is lua_struct.c.
func (s *State) structFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{"pack": s.structPack, "size": s.structSize, "unpack": s.structUnpack}
}

const (
	structMaxInt   = 32 // MAXINTSIZE: of i and I
	structMaxAlign = 8
)

// structFormat walks a format. The order of bytes and the alignment are set along the way.
type structFormat struct {
	s      *State
	L      *lua.LState
	format string
	at     int
	order  binary.ByteOrder
	align  int
}

func (s *State) structFormat(L *lua.LState) *structFormat {
	return &structFormat{s: s, L: L, format: s.checkString(L, 1), order: binary.LittleEndian, align: 1}
}

// number reads digits of the format, or gives otherwise.
func (f *structFormat) number(otherwise int) int {
	if f.at >= len(f.format) || !lua.IsDigit(f.format[f.at]) {
		return otherwise
	}
	n := 0
	for f.at < len(f.format) && lua.IsDigit(f.format[f.at]) {
		digit := int(f.format[f.at] - '0')
		if n > math.MaxInt32/10 || n*10 > math.MaxInt32-digit {
			f.s.fail(f.L, "integral size overflow")
		}
		n = n*10 + digit
		f.at++
	}
	return n
}

// size is optsize: how many bytes an option takes; 0 for those that only set something.
func (f *structFormat) size(option byte) int {
	switch option {
	case 'B', 'b':
		return 1
	case 'H', 'h':
		return 2
	case 'L', 'l', 'T', 'd':
		return 8
	case 'f':
		return 4
	case 'x':
		return 1
	case 'c':
		return f.number(1)
	case 'i', 'I':
		n := f.number(4)
		if n > structMaxInt {
			f.s.fail(f.L, "integral size %d is larger than limit of %d", n, structMaxInt)
		}
		return n
	}
	return 0
}

// next reads an option, its size, and the padding in front of it at offset total. ok is false at
// the end; options that only set something are done here.
func (f *structFormat) next(total int) (option byte, size, padding int, ok bool) {
	if f.at >= len(f.format) {
		return 0, 0, 0, false
	}
	option = f.format[f.at]
	f.at++
	size = f.size(option)
	align := size
	if size == 0 || option == 'c' || option == 'x' || f.align <= 1 {
		return option, size, 0, true
	}
	align = min(align, f.align)
	return option, size, (align - total&(align-1)) & (align - 1), true
}

// control is controloptions.
func (f *structFormat) control(option byte) {
	switch option {
	case ' ':
	case '>':
		f.order = binary.BigEndian
	case '<':
		f.order = binary.LittleEndian
	case '!':
		n := f.number(structMaxAlign)
		if n <= 0 || n&(n-1) != 0 {
			f.s.fail(f.L, "alignment %d is not a power of 2", n)
		}
		f.align = n
	default:
		f.s.argError(f.L, 1, "invalid format option '"+string([]byte{option})+"'")
	}
}

func (s *State) structPack(L *lua.LState) int {
	f := s.structFormat(L)
	var out []byte
	L.Push(lua.LNil) // C has a mark there, and takes it for an argument that is missing
	arg := 1
	for {
		option, size, padding, ok := f.next(len(out))
		if !ok {
			break
		}
		out = append(out, make([]byte, padding)...)
		switch option {
		case 'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I':
			arg++
			out = f.appendInteger(out, size, ccast.Uint64(s.checkNumber(L, arg)))
		case 'x':
			out = append(out, 0)
		case 'f':
			arg++
			out = f.appendInteger(out, 4, uint64(math.Float32bits(float32(s.checkNumber(L, arg)))))
		case 'd':
			arg++
			out = f.appendInteger(out, 8, math.Float64bits(s.checkNumber(L, arg)))
		case 'c', 's':
			arg++
			str := s.checkString(L, arg)
			if size == 0 {
				size = len(str)
			}
			if len(str) < size {
				s.argError(L, arg+1, "string too short") // C has counted on by then
			}
			out = append(out, str[:size]...)
			if option == 's' {
				out = append(out, 0)
			}
		default:
			f.control(option)
		}
		if len(out) > maxString {
			s.fail(L, "not enough memory")
		}
	}
	s.roomFor(L, len(out))
	return s.text(L, string(out))
}

// appendInteger is putinteger: more than eight bytes are filled with zeros.
func (f *structFormat) appendInteger(out []byte, size int, n uint64) []byte {
	start := len(out)
	for range size {
		out = append(out, byte(n))
		n >>= 8
	}
	f.turn(out[start:])
	return out
}

// turn brings little-endian bytes into the format's order.
func (f *structFormat) turn(b []byte) {
	if f.order == binary.ByteOrder(binary.BigEndian) {
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// integer is getinteger.
func (f *structFormat) integer(b []byte, signed bool) float64 {
	size := len(b)
	b = append([]byte(nil), b...)
	f.turn(b)
	var n uint64
	for i := size - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	if !signed {
		return float64(n)
	}
	if size > 0 && size < 8 {
		shift := 64 - 8*size
		return float64(int64(n<<shift) >> shift)
	}
	return float64(int64(n))
}

// float reads 4 or 8 bytes, which it may change.
func (f *structFormat) float(b []byte) lua.LNumber {
	f.turn(b)
	if len(b) == 4 {
		return lua.LNumber(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return lua.LNumber(math.Float64frombits(binary.LittleEndian.Uint64(b)))
}

func (s *State) structUnpack(L *lua.LState) int {
	f := s.structFormat(L)
	data := s.checkString(L, 2)
	start := s.optInteger(L, 3, 1)
	if start == 0 {
		s.argError(L, 3, "offset must be 1 or greater")
	}
	if start < 0 || start > len(data)+1 { // as an unsigned number, a negative one is huge
		start = len(data) + 1
	}
	at := start - 1
	n := 0
	result := func(v lua.LValue) {
		if n++; n > lua.MaxResults {
			s.fail(L, "too many results")
		}
		L.Push(v)
	}
	for {
		option, size, padding, ok := f.next(at)
		if !ok {
			break
		}
		at += padding
		if size > len(data) || at > len(data)-size {
			s.argError(L, 2, "data string too short")
		}
		piece := data[at : at+size]
		switch option {
		case 'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I':
			result(lua.LNumber(f.integer([]byte(piece), option >= 'a')))
		case 'x':
		case 'f', 'd':
			result(f.float([]byte(piece)))
		case 'c':
			if size == 0 {
				size = f.lengthBefore(&n, data, at)
				piece = data[at : at+size]
			}
			result(lua.LString(piece))
		case 's':
			end := strings.IndexByte(data[at:], 0)
			if end < 0 {
				s.fail(L, "unfinished string in data")
			}
			result(lua.LString(data[at : at+end]))
			size = end + 1
		default:
			f.control(option)
		}
		at += size
	}
	L.Push(lua.LNumber(at + 1))
	return n + 1
}

// lengthBefore takes the value in front of a c0, which is that string's length.
func (f *structFormat) lengthBefore(n *int, data string, at int) int {
	length, ok := f.L.Get(-1).(lua.LNumber)
	if *n == 0 || !ok {
		f.s.fail(f.L, "format 'c0' needs a previous size")
	}
	f.L.Pop(1)
	*n--
	if length < 0 || ccast.Int64(float64(length)) > int64(len(data)-at) {
		f.s.argError(f.L, 2, "data string too short")
	}
	return int(length)
}

func (s *State) structSize(L *lua.LState) int {
	f := s.structFormat(L)
	total := int64(0)
	for {
		option, size, padding, ok := f.next(int(total)) // for the alignment
		if !ok {
			return push(L, lua.LNumber(total))
		}
		total += int64(padding)
		switch {
		case option == 's':
			s.argError(L, 1, "option 's' has no fixed size")
		case option == 'c' && size == 0:
			s.argError(L, 1, "option 'c0' has no fixed size")
		case strings.IndexByte(" ><!", option) >= 0: // what is unknown has no size here
			f.control(option)
		}
		total += int64(size)
	}
}
