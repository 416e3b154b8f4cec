package lualib

import (
	"encoding/binary"
	"math"

	"diskette/resp/lua"
)

// cmsgpackLibrary is lua_cmsgpack.c.
func (s *State) cmsgpackLibrary() *lua.LTable {
	library := s.library(map[string]lua.LGFunction{
		"pack":         s.msgpackPack,
		"unpack":       s.msgpackUnpack,
		"unpack_limit": s.msgpackUnpackLimit,
		"unpack_one":   s.msgpackUnpackOne,
	})
	for name, text := range map[string]string{
		"_NAME": "cmsgpack", "_VERSION": "lua-cmsgpack 0.4.0",
		"_COPYRIGHT":   "Copyright (C) 2012, Salvatore Sanfilippo",
		"_DESCRIPTION": "MessagePack C implementation for Lua",
	} {
		library.RawSetString(name, lua.LString(text))
	}
	return library
}

// msgpackMaxNesting is LUACMSGPACK_MAX_NESTING: deeper tables become nil.
const msgpackMaxNesting = 16

func (s *State) msgpackPack(L *lua.LState) int {
	if L.GetTop() == 0 {
		s.argError(L, 0, "MessagePack pack needs input.")
	}
	var out []byte
	for i := 1; i <= L.GetTop(); i++ {
		out = s.msgpackAppend(L, out, L.Get(i), 0)
	}
	return s.text(L, string(out))
}

func (s *State) msgpackAppend(L *lua.LState, out []byte, v lua.LValue, level int) []byte {
	if len(out) > maxString {
		s.fail(L, "not enough memory")
	}
	s.spend(L, 1)
	before := len(out)
	switch v := v.(type) {
	case lua.LString:
		out = msgpackHead(out, len(v), 0xa0, 31, 0xd9, 0xda, 0xdb)
		out = append(out, v...)
	case lua.LBool:
		if v {
			out = append(out, 0xc3)
		} else {
			out = append(out, 0xc2)
		}
	case lua.LNumber:
		out = msgpackNumber(out, float64(v))
	case *lua.LTable:
		if level == msgpackMaxNesting {
			return append(out, 0xc0)
		}
		return s.msgpackTable(L, out, v, level)
	default:
		out = append(out, 0xc0)
	}
	s.allocate(L, len(out)-before)
	return out
}

// msgpackHead appends a length in the shortest form: in the first byte up to small, else in one,
// two or four bytes behind a tag. Tag 0 is no form.
func msgpackHead(out []byte, n int, fix byte, small int, tag8, tag16, tag32 byte) []byte {
	switch {
	case n <= small:
		return append(out, fix|byte(n))
	case n <= math.MaxUint8 && tag8 != 0:
		return append(out, tag8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, tag16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(out, tag32), uint32(n))
}

func msgpackNumber(out []byte, f float64) []byte {
	if i := int64(f); float64(i) == f && f < 1<<63 {
		return msgpackInteger(out, i)
	}
	if f32 := float32(f); float64(f32) == f {
		return binary.BigEndian.AppendUint32(append(out, 0xca), math.Float32bits(f32))
	}
	return binary.BigEndian.AppendUint64(append(out, 0xcb), math.Float64bits(f))
}

func msgpackInteger(out []byte, i int64) []byte {
	switch {
	case i >= 0 && i <= 127, i < 0 && i >= -32:
		return append(out, byte(i))
	case i >= 0 && i <= math.MaxUint8:
		return append(out, 0xcc, byte(i))
	case i >= 0 && i <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, 0xcd), uint16(i))
	case i >= 0 && i <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(out, 0xce), uint32(i))
	case i >= 0:
		return binary.BigEndian.AppendUint64(append(out, 0xcf), uint64(i))
	case i >= math.MinInt8:
		return append(out, 0xd0, byte(i))
	case i >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(out, 0xd1), uint16(i))
	case i >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(out, 0xd2), uint32(i))
	}
	return binary.BigEndian.AppendUint64(append(out, 0xd3), uint64(i))
}

// msgpackTable writes an array if the keys are 1 to n and nothing else, and a map otherwise.
func (s *State) msgpackTable(L *lua.LState, out []byte, t *lua.LTable, level int) []byte {
	count, highest, array := 0, lua.LNumber(0), true
	for k := range t.All() {
		count++
		n, ok := k.(lua.LNumber)
		if !ok || n < 1 || n != lua.LNumber(math.Floor(float64(n))) {
			array = false
		}
		highest = max(highest, n)
	}
	if array && highest == lua.LNumber(count) {
		out = msgpackHead(out, count, 0x90, 15, 0, 0xdc, 0xdd)
		for i := 1; i <= count; i++ {
			out = s.msgpackAppend(L, out, t.RawGetInt(i), level+1)
		}
		return out
	}
	out = msgpackHead(out, count, 0x80, 15, 0, 0xde, 0xdf)
	for k, v := range t.All() {
		out = s.msgpackAppend(L, out, k, level+1)
		out = s.msgpackAppend(L, out, v, level+1)
	}
	return out
}

func (s *State) msgpackUnpack(L *lua.LState) int { return s.msgpackUnpackFull(L, 0, 0) }

func (s *State) msgpackUnpackOne(L *lua.LState) int {
	offset := s.optInt(L, 2, 0)
	L.SetTop(1)
	return s.msgpackUnpackFull(L, 1, offset)
}

func (s *State) msgpackUnpackLimit(L *lua.LState) int {
	limit := s.checkInt(L, 2)
	offset := s.optInt(L, 3, 0)
	L.SetTop(1)
	return s.msgpackUnpackFull(L, limit, offset)
}

// msgpackUnpackFull is mp_unpack_full: all values, or up to limit of them behind the offset where
// to go on, which is -1 at the end.
func (s *State) msgpackUnpackFull(L *lua.LState, limit, offset int) int {
	data := s.checkString(L, 1)
	all := limit == 0 && offset == 0
	switch {
	case offset < 0 || limit < 0:
		s.fail(L, "Invalid request to unpack with offset of %d and limit of %d.", offset, len(data))
	case offset > len(data):
		s.fail(L, "Start offset %d greater than input length %d.", offset, len(data))
	}
	r := &msgpackReader{s: s, L: L, data: data, at: offset}
	var values []lua.LValue
	for r.at < len(data) && (all || len(values) < limit) {
		values = append(values, r.value(0))
		if len(values) > lua.MaxResults {
			s.fail(L, "too many results to unpack")
		}
	}
	if !all {
		next := lua.LNumber(r.at)
		if r.at == len(data) {
			next = -1
		}
		L.Push(next)
		return 1 + push(L, values...)
	}
	return push(L, values...)
}

type msgpackReader struct {
	s    *State
	L    *lua.LState
	data string
	at   int
}

// msgpackMaxDepth bounds what a decoder calls of itself; C bounds it by its stack.
const msgpackMaxDepth = 8000

func (r *msgpackReader) take(n int) string {
	if n > len(r.data)-r.at {
		r.s.fail(r.L, "Missing bytes in input.")
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *msgpackReader) unsigned(size int) uint64 {
	n := uint64(0)
	for _, c := range []byte(r.take(size)) {
		n = n<<8 | uint64(c)
	}
	return n
}

func (r *msgpackReader) signed(size int) lua.LValue {
	shift := 64 - 8*size
	return lua.LNumber(int64(r.unsigned(size)<<shift) >> shift)
}

func (r *msgpackReader) text(n int) lua.LValue {
	str := r.take(n)
	r.s.allocate(r.L, n)
	return lua.LString(str)
}

func (r *msgpackReader) value(depth int) lua.LValue {
	if depth > msgpackMaxDepth {
		r.s.fail(r.L, "stack overflow")
	}
	r.s.spend(r.L, 1)
	switch c := r.take(1)[0]; {
	case c <= 0x7f:
		return lua.LNumber(c)
	case c >= 0xe0:
		return lua.LNumber(int8(c))
	case c <= 0x8f:
		return r.table(int(c&0xf), depth)
	case c <= 0x9f:
		return r.array(int(c&0xf), depth)
	case c <= 0xbf:
		return r.text(int(c & 0x1f))
	case c == 0xc0:
		return lua.LNil
	case c == 0xc2 || c == 0xc3:
		return lua.LBool(c == 0xc3)
	case c == 0xca:
		return lua.LNumber(math.Float32frombits(uint32(r.unsigned(4))))
	case c == 0xcb:
		return lua.LNumber(math.Float64frombits(r.unsigned(8)))
	case c >= 0xcc && c <= 0xcf:
		return lua.LNumber(r.unsigned(1 << (c - 0xcc)))
	case c >= 0xd0 && c <= 0xd3:
		return r.signed(1 << (c - 0xd0))
	case c >= 0xd9 && c <= 0xdb:
		return r.text(int(r.unsigned(1 << (c - 0xd9))))
	case c == 0xdc || c == 0xdd:
		return r.array(int(r.unsigned(2<<(c-0xdc))), depth)
	case c == 0xde || c == 0xdf:
		return r.table(int(r.unsigned(2<<(c-0xde))), depth)
	}
	r.s.fail(r.L, "Bad data format in input.")
	return nil
}

func (r *msgpackReader) array(n, depth int) lua.LValue {
	t := r.L.NewTable()
	for i := 1; i <= n; i++ {
		v := r.value(depth + 1)
		r.s.allocate(r.L, valueBytes)
		r.L.RawSetInt(t, i, v)
	}
	return t
}

func (r *msgpackReader) table(n, depth int) lua.LValue {
	t := r.L.NewTable()
	for range n {
		k := r.value(depth + 1)
		v := r.value(depth + 1)
		r.s.allocate(r.L, 4*valueBytes)
		r.L.RawSet(t, k, v)
	}
	return t
}
