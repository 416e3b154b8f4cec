package lualib

import (
	"fmt"

	"diskette/resp/lua"
)

// handle calls xpcall's handler; an error in it becomes Lua's LUA_ERRERR.
func (s *State) handle(L *lua.LState, handler, failure lua.LValue) lua.LValue {
	L.Push(handler)
	L.Push(failure)
	if L.PCall(1, 1, nil) != nil {
		return lua.LString("error in error handling")
	}
	result := L.Get(-1)
	L.Pop(1)
	return result
}

// fail is luaL_error, for a function of ours that the script has called.
func (s *State) fail(L *lua.LState, format string, args ...any) {
	L.Error(lua.LString(L.Where(1) + fmt.Sprintf(format, args...)))
}

// end ends the script: no pcall of it will catch the error.
func (s *State) end(L *lua.LState, why error) {
	s.ended = why
	L.Error(lua.LString(why.Error()))
}

// endAgain passes an end on, after something has caught it.
func (s *State) endAgain(L *lua.LState) {
	if s.ended != nil {
		L.Error(lua.LString(s.ended.Error()))
	}
}

// Run is Call for a script: it returns the first value, or the error value. If describe is not nil it gets that while
// the failed functions' calls are still open, the innermost being level 0, and may return another.
func (s *State) Run(
	fn *lua.LFunction, describe func(*lua.LState, lua.LValue) lua.LValue, args ...lua.LValue,
) (result, failure lua.LValue) {
	L := s.L
	top := L.GetTop()
	L.Push(fn)
	for _, arg := range args {
		L.Push(arg)
	}
	var handler func(lua.LValue) lua.LValue
	if describe != nil {
		handler = func(failure lua.LValue) lua.LValue { return describe(L, failure) }
	}
	if failure = L.PCall(len(args), 1, handler); failure != nil {
		return lua.LNil, failure
	}
	result = L.Get(top + 1)
	L.SetTop(top)
	return result, nil
}

// Call runs fn with args, protected, and returns what it returns. The error is an *lua.ApiError
// whose Object is the Lua error value.
func (s *State) Call(fn *lua.LFunction, args ...lua.LValue) ([]lua.LValue, error) {
	L := s.L
	top := L.GetTop()
	L.Push(fn)
	for _, arg := range args {
		L.Push(arg)
	}
	if failure := L.PCall(len(args), lua.MultRet, nil); failure != nil {
		return nil, &lua.ApiError{Object: failure}
	}
	var out []lua.LValue
	for i := top + 1; i <= L.GetTop(); i++ {
		out = append(out, L.Get(i))
	}
	L.SetTop(top)
	return out, nil
}
