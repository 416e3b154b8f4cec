package lua

// execute is luaV_execute: it runs Lua functions from the innermost call on until as many calls as given have returned,
// or until the coroutine yields. A call of Lua from Lua goes round in it and takes no Go stack.
//
// Whatever may raise an error or call a function needs the instruction's place in call.pc first, and may move the
// stack: registers are looked up again behind it.
//
// It is long because it is one switch, a case an instruction: what they share, base, code and pc, are its variables, so
// that they stay in registers. A function an instruction would have to put them into memory and fetch them again.
func (L *LState) execute(calls int) {
	g := L.G
enter:
	c := L.call
	fn := c.fn
	p := fn.Proto
	code, constants := p.code, p.constants
	base := c.base
	pc := c.pc
	R := L.stack[base:c.top]
	for {
		i := code[pc]
		pc++
		a := i.a()
		switch i.op() {
		case opMove:
			R[a] = R[i.b()]
		case opLoadK:
			R[a] = constants[i.bx()]
		case opLoadBool:
			R[a] = LBool(i.b() != 0)
			if i.c() != 0 {
				pc++
			}
		case opLoadNil:
			for n := a; n <= i.b(); n++ {
				R[n] = LNil
			}
		case opGetUpval:
			R[a] = fn.upvalues[i.b()].get()
		case opGetGlobal:
			v := g.Global.getString(string(constants[i.bx()].(LString)), p.hashes[i.bx()])
			if isNil(v) {
				c.pc = pc
				v = L.index(g.Global, constants[i.bx()], -1)
				R = L.stack[base:c.top]
			}
			R[a] = v
		case opGetTable:
			b, rk := i.b(), i.c()
			var key LValue
			if rk >= bitConstant {
				key = constants[rk-bitConstant]
			} else {
				key = R[rk]
			}
			if t, ok := R[b].(*LTable); ok {
				var v LValue
				if s, isString := key.(LString); isString && rk >= bitConstant {
					v = t.getString(string(s), p.hashes[rk-bitConstant])
				} else {
					v = t.RawGet(key)
				}
				if t.Metatable == nil || !isNil(v) {
					R[a] = v
					continue
				}
			}
			c.pc = pc
			v := L.index(R[b], key, base+b)
			R = L.stack[base:c.top]
			R[a] = v
		case opSetGlobal:
			c.pc = pc
			L.setIndex(g.Global, constants[i.bx()], R[a], -1)
			R = L.stack[base:c.top]
		case opSetUpval:
			fn.upvalues[i.b()].set(R[a])
		case opSetTable:
			var key, v LValue
			if rk := i.b(); rk >= bitConstant {
				key = constants[rk-bitConstant]
			} else {
				key = R[rk]
			}
			if rk := i.c(); rk >= bitConstant {
				v = constants[rk-bitConstant]
			} else {
				v = R[rk]
			}
			if t, ok := R[a].(*LTable); ok && !t.Readonly && t.Metatable == nil {
				if n := arrayIndex(key); uint(n-1) < uint(len(t.array)) {
					store(&t.array[n-1], v)
					continue
				}
			}
			c.pc = pc
			L.setIndex(R[a], key, v, base+a)
			R = L.stack[base:c.top]
		case opNewTable:
			R[a] = newTable(byteSize(i.b()), byteSize(i.c()))
		case opSelf:
			v := R[i.b()]
			R[a+1] = v
			var key LValue
			if rk := i.c(); rk >= bitConstant {
				key = constants[rk-bitConstant]
			} else {
				key = R[rk]
			}
			c.pc = pc
			v = L.index(v, key, base+i.b())
			R = L.stack[base:c.top]
			R[a] = v
		case opAdd, opSub, opMul, opDiv, opMod, opPow:
			var x, y LValue
			if rk := i.b(); rk >= bitConstant {
				x = constants[rk-bitConstant]
			} else {
				x = R[rk]
			}
			if rk := i.c(); rk >= bitConstant {
				y = constants[rk-bitConstant]
			} else {
				y = R[rk]
			}
			if m, ok := x.(LNumber); ok {
				if n, ok := y.(LNumber); ok {
					switch i.op() {
					case opAdd:
						m += n
					case opSub:
						m -= n
					case opMul:
						m *= n
					default:
						m = arithmetic(i.op(), m, n)
					}
					R[a] = g.numbers.box(m)
					continue
				}
			}
			c.pc = pc
			v := L.arith(i.op(), x, y, L.placeOf(i.b()), L.placeOf(i.c()))
			R = L.stack[base:c.top]
			R[a] = v
		case opUnm:
			if n, ok := R[i.b()].(LNumber); ok {
				R[a] = g.numbers.box(-n)
				continue
			}
			c.pc = pc
			v := R[i.b()]
			v = L.arith(opUnm, v, v, base+i.b(), base+i.b())
			R = L.stack[base:c.top]
			R[a] = v
		case opNot:
			R[a] = LBool(isFalse(R[i.b()]))
		case opLen:
			c.pc = pc
			v := L.length(R[i.b()], base+i.b())
			R = L.stack[base:c.top]
			R[a] = v
		case opConcat:
			c.pc = pc
			L.concat(i.c()-i.b()+1, i.c())
			R = L.stack[base:c.top]
			R[a] = R[i.b()]
		case opJmp:
			n := i.sbx()
			if n < 0 {
				if g.Ticks--; g.Ticks <= 0 {
					c.pc = pc
					g.Tick(L)
				}
			}
			pc += n
		case opEq, opLt, opLe:
			var x, y LValue
			if rk := i.b(); rk >= bitConstant {
				x = constants[rk-bitConstant]
			} else {
				x = R[rk]
			}
			if rk := i.c(); rk >= bitConstant {
				y = constants[rk-bitConstant]
			} else {
				y = R[rk]
			}
			m, ok1 := x.(LNumber)
			n, ok2 := y.(LNumber)
			var yes bool
			switch op := i.op(); {
			case ok1 && ok2 && op == opEq:
				yes = m == n
			case ok1 && ok2 && op == opLt:
				yes = m < n
			case ok1 && ok2:
				yes = m <= n
			default:
				c.pc = pc
				yes = L.compare(op, x, y)
				R = L.stack[base:c.top]
			}
			if yes != (a != 0) {
				pc++
			} else if n := code[pc].sbx(); n >= 0 { // else the jump itself comes next, and counts as a turn of a loop
				pc += n + 1
			}
		case opTest:
			if isFalse(R[a]) == (i.c() != 0) {
				pc++
			} else if n := code[pc].sbx(); n >= 0 {
				pc += n + 1
			}
		case opTestSet:
			if v := R[i.b()]; isFalse(v) == (i.c() != 0) {
				pc++
			} else {
				R[a] = v
			}
		case opCall:
			c.pc = pc
			if b := i.b(); b != 0 {
				L.top = base + a + b
			}
			results := i.c() - 1
			switch L.precall(base+a, results) {
			case enteredLua:
				calls++
				goto enter
			case yieldedFromGo:
				return
			}
			if results >= 0 {
				L.top = c.top
			}
			R = L.stack[base:c.top]
		case opTailCall:
			c.pc = pc
			if b := i.b(); b != 0 {
				L.top = base + a + b
			}
			switch L.precall(base+a, multRet) {
			case enteredLua:
				L.replaceCall()
				goto enter
			case yieldedFromGo:
				return
			}
			R = L.stack[base:c.top]
		case opReturn:
			if b := i.b(); b != 0 {
				L.top = base + a + b - 1
			}
			if L.open != nil {
				L.closeUpvalues(base)
			}
			fixed := L.postcall(base + a)
			if calls--; calls == 0 {
				return
			}
			if fixed {
				L.top = L.call.top
			}
			goto enter
		case opForLoop:
			index, limit, step := R[a].(LNumber), R[a+1].(LNumber), R[a+2].(LNumber)
			index += step
			if step > 0 && index <= limit || step <= 0 && limit <= index {
				v := g.numbers.box(index)
				R[a], R[a+3] = v, v
				if g.Ticks--; g.Ticks <= 0 {
					c.pc = pc
					g.Tick(L)
				}
				pc += i.sbx()
			}
		case opForPrep:
			c.pc = pc
			L.prepareFor(R[a:])
			pc += i.sbx()
		case opTForLoop:
			c.pc = pc
			R = L.nextTurn(c, base+a, i.c())
			if !isNil(R[a+3]) {
				R[a+2] = R[a+3]
				pc += code[pc].sbx()
			}
			pc++
		case opSetList:
			n, group := i.b(), i.c()
			if n == 0 {
				n = L.top - (base + a) - 1
				L.top = c.top
			}
			if group == 0 {
				group = int(code[pc])
				pc++
			}
			c.pc = pc
			L.setList(R[a].(*LTable), (group-1)*itemsPerFlush, L.stack[base+a+1:base+a+1+n])
		case opClose:
			L.closeUpvalues(base + a)
		case opClosure:
			inner := p.inner[i.bx()]
			made := &LFunction{Proto: inner, upvalues: make([]*upvalue, len(inner.upvalueName))}
			for n := range made.upvalues {
				if from := code[pc]; from.op() == opGetUpval {
					made.upvalues[n] = fn.upvalues[from.b()]
				} else {
					made.upvalues[n] = L.findUpvalue(base + from.b())
				}
				pc++
			}
			R[a] = made
		case opVararg:
			c.pc = pc
			R = L.varargs(c, a, i.b()-1)
		}
	}
}

func (L *LState) compare(op int, a, b LValue) bool {
	switch op {
	case opEq:
		return L.equal(a, b)
	case opLt:
		return L.Less(a, b)
	}
	return L.lessOrEqual(a, b)
}

// placeOf is where an operand lies on the stack, or -1 for a constant.
func (L *LState) placeOf(rk int) int {
	if rk >= bitConstant {
		return -1
	}
	return L.base + rk
}

// replaceCall puts the call that was just made in the place of the one that it ends.
func (L *LState) replaceCall() {
	from := L.call
	to := from.previous
	L.closeUpvalues(to.base)
	to.base = to.at + (from.base - from.at)
	n := copy(L.stack[to.at:], L.stack[from.at:L.top])
	to.fn, to.pc = from.fn, 0
	to.top = to.at + n
	L.top, L.base = to.top, to.base
	to.tailCalls++
	L.call = to
	L.depth--
}

// prepareFor makes numbers of a loop's bounds and goes one step back.
func (L *LState) prepareFor(bounds []LValue) {
	for i, what := range [...]string{"initial value", "limit", "step"} {
		n, ok := ToNumber(bounds[i])
		if !ok {
			L.RunError("'for' %s must be a number", what)
		}
		if _, isNumber := bounds[i].(LNumber); !isNumber {
			bounds[i] = LNumber(n)
		}
	}
	bounds[0] = box(bounds[0].(LNumber) - bounds[2].(LNumber))
}

// nextTurn calls a generic for's function, which lies at a place, for its names.
func (L *LState) nextTurn(c *callInfo, at, names int) []LValue {
	copy(L.stack[at+3:at+6], L.stack[at:at+3])
	L.top = at + 6
	L.callAt(at+3, names)
	L.top = c.top
	return L.stack[c.base:c.top]
}

func (L *LState) setList(t *LTable, offset int, items []LValue) {
	if last := offset + len(items); last > len(t.array) {
		t.resize(L, last, len(t.nodes))
	}
	for i := len(items) - 1; i >= 0; i-- {
		store(&t.array[offset+i], items[i])
	}
}

// varargs copies the arguments beyond the named ones into registers: as many as are wanted, or all.
func (L *LState) varargs(c *callInfo, register, wanted int) []LValue {
	n := c.base - c.at - c.fn.Proto.parameters - 1
	if wanted == multRet {
		wanted = n
		L.top = c.base + register
		L.room(n)
		L.top += n
		L.highest = max(L.highest, L.top)
	}
	for i := range wanted {
		v := LNil
		if i < n {
			v = L.stack[c.base-n+i]
		}
		L.stack[c.base+register+i] = v
	}
	return L.stack[c.base:c.top]
}
