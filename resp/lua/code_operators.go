package lua

import "math"

// Operators: what constants give is computed here, and what stays becomes an instruction.

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
