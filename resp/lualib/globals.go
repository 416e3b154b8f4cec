package lualib

import (
	"diskette/resp/lua"
)

// openGlobals makes what a script finds, which is what Redis lists in script_lua.c, no more.
func (s *State) openGlobals() {
	L := s.L
	g := s.globals
	for name, fn := range s.baseFunctions() {
		g.RawSetString(name, L.NewFunction(fn))
	}
	g.RawSetString("_VERSION", lua.LString("Lua 5.1"))
	s.openStrings()
	s.SetGlobal("table", s.library(s.tableFunctions(), "concat", "foreach", "foreachi", "getn", "maxn"))
	s.SetGlobal("math", s.mathLibrary())
	s.SetGlobal("coroutine", s.coroutineLibrary())
	s.SetGlobal("cjson", s.cjsonLibrary())
	s.SetGlobal("cmsgpack", s.cmsgpackLibrary())
	s.SetGlobal("struct", s.library(s.structFunctions()))
	s.SetGlobal("bit", s.library(s.bitFunctions(), "tobit", "bnot", "band", "bor", "bxor", "lshift", "rshift",
		"arshift", "rol", "ror", "bswap"))
	mt := L.NewTable()
	mt.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		s.fail(L, "Script attempted to access nonexistent global variable '%s'", s.shown(L.Get(2)))
		return 0
	}))
	g.Metatable = mt
	g.RawSetString("_G", g)
	protect(g)
}

// shown is a key as luaL_error's %s shows it.
func (s *State) shown(v lua.LValue) string {
	if str, ok := lua.ToString(v); ok {
		return str
	}
	return "(null)"
}

// openStrings gives strings their methods.
func (s *State) openStrings() {
	L := s.L
	functions := s.stringFunctions()
	functions["gfind"] = functions["gmatch"] // its name in Lua 5.0
	library := s.library(functions)
	library.RawSetString("gfind", library.RawGetString("gmatch"))
	s.SetGlobal("string", library)
	L.G.Strings = L.NewTable()
	L.G.Strings.RawSetString("__index", library)
	protect(L.G.Strings)
}
