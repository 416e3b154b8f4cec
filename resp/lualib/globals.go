package lualib

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// openGlobals makes what a script finds, which is what Redis lists in script_lua.c, no more.
func (s *State) openGlobals() {
	L := s.L
	g := s.globals
	s.library(s.baseFunctions()).ForEach(func(name, fn lua.LValue) { g.RawSet(name, fn) })
	g.RawSetString("_VERSION", lua.LString("Lua 5.1"))
	s.openStrings()
	s.SetGlobal("table", s.library(s.tableFunctions()))
	s.SetGlobal("math", s.mathLibrary())
	s.SetGlobal("coroutine", s.coroutineLibrary())
	s.SetGlobal("cjson", s.cjsonLibrary())
	s.SetGlobal("cmsgpack", s.cmsgpackLibrary())
	s.SetGlobal("struct", s.library(s.structFunctions()))
	s.SetGlobal("bit", s.library(s.bitFunctions()))
	mt := L.NewTable()
	mt.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		s.fail(L, "Script attempted to access nonexistent global variable '%s'", s.shown(L.Get(2)))
		return 0
	}))
	// Functions read globals from the real table, which has no writers: the compiler makes an
	// assignment to a global variable an error. Who asks for _G gets what stands for it.
	g.Metatable = mt
	front := s.standIn(g)
	g.RawSetString("_G", front)
}

// shown is a key as luaL_error's %s shows it.
func (s *State) shown(v lua.LValue) string {
	if str, ok := toString(v); ok {
		return str
	}
	return "(null)"
}

// openStrings gives strings their methods, and the conversions that C Lua's arithmetic has:
// gopher-lua would take "010" for 8 and "1_0" for 10.
func (s *State) openStrings() {
	L := s.L
	library := s.library(s.stringFunctions())
	library.RawSetString("gfind", library.RawGetString("gmatch")) // its name in Lua 5.0
	mt := L.NewTable()
	mt.RawSetString("__index", library)
	for event, op := range map[string]func(a, b float64) float64{
		"__add": func(a, b float64) float64 { return a + b },
		"__sub": func(a, b float64) float64 { return a - b },
		"__mul": func(a, b float64) float64 { return a * b },
		"__div": func(a, b float64) float64 { return a / b },
		"__mod": luaMod,
		"__pow": math.Pow,
	} {
		mt.RawSetString(event, L.NewFunction(s.stringArithmetic(event, op)))
	}
	mt.RawSetString("__unm", L.NewFunction(s.stringArithmetic("__unm", func(a, _ float64) float64 { return -a })))
	L.SetMetatable(lua.LString(""), mt)
	seen := L.NewTable()
	s.SetGlobal("string", library)
	seen.RawSetString("__index", s.globals.RawGetString("string"))
	s.strings = s.standIn(seen)
}

func luaMod(a, b float64) float64 { return a - math.Floor(a/b)*b }

// stringArithmetic is luaV_arith for operands of which the virtual machine found one a string.
func (s *State) stringArithmetic(event string, op func(a, b float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		left, right := L.Get(1), L.Get(2)
		if event == "__unm" {
			right = left
		}
		a, ok1 := toNumber(left)
		b, ok2 := toNumber(right)
		if ok1 && ok2 {
			return push(L, lua.LNumber(op(a, b)))
		}
		for _, v := range []lua.LValue{left, right} {
			if v.Type() == lua.LTString {
				continue
			}
			if fn := L.GetMetaField(v, event); fn != lua.LNil {
				L.Push(fn)
				L.Push(left)
				L.Push(right)
				s.call(L, 2, 1)
				return 1
			}
		}
		if ok1 {
			s.blame(L, "perform arithmetic on", right, roleRight)
		}
		s.blame(L, "perform arithmetic on", left, roleObject)
		return 0
	}
}

func (s *State) binaryMetamethod(a, b lua.LValue, event string) lua.LValue {
	if op := s.L.GetMetaField(a, event); op != lua.LNil {
		return op
	}
	return s.L.GetMetaField(b, event)
}
