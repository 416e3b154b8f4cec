package lua

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

func (f *funcState) ret(first, n int) { f.emitABC(opReturn, first, n+1, 0) }

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
