package lualib

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

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
