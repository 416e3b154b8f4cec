package lualib

import (
	"diskette/resp/lua"
)

// matcher is lstrlib.c's pattern matching: backtracking, so each step counts as work of the
// script, and the depth is bounded.
type matcher struct {
	s        *State
	L        *lua.LState
	src      string
	pattern  string
	level    int
	depth    int
	captures [maxCaptures]struct{ start, length int }
}

const (
	maxCaptures   = 32
	maxMatchDepth = 20000
	captureOpen   = -1 // a length: the capture is not closed yet
	capturePlace  = -2 // a length: () captures a position
	patternMarks  = "^$*+?.([%-"
)

func (m *matcher) fail(format string, args ...any) { m.s.fail(m.L, format, args...) }

// class is one past the end of the single-character class at p.
func (m *matcher) classEnd(p int) int {
	c := m.pattern[p]
	p++
	switch c {
	case '%':
		if p >= len(m.pattern) {
			m.fail("malformed pattern (ends with '%%')")
		}
		return p + 1
	case '[':
		if p < len(m.pattern) && m.pattern[p] == '^' {
			p++
		}
		for first := true; first || p >= len(m.pattern) || m.pattern[p] != ']'; first = false {
			if p >= len(m.pattern) {
				m.fail("malformed pattern (missing ']')")
			}
			if m.pattern[p] == '%' {
				p++ // an escape such as %]
				if p >= len(m.pattern) {
					continue
				}
			}
			p++
		}
		return p + 1
	}
	return p
}

func isClass(c, class byte) bool {
	lower := c|0x20 >= 'a' && c|0x20 <= 'z'
	var in bool
	switch class | 0x20 {
	case 'a':
		in = lower
	case 'c':
		in = c < 32 || c == 127
	case 'd':
		in = lua.IsDigit(c)
	case 'l':
		in = c >= 'a' && c <= 'z'
	case 'p':
		in = c > 32 && c < 127 && !lower && !lua.IsDigit(c)
	case 's':
		in = c == ' ' || c >= 9 && c <= 13
	case 'u':
		in = c >= 'A' && c <= 'Z'
	case 'w':
		in = lower || lua.IsDigit(c)
	case 'x':
		in = lua.IsDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	if !lua.IsAlpha(class) || class == '_' { // |0x20 made it look like one
		return class == c
	}
	return in == (class&0x20 != 0)
}

// inSet matches c with [...] from p to its ] at end.
func (m *matcher) inSet(c byte, p, end int) bool {
	in := true
	if p+1 < len(m.pattern) && m.pattern[p+1] == '^' {
		in = false
		p++
	}
	for p++; p < end; p++ {
		switch {
		case m.pattern[p] == '%':
			p++
			if isClass(c, m.pattern[p]) {
				return in
			}
		case p+2 < end && m.pattern[p+1] == '-':
			if m.pattern[p] <= c && c <= m.pattern[p+2] {
				return in
			}
			p += 2
		case m.pattern[p] == c:
			return in
		}
	}
	return !in
}

func (m *matcher) single(at, p, end int) bool {
	if at >= len(m.src) {
		return false
	}
	switch c := m.src[at]; m.pattern[p] {
	case '.':
		return true
	case '%':
		return isClass(c, m.pattern[p+1])
	case '[':
		return m.inSet(c, p, end-1)
	default:
		return m.pattern[p] == c
	}
}

// frontier reports whether a place is the first of the characters in the set pattern[p:end]. Around src are NULs.
func (m *matcher) frontier(at, p, end int) bool {
	before, here := byte(0), byte(0)
	if at > 0 {
		before = m.src[at-1]
	}
	if at < len(m.src) {
		here = m.src[at]
	}
	return !m.inSet(before, p, end-1) && m.inSet(here, p, end-1)
}

// special matches what the sign behind a % makes more than a character: %b, %f and %1. next is where the match at
// src[at:] ends, or -1, and after where the rest of the pattern begins.
func (m *matcher) special(at, p int) (next, after int, special bool) {
	switch c := m.pattern[p+1]; {
	case c == 'b':
		return m.balance(at, p+2), p + 4, true
	case c == 'f':
		p += 2
		if p >= len(m.pattern) || m.pattern[p] != '[' {
			m.fail("missing '[' after '%%f' in pattern")
		}
		end := m.classEnd(p)
		if !m.frontier(at, p, end) {
			return -1, end, true
		}
		return at, end, true
	case lua.IsDigit(c):
		return m.back(at, c), p + 2, true
	}
	return 0, 0, false
}

// signAt is the pattern's byte at a place, 0 behind its end.
func (m *matcher) signAt(p int) byte {
	if p < len(m.pattern) {
		return m.pattern[p]
	}
	return 0
}

// match is where the match of pattern[p:] at src[at:] ends, or -1.
func (m *matcher) match(at, p int) int {
	if m.depth++; m.depth > maxMatchDepth {
		m.fail("pattern too complex")
	}
	defer func() { m.depth-- }()
	for {
		m.s.spend(m.L, 1)
		if p >= len(m.pattern) {
			return at
		}
		switch c := m.pattern[p]; {
		case c == '(':
			if p+1 < len(m.pattern) && m.pattern[p+1] == ')' {
				return m.open(at, p+2, capturePlace)
			}
			return m.open(at, p+1, captureOpen)
		case c == ')':
			return m.close(at, p+1)
		case c == '%' && p+1 < len(m.pattern):
			if next, after, special := m.special(at, p); special {
				if at, p = next, after; at < 0 {
					return -1
				}
				continue
			}
		case c == '$' && p+1 == len(m.pattern):
			if at == len(m.src) {
				return at
			}
			return -1
		}
		end := m.classEnd(p)
		switch m.signAt(end) {
		case '?':
			if m.single(at, p, end) {
				if r := m.match(at+1, end+1); r >= 0 {
					return r
				}
			}
			p = end + 1
			continue
		case '*':
			return m.expandMost(at, p, end)
		case '+':
			if !m.single(at, p, end) {
				return -1
			}
			return m.expandMost(at+1, p, end)
		case '-':
			return m.expandLeast(at, p, end)
		}
		if !m.single(at, p, end) {
			return -1
		}
		at, p = at+1, end
	}
}

func (m *matcher) expandMost(at, p, end int) int {
	i := 0
	for m.single(at+i, p, end) {
		i++
	}
	m.s.spend(m.L, i/16)
	for ; i >= 0; i-- {
		if r := m.match(at+i, end+1); r >= 0 {
			return r
		}
	}
	return -1
}

func (m *matcher) expandLeast(at, p, end int) int {
	for {
		if r := m.match(at, end+1); r >= 0 {
			return r
		}
		if !m.single(at, p, end) {
			return -1
		}
		at++
	}
}

func (m *matcher) open(at, p, what int) int {
	if m.level >= maxCaptures {
		m.fail("too many captures")
	}
	m.captures[m.level].start, m.captures[m.level].length = at, what
	m.level++
	r := m.match(at, p)
	if r < 0 {
		m.level--
	}
	return r
}

func (m *matcher) close(at, p int) int {
	for l := m.level - 1; l >= 0; l-- {
		if m.captures[l].length != captureOpen {
			continue
		}
		m.captures[l].length = at - m.captures[l].start
		r := m.match(at, p)
		if r < 0 {
			m.captures[l].length = captureOpen
		}
		return r
	}
	m.fail("invalid pattern capture")
	return -1
}

func (m *matcher) balance(at, p int) int {
	if p+1 >= len(m.pattern) {
		m.fail("unbalanced pattern")
	}
	if at >= len(m.src) || m.src[at] != m.pattern[p] {
		return -1
	}
	opening, closing, depth := m.pattern[p], m.pattern[p+1], 1
	for at++; at < len(m.src); at++ {
		switch m.src[at] {
		case closing:
			if depth--; depth == 0 {
				return at + 1
			}
		case opening:
			depth++
		}
	}
	return -1
}

func (m *matcher) back(at int, digit byte) int {
	l := int(digit) - '1'
	if l < 0 || l >= m.level || m.captures[l].length == captureOpen {
		m.fail("invalid capture index")
	}
	text := m.captured(l)
	if len(m.src)-at >= len(text) && m.src[at:at+len(text)] == text {
		return at + len(text)
	}
	return -1
}

func (m *matcher) captured(l int) string {
	c := m.captures[l]
	if c.length < 0 {
		return ""
	}
	return m.src[c.start : c.start+c.length]
}

// capture is push_onecapture: without captures, the first is the whole match.
func (m *matcher) capture(l, start, end int) lua.LValue {
	if l >= m.level {
		if l != 0 {
			m.fail("invalid capture index")
		}
		return lua.LString(m.src[start:end])
	}
	switch m.captures[l].length {
	case captureOpen:
		m.fail("unfinished capture")
	case capturePlace:
		return lua.LNumber(m.captures[l].start + 1)
	}
	return lua.LString(m.captured(l))
}

// pushCaptures pushes all captures, or the whole match if there are none and whole is set.
func (m *matcher) pushCaptures(start, end int, whole bool) int {
	n := m.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		m.L.Push(m.capture(i, start, end))
	}
	return n
}

// from finds the pattern at src[at:] or, unless it is anchored, behind. ok is false if nowhere.
func (m *matcher) from(at int) (start, end int, ok bool) {
	anchor := 0
	if len(m.pattern) > 0 && m.pattern[0] == '^' {
		anchor = 1
	}
	for ; at <= len(m.src); at++ {
		m.level = 0
		if end := m.match(at, anchor); end >= 0 {
			return at, end, true
		}
		if anchor == 1 {
			break
		}
	}
	return 0, 0, false
}
