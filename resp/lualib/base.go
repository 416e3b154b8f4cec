package lualib

import (
	"math"
	"strings"

	"diskette/resp/lua"
)

func (s *State) baseFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"assert":         s.assert,
		"collectgarbage": s.collectgarbage,
		"error":          s.baseError,
		"gcinfo":         s.gcinfo,
		"getmetatable":   s.getmetatable,
		"ipairs":         s.ipairs(),
		"load":           s.load,
		"loadstring":     s.loadstring,
		"next":           s.next,
		"pairs":          s.pairs(),
		"pcall":          s.pcall,
		"rawequal":       s.rawequal,
		"rawget":         s.rawget,
		"rawset":         s.rawset,
		"select":         s.selectArg,
		"setmetatable":   s.setmetatable,
		"tonumber":       s.tonumber,
		"tostring":       s.tostring,
		"type":           s.typeOf,
		"unpack":         s.unpack,
		"xpcall":         s.xpcall,
	}
}

func (s *State) assert(L *lua.LState) int {
	if lua.LVAsBool(s.checkAny(L, 1)) {
		return L.GetTop()
	}
	text := "assertion failed!"
	if L.Get(2) != lua.LNil {
		text = s.checkString(L, 2)
	}
	s.fail(L, "%s", text)
	return 0
}

// collectgarbage leaves collecting to Go; what a script may learn is how much is in use.
func (s *State) collectgarbage(L *lua.LState) int {
	option := "collect"
	if L.Get(1) != lua.LNil {
		option = s.checkString(L, 1)
	}
	switch option {
	case "count":
		return push(L, lua.LNumber(float64(s.inUse())/1024))
	case "step":
		return push(L, lua.LFalse)
	case "setpause", "setstepmul":
		return push(L, lua.LNumber(200))
	case "collect", "stop", "restart":
		return push(L, lua.LNumber(0))
	}
	s.argError(L, 1, "invalid option '"+option+"'")
	return 0
}

func (s *State) gcinfo(L *lua.LState) int { return push(L, lua.LNumber(s.inUse()/1024)) }

func (s *State) baseError(L *lua.LState) int {
	level := s.optInt(L, 2, 1)
	v := L.Get(1)
	if text, ok := lua.ToString(v); ok && level > 0 {
		v = lua.LString(L.Where(level) + text)
	}
	L.Error(v)
	return 0
}

func (s *State) getmetatable(L *lua.LState) int {
	mt := L.GetMetatable(s.checkAny(L, 1))
	if mt == nil {
		return push(L, lua.LNil)
	}
	if field := mt.RawGetString("__metatable"); field != lua.LNil {
		return push(L, field)
	}
	return push(L, mt)
}

func (s *State) setmetatable(L *lua.LState) int {
	t := s.checkTable(L, 1)
	mt, isTable := L.Get(2).(*lua.LTable)
	if !isTable && (L.Get(2) != lua.LNil || L.GetTop() < 2) {
		s.argError(L, 2, "nil or table expected")
	}
	if L.GetMetaField(t, "__metatable") != lua.LNil {
		s.fail(L, "cannot change a protected metatable")
	}
	if t.Readonly {
		L.RunError(lua.ReadonlyText)
	}
	t.Metatable = mt
	L.SetTop(1)
	return 1
}

func (s *State) rawequal(L *lua.LState) int {
	a, b := s.checkAny(L, 1), s.checkAny(L, 2)
	return push(L, lua.LBool(lua.RawEqual(a, b)))
}

func (s *State) rawget(L *lua.LState) int {
	t := s.checkTable(L, 1)
	return push(L, t.RawGet(s.checkAny(L, 2)))
}

func (s *State) rawset(L *lua.LState) int {
	t := s.checkTable(L, 1)
	key, value := s.checkAny(L, 2), s.checkAny(L, 3)
	L.RawSet(t, key, value)
	L.SetTop(1)
	return 1
}

func (s *State) next(L *lua.LState) int {
	k, v, known := s.checkTable(L, 1).Next(L.Get(2))
	switch {
	case !known:
		L.RunError("invalid key to 'next'")
	case k == lua.LNil:
		return push(L, lua.LNil)
	}
	return push(L, k, v)
}

func (s *State) pairs() lua.LGFunction {
	next := s.L.NewFunction(s.next)
	return func(L *lua.LState) int { return push(L, next, s.checkTable(L, 1), lua.LNil) }
}

func (s *State) ipairs() lua.LGFunction {
	step := s.L.NewFunction(func(L *lua.LState) int {
		i := s.checkInt(L, 2) + 1
		v := s.checkTable(L, 1).RawGetInt(i)
		if v == lua.LNil {
			return 0
		}
		return push(L, lua.LNumber(i), v)
	})
	return func(L *lua.LState) int { return push(L, step, s.checkTable(L, 1), lua.LNumber(0)) }
}

// pcall is luaRedisPcall: of an error table with a field err it returns that field, and of another
// table also what it found there.
func (s *State) pcall(L *lua.LState) int {
	if L.GetTop() == 0 { // it calls its own mark for results
		return push(L, lua.LFalse, lua.LString("attempt to call a boolean value"))
	}
	failure := L.PCall(L.GetTop()-1, lua.MultRet, nil)
	s.endAgain(L)
	if failure == nil {
		L.Insert(lua.LTrue, 1)
		return L.GetTop()
	}
	t, ok := failure.(*lua.LTable)
	if !ok {
		return push(L, lua.LFalse, failure)
	}
	field := L.Index(t, lua.LString("err"))
	switch field.Type() {
	case lua.LTString, lua.LTNumber:
		return push(L, lua.LFalse, field)
	}
	return push(L, lua.LFalse, failure, field)
}

func (s *State) xpcall(L *lua.LState) int {
	s.checkAny(L, 2)
	handler := L.Get(2)
	L.SetTop(1)
	failure := L.PCall(0, lua.MultRet, func(failure lua.LValue) lua.LValue {
		if s.ended != nil {
			return failure
		}
		return s.handle(L, handler, failure)
	})
	s.endAgain(L)
	if failure != nil {
		return push(L, lua.LFalse, failure)
	}
	L.Insert(lua.LTrue, 1)
	return L.GetTop()
}

func (s *State) selectArg(L *lua.LState) int {
	top := L.GetTop()
	if str, ok := L.Get(1).(lua.LString); ok && strings.HasPrefix(string(str), "#") {
		return push(L, lua.LNumber(top-1))
	}
	n := s.checkInt(L, 1)
	if n < 0 {
		n = top + n
	} else if n > top {
		n = top
	}
	if n < 1 {
		s.argError(L, 1, "index out of range")
	}
	return top - n
}

func (s *State) tonumber(L *lua.LState) int {
	base := s.optInt(L, 2, 10)
	if base == 10 {
		if f, ok := lua.ToNumber(s.checkAny(L, 1)); ok {
			return push(L, lua.LNumber(f))
		}
		return push(L, lua.LNil)
	}
	str := s.checkString(L, 1)
	if base < 2 || base > 36 {
		s.argError(L, 2, "base out of range")
	}
	if n, ok := parseUnsigned(untilNUL(str), base); ok {
		return push(L, lua.LNumber(n))
	}
	return push(L, lua.LNil)
}

// parseUnsigned is C's strtoul on all of a string.
func parseUnsigned(str string, base int) (uint64, bool) {
	str = strings.Trim(str, " \t\n\v\f\r")
	negative := strings.HasPrefix(str, "-")
	if negative || strings.HasPrefix(str, "+") {
		str = str[1:]
	}
	if base == 16 && len(str) > 2 && (strings.HasPrefix(str, "0x") || strings.HasPrefix(str, "0X")) {
		str = str[2:]
	}
	var n uint64
	overflow := false
	for i := range len(str) {
		digit := 99
		switch c := str[i]; {
		case lua.IsDigit(c):
			digit = int(c - '0')
		case c != '_' && lua.IsAlpha(c):
			digit = int(c|0x20-'a') + 10
		}
		if digit >= base {
			return 0, false
		}
		overflow = overflow || n > (math.MaxUint64-uint64(digit))/uint64(base)
		n = n*uint64(base) + uint64(digit)
	}
	if overflow {
		return math.MaxUint64, len(str) > 0
	}
	if negative {
		n = -n
	}
	return n, len(str) > 0
}

func (s *State) tostring(L *lua.LState) int {
	v := s.checkAny(L, 1)
	if fn := L.GetMetaField(v, "__tostring"); fn != lua.LNil && v.Type() != lua.LTString {
		L.Push(fn)
		L.Push(v)
		L.Call(1, 1)
		return 1
	}
	if str, ok := lua.ToString(v); ok {
		return push(L, lua.LString(str))
	}
	if v == lua.LValue(s.null) {
		return push(L, lua.LString("userdata: (nil)")) // a null pointer in C
	}
	return push(L, lua.LString(v.String()))
}

func (s *State) typeOf(L *lua.LState) int {
	return push(L, lua.LString(s.checkAny(L, 1).Type().String()))
}

func (s *State) unpack(L *lua.LState) int {
	t := s.checkTable(L, 1)
	i := s.optInt(L, 2, 1)
	e := 0
	if L.Get(3) == lua.LNil {
		e = t.Len()
	} else {
		e = s.checkInt(L, 3)
	}
	if i > e {
		return 0
	}
	if e-i+1+L.GetTop() > lua.MaxResults {
		s.fail(L, "too many results to unpack")
	}
	for n := i; n <= e; n++ {
		L.Push(t.RawGetInt(n))
	}
	return e - i + 1
}

// chunkID is luaO_chunkid: how messages name a chunk.
func chunkID(name string) string {
	const room = 60
	switch {
	case strings.HasPrefix(name, "="):
		return name[1:min(len(name), room)]
	case strings.HasPrefix(name, "@"):
		name = name[1:]
		if limit := room - len(" '...' ") - 1; len(name) > limit {
			return "..." + name[len(name)-limit:]
		}
		return name
	}
	line := name
	if end := strings.IndexAny(name, "\n\r"); end >= 0 {
		line = name[:end]
	}
	limit := room - len(` [string "..."] `) - 1
	if len(line) > limit {
		line = line[:limit]
	}
	if len(line) < len(name) {
		return `[string "` + line + `..."]`
	}
	return `[string "` + line + `"]`
}

func (s *State) loadText(L *lua.LState, source, name string) int {
	s.allocate(L, 16*len(source)) // about what its tree and code take
	s.spend(L, len(source)/64)
	code, err := Compile(source, chunkID(name))
	if err != nil {
		return push(L, lua.LNil, lua.LString(err.Error()))
	}
	return push(L, s.Bind(code))
}

func (s *State) loadstring(L *lua.LState) int {
	source := s.checkString(L, 1)
	name := source
	if L.Get(2) != lua.LNil {
		name = s.checkString(L, 2)
	}
	return s.loadText(L, source, name)
}

func (s *State) load(L *lua.LState) int {
	fn := s.checkFunction(L, 1)
	name := "=(load)"
	if L.Get(2) != lua.LNil {
		name = s.checkString(L, 2)
	}
	var source strings.Builder
	for {
		s.spend(L, 1)
		L.Push(fn)
		L.Call(0, 1)
		part := L.Get(-1)
		L.Pop(1)
		text, ok := lua.ToString(part)
		if !ok && part != lua.LNil {
			return push(L, lua.LNil, lua.LString(L.Where(1)+"reader function must return a string"))
		}
		if text == "" {
			return s.loadText(L, source.String(), name)
		}
		s.roomFor(L, source.Len()+len(text))
		source.WriteString(text)
	}
}
