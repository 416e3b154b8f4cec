package lualib

import (
	"fmt"
	"maps"
	"slices"

	"diskette/resp/lua"

	"diskette/resp/internal/ccast"
)

// argError is luaL_argerror: it names the function as the call names it.
func (s *State) argError(L *lua.LState, n int, message string) {
	kind, name := L.Callee()
	if kind == "" {
		name = "?"
	}
	if kind == "method" { // self does not count
		if n--; n == 0 {
			s.fail(L, "calling '%s' on bad self (%s)", name, message)
		}
	}
	s.fail(L, "bad argument #%d to '%s' (%s)", n, name, message)
}

func (s *State) typeError(L *lua.LState, n int, want string) {
	got := "no value"
	if n <= L.GetTop() {
		got = L.Get(n).Type().String()
	}
	s.argError(L, n, fmt.Sprintf("%s expected, got %s", want, got))
}

func (s *State) checkAny(L *lua.LState, n int) lua.LValue {
	if n > L.GetTop() {
		s.argError(L, n, "value expected")
	}
	return L.Get(n)
}

func (s *State) checkString(L *lua.LState, n int) string {
	if str, ok := L.Get(n).(lua.LString); ok {
		return string(str)
	}
	str, ok := lua.ToString(L.Get(n))
	if !ok {
		s.typeError(L, n, "string")
	}
	return str
}

func (s *State) checkNumber(L *lua.LState, n int) float64 {
	f, ok := lua.ToNumber(L.Get(n))
	if !ok {
		s.typeError(L, n, "number")
	}
	return f
}

// checkInteger is luaL_checkinteger: what does not fit becomes what C makes of it.
func (s *State) checkInteger(L *lua.LState, n int) int { return int(ccast.Int64(s.checkNumber(L, n))) }

// checkInt is luaL_checkint, which keeps 32 bits.
func (s *State) checkInt(L *lua.LState, n int) int { return int(int32(s.checkInteger(L, n))) }

func (s *State) optInteger(L *lua.LState, n, otherwise int) int {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return s.checkInteger(L, n)
}

func (s *State) optInt(L *lua.LState, n, otherwise int) int {
	return int(int32(s.optInteger(L, n, otherwise)))
}

func (s *State) checkTable(L *lua.LState, n int) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		s.typeError(L, n, "table")
	}
	return t
}

func (s *State) checkFunction(L *lua.LState, n int) *lua.LFunction {
	f, ok := L.Get(n).(*lua.LFunction)
	if !ok {
		s.typeError(L, n, "function")
	}
	return f
}

// library makes a table of functions. They come in C's order, which pairs shows: some by name, and the rest in that of
// the alphabet.
func (s *State) library(functions map[string]lua.LGFunction, first ...string) *lua.LTable {
	t := s.L.CreateTable(0, len(functions))
	for _, name := range append(first, slices.Sorted(maps.Keys(functions))...) {
		if t.RawGetString(name) == lua.LNil {
			t.RawSetString(name, s.L.NewFunction(functions[name]))
		}
	}
	return t
}

func push(L *lua.LState, values ...lua.LValue) int {
	for _, v := range values {
		L.Push(v)
	}
	return len(values)
}
