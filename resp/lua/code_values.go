package lua

// Where the value of an expression goes: into a register, a constant's place in an instruction, or a variable.

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
