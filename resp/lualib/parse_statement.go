package lualib

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

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
