package lualib

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"diskette/resp/lua"
)

// bitFunctions is Lua BitOp: all numbers become 32 bits, and results are signed.
func (s *State) bitFunctions() map[string]lua.LGFunction {
	fold := func(op func(a, b uint32) uint32) lua.LGFunction {
		return func(L *lua.LState) int {
			n := s.checkBits(L, 1)
			for i := L.GetTop(); i > 1; i-- {
				n = op(n, s.checkBits(L, i))
			}
			return pushBits(L, n)
		}
	}
	shift := func(op func(a uint32, n int) uint32) lua.LGFunction {
		return func(L *lua.LState) int {
			n := s.checkBits(L, 1)
			return pushBits(L, op(n, int(s.checkBits(L, 2)&31)))
		}
	}
	unary := func(op func(a uint32) uint32) lua.LGFunction {
		return func(L *lua.LState) int { return pushBits(L, op(s.checkBits(L, 1))) }
	}
	return map[string]lua.LGFunction{
		"arshift": shift(func(a uint32, n int) uint32 { return uint32(int32(a) >> n) }),
		"band":    fold(func(a, b uint32) uint32 { return a & b }),
		"bnot":    unary(func(a uint32) uint32 { return ^a }),
		"bor":     fold(func(a, b uint32) uint32 { return a | b }),
		"bswap":   unary(bits.ReverseBytes32),
		"bxor":    fold(func(a, b uint32) uint32 { return a ^ b }),
		"lshift":  shift(func(a uint32, n int) uint32 { return a << n }),
		"rol":     shift(bits.RotateLeft32),
		"ror":     shift(func(a uint32, n int) uint32 { return bits.RotateLeft32(a, -n) }),
		"rshift":  shift(func(a uint32, n int) uint32 { return a >> n }),
		"tobit":   unary(func(a uint32) uint32 { return a }),
		"tohex":   s.tohex,
	}
}

// checkBits is barg: adding 2^52+2^51 leaves the integer in the low bits of the double. Those
// of what is not a number are 0 in C, and not in Go.
func (s *State) checkBits(L *lua.LState, n int) uint32 {
	f := s.checkNumber(L, n)
	if f != f {
		return 0
	}
	return uint32(math.Float64bits(f + 6755399441055744.0))
}

func pushBits(L *lua.LState, n uint32) int { return push(L, lua.LNumber(int32(n))) }

func (s *State) tohex(L *lua.LState) int {
	b, n := s.checkBits(L, 1), int32(8)
	if L.GetTop() >= 2 {
		n = int32(s.checkBits(L, 2))
	}
	hex := fmt.Sprintf("%08x", b)
	if n < 0 {
		n = -n
		hex = strings.ToUpper(hex)
	}
	if n < 0 || n > 8 { // -n of the lowest number is that number
		n = 8
	}
	return s.text(L, hex[8-n:])
}
