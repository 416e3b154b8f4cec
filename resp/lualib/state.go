package lualib

import lua "github.com/yuin/gopher-lua"

// Limits bound what a script may use.
type Limits struct {
	Memory int64        // bytes that scripts may hold at once; beyond it they get an error
	Tick   func() error // called now and then while a script runs; an error ends the script, and no pcall catches it
}

// State is a Lua with the libraries that Redis scripts have. It is not safe for concurrent use.
type State struct {
	L *lua.LState

	limits Limits
	ended  error // why the script must end, once it must
}

// New makes a state with the libraries that Redis scripts have, but no redis table.
func New(l Limits) *State {
	return &State{L: lua.NewState(), limits: l}
}

// Begin makes the state ready for a script: math.random starts anew and so do the limits.
func (s *State) Begin() { s.ended = nil }

// Ended says why the running script had to end: what Limits.Tick returned, or that memory is out.
func (s *State) Ended() error { return s.ended }

// Bind makes a function of code; the same Code may be bound many times, in many states.
func (s *State) Bind(c *Code) *lua.LFunction {
	return s.L.NewFunctionFromProto(c.proto)
}

// Call runs fn with args, protected, and returns what it returns. The error is an *lua.ApiError
// whose Object is the Lua error value.
func (s *State) Call(fn *lua.LFunction, args ...lua.LValue) ([]lua.LValue, error) {
	L := s.L
	top := L.GetTop()
	if err := L.CallByParam(lua.P{Fn: fn, NRet: lua.MultRet, Protect: true}, args...); err != nil {
		return nil, err
	}
	out := make([]lua.LValue, 0, L.GetTop()-top)
	for i := top + 1; i <= L.GetTop(); i++ {
		out = append(out, L.Get(i))
	}
	L.SetTop(top)
	return out, nil
}

// SetGlobal adds to the globals that scripts can read but not change; a table becomes readonly.
func (s *State) SetGlobal(name string, v lua.LValue) {
	s.L.SetGlobal(name, v)
}
