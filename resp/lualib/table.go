package lualib

import (
	"strings"

	"diskette/resp/lua"
)

func (s *State) tableFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"concat":   s.tableConcat,
		"foreach":  s.tableForeach,
		"foreachi": s.tableForeachi,
		"getn":     s.tableGetn,
		"insert":   s.tableInsert,
		"maxn":     s.tableMaxn,
		"remove":   s.tableRemove,
		"setn":     s.tableSetn,
		"sort":     s.tableSort,
	}
}

func (s *State) tableConcat(L *lua.LState) int {
	separator := ""
	if L.Get(2) != lua.LNil {
		separator = s.checkString(L, 2)
	}
	t := s.checkTable(L, 1)
	i, last := s.optInt(L, 3, 1), 0
	if L.Get(4) == lua.LNil {
		last = t.Len()
	} else {
		last = s.checkInt(L, 4)
	}
	var b strings.Builder
	for ; i <= last; i++ {
		part, ok := lua.ToString(t.RawGetInt(i))
		if !ok {
			s.fail(L, "invalid value (%s) at index %d in table for 'concat'", t.RawGetInt(i).Type(), i)
		}
		b.WriteString(part)
		if i < last {
			b.WriteString(separator)
		}
		if b.Len() > maxString {
			s.fail(L, "not enough memory")
		}
		s.allocate(L, len(part)+len(separator))
		s.spend(L, 1)
	}
	return s.text(L, b.String())
}

// each calls the function at 2 with a key and a value, and reports whether it returned something,
// which it leaves on the stack.
func (s *State) each(L *lua.LState, k, v lua.LValue) bool {
	s.spend(L, 1)
	push(L, L.Get(2), k, v)
	L.Call(2, 1)
	if L.Get(-1) != lua.LNil {
		return true
	}
	L.Pop(1)
	return false
}

func (s *State) tableForeach(L *lua.LState) int {
	t := s.checkTable(L, 1)
	s.checkFunction(L, 2)
	for k, v := range t.All() {
		if s.each(L, k, v) {
			return 1
		}
	}
	return 0
}

func (s *State) tableForeachi(L *lua.LState) int {
	t := s.checkTable(L, 1)
	s.checkFunction(L, 2)
	for i, n := 1, t.Len(); i <= n; i++ {
		if s.each(L, lua.LNumber(i), t.RawGetInt(i)) {
			return 1
		}
	}
	return 0
}

func (s *State) tableGetn(L *lua.LState) int {
	return push(L, lua.LNumber(s.checkTable(L, 1).Len()))
}

func (s *State) tableSetn(L *lua.LState) int {
	s.checkTable(L, 1)
	s.fail(L, "'setn' is obsolete")
	return 0
}

func (s *State) tableMaxn(L *lua.LState) int {
	highest := lua.LNumber(0)
	for k := range s.checkTable(L, 1).All() {
		if n, ok := k.(lua.LNumber); ok && n > highest {
			highest = n
		}
	}
	return push(L, highest)
}

func (s *State) tableInsert(L *lua.LState) int {
	t := s.checkTable(L, 1)
	end := t.Len() + 1
	at := end
	switch L.GetTop() {
	case 2:
	case 3:
		at = s.checkInt(L, 2)
		end = max(end, at)
	default:
		s.fail(L, "wrong number of arguments to 'insert'")
	}
	value := L.Get(L.GetTop())
	for ; end > at; end-- {
		s.spend(L, 1)
		L.RawSetInt(t, end, t.RawGetInt(end-1))
	}
	L.RawSetInt(t, at, value)
	return 0
}

func (s *State) tableRemove(L *lua.LState) int {
	t := s.checkTable(L, 1)
	end := t.Len()
	at := s.optInt(L, 2, end)
	if at < 1 || at > end {
		return 0
	}
	removed := t.RawGetInt(at)
	for ; at < end; at++ {
		s.spend(L, 1)
		L.RawSetInt(t, at, t.RawGetInt(at+1))
	}
	L.RawSetInt(t, end, lua.LNil)
	return push(L, removed)
}

func (s *State) tableSort(L *lua.LState) int {
	t := s.checkTable(L, 1)
	if L.Get(2) != lua.LNil {
		s.checkFunction(L, 2)
	}
	L.SetTop(2)
	n := t.Len()
	if n > 1 { // else nothing is written
		s.sort(L, t, 1, n)
	}
	return 0
}

// sort is auxsort: the same comparisons in the same order, since a script's function sees them.
func (s *State) sort(L *lua.LState, t *lua.LTable, lo, up int) {
	set := func(i int, v lua.LValue) { L.RawSetInt(t, i, v) }
	swapIf := func(i, j int) { // puts the lesser one at i
		if a, b := t.RawGetInt(i), t.RawGetInt(j); s.sortsBefore(L, b, a) {
			set(i, b)
			set(j, a)
		}
	}
	for lo < up {
		swapIf(lo, up)
		if up-lo == 1 {
			return
		}
		mid := (lo + up) / 2
		if a, b := t.RawGetInt(mid), t.RawGetInt(lo); s.sortsBefore(L, a, b) {
			set(mid, b)
			set(lo, a)
		} else {
			swapIf(mid, up)
		}
		if up-lo == 2 {
			return
		}
		pivot := t.RawGetInt(mid)
		a, b := pivot, t.RawGetInt(up-1)
		set(mid, b)
		set(up-1, a)
		i, j := lo, up-1
		for {
			for i++; s.sortsBefore(L, t.RawGetInt(i), pivot); i++ {
				if i > up {
					s.fail(L, "invalid order function for sorting")
				}
			}
			for j--; s.sortsBefore(L, pivot, t.RawGetInt(j)); j-- {
				if j < lo {
					s.fail(L, "invalid order function for sorting")
				}
			}
			if j < i {
				break
			}
			a, b := t.RawGetInt(i), t.RawGetInt(j)
			set(i, b)
			set(j, a)
		}
		a, b = t.RawGetInt(up-1), t.RawGetInt(i)
		set(up-1, b)
		set(i, a)
		if i-lo < up-i {
			s.sort(L, t, lo, i-1)
			lo = i + 1
		} else {
			s.sort(L, t, i+1, up)
			up = i - 1
		}
	}
}

func (s *State) sortsBefore(L *lua.LState, a, b lua.LValue) bool {
	s.spend(L, 1)
	if fn := L.Get(2); fn != lua.LNil {
		push(L, fn, a, b)
		L.Call(2, 1)
		less := lua.LVAsBool(L.Get(-1))
		L.Pop(1)
		return less
	}
	return L.Less(a, b)
}
