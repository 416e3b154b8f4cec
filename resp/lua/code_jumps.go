package lua

// Jumps that wait for their target are a list, each pointing to the next through its own offset.

const noJump = -1

func (f *funcState) jump() int {
	pending := f.jumpsHere
	f.jumpsHere = noJump
	j := f.emitASBx(opJmp, 0, noJump)
	f.concatJumps(&j, pending)
	return j
}

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
