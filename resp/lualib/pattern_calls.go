package lualib

import (
	"strings"

	"diskette/resp/lua"
)

// position is posrelat: negative positions count from the end.
func position(p, length int) int {
	if p < 0 {
		return max(p+length+1, 0)
	}
	return p
}

func (s *State) find(L *lua.LState, find bool) int {
	src, pattern := s.checkString(L, 1), s.checkString(L, 2)
	init := min(max(position(s.optInteger(L, 3, 1), len(src))-1, 0), len(src))
	if find && (lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(untilNUL(pattern), patternMarks)) {
		at := indexFrom(src, pattern, init)
		s.spend(L, (len(src)-init)/1024)
		if at < 0 {
			return push(L, lua.LNil)
		}
		return push(L, lua.LNumber(at+1), lua.LNumber(at+len(pattern)))
	}
	m := &matcher{s: s, L: L, src: src, pattern: untilNUL(pattern)}
	start, end, ok := m.from(init)
	if !ok {
		return push(L, lua.LNil)
	}
	if find {
		push(L, lua.LNumber(start+1), lua.LNumber(end))
		return 2 + m.pushCaptures(start, end, false)
	}
	return m.pushCaptures(start, end, true)
}

func (s *State) gmatch(L *lua.LState) int {
	src, pattern := s.checkString(L, 1), s.checkString(L, 2)
	at := 0
	return push(L, L.NewFunction(func(L *lua.LState) int {
		m := &matcher{s: s, L: L, src: src, pattern: untilNUL(pattern)}
		for ; at <= len(src); at++ {
			m.level = 0
			end := m.match(at, 0)
			if end < 0 {
				continue
			}
			start := at
			at = end
			if end == start {
				at++
			}
			return m.pushCaptures(start, end, true)
		}
		return push(L, lua.LNil)
	}))
}

func (s *State) gsub(L *lua.LState) int {
	src, pattern := s.checkString(L, 1), s.checkString(L, 2)
	limit := s.optInt(L, 4, len(src)+1) // before the third, as in lstrlib.c
	switch L.Get(3).Type() {
	case lua.LTNumber, lua.LTString, lua.LTFunction, lua.LTTable:
	default:
		s.argError(L, 3, "string/function/table expected")
	}
	anchored := strings.HasPrefix(pattern, "^")
	if anchored {
		pattern = pattern[1:]
	}
	m := &matcher{s: s, L: L, src: src, pattern: untilNUL(pattern)}
	var out []byte
	at, n := 0, 0
	for n < limit {
		m.level = 0
		end := m.match(at, 0)
		if end >= 0 {
			n++
			before := len(out)
			out = m.replace(out, at, end)
			if len(out) > maxString {
				s.fail(L, "not enough memory")
			}
			s.allocate(L, len(out)-before)
		}
		switch {
		case end > at:
			at = end
		case at < len(src):
			out = append(out, src[at])
			at++
		default:
			at++
		}
		if at > len(src) || anchored {
			break
		}
	}
	if at < len(src) {
		out = append(out, src[at:]...)
	}
	s.roomFor(L, len(out))
	return push(L, lua.LString(out), lua.LNumber(n))
}

// untilNUL is s as C reads it: patterns of Lua 5.1 end at their first NUL.
func untilNUL(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// replace is add_value.
func (m *matcher) replace(out []byte, start, end int) []byte {
	L := m.L
	var v lua.LValue
	switch by := L.Get(3).(type) {
	case *lua.LTable:
		v = L.Index(by, m.capture(0, start, end))
	case *lua.LFunction:
		L.Push(by)
		L.Call(m.pushCaptures(start, end, true), 1)
		v = L.Get(-1)
		L.Pop(1)
	default:
		text, _ := lua.ToString(by)
		return m.expand(out, text, start, end)
	}
	if !lua.LVAsBool(v) {
		return append(out, m.src[start:end]...)
	}
	text, ok := lua.ToString(v)
	if !ok {
		m.fail("invalid replacement value (a %s)", v.Type())
	}
	return append(out, text...)
}

// expand is add_s: %0 to %9 in a replacement.
func (m *matcher) expand(out []byte, text string, start, end int) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		i++
		switch {
		case i >= len(text): // C reads its terminating zero
			out = append(out, 0)
		case !lua.IsDigit(text[i]):
			out = append(out, text[i])
		case text[i] == '0':
			out = append(out, m.src[start:end]...)
		default:
			part, _ := lua.ToString(m.capture(int(text[i]-'1'), start, end))
			out = append(out, part...)
		}
		if len(out) > maxString {
			m.fail("not enough memory")
		}
	}
	return out
}
