package lualib

import "diskette/resp/lua"

// State is a Lua with the libraries that Redis scripts have. It is not safe for concurrent use.
type State struct {
	L *lua.LState

	limits Limits
	used   budget
	ended  error // why the running script must end, once it must

	globals *lua.LTable    // what scripts see as global variables
	null    *lua.LUserData // cjson.null
	random  rand48
}

// New makes a state with the libraries that Redis scripts have, but no redis table.
func New(l Limits) *State {
	L := lua.NewState()
	s := &State{L: L, limits: l, globals: L.G.Global}
	L.G.Tick, L.G.Allocate, L.G.MaxString, L.G.Defect = s.look, s.allocate, maxString, l.Defect
	s.openGlobals()
	s.random.seed(0)
	s.Reset()
	return s
}

// Reset makes the state ready for a script: its limits start anew, and nothing of the one before is left on the stack.
func (s *State) Reset() {
	s.ended = nil
	s.L.Reset()
	s.used.reset()
	s.L.G.Ticks = TicksPerLook
}

// Ended says why the running script had to end, if it had to: what Limits.Tick returned, or
// ErrMemory. Who catches errors between the script and the caller must pass them on then.
func (s *State) Ended() error { return s.ended }

// StackBytes is what the state's stack takes.
func (s *State) StackBytes() int64 { return s.L.StackBytes() }

// Bind makes a function of code; the same Code may be bound many times, in many states.
func (s *State) Bind(c *Code) *lua.LFunction { return s.L.Bind(c.proto) }

// SetGlobal adds to the globals that scripts can read but not change; a table becomes readonly,
// with all tables in it.
func (s *State) SetGlobal(name string, v lua.LValue) {
	protect(v)
	s.globals.RawSetString(name, v)
}

// HideGlobals takes all globals away but one, until the function that it returns is called.
func (s *State) HideGlobals(but string) (show func()) {
	hidden := map[lua.LValue]lua.LValue{}
	for name, v := range s.globals.All() {
		if name != lua.LString(but) {
			hidden[name] = v
		}
	}
	for name := range hidden {
		s.globals.RawSet(name, lua.LNil)
	}
	return func() {
		for name, v := range hidden {
			s.globals.RawSet(name, v)
		}
	}
}

// SetPlainGlobal is SetGlobal for what is protected already.
func (s *State) SetPlainGlobal(name string, v lua.LValue) {
	s.globals.RawSetString(name, v)
}

var keysName, argvName lua.LValue = lua.LString("KEYS"), lua.LString("ARGV")

// SetArguments gives a script its KEYS and ARGV, which it may change.
func (s *State) SetArguments(keys, argv *lua.LTable) {
	s.globals.RawSet(keysName, keys)
	s.globals.RawSet(argvName, argv)
}

// Protect makes a table one that scripts can read but not change, with all tables in it.
func (s *State) Protect(t *lua.LTable) lua.LValue {
	protect(t)
	return t
}

// protect is luaSetTableProtectionRecursively.
func protect(v lua.LValue) {
	t, ok := v.(*lua.LTable)
	if !ok || t.Readonly {
		return
	}
	t.Readonly = true
	for _, v := range t.All() {
		protect(v)
	}
	if t.Metatable != nil {
		protect(t.Metatable)
	}
}
