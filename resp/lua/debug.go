package lua

import "fmt"

// What error messages know of the code, after ldebug.c.

// Line is the chunk and the line of the function at a level: 0 is the running function, 1 the one that called it. A
// function of Go has none, and neither has a level that stands for calls whose place another has taken. more is false
// beyond the last level.
func (L *LState) Line(level int) (source string, line int, known, more bool) {
	c := L.call
	for ; level > 0 && c != &L.first; c = c.previous {
		level--
		if c.isLua() {
			level -= c.tailCalls
		}
	}
	switch {
	case level < 0:
		return "", 0, false, true
	case level > 0 || c == &L.first:
		return "", 0, false, false
	case !c.isLua():
		return "", 0, false, true
	}
	return c.fn.Proto.Source, c.line(), true, true
}

// line is that of the instruction that runs, or of the first if none has run yet.
func (c *callInfo) line() int { return int(c.fn.Proto.lines[max(c.pc-1, 0)]) }

// Where is "chunk:line: " of the function at a level, or "" if that is none of Lua.
func (L *LState) Where(level int) string {
	if source, line, known, _ := L.Line(level); known {
		return fmt.Sprintf("%s:%d: ", source, line)
	}
	return ""
}

// Callee is how the running function's caller names it: its kind ("local", "method", ...) and name, or "".
func (L *LState) Callee() (kind, name string) {
	c := L.call
	if c == &L.first || c.isLua() && c.tailCalls > 0 || !c.previous.isLua() {
		return "", ""
	}
	caller := c.previous
	i := caller.fn.Proto.code[caller.pc-1]
	switch i.op() {
	case opCall, opTailCall, opTForLoop:
		return caller.name(i.a())
	}
	return "", ""
}

// name is getobjname: what the code calls the value in a register.
func (c *callInfo) name(register int) (kind, name string) {
	if !c.isLua() {
		return "", ""
	}
	p, pc := c.fn.Proto, c.pc-1
	if name := p.localAt(register, pc); name != "" {
		return "local", name
	}
	i := p.lastChange(pc, register)
	switch i.op() {
	case opGetGlobal:
		return "global", p.constants[i.bx()].String()
	case opMove:
		if i.b() < i.a() {
			return c.name(i.b())
		}
	case opGetTable:
		return "field", p.constantName(i.c())
	case opGetUpval:
		return "upvalue", p.upvalueName[i.b()]
	case opSelf:
		return "method", p.constantName(i.c())
	}
	return "", ""
}

func (p *Proto) constantName(rk int) string {
	if rk&bitConstant != 0 {
		if s, ok := p.constants[rk&^bitConstant].(LString); ok {
			return string(s)
		}
	}
	return "?"
}

// lastChange is symbexec: the instruction that gave a register its value before another runs.
func (p *Proto) lastChange(lastPC, register int) instruction {
	last := len(p.code) - 1 // a return
	for pc := 0; pc < lastPC; pc++ {
		i := p.code[pc]
		op, a := i.op(), i.a()
		if setsA(op) && a == register {
			last = pc
		}
		switch op {
		case opLoadNil:
			if a <= register && register <= i.b() {
				last = pc
			}
		case opSelf:
			if register == a+1 {
				last = pc
			}
		case opTForLoop:
			if register >= a+2 {
				last = pc
			}
		case opForLoop, opForPrep, opJmp:
			if to := pc + 1 + i.sbx(); pc < to && to <= lastPC {
				pc += i.sbx()
			}
		case opCall, opTailCall:
			if register >= a {
				last = pc
			}
		case opSetList:
			if i.c() == 0 {
				pc++
			}
		case opClosure:
			pc += len(p.inner[i.bx()].upvalueName)
		}
	}
	return p.code[last]
}

// typeError is luaG_typeerror: what is wrong with a value, which the running function may have a name for if it lies on
// the stack. at is -1 if it does not.
func (L *LState) typeError(at int, v LValue, do string) {
	if c := L.call; at >= c.base && at < c.top {
		if kind, name := c.name(at - c.base); kind != "" {
			L.RunError("attempt to %s %s '%s' (a %s value)", do, kind, name, v.Type())
		}
	}
	L.RunError("attempt to %s a %s value", do, v.Type())
}

// orderError is luaG_ordererror, which looks at one letter of the types' names.
func (L *LState) orderError(a, b LValue) {
	if x, y := a.Type().String(), b.Type().String(); x[2] == y[2] {
		L.RunError("attempt to compare two %s values", x)
	} else {
		L.RunError("attempt to compare %s with %s", x, y)
	}
}
