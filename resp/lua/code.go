package lua

import "math"

// The code generator, after lcode.c.

type expKind int

const (
	expVoid expKind = iota
	expNil          // constants
	expTrue
	expFalse
	expConstant    // info is the constant's index
	expNumber      // number is its value
	expLocal       // info is the register
	expUpvalue     // info is the upvalue's index
	expGlobal      // info is the constant that has its name
	expIndexed     // info is the table's register, aux the key's or its constant
	expJump        // info is the jump
	expRelocatable // info is the instruction that can put it into any register
	expFixed       // info is its register
	expCall        // info is the call
	expVararg      // info is the instruction
)

const noJump = -1

// expression is expdesc: what the parser knows of an expression, and which jumps leave it when it is true or false.
type expression struct {
	kind      expKind
	info, aux int
	number    LNumber
	whenTrue  int
	whenFalse int
}

func (e *expression) set(kind expKind, info int) {
	*e = expression{kind: kind, info: info, whenTrue: noJump, whenFalse: noJump}
}

func (e *expression) hasJumps() bool { return e.whenTrue != e.whenFalse }

func (e *expression) isNumeral() bool {
	return e.kind == expNumber && e.whenTrue == noJump && e.whenFalse == noJump
}

func (e *expression) hasMultRet() bool { return e.kind == expCall || e.kind == expVararg }

// emit appends an instruction.
func (f *funcState) emit(i instruction, line int) int {
	f.dischargeJumps()
	f.proto.code = append(f.proto.code, i)
	f.proto.lines = append(f.proto.lines, int32(line))
	return len(f.proto.code) - 1
}

func (f *funcState) emitABC(op, a, b, c int) int { return f.emit(makeABC(op, a, b, c), f.p.lastLine) }
func (f *funcState) emitABx(op, a, bx int) int   { return f.emit(makeABx(op, a, bx), f.p.lastLine) }
func (f *funcState) emitASBx(op, a, n int) int   { return f.emitABx(op, a, n+maxArgSBx) }

func (f *funcState) pc() int { return len(f.proto.code) }

func (f *funcState) fixLine(line int) { f.proto.lines[f.pc()-1] = int32(line) }

func (f *funcState) codeOf(e *expression) *instruction { return &f.proto.code[e.info] }

// loadNil sets registers to nil, with the instruction before if that does it for registers beside them.
func (f *funcState) loadNil(from, n int) {
	if f.pc() > f.lastTarget { // no jumps come here
		if f.pc() == 0 {
			if from >= f.actives() {
				return // registers are clean at the beginning
			}
		} else if previous := &f.proto.code[f.pc()-1]; previous.op() == opLoadNil {
			first, last := previous.a(), previous.b()
			if first <= from && from <= last+1 {
				if from+n-1 > last {
					previous.setB(from + n - 1)
				}
				return
			}
		}
	}
	f.emitABC(opLoadNil, from, from+n-1, 0)
}

func (f *funcState) jump() int {
	pending := f.jumpsHere
	f.jumpsHere = noJump
	j := f.emitASBx(opJmp, 0, noJump)
	f.concatJumps(&j, pending)
	return j
}

func (f *funcState) ret(first, n int) { f.emitABC(opReturn, first, n+1, 0) }

func (f *funcState) condJump(op, a, b, c int) int {
	f.emitABC(op, a, b, c)
	return f.jump()
}

func (f *funcState) fixJump(pc, to int) {
	offset := to - (pc + 1)
	if offset > maxArgSBx || offset < -maxArgSBx {
		f.p.failHere("control structure too long")
	}
	f.proto.code[pc].setSBx(offset)
}

// label is luaK_getlabel: it marks the place as one that jumps come to.
func (f *funcState) label() int {
	f.lastTarget = f.pc()
	return f.pc()
}

func (f *funcState) jumpTarget(pc int) int {
	offset := f.proto.code[pc].sbx()
	if offset == noJump {
		return noJump
	}
	return pc + 1 + offset
}

// jumpControl is the instruction that decides whether a jump is taken.
func (f *funcState) jumpControl(pc int) *instruction {
	if pc >= 1 && isTest(f.proto.code[pc-1].op()) {
		return &f.proto.code[pc-1]
	}
	return &f.proto.code[pc]
}

func (f *funcState) needsValue(list int) bool {
	for ; list != noJump; list = f.jumpTarget(list) {
		if f.jumpControl(list).op() != opTestSet {
			return true
		}
	}
	return false
}

func (f *funcState) patchTest(pc, register int) bool {
	i := f.jumpControl(pc)
	if i.op() != opTestSet {
		return false
	}
	if register != noRegister && register != i.b() {
		i.setA(register)
	} else {
		*i = makeABC(opTest, i.b(), 0, i.c())
	}
	return true
}

func (f *funcState) removeValues(list int) {
	for ; list != noJump; list = f.jumpTarget(list) {
		f.patchTest(list, noRegister)
	}
}

func (f *funcState) patchLists(list, valueTarget, register, otherTarget int) {
	for list != noJump {
		next := f.jumpTarget(list)
		if f.patchTest(list, register) {
			f.fixJump(list, valueTarget)
		} else {
			f.fixJump(list, otherTarget)
		}
		list = next
	}
}

func (f *funcState) dischargeJumps() {
	if f.jumpsHere == noJump {
		return
	}
	list := f.jumpsHere
	f.jumpsHere = noJump
	f.patchLists(list, f.pc(), noRegister, f.pc())
}

func (f *funcState) patchList(list, target int) {
	if target == f.pc() {
		f.patchHere(list)
		return
	}
	f.patchLists(list, target, noRegister, target)
}

func (f *funcState) patchHere(list int) {
	f.label()
	f.concatJumps(&f.jumpsHere, list)
}

func (f *funcState) concatJumps(list *int, more int) {
	switch {
	case more == noJump:
	case *list == noJump:
		*list = more
	default:
		last := *list
		for next := f.jumpTarget(last); next != noJump; next = f.jumpTarget(last) {
			last = next
		}
		f.fixJump(last, more)
	}
}

// addJump puts a new jump before a list that may be long, which C goes through to its end.
func (f *funcState) addJump(list *int, jump int) {
	if jump != noJump {
		f.concatJumps(&jump, *list)
		*list = jump
	}
}

func (f *funcState) checkStack(n int) {
	size := f.freeReg + n
	if size > f.proto.registers {
		if size >= maxRegisters {
			f.p.failHere("function or expression too complex")
		}
		f.proto.registers = size
	}
}

func (f *funcState) reserve(n int) {
	f.checkStack(n)
	f.freeReg += n
}

func (f *funcState) free(register int) {
	if register&bitConstant == 0 && register >= f.actives() {
		f.freeReg--
	}
}

func (f *funcState) freeExp(e *expression) {
	if e.kind == expFixed {
		f.free(e.info)
	}
}

// constant is addk: the index of a constant, which is the same for the same value.
func (f *funcState) constant(key any, v LValue) int {
	if i, known := f.constants[key]; known {
		return i
	}
	i := len(f.proto.constants)
	if i > maxArgBx {
		f.p.fail("constant table overflow", "")
	}
	f.constants[key] = i
	f.proto.constants = append(f.proto.constants, v)
	hash := uint32(0)
	if s, ok := v.(LString); ok {
		hash = hashString(string(s))
	}
	f.proto.hashes = append(f.proto.hashes, hash)
	return i
}

func (f *funcState) stringConstant(s string) int  { return f.constant(s, LString(s)) }
func (f *funcState) numberConstant(n LNumber) int { return f.constant(n, box(n)) }
func (f *funcState) boolConstant(b bool) int      { return f.constant(b, LBool(b)) }
func (f *funcState) nilConstant() int             { return f.constant(nil, LNil) }

func (f *funcState) setReturns(e *expression, results int) {
	switch e.kind {
	case expCall:
		f.codeOf(e).setC(results + 1)
	case expVararg:
		i := f.codeOf(e)
		i.setB(results + 1)
		i.setA(f.freeReg)
		f.reserve(1)
	}
}

func (f *funcState) setOneReturn(e *expression) {
	switch e.kind {
	case expCall:
		e.kind = expFixed
		e.info = f.codeOf(e).a()
	case expVararg:
		f.codeOf(e).setB(2)
		e.kind = expRelocatable
	}
}

func (f *funcState) dischargeVars(e *expression) {
	switch e.kind {
	case expLocal:
		e.kind = expFixed
	case expUpvalue:
		e.info = f.emitABC(opGetUpval, 0, e.info, 0)
		e.kind = expRelocatable
	case expGlobal:
		e.info = f.emitABx(opGetGlobal, 0, e.info)
		e.kind = expRelocatable
	case expIndexed:
		f.free(e.aux)
		f.free(e.info)
		e.info = f.emitABC(opGetTable, 0, e.info, e.aux)
		e.kind = expRelocatable
	case expCall, expVararg:
		f.setOneReturn(e)
	}
}

func (f *funcState) dischargeTo(e *expression, register int) {
	f.dischargeVars(e)
	switch e.kind {
	case expNil:
		f.loadNil(register, 1)
	case expFalse:
		f.emitABC(opLoadBool, register, 0, 0)
	case expTrue:
		f.emitABC(opLoadBool, register, 1, 0)
	case expConstant:
		f.emitABx(opLoadK, register, e.info)
	case expNumber:
		f.emitABx(opLoadK, register, f.numberConstant(e.number))
	case expRelocatable:
		f.codeOf(e).setA(register)
	case expFixed:
		if register != e.info {
			f.emitABC(opMove, register, e.info, 0)
		}
	default:
		return // void or a jump
	}
	e.info = register
	e.kind = expFixed
}

func (f *funcState) dischargeToAny(e *expression) {
	if e.kind != expFixed {
		f.reserve(1)
		f.dischargeTo(e, f.freeReg-1)
	}
}

func (f *funcState) codeLabel(a, b, skip int) int {
	f.label()
	return f.emitABC(opLoadBool, a, b, skip)
}

func (f *funcState) toRegister(e *expression, register int) {
	f.dischargeTo(e, register)
	if e.kind == expJump {
		f.concatJumps(&e.whenTrue, e.info)
	}
	if e.hasJumps() {
		loadFalse, loadTrue := noJump, noJump
		if f.needsValue(e.whenTrue) || f.needsValue(e.whenFalse) {
			over := noJump
			if e.kind != expJump {
				over = f.jump()
			}
			loadFalse = f.codeLabel(register, 0, 1)
			loadTrue = f.codeLabel(register, 1, 0)
			f.patchHere(over)
		}
		end := f.label()
		f.patchLists(e.whenFalse, end, register, loadFalse)
		f.patchLists(e.whenTrue, end, register, loadTrue)
	}
	e.set(expFixed, register)
}

func (f *funcState) toNextRegister(e *expression) {
	f.dischargeVars(e)
	f.freeExp(e)
	f.reserve(1)
	f.toRegister(e, f.freeReg-1)
}

func (f *funcState) toAnyRegister(e *expression) int {
	f.dischargeVars(e)
	if e.kind == expFixed {
		if !e.hasJumps() {
			return e.info
		}
		if e.info >= f.actives() {
			f.toRegister(e, e.info)
			return e.info
		}
	}
	f.toNextRegister(e)
	return e.info
}

func (f *funcState) toValue(e *expression) {
	if e.hasJumps() {
		f.toAnyRegister(e)
	} else {
		f.dischargeVars(e)
	}
}

// toRK is luaK_exp2RK: a constant if there is room for its index, or a register.
func (f *funcState) toRK(e *expression) int {
	f.toValue(e)
	switch e.kind {
	case expNumber, expTrue, expFalse, expNil:
		if len(f.proto.constants) <= maxIndexRK {
			switch e.kind {
			case expNil:
				e.info = f.nilConstant()
			case expNumber:
				e.info = f.numberConstant(e.number)
			default:
				e.info = f.boolConstant(e.kind == expTrue)
			}
			e.kind = expConstant
			return e.info | bitConstant
		}
	case expConstant:
		if e.info <= maxIndexRK {
			return e.info | bitConstant
		}
	}
	return f.toAnyRegister(e)
}

func (f *funcState) storeVar(v, e *expression) {
	switch v.kind {
	case expLocal:
		f.freeExp(e)
		f.toRegister(e, v.info)
		return
	case expUpvalue:
		r := f.toAnyRegister(e)
		f.emitABC(opSetUpval, r, v.info, 0)
	case expGlobal:
		r := f.toAnyRegister(e)
		f.emitABx(opSetGlobal, r, v.info)
	case expIndexed:
		rk := f.toRK(e)
		f.emitABC(opSetTable, v.info, v.aux, rk)
	}
	f.freeExp(e)
}

func (f *funcState) self(e, key *expression) {
	f.toAnyRegister(e)
	f.freeExp(e)
	function := f.freeReg
	f.reserve(2)
	f.emitABC(opSelf, function, e.info, f.toRK(key))
	f.freeExp(key)
	e.info = function
	e.kind = expFixed
}

func (f *funcState) invertJump(e *expression) {
	i := f.jumpControl(e.info)
	i.setA(1 - i.a())
}

func (f *funcState) jumpOnCond(e *expression, cond bool) int {
	c := 0
	if cond {
		c = 1
	}
	if e.kind == expRelocatable {
		if i := *f.codeOf(e); i.op() == opNot {
			f.proto.code = f.proto.code[:f.pc()-1]
			f.proto.lines = f.proto.lines[:len(f.proto.lines)-1]
			return f.condJump(opTest, i.b(), 0, 1-c)
		}
	}
	f.dischargeToAny(e)
	f.freeExp(e)
	return f.condJump(opTestSet, noRegister, e.info, c)
}

func (f *funcState) goIfTrue(e *expression) {
	f.dischargeVars(e)
	out := noJump
	switch e.kind {
	case expConstant, expNumber, expTrue: // always true
	case expJump:
		f.invertJump(e)
		out = e.info
	default:
		out = f.jumpOnCond(e, false)
	}
	f.addJump(&e.whenFalse, out)
	f.patchHere(e.whenTrue)
	e.whenTrue = noJump
}

func (f *funcState) goIfFalse(e *expression) {
	f.dischargeVars(e)
	out := noJump
	switch e.kind {
	case expNil, expFalse: // always false
	case expJump:
		out = e.info
	default:
		out = f.jumpOnCond(e, true)
	}
	f.addJump(&e.whenTrue, out)
	f.patchHere(e.whenFalse)
	e.whenFalse = noJump
}

func (f *funcState) not(e *expression) {
	f.dischargeVars(e)
	switch e.kind {
	case expNil, expFalse:
		e.kind = expTrue
	case expConstant, expNumber, expTrue:
		e.kind = expFalse
	case expJump:
		f.invertJump(e)
	case expRelocatable, expFixed:
		f.dischargeToAny(e)
		f.freeExp(e)
		e.info = f.emitABC(opNot, 0, e.info, 0)
		e.kind = expRelocatable
	}
	e.whenTrue, e.whenFalse = e.whenFalse, e.whenTrue
	f.removeValues(e.whenFalse)
	f.removeValues(e.whenTrue)
}

func (f *funcState) indexed(t, key *expression) {
	t.aux = f.toRK(key)
	t.kind = expIndexed
}

// fold computes what constants give, but for what C Lua leaves to the virtual machine.
func fold(op int, a, b *expression) bool {
	if !a.isNumeral() || !b.isNumeral() {
		return false
	}
	if (op == opDiv || op == opMod) && b.number == 0 || op == opLen {
		return false
	}
	r := arithmetic(op, a.number, b.number)
	if math.IsNaN(float64(r)) {
		return false
	}
	a.number = r
	return true
}

func (f *funcState) codeArithmetic(op int, a, b *expression) {
	if fold(op, a, b) {
		return
	}
	right := 0
	if op != opUnm && op != opLen {
		right = f.toRK(b)
	}
	left := f.toRK(a)
	if left > right {
		f.freeExp(a)
		f.freeExp(b)
	} else {
		f.freeExp(b)
		f.freeExp(a)
	}
	a.info = f.emitABC(op, 0, left, right)
	a.kind = expRelocatable
}

func (f *funcState) codeComparison(op, cond int, a, b *expression) {
	left := f.toRK(a)
	right := f.toRK(b)
	f.freeExp(b)
	f.freeExp(a)
	if cond == 0 && op != opEq { // a > b is b < a
		left, right = right, left
		cond = 1
	}
	a.info = f.condJump(op, cond, left, right)
	a.kind = expJump
}

func (f *funcState) prefix(op string, e *expression) {
	zero := expression{kind: expNumber, whenTrue: noJump, whenFalse: noJump}
	switch op {
	case "-":
		if !e.isNumeral() {
			f.toAnyRegister(e)
		}
		f.codeArithmetic(opUnm, e, &zero)
	case "not":
		f.not(e)
	case "#":
		f.toAnyRegister(e)
		f.codeArithmetic(opLen, e, &zero)
	}
}

// infix is what must be done with the left operand before the right one is read.
func (f *funcState) infix(op string, e *expression) {
	switch op {
	case "and":
		f.goIfTrue(e)
	case "or":
		f.goIfFalse(e)
	case "..":
		f.toNextRegister(e)
	case "+", "-", "*", "/", "%", "^":
		if !e.isNumeral() {
			f.toRK(e)
		}
	default:
		f.toRK(e)
	}
}

var arithmeticOps = map[string]int{"+": opAdd, "-": opSub, "*": opMul, "/": opDiv, "%": opMod, "^": opPow}

func (f *funcState) postfix(op string, a, b *expression) {
	switch op {
	case "and":
		f.dischargeVars(b)
		f.concatJumps(&b.whenFalse, a.whenFalse)
		*a = *b
	case "or":
		f.dischargeVars(b)
		f.concatJumps(&b.whenTrue, a.whenTrue)
		*a = *b
	case "..":
		f.toValue(b)
		if b.kind == expRelocatable && f.codeOf(b).op() == opConcat {
			f.freeExp(a)
			f.codeOf(b).setB(a.info)
			a.kind, a.info = expRelocatable, b.info
			return
		}
		f.toNextRegister(b)
		f.codeArithmetic(opConcat, a, b)
	case "==":
		f.codeComparison(opEq, 1, a, b)
	case "~=":
		f.codeComparison(opEq, 0, a, b)
	case "<":
		f.codeComparison(opLt, 1, a, b)
	case "<=":
		f.codeComparison(opLe, 1, a, b)
	case ">":
		f.codeComparison(opLt, 0, a, b)
	case ">=":
		f.codeComparison(opLe, 0, a, b)
	default:
		f.codeArithmetic(arithmeticOps[op], a, b)
	}
}

// setList stores the items in the registers behind a table's in it.
func (f *funcState) setList(base, items, pending int) {
	group := (items-1)/itemsPerFlush + 1
	n := pending
	if pending == multRet {
		n = 0
	}
	if group <= maxArgC {
		f.emitABC(opSetList, base, n, group)
	} else {
		f.emitABC(opSetList, base, n, 0)
		f.emit(instruction(group), f.p.lastLine)
	}
	f.freeReg = base + 1
}
