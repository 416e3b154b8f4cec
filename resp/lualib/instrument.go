package lualib

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// The names that instrumented code calls. No script can spell them: they are parameters of a
// function around the main chunk, so using one costs an upvalue, not a look-up.
const (
	hiddenTick   = "(tick)"   // at the head of each loop's and function's body
	hiddenConcat = "(concat)" // for each chain of ..
	hiddenSet    = "(set)"    // for t[k] = v, unless k is surely no far index
	hiddenKey    = "(key)"    // for {[k] = v}, likewise
	hiddenGlobal = "(global)" // for the assignment to a global variable, which is an error
	hiddenNumber = "(number)" // for the bounds of a numeric for that are not surely numbers
	hiddenArg    = "(arg)"    // makes Lua 5.0's arg
)

var hiddenNames = []string{hiddenTick, hiddenConcat, hiddenSet, hiddenKey, hiddenGlobal, hiddenNumber, hiddenArg}

// maxConcat is how many operands one call of hiddenConcat takes; longer chains nest.
const maxConcat = 50

// nearIndex is an index so low that filling a table up to it costs next to nothing.
const nearIndex = 64

// site is a place in the source where an operation may fail: its line, and the names of the
// values that may be to blame ("local 'x'"), by role.
type site struct {
	line  int
	names map[int]string
}

// The roles of values at a site.
const (
	roleCallee  = iota
	roleObject  // what is indexed, or the left operand
	roleRight   // the right operand
	roleOperand // and those that follow: operands of hiddenConcat
)

// firstSite is where the numbers begin that stand for sites in the tree's line numbers. The
// compiler copies them to its instructions, which is how an instruction knows its site.
const firstSite = 1 << 30

type instrumenter struct {
	kinds map[*ast.IdentExpr]string
	sites []site
}

// instrument changes the tree in place and returns a function that takes what hiddenNames stand
// for and returns the script.
func (n *instrumenter) instrument(main *ast.FunctionExpr) *ast.FunctionExpr {
	main.Stmts = n.block(main.Stmts)
	outer := &ast.FunctionExpr{ParList: &ast.ParList{Names: hiddenNames}}
	outer.Stmts = []ast.Stmt{at(&ast.ReturnStmt{Exprs: []ast.Expr{main}}, 1, 1)}
	return outer
}

func hiddenCall(name string, line int, args ...ast.Expr) *ast.FuncCallExpr {
	fn := &ast.IdentExpr{Value: name}
	fn.SetLine(line)
	c := &ast.FuncCallExpr{Func: fn, Args: args}
	c.SetLine(line)
	return c
}

// mark makes node a site.
func (n *instrumenter) mark(node ast.PositionHolder, names map[int]string) {
	line := node.Line()
	for role, name := range names {
		if name == "" {
			delete(names, role)
		}
	}
	if len(names) > 0 {
		node.SetLine(firstSite + len(n.sites))
		n.sites = append(n.sites, site{line: line, names: names})
	}
}

// line undoes mark for those who need the number itself.
func (n *instrumenter) line(node ast.PositionHolder) int {
	if line := node.Line(); line >= firstSite {
		return n.sites[line-firstSite].line
	}
	return node.Line()
}

// named is getobjname: what an error message calls the value of e, or "".
func (n *instrumenter) named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if kind := n.kinds[e]; kind != "" {
			return kind + " '" + e.Value + "'"
		}
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			return "field '" + key.Value + "'"
		}
		return "field '?'"
	}
	return ""
}

func (n *instrumenter) block(stmts []ast.Stmt) []ast.Stmt {
	for i, s := range stmts {
		stmts[i] = n.stmt(s)
	}
	return stmts
}

// ticking is a body with a tick at its head.
func (n *instrumenter) ticking(stmts []ast.Stmt, line int) []ast.Stmt {
	tick := at(&ast.FuncCallStmt{Expr: hiddenCall(hiddenTick, line)}, line, line)
	return append([]ast.Stmt{tick}, n.block(stmts)...)
}

func (n *instrumenter) stmt(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return n.assign(s)
	case *ast.LocalAssignStmt:
		n.exprs(s.Exprs)
	case *ast.FuncCallStmt:
		s.Expr = n.expr(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = n.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = n.expr(s.Condition)
		s.Stmts = n.ticking(s.Stmts, s.Line())
	case *ast.RepeatStmt:
		s.Stmts = n.ticking(s.Stmts, s.Line())
		s.Condition = n.expr(s.Condition)
	case *ast.IfStmt:
		s.Condition = n.expr(s.Condition)
		s.Then, s.Else = n.block(s.Then), n.block(s.Else)
	case *ast.NumberForStmt:
		s.Init = n.bound(s.Init, "'for' initial value must be a number")
		s.Limit = n.bound(s.Limit, "'for' limit must be a number")
		if s.Step != nil {
			s.Step = n.bound(s.Step, "'for' step must be a number")
		}
		s.Stmts = n.ticking(s.Stmts, s.Line())
	case *ast.GenericForStmt:
		n.exprs(s.Exprs)
		s.Stmts = n.ticking(s.Stmts, s.Line())
	case *ast.ReturnStmt:
		n.exprs(s.Exprs)
	}
	return s
}

// bound is a bound of a numeric for, which may be a string that looks like a number.
func (n *instrumenter) bound(e ast.Expr, otherwise string) ast.Expr {
	e = n.expr(e)
	switch e.(type) {
	case *ast.NumberExpr, *ast.UnaryLenOpExpr:
		return e
	}
	text := &ast.StringExpr{Value: otherwise}
	text.SetLine(n.line(e))
	return hiddenCall(hiddenNumber, n.line(e), e, text)
}

// guarded reports whether a write to e must go through a hidden function.
func (n *instrumenter) guarded(e ast.Expr) bool {
	target, ok := e.(*ast.AttrGetExpr)
	if !ok {
		id, ok := e.(*ast.IdentExpr)
		return ok && n.kinds[id] == "global"
	}
	switch key := target.Key.(type) {
	case *ast.StringExpr, *ast.TrueExpr, *ast.FalseExpr:
		return false
	case *ast.NumberExpr:
		f, _ := parseNumber(key.Value)
		return f > nearIndex
	case *ast.ArithmeticOpExpr: // t[#t+1] = v
		length, ok1 := key.Lhs.(*ast.UnaryLenOpExpr)
		one, ok2 := key.Rhs.(*ast.NumberExpr)
		if !ok1 || !ok2 || key.Operator != "+" {
			return true
		}
		f, _ := parseNumber(one.Value)
		of, ok1 := length.Expr.(*ast.IdentExpr)
		table, ok2 := target.Object.(*ast.IdentExpr)
		return !ok1 || !ok2 || of.Value != table.Value || f != 1
	}
	return true
}

func (n *instrumenter) assign(s *ast.AssignStmt) ast.Stmt {
	anyGuarded := false
	for i, e := range s.Lhs {
		anyGuarded = anyGuarded || n.guarded(e)
		s.Lhs[i] = n.expr(e)
	}
	n.exprs(s.Rhs)
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		if !anyGuarded {
			return s
		}
		value := s.Rhs[0]
		switch v := value.(type) { // the last argument of a call would bring all its values
		case *ast.FuncCallExpr:
			v.AdjustRet = true
		case *ast.Comma3Expr:
			v.AdjustRet = true
		}
		if target, ok := s.Lhs[0].(*ast.AttrGetExpr); ok {
			return n.set(target, target.Object, target.Key, value)
		}
		return n.setGlobal(s.Line(), value)
	}
	return n.assignMany(s)
}

func (n *instrumenter) set(target *ast.AttrGetExpr, object, key, value ast.Expr) ast.Stmt {
	line := n.line(target)
	call := hiddenCall(hiddenSet, line, object, key, value)
	n.mark(call, map[int]string{roleObject: n.named(target.Object)})
	return at(&ast.FuncCallStmt{Expr: call}, line, line)
}

func (n *instrumenter) setGlobal(line int, value ast.Expr) ast.Stmt {
	return at(&ast.FuncCallStmt{Expr: hiddenCall(hiddenGlobal, line, value)}, line, line)
}

// assignMany takes a, t[k] = x, y apart: all expressions first, then the writes from right to left. gopher-lua would write
// to a local variable before it comes to the next expression: a, b = max(a, b), min(a, b).
func (n *instrumenter) assignMany(s *ast.AssignStmt) ast.Stmt {
	line := s.Line()
	var names []string
	var exprs []ast.Expr
	temp := func(e ast.Expr) *ast.IdentExpr {
		name := "(" + string(rune('0'+len(names))) + ")"
		names = append(names, name)
		if e != nil {
			exprs = append(exprs, e)
		}
		id := &ast.IdentExpr{Value: name}
		id.SetLine(line)
		return id
	}
	type target struct{ object, key *ast.IdentExpr }
	targets := make([]target, len(s.Lhs))
	for i, e := range s.Lhs {
		if e, ok := e.(*ast.AttrGetExpr); ok {
			targets[i] = target{object: temp(e.Object), key: temp(e.Key)}
		}
	}
	values := make([]*ast.IdentExpr, len(s.Lhs))
	for i := range s.Lhs {
		values[i] = temp(nil)
	}
	exprs = append(exprs, s.Rhs...)
	stmts := []ast.Stmt{at(&ast.LocalAssignStmt{Names: names, Exprs: exprs}, line, line)}
	for i := len(s.Lhs) - 1; i >= 0; i-- {
		if e, ok := s.Lhs[i].(*ast.AttrGetExpr); ok {
			stmts = append(stmts, n.set(e, targets[i].object, targets[i].key, values[i]))
			continue
		}
		if n.kinds[s.Lhs[i].(*ast.IdentExpr)] == "global" {
			stmts = append(stmts, n.setGlobal(line, values[i]))
			continue
		}
		stmts = append(stmts, at(&ast.AssignStmt{Lhs: s.Lhs[i : i+1], Rhs: []ast.Expr{values[i]}}, line, line))
	}
	return at(&ast.DoBlockStmt{Stmts: stmts}, line, line)
}

func (n *instrumenter) exprs(list []ast.Expr) {
	for i, e := range list {
		list[i] = n.expr(e)
	}
}

func (n *instrumenter) expr(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.AttrGetExpr:
		e.Object, e.Key = n.expr(e.Object), n.expr(e.Key)
		n.mark(e, map[int]string{roleObject: n.named(e.Object)})
	case *ast.TableExpr:
		for _, f := range e.Fields {
			n.tableField(f, e.Line())
		}
	case *ast.FuncCallExpr:
		names := map[int]string{}
		if e.Func != nil {
			e.Func = n.expr(e.Func)
			names[roleCallee] = n.named(e.Func)
		} else {
			e.Receiver = n.expr(e.Receiver)
			names[roleCallee] = "method '" + e.Method + "'"
			names[roleObject] = n.named(e.Receiver)
		}
		n.exprs(e.Args)
		n.mark(e, names)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = n.expr(e.Lhs), n.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = n.expr(e.Lhs), n.expr(e.Rhs)
	case *ast.StringConcatOpExpr:
		return n.concat(e)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = n.expr(e.Lhs), n.expr(e.Rhs)
		n.mark(e, map[int]string{roleObject: n.named(e.Lhs), roleRight: n.named(e.Rhs)})
	case *ast.UnaryMinusOpExpr:
		e.Expr = n.expr(e.Expr)
		n.mark(e, map[int]string{roleObject: n.named(e.Expr)})
	case *ast.UnaryNotOpExpr:
		e.Expr = n.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = n.expr(e.Expr)
		n.mark(e, map[int]string{roleObject: n.named(e.Expr)})
	case *ast.FunctionExpr:
		e.Stmts = n.ticking(e.Stmts, e.Line())
	}
	return e
}

// tableField also keeps a constructor's computed keys near: {[1e6] = x} fills as t[1e6] = x does.
func (n *instrumenter) tableField(f *ast.Field, line int) {
	f.Value = n.expr(f.Value)
	if f.Key == nil {
		return
	}
	f.Key = n.expr(f.Key)
	switch key := f.Key.(type) {
	case *ast.StringExpr:
	case *ast.NumberExpr:
		if v, _ := parseNumber(key.Value); v > nearIndex {
			f.Key = hiddenCall(hiddenKey, line, key)
		}
	default:
		f.Key = hiddenCall(hiddenKey, line, f.Key)
	}
}

// concat flattens a chain, as the virtual machine of C Lua does with its operands.
func (n *instrumenter) concat(e *ast.StringConcatOpExpr) ast.Expr {
	var args []ast.Expr
	for {
		args = append(args, n.single(e.Lhs))
		right, ok := e.Rhs.(*ast.StringConcatOpExpr)
		if !ok {
			args = append(args, n.single(e.Rhs))
			break
		}
		if len(args) == maxConcat {
			args = append(args, n.concat(right))
			break
		}
		e = right
	}
	call := hiddenCall(hiddenConcat, e.Line(), args...)
	call.AdjustRet = true
	names := map[int]string{}
	for i, arg := range args {
		names[roleOperand+i] = n.named(arg)
	}
	n.mark(call, names)
	return call
}

// single is e as one value.
func (n *instrumenter) single(e ast.Expr) ast.Expr {
	e = n.expr(e)
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
	return e
}

// settle puts the lines of the source back into the instructions, and the names of their sites
// where the debug information has its local variables, which nothing here uses.
func (n *instrumenter) settle(proto *lua.FunctionProto) {
	proto.DbgLocals = nil
	for pc, line := range proto.DbgSourcePositions {
		if line < firstSite {
			continue
		}
		s := n.sites[line-firstSite]
		proto.DbgSourcePositions[pc] = s.line
		switch int(proto.Code[pc] >> 26) {
		case lua.OP_MOVE, lua.OP_LOADK, lua.OP_JMP, lua.OP_RETURN, lua.OP_MOVEN:
			continue // cannot fail
		}
		for role, name := range s.names {
			proto.DbgLocals = append(proto.DbgLocals, &lua.DbgLocalInfo{Name: name, StartPc: pc, EndPc: role})
		}
	}
	for _, inner := range proto.FunctionPrototypes {
		n.settle(inner)
	}
}

// nameAt finds what settle has left for an instruction.
func nameAt(proto *lua.FunctionProto, pc, role int) string {
	for _, info := range proto.DbgLocals {
		if info.StartPc == pc && info.EndPc == role {
			return info.Name
		}
	}
	return ""
}
