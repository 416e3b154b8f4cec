package lualib

import (
	lua "github.com/yuin/gopher-lua"
)

const yieldText = "attempt to yield across metamethod/C-call boundary"

// opening is what a coroutine begins with. Its first resume only gets it to the yield: from there
// on the thread is ours to set up, and the body runs at the second, which is the script's first.
var opening = mustCompile("local body, yield = ... return body(yield())")

func (s *State) coroutineLibrary() *lua.LTable {
	L := s.L
	// gopher-lua's functions reach into its threads as nobody else can.
	L.Push(L.NewFunction(lua.OpenCoroutine))
	L.Call(0, 1)
	theirs := L.Get(-1).(*lua.LTable)
	L.Pop(1)
	s.globals.RawSetString("coroutine", lua.LNil)
	take := func(name string) lua.LGFunction { return theirs.RawGetString(name).(*lua.LFunction).GFunction }
	s.create, s.resume = take("create"), take("resume")
	s.opened = s.Bind(opening)
	s.yield = L.NewFunction(take("yield"))
	return s.library(map[string]lua.LGFunction{
		"create":  s.coCreate,
		"resume":  s.coResume,
		"running": s.coRunning,
		"status":  s.coStatus,
		"wrap":    s.coWrap,
		"yield":   s.coYield,
	})
}

func (s *State) coCreate(L *lua.LState) int {
	body, ok := L.Get(1).(*lua.LFunction)
	if !ok || body.IsG {
		s.argError(L, 1, "Lua function expected")
	}
	s.allocate(L, threadRegisters*valueBytes+1024)
	L.SetTop(0)
	L.Push(s.opened)
	s.create(L)
	th := L.Get(-1).(*lua.LState)
	L.SetTop(0)
	push(L, th, body, s.yield)
	s.resume(L)
	th.Panic = s.raise
	L.SetTop(0)
	return push(L, th)
}

func (s *State) checkThread(L *lua.LState) *lua.LState {
	th, ok := L.Get(1).(*lua.LState)
	if !ok {
		s.argError(L, 1, "coroutine expected")
	}
	return th
}

func (s *State) statusOf(L, th *lua.LState) string {
	switch {
	case th == L:
		return "running"
	case th.Dead:
		return "dead"
	case th.Parent != nil:
		return "normal"
	}
	return "suspended"
}

func (s *State) coStatus(L *lua.LState) int {
	return push(L, lua.LString(s.statusOf(L, s.checkThread(L))))
}

func (s *State) coRunning(L *lua.LState) int {
	if L == s.L {
		return push(L, lua.LNil)
	}
	return push(L, L)
}

func (s *State) coResume(L *lua.LState) int {
	th := s.checkThread(L)
	if status := s.statusOf(L, th); status != "suspended" {
		return push(L, lua.LFalse, lua.LString("cannot resume "+status+" coroutine"))
	}
	if s.nesting >= maxNesting {
		return push(L, lua.LFalse, lua.LString("C stack overflow"))
	}
	nesting := s.nesting
	s.nesting++
	n := s.resume(L)
	s.nesting = nesting
	L.G.CurrentThread = L
	if th.Dead {
		closeUpvalues(th, 0)
	}
	s.endAgain(L)
	return n
}

func (s *State) coWrap(L *lua.LState) int {
	s.coCreate(L)
	th := L.Get(1)
	L.SetTop(0)
	return push(L, L.NewFunction(func(L *lua.LState) int {
		L.Insert(th, 1)
		n := s.coResume(L)
		first := L.GetTop() - n + 1
		if L.Get(first) == lua.LTrue {
			return n - 1
		}
		failure := L.Get(first + 1)
		if text, ok := toString(failure); ok {
			failure = lua.LString(s.where(L, 1) + text)
		}
		L.Error(failure, 0)
		return 0
	}))
}

// coYield refuses what gopher-lua could not come back to: a yield below a call from Go, which is a
// function of a library, a metamethod or an iterator. C Lua refuses the same.
func (s *State) coYield(L *lua.LState) int {
	if L == s.L {
		s.failBare(L, yieldText)
	}
	yielding := *currentFrame(L)
	for f := yielding; f.Parent != nil; f = f.Parent {
		p := f.Parent
		if p.Fn.IsG {
			s.failBare(L, yieldText)
		}
		if op := int(p.Fn.Proto.Code[p.Pc-1] >> 26); op != lua.OP_CALL && op != lua.OP_TAILCALL {
			s.failBare(L, yieldText)
		}
	}
	if p := yielding.Parent; p != nil && int(p.Fn.Proto.Code[p.Pc-1]>>26) == lua.OP_TAILCALL {
		// For return coroutine.yield(...) gopher-lua takes the function that returns off the stack,
		// and has nobody to come back to. So there is one more frame to take off, and the values of
		// the next resume go where the instruction behind the call, a return, looks for them.
		yielding.ReturnBase = yielding.Base
		stackAgain(L)
	}
	return -1
}

// failBare raises an error without a position, as C does in luaG_runerror from a C function.
func (s *State) failBare(L *lua.LState, text string) { L.Error(lua.LString(text), 0) }
