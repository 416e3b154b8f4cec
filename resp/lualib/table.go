package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
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

func get(t *lua.LTable, i int) lua.LValue { return t.RawGet(lua.LNumber(i)) }

func (s *State) tableConcat(L *lua.LState) int {
	separator := ""
	t := s.behind(s.checkTable(L, 1))
	if L.Get(2) != lua.LNil {
		separator = s.checkString(L, 2)
	}
	i, last := s.optInt(L, 3, 1), 0
	if L.Get(4) == lua.LNil {
		last = t.Len()
	} else {
		last = s.checkInt(L, 4)
	}
	var b strings.Builder
	for ; i <= last; i++ {
		part, ok := toString(get(t, i))
		if !ok {
			s.fail(L, "invalid value (%s) at index %d in table for 'concat'", get(t, i).Type(), i)
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
	s.call(L, 2, 1)
	if L.Get(-1) != lua.LNil {
		return true
	}
	L.Pop(1)
	return false
}

func (s *State) tableForeach(L *lua.LState) int {
	t := s.behind(s.checkTable(L, 1))
	s.checkFunction(L, 2)
	for k, v := s.nextOf(L, t, lua.LNil); k != lua.LNil; k, v = s.nextOf(L, t, k) {
		if s.each(L, k, v) {
			return 1
		}
	}
	return 0
}

func (s *State) tableForeachi(L *lua.LState) int {
	t := s.behind(s.checkTable(L, 1))
	s.checkFunction(L, 2)
	for i, n := 1, t.Len(); i <= n; i++ {
		if s.each(L, lua.LNumber(i), get(t, i)) {
			return 1
		}
	}
	return 0
}

func (s *State) tableGetn(L *lua.LState) int {
	return push(L, lua.LNumber(s.behind(s.checkTable(L, 1)).Len()))
}

func (s *State) tableSetn(L *lua.LState) int {
	s.checkTable(L, 1)
	s.fail(L, "'setn' is obsolete")
	return 0
}

func (s *State) tableMaxn(L *lua.LState) int {
	highest := lua.LNumber(0)
	s.behind(s.checkTable(L, 1)).ForEach(func(k, _ lua.LValue) {
		if n, ok := k.(lua.LNumber); ok && n > highest {
			highest = n
		}
	})
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
	s.writable(L, t)
	value := L.Get(L.GetTop())
	if at < end && at >= 1 && end == len(arrayOf(t))+1 && end < maxArray {
		s.spend(L, (end-at)/64)
		t.Insert(at, value) // one copy instead of many writes
		return 0
	}
	for ; end > at; end-- {
		s.spend(L, 1)
		s.setIndex(L, t, lua.LNumber(end), get(t, end-1))
	}
	s.setIndex(L, t, lua.LNumber(at), value)
	return 0
}

func (s *State) tableRemove(L *lua.LState) int {
	t := s.checkTable(L, 1)
	end := t.Len()
	at := s.optInt(L, 2, end)
	if at < 1 || at > end {
		return 0
	}
	s.writable(L, t)
	removed := get(t, at)
	if at < end && end == len(arrayOf(t)) {
		s.spend(L, (end-at)/64)
		t.Remove(at)
		return push(L, removed)
	}
	for ; at < end; at++ {
		s.spend(L, 1)
		s.setIndex(L, t, lua.LNumber(at), get(t, at+1))
	}
	s.setIndex(L, t, lua.LNumber(end), lua.LNil)
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
		s.sort(L, s.writable(L, t), 1, n)
	}
	return 0
}

// sort is auxsort: the same comparisons in the same order, since a script's function sees them.
func (s *State) sort(L *lua.LState, t *lua.LTable, lo, up int) {
	set := func(i int, v lua.LValue) { s.setIndex(L, t, lua.LNumber(i), v) }
	swapIf := func(i, j int) { // puts the lesser one at i
		if a, b := get(t, i), get(t, j); s.sortsBefore(L, b, a) {
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
		if a, b := get(t, mid), get(t, lo); s.sortsBefore(L, a, b) {
			set(mid, b)
			set(lo, a)
		} else {
			swapIf(mid, up)
		}
		if up-lo == 2 {
			return
		}
		pivot := get(t, mid)
		a, b := pivot, get(t, up-1)
		set(mid, b)
		set(up-1, a)
		i, j := lo, up-1
		for {
			for i++; s.sortsBefore(L, get(t, i), pivot); i++ {
				if i > up {
					s.fail(L, "invalid order function for sorting")
				}
			}
			for j--; s.sortsBefore(L, pivot, get(t, j)); j-- {
				if j < lo {
					s.fail(L, "invalid order function for sorting")
				}
			}
			if j < i {
				break
			}
			a, b := get(t, i), get(t, j)
			set(i, b)
			set(j, a)
		}
		a, b = get(t, up-1), get(t, i)
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
		s.call(L, 2, 1)
		less := lua.LVAsBool(L.Get(-1))
		L.Pop(1)
		return less
	}
	return s.less(L, a, b)
}

// less is lua_lessthan.
func (s *State) less(L *lua.LState, a, b lua.LValue) bool {
	switch a := a.(type) {
	case lua.LNumber:
		if b, ok := b.(lua.LNumber); ok {
			return a < b
		}
	case lua.LString:
		if b, ok := b.(lua.LString); ok {
			return a < b
		}
	}
	op := L.GetMetaField(a, "__lt")
	if a.Type() != b.Type() || op == lua.LNil || op != L.GetMetaField(b, "__lt") {
		if a.Type() == b.Type() {
			s.failBare(L, "attempt to compare two "+a.Type().String()+" values")
		}
		s.failBare(L, "attempt to compare "+a.Type().String()+" with "+b.Type().String())
	}
	push(L, op, a, b)
	s.call(L, 2, 1)
	result := lua.LVAsBool(L.Get(-1))
	L.Pop(1)
	return result
}
