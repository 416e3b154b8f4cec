package lualib

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// The limits of lparser.c and luaconf.h.
const (
	maxSyntaxLevels = 200
	maxLocals       = 200
	maxUpvalues     = 60
	// maxConstants is lower than Lua's 2^18: the compiler compares each new constant with all.
	maxConstants = 1 << 14
	// maxOperators bounds chains like 1+1+1..., which nest in the tree that the compiler walks.
	maxOperators = 4000
	// maxItems is how many positional items a table constructor's code can number.
	maxItems = 511 * 50
)

// function is what the parser knows of the function that it is in.
type function struct {
	parent    *function
	line      int
	vararg    bool
	usesDots  bool
	usesArg   bool
	actives   []string // local variables in scope, innermost last
	upvalues  map[string]bool
	constants map[any]bool
	loops     int // loops around the current statement
}

// parser follows lparser.c and builds gopher-lua's tree. It is our own because gopher-lua's takes
// Lua 5.2's goto, has no bound on nesting, and tells of errors in other words than Redis shows.
type parser struct {
	*lexer
	fn     *function
	levels int
	kinds  map[*ast.IdentExpr]string // "local", "upvalue" or "global", for error messages
}

// parseChunk returns the main function of a script.
func parseChunk(source, name string) (main *ast.FunctionExpr, kinds map[*ast.IdentExpr]string, err error) {
	p := &parser{lexer: newLexer(source, name), kinds: map[*ast.IdentExpr]string{}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case syntaxError:
			err = fmt.Errorf("%s", string(e))
		default:
			panic(e)
		}
	}()
	p.open(0, true)
	p.next()
	stmts := p.block()
	if p.cur.kind != tokenEOF {
		p.failExpected(tokenEOF)
	}
	main = &ast.FunctionExpr{ParList: &ast.ParList{HasVargs: true}, Stmts: stmts}
	main.SetLine(1)
	main.SetLastLine(p.line)
	return main, p.kinds, nil
}

func (p *parser) open(line int, vararg bool) {
	p.fn = &function{parent: p.fn, line: line, vararg: vararg, upvalues: map[string]bool{}, constants: map[any]bool{}}
}

func (p *parser) failExpected(kind string) { p.failHere("'" + kind + "' expected") }

func (p *parser) take(kind string) bool {
	if p.cur.kind == kind {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(kind string) {
	if !p.take(kind) {
		p.failExpected(kind)
	}
}

// expectMatch is check_match: who closes what was opened, and where.
func (p *parser) expectMatch(what, who string, line int) {
	if p.take(what) {
		return
	}
	if line == p.line {
		p.failExpected(what)
	}
	p.failHere(fmt.Sprintf("'%s' expected (to close '%s' at line %d)", what, who, line))
}

func (p *parser) name() string {
	if p.cur.kind != tokenName {
		p.failExpected(tokenName)
	}
	name := p.cur.text
	p.next()
	return name
}

func (p *parser) enter() {
	if p.levels++; p.levels > maxSyntaxLevels {
		p.fail("chunk has too many syntax levels", "")
	}
}

func (p *parser) leave() { p.levels-- }

// tooMany is errorlimit.
func (p *parser) tooMany(limit int, what string) {
	if p.fn.line == 0 {
		p.fail(fmt.Sprintf("main function has more than %d %s", limit, what), "")
	}
	p.fail(fmt.Sprintf("function at line %d has more than %d %s", p.fn.line, limit, what), "")
}

func (p *parser) declare(names ...string) {
	p.fn.actives = append(p.fn.actives, names...)
	if len(p.fn.actives) > maxLocals {
		p.tooMany(maxLocals, "local variables")
	}
}

func (p *parser) constant(v any) {
	p.fn.constants[v] = true
	if len(p.fn.constants) > maxConstants {
		p.fail("constant table overflow", "")
	}
}

// resolve says what a name is here, and notes it in the functions that it passes through.
func (p *parser) resolve(name string) string {
	for f := p.fn; f != nil; f = f.parent {
		for i := len(f.actives) - 1; i >= 0; i-- {
			if f.actives[i] != name {
				continue
			}
			if f == p.fn {
				return "local"
			}
			for g := p.fn; g != f; g = g.parent {
				g.upvalues[name] = true
				if len(g.upvalues) > maxUpvalues {
					p.tooMany(maxUpvalues, "upvalues")
				}
			}
			return "upvalue"
		}
		if name == "arg" && f.vararg && f.parent != nil {
			f.usesArg = true
			f.actives = append([]string{"arg"}, f.actives...)
			return p.resolve(name)
		}
	}
	p.constant(name)
	return "global"
}

func (p *parser) ident(name string) *ast.IdentExpr {
	e := &ast.IdentExpr{Value: name}
	e.SetLine(p.lastLine)
	p.kinds[e] = p.resolve(name)
	return e
}

func (p *parser) str(s string) *ast.StringExpr {
	p.constant(s)
	e := &ast.StringExpr{Value: s}
	e.SetLine(p.lastLine)
	return e
}

func (p *parser) number(f float64) *ast.NumberExpr {
	p.constant(f)
	e := numberExpr(f)
	e.SetLine(p.lastLine)
	return e
}

// numberExpr writes a number so that gopher-lua's compiler reads exactly that number again.
func numberExpr(f float64) *ast.NumberExpr {
	return &ast.NumberExpr{Value: fmt.Sprintf("%.17e", f)}
}

// scoped runs f in a scope of its own.
func (p *parser) scoped(f func() []ast.Stmt) []ast.Stmt {
	depth := len(p.fn.actives)
	hadArg := p.fn.usesArg
	stmts := f()
	if p.fn.usesArg && !hadArg {
		depth++ // resolve put arg before the others
	}
	p.fn.actives = p.fn.actives[:depth]
	return stmts
}

func (p *parser) blockFollows() bool {
	switch p.cur.kind {
	case "else", "elseif", "end", "until", tokenEOF:
		return true
	}
	return false
}

func (p *parser) block() []ast.Stmt { return p.scoped(p.chunk) }

// chunk is block's inside: the caller closes the scope (repeat needs it open for its condition).
func (p *parser) chunk() []ast.Stmt {
	p.enter()
	defer p.leave()
	stmts := []ast.Stmt{}
	for last := false; !last && !p.blockFollows(); {
		var s ast.Stmt
		s, last = p.statement()
		stmts = append(stmts, s)
		p.take(";")
	}
	return stmts
}

// at gives a statement its lines.
func at[S ast.Stmt](s S, line, last int) S {
	s.SetLine(line)
	s.SetLastLine(last)
	return s
}

func (p *parser) statement() (s ast.Stmt, last bool) {
	line := p.line
	switch p.cur.kind {
	case "if":
		return p.ifStatement(line), false
	case "while":
		p.next()
		cond := p.expr()
		p.expect("do")
		body := p.loopBody()
		p.expectMatch("end", "while", line)
		return at(&ast.WhileStmt{Condition: cond, Stmts: body}, line, p.lastLine), false
	case "do":
		p.next()
		body := p.block()
		p.expectMatch("end", "do", line)
		return at(&ast.DoBlockStmt{Stmts: body}, line, p.lastLine), false
	case "for":
		return p.forStatement(line), false
	case "repeat":
		return p.repeatStatement(line), false
	case "function":
		return p.functionStatement(line), false
	case "local":
		p.next()
		if p.take("function") {
			name := p.name()
			p.declare(name)
			fn := p.body(line, false)
			return at(&ast.LocalAssignStmt{Names: []string{name}, Exprs: []ast.Expr{fn}}, line, p.lastLine), false
		}
		return p.localStatement(line), false
	case "return":
		p.next()
		var exprs []ast.Expr
		if !p.blockFollows() && p.cur.kind != ";" {
			exprs = p.exprList()
		}
		return at(&ast.ReturnStmt{Exprs: exprs}, line, p.lastLine), true
	case "break":
		p.next()
		if p.fn.loops == 0 {
			p.failHere("no loop to break")
		}
		return at(&ast.BreakStmt{}, line, line), true
	}
	return p.exprStatement(line), false
}

func (p *parser) ifStatement(line int) ast.Stmt {
	p.next()
	first := p.ifClause(line)
	for cur := first; ; {
		clause := p.line
		switch {
		case p.take("elseif"):
			next := p.ifClause(clause)
			cur.Else = []ast.Stmt{next}
			cur = next
			p.enter() // each elseif nests in the tree; the statement's levels end with it
			defer p.leave()
			continue
		case p.take("else"):
			cur.Else = p.block()
		}
		p.expectMatch("end", "if", line)
		return at(first, line, p.lastLine)
	}
}

func (p *parser) ifClause(line int) *ast.IfStmt {
	cond := p.expr()
	p.expect("then")
	return at(&ast.IfStmt{Condition: cond, Then: p.block()}, line, p.lastLine)
}

func (p *parser) loopBody() []ast.Stmt {
	p.fn.loops++
	defer func() { p.fn.loops-- }()
	return p.block()
}

func (p *parser) repeatStatement(line int) ast.Stmt {
	p.next()
	var cond ast.Expr
	body := p.scoped(func() []ast.Stmt {
		p.fn.loops++
		stmts := p.chunk()
		p.fn.loops--
		p.expectMatch("until", "repeat", line)
		cond = p.expr()
		return stmts
	})
	return at(&ast.RepeatStmt{Condition: cond, Stmts: body}, line, p.lastLine)
}

func (p *parser) forStatement(line int) ast.Stmt {
	p.next()
	first := p.name()
	var s ast.Stmt
	p.scoped(func() []ast.Stmt {
		switch p.cur.kind {
		case "=":
			s = p.numberFor(line, first)
		case ",", "in":
			s = p.genericFor(line, first)
		default:
			p.failHere("'=' or 'in' expected")
		}
		return nil
	})
	return s
}

func (p *parser) numberFor(line int, name string) ast.Stmt {
	p.next()
	f := &ast.NumberForStmt{Name: name}
	f.Init = p.expr()
	p.expect(",")
	f.Limit = p.expr()
	if p.take(",") {
		f.Step = p.expr()
	}
	p.declare("(for index)", "(for limit)", "(for step)")
	p.expect("do")
	p.declare(name)
	f.Stmts = p.loopBody()
	p.expectMatch("end", "for", line)
	return at(f, line, p.lastLine)
}

func (p *parser) genericFor(line int, name string) ast.Stmt {
	names := []string{name}
	for p.take(",") {
		names = append(names, p.name())
	}
	p.expect("in")
	exprs := p.exprList()
	p.declare("(for generator)", "(for state)", "(for control)")
	p.expect("do")
	p.declare(names...)
	body := p.loopBody()
	p.expectMatch("end", "for", line)
	return at(&ast.GenericForStmt{Names: names, Exprs: exprs, Stmts: body}, line, p.lastLine)
}

func (p *parser) functionStatement(line int) ast.Stmt {
	p.next()
	var target ast.Expr = p.ident(p.name())
	method := false
	for !method && (p.cur.kind == "." || p.cur.kind == ":") {
		method = p.cur.kind == ":"
		p.next()
		target = p.field(target, p.str(p.name()))
	}
	fn := p.body(line, method)
	target.SetLine(line)
	return at(&ast.AssignStmt{Lhs: []ast.Expr{target}, Rhs: []ast.Expr{fn}}, line, p.lastLine)
}

func (p *parser) localStatement(line int) ast.Stmt {
	names := []string{p.name()}
	for p.take(",") {
		names = append(names, p.name())
	}
	exprs := []ast.Expr{}
	if p.take("=") {
		exprs = p.exprList()
	}
	if len(exprs) == 1 {
		if _, ok := exprs[0].(*ast.FunctionExpr); ok {
			// Alone, a function would see its own variable: gopher-lua takes it for a local function.
			exprs = append(exprs, &ast.NilExpr{})
		}
	}
	p.declare(names...)
	return at(&ast.LocalAssignStmt{Names: names, Exprs: exprs}, line, p.lastLine)
}

func (p *parser) exprStatement(line int) ast.Stmt {
	e, assignable := p.primary()
	if call, ok := e.(*ast.FuncCallExpr); ok && !call.AdjustRet {
		return at(&ast.FuncCallStmt{Expr: call}, line, p.lastLine)
	}
	lhs := []ast.Expr{e}
	for {
		if !assignable {
			p.failHere("syntax error")
		}
		if !p.take(",") {
			break
		}
		e, assignable = p.primary()
		lhs = append(lhs, e)
		if len(lhs) > maxSyntaxLevels-p.levels {
			p.fail(fmt.Sprintf("function at line %d has more than %d variables in assignment", p.fn.line, maxSyntaxLevels-p.levels), "")
		}
	}
	p.expect("=")
	rhs := p.exprList()
	for _, e := range lhs {
		e.SetLine(p.lastLine)
	}
	return at(&ast.AssignStmt{Lhs: lhs, Rhs: rhs}, line, p.lastLine)
}

func (p *parser) exprList() []ast.Expr {
	list := []ast.Expr{p.expr()}
	for p.take(",") {
		list = append(list, p.expr())
	}
	return list
}

func (p *parser) field(object, key ast.Expr) ast.Expr {
	e := &ast.AttrGetExpr{Object: object, Key: key}
	e.SetLine(p.lastLine)
	return e
}

// primary is primaryexp; assignable is false for a call and for what stands in parentheses.
func (p *parser) primary() (e ast.Expr, assignable bool) {
	switch line := p.line; p.cur.kind {
	case tokenName:
		e, assignable = p.ident(p.name()), true
	case "(":
		p.next()
		e = p.expr()
		p.expectMatch(")", "(", line)
		switch inner := e.(type) {
		case *ast.FuncCallExpr:
			inner.AdjustRet = true
		case *ast.Comma3Expr:
			inner.AdjustRet = true
		}
	default:
		p.failHere("unexpected symbol")
	}
	for links := 0; ; links++ {
		if links > maxOperators {
			p.fail("function or expression too complex", p.cur.shown())
		}
		switch p.cur.kind {
		case ".":
			p.next()
			e, assignable = p.field(e, p.str(p.name())), true
		case "[":
			p.next()
			key := p.expr()
			p.expect("]")
			e, assignable = p.field(e, key), true
		case ":":
			p.next()
			method := p.name()
			p.constant(method)
			e, assignable = p.call(e, method), false
		case "(", "{", tokenString:
			e, assignable = p.call(e, ""), false
		default:
			return e, assignable
		}
	}
}

// call is funcargs.
func (p *parser) call(fn ast.Expr, method string) ast.Expr {
	line := p.line
	c := &ast.FuncCallExpr{}
	switch p.cur.kind {
	case "(":
		if line != p.lastLine {
			p.failHere("ambiguous syntax (function call x new statement)")
		}
		p.next()
		if p.cur.kind != ")" {
			c.Args = p.exprList()
		}
		p.expectMatch(")", "(", line)
	case "{":
		c.Args = []ast.Expr{p.table()}
	case tokenString:
		text := p.cur.text
		p.next()
		c.Args = []ast.Expr{p.str(text)}
	default:
		p.failHere("function arguments expected")
	}
	if method != "" {
		c.Receiver, c.Method = fn, method
	} else {
		c.Func = fn
	}
	c.SetLine(line)
	return c
}

func (p *parser) table() ast.Expr {
	line := p.line
	t := &ast.TableExpr{Fields: []*ast.Field{}}
	items := 0
	p.expect("{")
	for p.cur.kind != "}" {
		f := &ast.Field{}
		switch {
		case p.cur.kind == tokenName && p.lookahead().kind == "=":
			f.Key = p.str(p.name())
			p.next()
		case p.take("["):
			f.Key = p.expr()
			p.expect("]")
			p.expect("=")
		default:
			if items++; items > maxItems {
				p.fail(fmt.Sprintf("function or expression too complex: a table of more than %d items", maxItems), "")
			}
		}
		f.Value = p.expr()
		t.Fields = append(t.Fields, f)
		if !p.take(",") && !p.take(";") {
			break
		}
	}
	p.expectMatch("}", "{", line)
	t.SetLine(line)
	return t
}

// body is a function's parameters and statements.
func (p *parser) body(line int, method bool) ast.Expr {
	p.open(line, false)
	params := &ast.ParList{}
	if method {
		params.Names = append(params.Names, "self")
	}
	p.expect("(")
	for p.cur.kind != ")" {
		if p.take("...") {
			params.HasVargs, p.fn.vararg = true, true
			break
		}
		if p.cur.kind != tokenName {
			p.failHere("<name> or '...' expected")
		}
		params.Names = append(params.Names, p.name())
		if !p.take(",") {
			break
		}
		if p.cur.kind == ")" {
			p.failHere("<name> or '...' expected")
		}
	}
	p.declare(params.Names...)
	p.expect(")")
	stmts := p.chunk()
	last := p.line
	p.expectMatch("end", "function", line)
	f := &ast.FunctionExpr{ParList: params, Stmts: stmts}
	if p.fn.usesArg {
		f.Stmts = append([]ast.Stmt{argStatement(p.fn.usesDots, line)}, stmts...)
	}
	f.SetLine(line)
	f.SetLastLine(last)
	p.fn = p.fn.parent
	return f
}

// argStatement declares Lua 5.0's arg, which 5.1 still has in functions that do not use "...".
func argStatement(usesDots bool, line int) ast.Stmt {
	s := &ast.LocalAssignStmt{Names: []string{"arg"}, Exprs: []ast.Expr{&ast.NilExpr{}}}
	if !usesDots {
		s.Exprs[0] = hiddenCall(hiddenArg, line, &ast.Comma3Expr{})
	}
	return at(s, line, line)
}

// simple is simpleexp.
func (p *parser) simple() ast.Expr {
	var e ast.Expr
	switch p.cur.kind {
	case tokenNumber:
		e = p.number(p.cur.num)
	case tokenString:
		e = p.str(p.cur.text)
	case "nil":
		e = &ast.NilExpr{}
	case "true":
		e = &ast.TrueExpr{}
	case "false":
		e = &ast.FalseExpr{}
	case "...":
		if !p.fn.vararg {
			p.failHere("cannot use '...' outside a vararg function")
		}
		p.fn.usesDots = true
		e = &ast.Comma3Expr{}
	case "{":
		return p.table()
	case "function":
		line := p.line
		p.next()
		return p.body(line, false)
	default:
		e, _ := p.primary()
		return e
	}
	p.next()
	e.SetLine(p.lastLine)
	return e
}

// priorities of the binary operators, left and right; they differ where one groups to the right.
var priorities = map[string][2]int{
	"+": {6, 6}, "-": {6, 6}, "*": {7, 7}, "/": {7, 7}, "%": {7, 7}, "^": {10, 9}, "..": {5, 4},
	"~=": {3, 3}, "==": {3, 3}, "<": {3, 3}, "<=": {3, 3}, ">": {3, 3}, ">=": {3, 3}, "and": {2, 2}, "or": {1, 1},
}

const unaryPriority = 8

func (p *parser) expr() ast.Expr { return p.operators(0) }

// operators is subexpr: it reads operators whose priority is above limit.
func (p *parser) operators(limit int) ast.Expr {
	p.enter()
	defer p.leave()
	var left ast.Expr
	switch op := p.cur.kind; op {
	case "not", "-", "#":
		p.next()
		left = unaryExpr(op, p.operators(unaryPriority))
		left.SetLine(p.lastLine)
	default:
		left = p.simple()
	}
	for chain := 0; ; chain++ {
		op := p.cur.kind
		priority, ok := priorities[op]
		if !ok || priority[0] <= limit {
			return left
		}
		if chain > maxOperators {
			p.fail("function or expression too complex", op)
		}
		p.next()
		left = binaryExpr(op, left, p.operators(priority[1]))
		left.SetLine(p.lastLine)
	}
}

func unaryExpr(op string, operand ast.Expr) ast.Expr {
	switch op {
	case "not":
		return &ast.UnaryNotOpExpr{Expr: operand}
	case "#":
		return &ast.UnaryLenOpExpr{Expr: operand}
	}
	if n, ok := operand.(*ast.NumberExpr); ok {
		if f, _ := parseNumber(n.Value); f != 0 { // -0 stays an operation: as a constant it would be 0
			return numberExpr(-f)
		}
	}
	return &ast.UnaryMinusOpExpr{Expr: operand}
}

func binaryExpr(op string, left, right ast.Expr) ast.Expr {
	switch op {
	case "and", "or":
		return &ast.LogicalOpExpr{Operator: op, Lhs: left, Rhs: right}
	case "..":
		return &ast.StringConcatOpExpr{Lhs: left, Rhs: right}
	case "+", "-", "*", "/", "%", "^":
		return &ast.ArithmeticOpExpr{Operator: op, Lhs: left, Rhs: right}
	}
	return &ast.RelationalOpExpr{Operator: op, Lhs: left, Rhs: right}
}

func init() {
	// The parser makes arg itself, where a function uses it: gopher-lua would make it everywhere,
	// the main chunk included.
	lua.CompatVarArg = false
	// A write far beyond a table's end fills all that lies between, so it must not lie far.
	lua.MaxArrayIndex = maxArray
}
