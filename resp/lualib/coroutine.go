package lualib

import (
	"diskette/resp/lua"
)

func (s *State) coroutineLibrary() *lua.LTable {
	return s.library(map[string]lua.LGFunction{
		"create":  s.coCreate,
		"resume":  s.coResume,
		"running": s.coRunning,
		"status":  s.coStatus,
		"wrap":    s.coWrap,
		"yield":   func(L *lua.LState) int { return L.Yield(L.GetTop()) },
	})
}

// threadBytes is about what a coroutine takes in memory.
const threadBytes = 2 << 10

func (s *State) coCreate(L *lua.LState) int {
	body, ok := L.Get(1).(*lua.LFunction)
	if !ok || body.IsG {
		s.argError(L, 1, "Lua function expected")
	}
	s.allocate(L, threadBytes)
	co := L.NewThread()
	co.Push(body)
	return push(L, co)
}

func (s *State) checkThread(L *lua.LState) *lua.LState {
	co, ok := L.Get(1).(*lua.LState)
	if !ok {
		s.argError(L, 1, "coroutine expected")
	}
	return co
}

func (s *State) coStatus(L *lua.LState) int {
	return push(L, lua.LString(L.Status(s.checkThread(L))))
}

func (s *State) coRunning(L *lua.LState) int {
	if L == s.L {
		return push(L, lua.LNil)
	}
	return push(L, L)
}

// resume is auxresume: it gives the top nargs values to a coroutine and leaves its results, or returns the error.
func (s *State) resume(L, co *lua.LState, nargs int) (results int, failure lua.LValue) {
	if status := L.Status(co); status != "suspended" {
		return 0, lua.LString("cannot resume " + status + " coroutine")
	}
	if L.G.Nesting >= lua.MaxNesting {
		return 0, lua.LString("C stack overflow")
	}
	failure = L.Resume(co, nargs)
	s.endAgain(L)
	if failure != nil {
		return 0, failure
	}
	results = co.GetTop()
	if results > lua.MaxResults {
		s.fail(L, "too many results to resume")
	}
	for i := 1; i <= results; i++ {
		L.Push(co.Get(i))
	}
	co.Pop(results)
	return results, nil
}

func (s *State) coResume(L *lua.LState) int {
	n, failure := s.resume(L, s.checkThread(L), L.GetTop()-1)
	if failure != nil {
		return push(L, lua.LFalse, failure)
	}
	L.Insert(lua.LTrue, L.GetTop()-n+1)
	return n + 1
}

func (s *State) coWrap(L *lua.LState) int {
	s.coCreate(L)
	co := L.Get(-1).(*lua.LState)
	return push(L, L.NewFunction(func(L *lua.LState) int {
		n, failure := s.resume(L, co, L.GetTop())
		if failure == nil {
			return n
		}
		if text, ok := lua.ToString(failure); ok {
			failure = lua.LString(L.Where(1) + text)
		}
		L.Error(failure)
		return 0
	}))
}
