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

func init() {
	// The parser makes arg itself, where a function uses it: gopher-lua would make it everywhere,
	// the main chunk included.
	lua.CompatVarArg = false
	// A write far beyond a table's end fills all that lies between, so it must not lie far.
	lua.MaxArrayIndex = maxArray
}
