package lua

import (
	"fmt"
	"runtime"
)

// ApiError is what an error of Lua is in Go: L.Error panics with it.
type ApiError struct{ Object LValue }

func (e *ApiError) Error() string { return e.Object.String() }

// Error raises an error with a value of any type.
func (L *LState) Error(v LValue) { panic(&ApiError{v}) }

// RunError is luaG_runerror: it raises an error that tells the line, if the running function is one of Lua.
func (L *LState) RunError(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	L.Error(LString(L.Where(0) + text))
}

// entered is what precall did.
type entered int

const (
	enteredLua     entered = iota // it made the call that execute goes on with
	returnedFromGo                // the function has run to its end
	yieldedFromGo
)

// precall is luaD_precall: it begins a call of what lies at a place, with all that lies above as arguments.
func (L *LState) precall(at, results int) entered {
	if g := L.G; g.Ticks > 1 {
		g.Ticks--
	} else {
		g.Tick(L)
	}
	fn, ok := L.stack[at].(*LFunction)
	if !ok {
		fn = L.callable(at)
	}
	if fn.IsG {
		return L.callGo(fn, at, results)
	}
	p := fn.Proto
	L.room(p.registers + p.parameters + 1)
	base := at + 1
	if p.vararg == 0 {
		L.top = min(L.top, base+p.parameters)
	} else {
		base = L.moveVarargs(p, L.top-base)
	}
	c := L.pushCall()
	c.fn, c.at, c.base, c.top, c.pc, c.results, c.tailCalls = fn, at, base, base+p.registers, 0, results, 0
	L.base = base
	for i := L.top; i < c.top; i++ {
		L.stack[i] = LNil
	}
	L.top = c.top
	L.highest = max(L.highest, c.top)
	return enteredLua
}

func (L *LState) callGo(fn *LFunction, at, results int) entered {
	L.room(goRoom)
	c := L.pushCall()
	c.fn, c.at, c.base, c.top, c.results, c.tailCalls = fn, at, at+1, L.top+goRoom, results, 0
	L.base = at + 1
	L.highest = max(L.highest, L.top)
	n := fn.GFunction(L)
	if n < 0 {
		return yieldedFromGo
	}
	L.postcall(L.top - n)
	return returnedFromGo
}

// callable is tryfuncTM: it puts the metamethod __call below a value that is no function.
func (L *LState) callable(at int) *LFunction {
	fn, ok := L.metamethod(L.stack[at], eventCall).(*LFunction)
	if !ok {
		L.typeError(at, L.stack[at], "call")
	}
	L.room(1)
	copy(L.stack[at+1:L.top+1], L.stack[at:L.top])
	L.top++
	L.stack[at] = fn
	return fn
}

func (L *LState) pushCall() *callInfo {
	if L.depth++; L.depth >= maxCalls {
		if L.depth == maxCalls {
			L.RunError("stack overflow")
		}
		if L.depth >= maxCalls+maxCalls/8 {
			L.Error(LString("error in error handling"))
		}
	}
	c := L.call.next
	if c == nil {
		c = &callInfo{previous: L.call}
		L.call.next = c
	}
	L.call = c
	return c
}

// moveVarargs is adjust_varargs: it moves the named parameters above the arguments, and returns the new base.
func (L *LState) moveVarargs(p *Proto, n int) int {
	for ; n < p.parameters; n++ {
		L.stack[L.top] = LNil
		L.top++
	}
	var arg *LTable
	if p.vararg&varargNeedsArg != 0 {
		more := n - p.parameters
		arg = newTable(more, 1)
		for i := range more {
			arg.RawSetInt(i+1, L.stack[L.top-more+i])
		}
		arg.RawSetString("n", box(LNumber(more)))
	}
	fixed, base := L.top-n, L.top
	for i := range p.parameters {
		L.stack[L.top] = L.stack[fixed+i]
		L.stack[fixed+i] = LNil
		L.top++
	}
	if arg != nil {
		L.stack[L.top] = arg
		L.top++
	}
	return base
}

// postcall is luaD_poscall: it ends a call whose results lie from a place to the top, and reports whether it left as
// many as were asked for.
func (L *LState) postcall(first int) (fixed bool) {
	c := L.call
	to, wanted := c.at, c.results
	L.call = c.previous
	L.depth--
	L.base = L.call.base
	if wanted == 1 { // as mostly
		if first < L.top {
			L.stack[to] = L.stack[first]
		} else {
			L.stack[to] = LNil
		}
		L.top = to + 1
		return true
	}
	i := wanted
	for ; i != 0 && first < L.top; i-- {
		L.stack[to] = L.stack[first]
		to++
		first++
	}
	for ; i > 0; i-- {
		L.stack[to] = LNil
		to++
	}
	L.top = to
	return wanted != multRet
}

// callAt is luaD_call.
func (L *LState) callAt(at, results int) {
	g := L.G
	if g.Nesting++; g.Nesting >= MaxNesting {
		if g.Nesting == MaxNesting {
			L.RunError("C stack overflow")
		}
		if g.Nesting >= MaxNesting+MaxNesting/8 {
			L.Error(LString("error in error handling"))
		}
	}
	if L.precall(at, results) == enteredLua {
		L.execute(1)
	}
	g.Nesting--
}

// Call calls the function that lies below its arguments, and leaves as many results, or all if MultRet.
func (L *LState) Call(nargs, results int) {
	L.callAt(L.top-nargs-1, results)
	if results == multRet && L.top > L.call.top {
		L.call.top = L.top
	}
}

// MultRet asks for all results.
const MultRet = multRet

// PCall is Call, but returns an error of Lua in the place of results, or nil if there was none. handler, if it is not
// nil, gets the error while the calls that it ends are still open, and returns what becomes of it.
func (L *LState) PCall(nargs, results int, handler func(LValue) LValue) (failure LValue) {
	at, call, depth, nesting := L.top-nargs-1, L.call, L.depth, L.G.Nesting
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		failure = L.failureOf(r)
		if handler != nil {
			failure = handler(failure)
		}
		L.closeUpvalues(at)
		L.call, L.depth, L.G.Nesting = call, depth, nesting
		L.base, L.top = call.base, at
	}()
	L.Call(nargs, results)
	return nil
}

// failureOf is the error value of a recovered panic, if it has one.
func (L *LState) failureOf(r any) LValue {
	switch e := r.(type) {
	case *ApiError:
		return e.Object
	case runtime.Error:
		if L.G.Defect != nil {
			L.G.Defect(r)
			return LString("internal error: the server's log says more")
		}
	}
	panic(r)
}

// Resume begins or goes on with a coroutine, which gets the top nargs values of L. Its results, or the error, are on
// its own stack then, the topmost being the last.
func (L *LState) Resume(co *LState, nargs int) (failure LValue) {
	co.room(nargs)
	co.top += copy(co.stack[co.top:], L.stack[L.top-nargs:L.top])
	L.top -= nargs
	nesting := L.G.Nesting
	L.G.Nesting++
	co.nesting = L.G.Nesting
	defer func() {
		r := recover()
		L.G.Nesting = nesting
		if r == nil {
			return
		}
		failure = L.failureOf(r)
		co.condition = failed
	}()
	first := co.top - nargs
	if co.condition == ready {
		if co.precall(first-1, multRet) != enteredLua {
			return nil
		}
	} else {
		co.condition = ready
		if co.postcall(first) {
			co.top = co.call.top
		}
	}
	co.execute(co.depth)
	return nil
}

// Yield is what a function of Go returns to end a Resume: its last n values are the results.
func (L *LState) Yield(n int) int {
	if L == L.G.Main || L.G.Nesting > L.nesting {
		L.RunError("attempt to yield across metamethod/C-call boundary")
	}
	L.base = L.top - n
	L.condition = yielded
	return -1
}

// Status is what costatus says of a coroutine when L runs.
func (L *LState) Status(co *LState) string {
	switch {
	case L == co:
		return "running"
	case co.condition == yielded:
		return "suspended"
	case co.condition == failed:
		return "dead"
	case co.depth > 0:
		return "normal"
	case co.GetTop() == 0:
		return "dead"
	}
	return "suspended"
}
