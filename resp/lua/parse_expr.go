package lua

// exprList reads expressions, puts all but the last into registers and returns how many there are.
func (p *parser) exprList(e *expression) int {
	n := 1
	p.expr(e)
	for p.take(",") {
		p.f.toNextRegister(e)
		p.expr(e)
		n++
	}
	return n
}

func (p *parser) stringExpr(e *expression, s string) { e.set(expConstant, p.f.stringConstant(s)) }

// field reads .name or :name.
func (p *parser) field(e *expression) {
	p.f.toAnyRegister(e)
	p.next()
	var key expression
	p.stringExpr(&key, p.name())
	p.f.indexed(e, &key)
}

// index reads [key].
func (p *parser) index(key *expression) {
	p.next()
	p.expr(key)
	p.f.toValue(key)
	p.expect("]")
}

func (p *parser) prefixExpr(e *expression) {
	switch line := p.line; p.cur.kind {
	case tokenName:
		p.variable(e)
	case "(":
		p.next()
		p.expr(e)
		p.expectMatch(")", "(", line)
		p.f.dischargeVars(e)
	default:
		p.failHere("unexpected symbol")
	}
}

func (p *parser) primary(e *expression) {
	f := p.f
	p.prefixExpr(e)
	for {
		switch p.cur.kind {
		case ".":
			p.field(e)
		case "[":
			f.toAnyRegister(e)
			var key expression
			p.index(&key)
			f.indexed(e, &key)
		case ":":
			p.next()
			var key expression
			p.stringExpr(&key, p.name())
			f.self(e, &key)
			p.call(e)
		case "(", "{", tokenString:
			f.toNextRegister(e)
			p.call(e)
		default:
			return
		}
	}
}

// call is funcargs: e is in the register before the arguments.
func (p *parser) call(e *expression) {
	f, line := p.f, p.line
	var args expression
	args.set(expVoid, 0)
	switch p.cur.kind {
	case "(":
		if line != p.lastLine {
			p.failHere("ambiguous syntax (function call x new statement)")
		}
		p.next()
		if p.cur.kind != ")" {
			p.exprList(&args)
			f.setReturns(&args, multRet)
		}
		p.expectMatch(")", "(", line)
	case "{":
		p.table(&args)
	case tokenString:
		p.stringExpr(&args, p.cur.text)
		p.next()
	default:
		p.failHere("function arguments expected")
	}
	base, n := e.info, multRet
	if !args.hasMultRet() {
		if args.kind != expVoid {
			f.toNextRegister(&args)
		}
		n = f.freeReg - (base + 1)
	}
	e.set(expCall, f.emitABC(opCall, base, n+1, 2))
	f.fixLine(line)
	f.freeReg = base + 1
}

// constructor is a table that is being written down.
type constructor struct {
	table   *expression
	item    expression // the last one, which is not in a register yet
	items   int
	fields  int
	pending int // items that are in registers
}

func (p *parser) table(e *expression) {
	f, line := p.f, p.line
	pc := f.emitABC(opNewTable, 0, 0, 0)
	c := constructor{table: e}
	e.set(expRelocatable, pc)
	c.item.set(expVoid, 0)
	f.toNextRegister(e)
	p.expect("{")
	for p.cur.kind != "}" {
		p.closeItem(&c)
		if p.cur.kind == "[" || p.cur.kind == tokenName && p.lookahead().kind == "=" {
			p.namedField(&c)
		} else {
			p.expr(&c.item)
			c.items++
			c.pending++
		}
		if !p.take(",") && !p.take(";") {
			break
		}
	}
	p.expectMatch("}", "{", line)
	p.lastItem(&c)
	f.proto.code[pc].setB(sizeByte(c.items))
	f.proto.code[pc].setC(sizeByte(c.fields))
}

func (p *parser) namedField(c *constructor) {
	f, register := p.f, p.f.freeReg
	var key, value expression
	if p.cur.kind == tokenName {
		p.stringExpr(&key, p.name())
	} else {
		p.index(&key)
	}
	c.fields++
	p.expect("=")
	rk := f.toRK(&key)
	p.expr(&value)
	f.emitABC(opSetTable, c.table.info, rk, f.toRK(&value))
	f.freeReg = register
}

func (p *parser) closeItem(c *constructor) {
	if c.item.kind == expVoid {
		return
	}
	p.f.toNextRegister(&c.item)
	c.item.kind = expVoid
	if c.pending == itemsPerFlush {
		p.f.setList(c.table.info, c.items, c.pending)
		c.pending = 0
	}
}

func (p *parser) lastItem(c *constructor) {
	if c.pending == 0 {
		return
	}
	if c.item.hasMultRet() {
		p.f.setReturns(&c.item, multRet)
		p.f.setList(c.table.info, c.items, multRet)
		c.items-- // nobody knows how many the last one is
		return
	}
	if c.item.kind != expVoid {
		p.f.toNextRegister(&c.item)
	}
	p.f.setList(c.table.info, c.items, c.pending)
}

func (p *parser) parameters() {
	f, n := p.f, 0
	for p.cur.kind != ")" {
		switch {
		case p.cur.kind == tokenName:
			f.declare(p.name())
			n++
		case p.take("..."):
			f.declare("arg")
			n++
			f.proto.vararg = varargHasArg | varargNeedsArg | varargIs
		default:
			p.failHere("<name> or '...' expected")
		}
		if f.proto.vararg != 0 || !p.take(",") {
			break
		}
		if p.cur.kind == ")" {
			p.failHere("<name> or '...' expected")
		}
	}
	f.beginScopes(n)
	f.proto.parameters = f.declared - int(f.proto.vararg&varargHasArg)
	f.reserve(f.declared)
}

// body is a function's parameters and statements.
func (p *parser) body(e *expression, method bool, line int) {
	p.open(line)
	p.expect("(")
	if method {
		p.f.declare("self")
		p.f.beginScopes(1)
	}
	p.parameters()
	p.expect(")")
	p.chunk()
	p.f.proto.lastLine = p.line
	p.expectMatch("end", "function", line)
	inner, f := p.close(), p.f
	f.proto.inner = append(f.proto.inner, inner.proto)
	e.set(expRelocatable, f.emitABx(opClosure, 0, len(f.proto.inner)-1))
	for _, u := range inner.upvalues {
		if u.local {
			f.emitABC(opMove, 0, u.index, 0)
		} else {
			f.emitABC(opGetUpval, 0, u.index, 0)
		}
	}
}

func (p *parser) simple(e *expression) {
	switch p.cur.kind {
	case tokenNumber:
		e.set(expNumber, 0)
		e.number = LNumber(p.cur.num)
	case tokenString:
		p.stringExpr(e, p.cur.text)
	case "nil":
		e.set(expNil, 0)
	case "true":
		e.set(expTrue, 0)
	case "false":
		e.set(expFalse, 0)
	case "...":
		if p.f.proto.vararg == 0 {
			p.failHere("cannot use '...' outside a vararg function")
		}
		p.f.proto.vararg &^= varargNeedsArg
		e.set(expVararg, p.f.emitABC(opVararg, 0, 1, 0))
	case "{":
		p.table(e)
		return
	case "function":
		p.next()
		p.body(e, false, p.line)
		return
	default:
		p.primary(e)
		return
	}
	p.next()
}

// priorities of the binary operators, left and right; they differ where one groups to the right.
var priorities = map[string][2]int{
	"+": {6, 6}, "-": {6, 6}, "*": {7, 7}, "/": {7, 7}, "%": {7, 7}, "^": {10, 9}, "..": {5, 4},
	"~=": {3, 3}, "==": {3, 3}, "<": {3, 3}, "<=": {3, 3}, ">": {3, 3}, ">=": {3, 3}, "and": {2, 2}, "or": {1, 1},
}

const unaryPriority = 8

func (p *parser) expr(e *expression) { p.operators(e, 0) }

// operators is subexpr: it reads operators whose priority is above limit.
func (p *parser) operators(e *expression, limit int) {
	p.enter()
	switch op := p.cur.kind; op {
	case "not", "-", "#":
		p.next()
		p.operators(e, unaryPriority)
		p.f.prefix(op, e)
	default:
		p.simple(e)
	}
	for {
		op := p.cur.kind
		priority, ok := priorities[op]
		if !ok || priority[0] <= limit {
			break
		}
		p.next()
		p.f.infix(op, e)
		var right expression
		p.operators(&right, priority[1])
		p.f.postfix(op, e, &right)
	}
	p.leave()
}
