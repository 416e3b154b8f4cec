package lua

// statement returns whether it was one that ends its block.
func (p *parser) statement() bool {
	line := p.line
	switch p.cur.kind {
	case "if":
		p.ifStatement(line)
	case "while":
		p.whileStatement(line)
	case "do":
		p.next()
		p.blockBody()
		p.expectMatch("end", "do", line)
	case "for":
		p.forStatement(line)
	case "repeat":
		p.repeatStatement(line)
	case "function":
		p.functionStatement(line)
	case "local":
		p.next()
		if p.take("function") {
			p.localFunction()
		} else {
			p.localStatement()
		}
	case "return":
		p.returnStatement()
		return true
	case "break":
		p.next()
		p.breakStatement()
		return true
	default:
		p.exprStatement()
	}
	return false
}

// condition reads one and returns the jumps that leave when it is false.
func (p *parser) condition() int {
	var e expression
	p.expr(&e)
	if e.kind == expNil {
		e.kind = expFalse
	}
	p.f.goIfTrue(&e)
	return e.whenFalse
}

func (p *parser) thenBlock() (out int) {
	p.next()
	out = p.condition()
	p.expect("then")
	p.blockBody()
	return out
}

func (p *parser) ifStatement(line int) {
	f, escapes := p.f, noJump
	out := p.thenBlock()
	for p.cur.kind == "elseif" {
		f.addJump(&escapes, f.jump())
		f.patchHere(out)
		out = p.thenBlock()
	}
	if p.cur.kind == "else" {
		f.addJump(&escapes, f.jump())
		f.patchHere(out)
		p.next()
		p.blockBody()
	} else {
		f.concatJumps(&escapes, out)
	}
	f.patchHere(escapes)
	p.expectMatch("end", "if", line)
}

func (p *parser) whileStatement(line int) {
	f := p.f
	p.next()
	start := f.label()
	out := p.condition()
	f.enterBlock(true)
	p.expect("do")
	p.blockBody()
	f.patchList(f.jump(), start)
	p.expectMatch("end", "while", line)
	f.leaveBlock()
	f.patchHere(out)
}

func (p *parser) repeatStatement(line int) {
	f := p.f
	start := f.label()
	f.enterBlock(true)
	scope := f.enterBlock(false)
	p.next()
	p.chunk()
	p.expectMatch("until", "repeat", line)
	out := p.condition()
	if !scope.captured {
		f.leaveBlock()
		f.patchList(out, start)
	} else { // the variables are closed at each turn
		p.breakStatement()
		f.patchHere(out)
		f.leaveBlock()
		f.patchList(f.jump(), start)
	}
	f.leaveBlock()
}

func (p *parser) breakStatement() {
	f := p.f
	b, captured := f.block, false
	for b != nil && !b.breakable {
		captured = captured || b.captured
		b = b.parent
	}
	if b == nil {
		p.failHere("no loop to break")
	}
	if captured {
		f.emitABC(opClose, b.actives, 0, 0)
	}
	f.addJump(&b.breaks, f.jump())
}

func (p *parser) forStatement(line int) {
	p.f.enterBlock(true)
	p.next()
	switch name := p.name(); p.cur.kind {
	case "=":
		p.numberFor(name, line)
	case ",", "in":
		p.genericFor(name)
	default:
		p.failHere("'=' or 'in' expected")
	}
	p.expectMatch("end", "for", line)
	p.f.leaveBlock()
}

func (p *parser) inNextRegister() {
	var e expression
	p.expr(&e)
	p.f.toNextRegister(&e)
}

func (p *parser) numberFor(name string, line int) {
	f, base := p.f, p.f.freeReg
	for _, name := range []string{"(for index)", "(for limit)", "(for step)", name} {
		f.declare(name)
	}
	p.expect("=")
	p.inNextRegister()
	p.expect(",")
	p.inNextRegister()
	if p.take(",") {
		p.inNextRegister()
	} else {
		f.emitABx(opLoadK, f.freeReg, f.numberConstant(1))
		f.reserve(1)
	}
	p.forBody(base, line, 1, true)
}

func (p *parser) genericFor(name string) {
	f, base := p.f, p.f.freeReg
	for _, name := range []string{"(for generator)", "(for state)", "(for control)", name} {
		f.declare(name)
	}
	names := 1
	for p.take(",") {
		f.declare(p.name())
		names++
	}
	p.expect("in")
	line := p.line
	var e expression
	p.adjust(3, p.exprList(&e), &e)
	f.checkStack(3)
	p.forBody(base, line, names, false)
}

func (p *parser) forBody(base, line, names int, numeric bool) {
	f := p.f
	f.beginScopes(3)
	p.expect("do")
	var prepare int
	if numeric {
		prepare = f.emitASBx(opForPrep, base, noJump)
	} else {
		prepare = f.jump()
	}
	f.enterBlock(false)
	f.beginScopes(names)
	f.reserve(names)
	p.blockBody()
	f.leaveBlock()
	f.patchHere(prepare)
	var end int
	if numeric {
		end = f.emitASBx(opForLoop, base, noJump)
		f.fixLine(line)
	} else {
		f.emitABC(opTForLoop, base, 0, names)
		f.fixLine(line)
		end = f.jump()
	}
	f.patchList(end, prepare+1)
}

func (p *parser) localFunction() {
	f := p.f
	f.declare(p.name())
	var v, body expression
	v.set(expLocal, f.freeReg)
	f.reserve(1)
	f.beginScopes(1)
	p.body(&body, false, p.line)
	f.storeVar(&v, &body)
	f.proto.locals[f.active[f.declared-1]].from = f.pc() // error messages know it only now
}

func (p *parser) localStatement() {
	names, exprs := 0, 0
	for {
		p.f.declare(p.name())
		names++
		if !p.take(",") {
			break
		}
	}
	var e expression
	e.set(expVoid, 0)
	if p.take("=") {
		exprs = p.exprList(&e)
	}
	p.adjust(names, exprs, &e)
	p.f.beginScopes(names)
}

// adjust is adjust_assign: the last of some expressions gives as many values as variables need.
func (p *parser) adjust(names, exprs int, e *expression) {
	f, missing := p.f, names-exprs
	if e.hasMultRet() {
		missing = max(missing+1, 0)
		f.setReturns(e, missing)
		if missing > 1 {
			f.reserve(missing - 1)
		}
		return
	}
	if e.kind != expVoid {
		f.toNextRegister(e)
	}
	if missing > 0 {
		first := f.freeReg
		f.reserve(missing)
		f.loadNil(first, missing)
	}
}

func (p *parser) functionStatement(line int) {
	p.next()
	var target, body expression
	p.variable(&target)
	method := false
	for !method && (p.cur.kind == "." || p.cur.kind == ":") {
		method = p.cur.kind == ":"
		p.field(&target)
	}
	p.body(&body, method, line)
	p.f.storeVar(&target, &body)
	p.f.fixLine(line)
}

func (p *parser) returnStatement() {
	f := p.f
	p.next()
	if p.blockFollows() || p.cur.kind == ";" {
		f.ret(0, 0)
		return
	}
	var e expression
	n := p.exprList(&e)
	switch {
	case e.hasMultRet():
		f.setReturns(&e, multRet)
		if e.kind == expCall && n == 1 {
			f.codeOf(&e).setOp(opTailCall)
		}
		f.ret(f.declared, multRet)
	case n == 1:
		f.ret(f.toAnyRegister(&e), 1)
	default:
		f.toNextRegister(&e)
		f.ret(f.declared, n)
	}
}

// target is one on the left of an assignment.
type target struct {
	expression
	previous *target
}

func (p *parser) exprStatement() {
	var t target
	p.primary(&t.expression)
	if t.kind == expCall {
		p.f.codeOf(&t.expression).setC(1)
		return
	}
	p.assignment(&t, 1)
}

func (p *parser) assignment(t *target, n int) {
	f := p.f
	if t.kind < expLocal || t.kind > expIndexed {
		p.failHere("syntax error")
	}
	var e expression
	if p.take(",") {
		next := &target{previous: t}
		p.primary(&next.expression)
		if next.kind == expLocal {
			p.keepIndexes(t, &next.expression)
		}
		f.limit(n, maxSyntaxLevels-p.levels, "variables in assignment")
		p.assignment(next, n+1)
	} else {
		p.expect("=")
		exprs := p.exprList(&e)
		if exprs == n {
			f.setOneReturn(&e)
			f.storeVar(&t.expression, &e)
			return
		}
		p.adjust(n, exprs, &e)
		if exprs > n {
			f.freeReg -= exprs - n
		}
	}
	e.set(expFixed, f.freeReg-1)
	f.storeVar(&t.expression, &e)
}

// keepIndexes is check_conflict: a local variable that is assigned to may be the table or the key of a target before
// it, which then gets a copy.
func (p *parser) keepIndexes(t *target, local *expression) {
	extra, conflict := p.f.freeReg, false
	for ; t != nil; t = t.previous {
		if t.kind != expIndexed {
			continue
		}
		if t.info == local.info {
			t.info, conflict = extra, true
		}
		if t.aux == local.info {
			t.aux, conflict = extra, true
		}
	}
	if conflict {
		p.f.emitABC(opMove, extra, local.info, 0)
		p.f.reserve(1)
	}
}
