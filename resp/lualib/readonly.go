package lualib

import lua "github.com/yuin/gopher-lua"

// Redis has a flag in each table that makes it readonly. gopher-lua has none, and calls __newindex
// for absent keys only. So scripts get an empty table in the place of a readonly one, whose
// metatable leads reads to the real one and writes to an error. Library functions look behind it
// with behind.

const readonlyText = "Attempt to modify a readonly table"

// Protect is a table that scripts can read but not change, with all tables in it.
func (s *State) Protect(t *lua.LTable) lua.LValue { return s.protectValue(t) }

// protectValue is v, or the table that stands for it if v is a table.
func (s *State) protectValue(v lua.LValue) lua.LValue {
	real, ok := v.(*lua.LTable)
	if !ok {
		return v
	}
	if _, done := s.readonly[real]; done {
		return v
	}
	return s.standIn(real)
}

func (s *State) standIn(real *lua.LTable) *lua.LTable {
	L := s.L
	front, mt := L.NewTable(), L.NewTable()
	s.readonly[front] = real
	real.ForEach(func(k, v lua.LValue) {
		if t, ok := v.(*lua.LTable); ok && t != real {
			real.RawSet(k, s.protectValue(t))
		}
	})
	mt.RawSetString("__index", real)
	mt.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		s.fail(L, readonlyText)
		return 0
	}))
	front.Metatable = mt
	return front
}

// behind is the table that a library function shall read in t's place.
func (s *State) behind(t *lua.LTable) *lua.LTable {
	if t.Metatable != lua.LNil {
		if real, ok := s.readonly[t]; ok {
			return real
		}
	}
	return t
}

// writable is t, or an error if t is readonly: without a position, since C raises it.
func (s *State) writable(L *lua.LState, t *lua.LTable) *lua.LTable {
	if t.Metatable != lua.LNil {
		if _, ok := s.readonly[t]; ok {
			L.Error(lua.LString(readonlyText), 0)
		}
	}
	return t
}
