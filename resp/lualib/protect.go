package lualib

import (
	"fmt"
	"runtime"

	lua "github.com/yuin/gopher-lua"
)

// maxNesting is LUAI_MAXCCALLS: how many calls from Go back into Lua may be open at once. Each
// takes Go stack, whose end would be the end of the process.
const maxNesting = 195

// call calls the function that stands below its nargs arguments on the stack. After an error,
// protect sets the nesting back.
func (s *State) call(L *lua.LState, nargs, nret int) {
	if s.nesting >= maxNesting {
		s.fail(L, "C stack overflow")
	}
	s.nesting++
	L.Call(nargs, nret)
	s.nesting--
}

// protect is lua_pcall: the function and its nargs arguments are on the stack. What they leave is
// results, or nothing and the error value. handler, if it is not nil, gets the error value while
// the failed functions' frames are still there.
func (s *State) protect(L *lua.LState, nargs int, handler *lua.LFunction) (failure lua.LValue) {
	caller := *currentFrame(L)
	base := registryOf(L).top - nargs - 1
	nesting, current := s.nesting, L.G.CurrentThread
	describe := s.describe // for the outermost alone
	s.describe = nil
	before := L.Panic
	L.Panic = s.raise
	keepUpvalues(L)
	unwind := func() {
		closeUpvalues(L, base)
		sp := 0
		if caller != nil {
			sp = caller.Idx + 1
		}
		frames(L).SetSp(sp)
		*currentFrame(L) = caller
		s.nesting = nesting
		L.G.CurrentThread = current
		reg := registryOf(L)
		for i := base; i < len(reg.array) && i < reg.top; i++ {
			reg.array[i] = nil
		}
		reg.top = min(reg.top, base)
	}
	defer func() {
		r := recover()
		if r == nil {
			L.Panic = before
			return
		}
		failure = s.failure(L, r)
		switch {
		case handler != nil && s.ended == nil:
			failure = s.handle(L, handler, failure)
		case describe != nil:
			failure = describe(L, failure)
		}
		unwind()
		L.Panic = before
	}()
	L.Call(nargs, lua.MultRet)
	return nil
}

// raise is LState.Panic inside of protect: the failed function's frame is the current one.
func (s *State) raise(L *lua.LState) {
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: s.inLuasWords(L, L.Get(-1))})
}

// failure is the Lua error value of a recovered panic.
func (s *State) failure(L *lua.LState, r any) lua.LValue {
	switch e := r.(type) {
	case *lua.ApiError:
		return e.Object
	case runtime.Error:
		if s.limits.Defect != nil {
			s.limits.Defect(r)
		}
		return lua.LString("internal error: the server's log says more")
	case error:
		return lua.LString(e.Error())
	case string:
		if e == "lua callstack overflow" {
			return lua.LString(s.where(L, 0) + "stack overflow")
		}
	}
	return lua.LString(fmt.Sprint(r))
}

// handle calls xpcall's handler; an error in it becomes Lua's LUA_ERRERR.
func (s *State) handle(L *lua.LState, handler *lua.LFunction, failure lua.LValue) (result lua.LValue) {
	defer func() {
		if r := recover(); r != nil {
			result = lua.LString("error in error handling")
		}
	}()
	L.Push(handler)
	L.Push(failure)
	s.call(L, 1, 1)
	return L.Get(-1)
}

// where is luaL_where: "chunk:line: " of the function at level, or "" if that is no Lua function.
// Level 0 is the running function, 1 the one that called it.
func (s *State) where(L *lua.LState, level int) string {
	debug, ok := L.GetStack(level)
	if !ok {
		return ""
	}
	if _, err := L.GetInfo("Sl", debug, nil); err != nil || debug.CurrentLine <= 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", debug.Source, debug.CurrentLine)
}

// fail is luaL_error, for a function of ours that the script has called.
func (s *State) fail(L *lua.LState, format string, args ...any) {
	L.Error(lua.LString(s.where(L, 1)+fmt.Sprintf(format, args...)), 0)
}

// end ends the script: no pcall of it will catch the error.
func (s *State) end(L *lua.LState, why error) {
	s.ended = why
	L.Error(lua.LString(why.Error()), 0)
}

// endAgain passes an end on, after something has caught it.
func (s *State) endAgain(L *lua.LState) {
	if s.ended != nil {
		L.Error(lua.LString(s.ended.Error()), 0)
	}
}

// Run is Call for a script: it returns the first value, or the error value. If describe is not nil it gets that while the failed
// functions' frames are still there, the innermost being level 0, and may return another.
func (s *State) Run(fn *lua.LFunction, describe func(*lua.LState, lua.LValue) lua.LValue, args ...lua.LValue) (result, failure lua.LValue) {
	L := s.L
	top := L.GetTop()
	L.Push(fn)
	for _, arg := range args {
		L.Push(arg)
	}
	s.describe = describe
	if failure = s.protect(L, len(args), nil); failure != nil {
		return lua.LNil, failure
	}
	if L.GetTop() > top {
		result = L.Get(top + 1)
	} else {
		result = lua.LNil
	}
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
	if failure := s.protect(L, len(args), nil); failure != nil {
		return nil, &lua.ApiError{Type: lua.ApiErrorRun, Object: failure}
	}
	if L.GetTop() == top {
		return nil, nil
	}
	out := make([]lua.LValue, 0, L.GetTop()-top)
	for i := top + 1; i <= L.GetTop(); i++ {
		out = append(out, L.Get(i))
	}
	L.SetTop(top)
	return out, nil
}
