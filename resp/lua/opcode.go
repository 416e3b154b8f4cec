package lua

// The instructions of Lua 5.1, after lopcodes.h:
//
//	bits   31..23   22..14   13..6   5..0
//	      |   B   |   C    |   A   |  op  |
//	      |      Bx        |   A   |  op  |    sBx is Bx less maxArgSBx
//
// R is a register, K a constant, and RK either: from bitConstant on it is a constant.
const (
	opMove      = iota // R(A) := R(B)
	opLoadK            // R(A) := K(Bx)
	opLoadBool         // R(A) := B != 0; if C != 0 skip one
	opLoadNil          // R(A) to R(B) := nil
	opGetUpval         // R(A) := upvalue B
	opGetGlobal        // R(A) := global K(Bx)
	opGetTable         // R(A) := R(B)[RK(C)]
	opSetGlobal        // global K(Bx) := R(A)
	opSetUpval         // upvalue B := R(A)
	opSetTable         // R(A)[RK(B)] := RK(C)
	opNewTable         // R(A) := {}, of the sizes B and C
	opSelf             // R(A+1) := R(B); R(A) := R(B)[RK(C)]
	opAdd              // R(A) := RK(B) + RK(C), and so on
	opSub
	opMul
	opDiv
	opMod
	opPow
	opUnm      // R(A) := -R(B)
	opNot      // R(A) := not R(B)
	opLen      // R(A) := #R(B)
	opConcat   // R(A) := R(B) .. to .. R(C)
	opJmp      // pc += sBx
	opEq       // if (RK(B) == RK(C)) != A skip one
	opLt       // if (RK(B) < RK(C)) != A skip one
	opLe       // if (RK(B) <= RK(C)) != A skip one
	opTest     // if R(A) is C skip none, else one
	opTestSet  // if R(B) is C then R(A) := R(B), else skip one
	opCall     // R(A) to R(A+C-2) := R(A)(R(A+1) to R(A+B-1))
	opTailCall // return R(A)(R(A+1) to R(A+B-1))
	opReturn   // return R(A) to R(A+B-2)
	opForLoop  // R(A) += R(A+2); if R(A) is not beyond R(A+1) then pc += sBx, R(A+3) := R(A)
	opForPrep  // R(A) -= R(A+2); pc += sBx
	opTForLoop // R(A+3) to R(A+2+C) := R(A)(R(A+1), R(A+2)); if R(A+3) is nil skip one, else R(A+2) := R(A+3)
	opSetList  // R(A)[(C-1)*50+i] := R(A+i), i from 1 to B
	opClose    // close the upvalues from R(A) on
	opClosure  // R(A) := a closure of prototype Bx; a move or getUpval for each upvalue follows
	opVararg   // R(A) to R(A+B-2) := ...
)

const (
	maxArgA       = 1<<8 - 1
	maxArgB       = 1<<9 - 1
	maxArgC       = 1<<9 - 1
	maxArgBx      = 1<<18 - 1
	maxArgSBx     = maxArgBx >> 1
	bitConstant   = 1 << 8
	maxIndexRK    = bitConstant - 1
	noRegister    = maxArgA
	itemsPerFlush = 50
	multRet       = -1
)

type instruction uint32

func makeABC(op, a, b, c int) instruction {
	return instruction(op | a<<6 | c<<14 | b<<23)
}

func makeABx(op, a, bx int) instruction { return instruction(op | a<<6 | bx<<14) }

func (i instruction) op() int  { return int(i & 0x3f) }
func (i instruction) a() int   { return int(i>>6) & maxArgA }
func (i instruction) b() int   { return int(i >> 23) }
func (i instruction) c() int   { return int(i>>14) & maxArgC }
func (i instruction) bx() int  { return int(i >> 14) }
func (i instruction) sbx() int { return int(i>>14) - maxArgSBx }

func (i *instruction) setOp(op int) { *i = *i&^0x3f | instruction(op) }
func (i *instruction) setA(a int)   { *i = *i&^(maxArgA<<6) | instruction(a)<<6 }
func (i *instruction) setB(b int)   { *i = *i&^(maxArgB<<23) | instruction(b)<<23 }
func (i *instruction) setC(c int)   { *i = *i&^(maxArgC<<14) | instruction(c)<<14 }
func (i *instruction) setSBx(n int) { *i = *i&^(maxArgBx<<14) | instruction(n+maxArgSBx)<<14 }

// setsA reports whether an instruction writes to R(A).
func setsA(op int) bool {
	switch op {
	case opSetGlobal, opSetUpval, opSetTable, opJmp, opEq, opLt, opLe, opReturn, opTForLoop, opSetList, opClose:
		return false
	}
	return true
}

// isTest reports whether a jump follows an instruction that may skip it.
func isTest(op int) bool {
	switch op {
	case opEq, opLt, opLe, opTest, opTestSet, opTForLoop:
		return true
	}
	return false
}

// sizeByte is luaO_int2fb: a size as (eeeeexxx), which is rounded up.
func sizeByte(n int) int {
	e := 0
	for n >= 16 {
		n = (n + 1) >> 1
		e++
	}
	if n < 8 {
		return n
	}
	return (e+1)<<3 | (n - 8)
}

// byteSize is luaO_fb2int.
func byteSize(b int) int {
	e := b >> 3 & 31
	if e == 0 {
		return b
	}
	return (b&7 + 8) << (e - 1)
}

// Proto is a function as it was compiled: the code that its closures share. It does not change.
type Proto struct {
	Source      string // as error messages name the chunk
	line        int    // where it was defined; 0 for a chunk
	lastLine    int
	code        []instruction
	lines       []int32 // of the instructions
	constants   []LValue
	hashes      []uint32 // of the constants that are strings
	inner       []*Proto
	parameters  int
	vararg      byte
	registers   int
	locals      []localName
	upvalueName []string
}

// How a function takes more arguments than it names.
const (
	varargHasArg   = 1 // it has Lua 5.0's variable arg
	varargIs       = 2
	varargNeedsArg = 4 // ... and uses it
)

// localName is a local variable: it lives from one instruction to another.
type localName struct {
	name     string
	from, to int
}

// localAt is luaF_getlocalname: the name of the local variable in a register, or "".
func (p *Proto) localAt(register, pc int) string {
	for _, l := range p.locals {
		if l.from > pc {
			break
		}
		if pc < l.to {
			if register--; register < 0 {
				return l.name
			}
		}
	}
	return ""
}
