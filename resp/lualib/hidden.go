package lualib

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// hiddenFunctions are what hiddenNames stand for, in that order.
func (s *State) hiddenFunctions() []lua.LValue {
	L := s.L
	var out []lua.LValue
	for _, fn := range []lua.LGFunction{s.tick, s.concat, s.set, s.key, s.global, s.number, hiddenArgs} {
		out = append(out, L.NewFunction(fn))
	}
	return out
}

// concat is hiddenConcat. It joins from the right, as luaV_concat does, so that metamethods see
// what they would there.
func (s *State) concat(L *lua.LState) int {
	n := L.GetTop()
	total, ok := 0, true
	for i := 1; i <= n && ok; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			total += len(v)
		case lua.LNumber:
			total += 16
		default:
			ok = false
		}
	}
	if !ok {
		return s.concatSlowly(L, n)
	}
	s.roomFor(L, total)
	var b strings.Builder
	b.Grow(total)
	for i := 1; i <= n; i++ {
		part, _ := toString(L.Get(i))
		b.WriteString(part)
	}
	return s.text(L, b.String())
}

func (s *State) concatSlowly(L *lua.LState, n int) int {
	right := L.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := L.Get(i)
		a, ok1 := toString(left)
		b, ok2 := toString(right)
		if ok1 && ok2 {
			s.roomFor(L, len(a)+len(b))
			right = lua.LString(a + b)
			continue
		}
		op := s.binaryMetamethod(left, right, "__concat")
		if op == lua.LNil {
			blame, role := left, roleOperand+i-1
			if ok1 {
				blame, role = right, roleOperand+i
			}
			s.blame(L, "concatenate", blame, role)
		}
		L.Push(op)
		L.Push(left)
		L.Push(right)
		s.call(L, 2, 1)
		right = L.Get(-1)
		L.Pop(1)
	}
	L.Push(right)
	return 1
}

// blame raises "attempt to <do> local 'x' (a nil value)" for a value that the script's code handed
// to a hidden function.
func (s *State) blame(L *lua.LState, do string, v lua.LValue, role int) {
	name := ""
	if f := (*currentFrame(L)).Parent; f != nil && !f.Fn.IsG {
		name = nameAt(f.Fn.Proto, f.Pc-1, role)
	}
	s.fail(L, "%s", blaming(do, name, v.Type().String()))
}

// set is hiddenSet: t[k] = v, where k may lie far beyond t's end.
func (s *State) set(L *lua.LState) int {
	key, value := L.Get(2), L.Get(3)
	t, ok := L.Get(1).(*lua.LTable)
	if !ok {
		if L.GetMetaField(L.Get(1), "__newindex") == lua.LNil {
			s.blame(L, "index", L.Get(1), roleObject)
		}
		L.SetTable(L.Get(1), key, value)
		return 0
	}
	k, isNumber := key.(lua.LNumber)
	if t.Metatable == lua.LNil && isNumber {
		s.setIndex(L, t, k, value)
		return 0
	}
	if t.Metatable != lua.LNil && t.RawGet(key) == lua.LNil && L.GetMetaField(t, "__newindex") != lua.LNil {
		L.SetTable(t, key, value)
		return 0
	}
	s.rawSet(L, t, key, value)
	return 0
}

func (s *State) rawSet(L *lua.LState, t *lua.LTable, key, value lua.LValue) {
	switch k := key.(type) {
	case lua.LNumber:
		s.setIndex(L, t, k, value)
	case lua.LString:
		t.RawSetString(string(k), value)
	case *lua.LNilType:
		s.fail(L, "table index is nil")
	default:
		t.RawSetH(k, value)
	}
}

// setIndex writes t[k] without metamethods. The array part grows by what lies between its end and
// k, which counts as allocated, and gives back what was set to nil at its end: else taking from
// the end again and again would look through all that is gone each time.
func (s *State) setIndex(L *lua.LState, t *lua.LTable, k lua.LNumber, value lua.LValue) {
	f := float64(k)
	if f != f {
		s.fail(L, "table index is NaN")
	}
	array := arrayOf(t)
	switch {
	case f != math.Floor(f) || f < 1 || f > maxArray:
		t.RawSetH(k, value)
	case f == maxArray:
		if len(array) == maxArray-1 && value != lua.LNil {
			s.fail(L, "table overflow")
		}
		t.RawSetH(k, value)
	case value == lua.LNil:
		if int(f) < len(array) {
			t.RawSetInt(int(f), value)
		} else if int(f) == len(array) {
			for end := len(array); end > 0 && (end == int(f) || array[end-1] == lua.LNil); end-- {
				t.Remove(end)
			}
		}
	default:
		if gap := int(f) - len(array); gap > nearIndex {
			s.spend(L, gap/64)
			s.allocate(L, gap*valueBytes)
		}
		t.RawSetInt(int(f), value)
	}
}

// key is hiddenKey: a constructor's computed key, whose table is new.
func (s *State) key(L *lua.LState) int {
	if k, ok := L.Get(1).(lua.LNumber); ok && k > nearIndex && k < maxArray {
		s.spend(L, int(k)/64)
		s.allocate(L, int(k)*valueBytes)
	}
	return 1
}

// global is hiddenGlobal: no script may assign to a global variable.
func (s *State) global(L *lua.LState) int {
	s.fail(L, readonlyText)
	return 0
}

// number is hiddenNumber.
func (s *State) number(L *lua.LState) int {
	f, ok := toNumber(L.Get(1))
	if !ok {
		s.fail(L, "%s", L.Get(2).String())
	}
	L.Push(lua.LNumber(f))
	return 1
}

func hiddenArgs(L *lua.LState) int {
	n := L.GetTop()
	t := L.CreateTable(n, 1)
	for i := 1; i <= n; i++ {
		t.RawSetInt(i, L.Get(i))
	}
	t.RawSetString("n", lua.LNumber(n))
	L.Push(t)
	return 1
}
