package lualib

import lua "github.com/yuin/gopher-lua"

// State is a Lua with the libraries that Redis scripts have. It is not safe for concurrent use.
type State struct {
	L *lua.LState

	limits  Limits
	used    budget
	ended   error // why the running script must end, once it must
	nesting int   // calls from Go into Lua that are open

	describe func(*lua.LState, lua.LValue) lua.LValue // what the next protect calls with its failure: see Run

	globals  *lua.LTable                 // what scripts see as global variables
	readonly map[*lua.LTable]*lua.LTable // what stands for a readonly table, and that table
	hidden   []lua.LValue                // the functions that instrumented code calls
	strings  *lua.LTable                 // the metatable of strings as scripts see it
	null     *lua.LUserData              // cjson.null
	random   rand48
	create   lua.LGFunction // gopher-lua's coroutine.create, resume and yield
	resume   lua.LGFunction
	yield    *lua.LFunction
	opened   *lua.LFunction // what a coroutine begins with
}

// The stacks. A call frame's place is taken from the start on, a register's as it is needed.
const (
	callFrames      = 20000 // LUAI_MAXCALLS
	registers       = 1 << 13
	maxRegisters    = 1 << 20
	registerStep    = 1 << 14
	threadFrames    = 2000
	threadRegisters = 1 << 8
	threadStep      = 1 << 11
)

// New makes a state with the libraries that Redis scripts have, but no redis table.
func New(l Limits) *State {
	L := lua.NewState(lua.Options{
		CallStackSize: callFrames, RegistrySize: registers, RegistryMaxSize: maxRegisters,
		RegistryGrowStep: registerStep, SkipOpenLibs: true,
	})
	s := &State{L: L, limits: l, readonly: map[*lua.LTable]*lua.LTable{}, globals: L.G.Global}
	// Coroutines get theirs from these options.
	L.Options = lua.Options{
		CallStackSize: threadFrames, RegistrySize: threadRegisters, RegistryMaxSize: maxRegisters / 4,
		RegistryGrowStep: threadStep, MinimizeStackMemory: true, SkipOpenLibs: true,
	}
	s.hidden = s.hiddenFunctions()
	s.openGlobals()
	s.random.seed(0)
	s.Begin()
	return s
}

// Begin makes the state ready for a script: its limits start anew.
func (s *State) Begin() {
	s.ended, s.nesting = nil, 0
	s.used.begin()
}

// Ended says why the running script had to end, if it had to: what Limits.Tick returned, or
// ErrMemory. Who catches errors between the script and the caller must pass them on then.
func (s *State) Ended() error { return s.ended }

// Bind makes a function of code; the same Code may be bound many times, in many states.
func (s *State) Bind(c *Code) *lua.LFunction {
	L := s.L
	L.Push(L.NewFunctionFromProto(c.proto))
	for _, fn := range s.hidden {
		L.Push(fn)
	}
	L.Call(len(s.hidden), 1)
	fn := L.Get(-1).(*lua.LFunction)
	L.Pop(1)
	return fn
}

// SetGlobal adds to the globals that scripts can read but not change; a table becomes readonly,
// with all tables in it.
func (s *State) SetGlobal(name string, v lua.LValue) {
	s.globals.RawSetString(name, s.protectValue(v))
}

// HideGlobals takes all globals away but one, until the function that it returns is called.
func (s *State) HideGlobals(but string) (show func()) {
	hidden := map[lua.LValue]lua.LValue{}
	s.globals.ForEach(func(name, v lua.LValue) {
		if name != lua.LString(but) {
			hidden[name] = v
		}
	})
	for name := range hidden {
		s.globals.RawSet(name, lua.LNil)
	}
	return func() {
		for name, v := range hidden {
			s.globals.RawSet(name, v)
		}
	}
}

// SetPlainGlobal is SetGlobal for tables that scripts may change, which KEYS and ARGV are.
func (s *State) SetPlainGlobal(name string, v lua.LValue) {
	s.globals.RawSetString(name, v)
}
