package lua

import (
	"fmt"
)

// The limits of luaconf.h and llimits.h.
const (
	maxSyntaxLevels = 200
	maxLocals       = 200
	maxUpvalues     = 60
	maxRegisters    = 250
)

// parser is lparser.c: it writes the code while it reads, without a tree.
type parser struct {
	*lexer
	f      *funcState
	levels int
}

// funcState is the function that is being compiled.
type funcState struct {
	p          *parser
	proto      *Proto
	parent     *funcState
	block      *blockState
	constants  map[any]int
	active     []int // local variables in scope, as indexes of proto.locals
	declared   int   // of these, those whose scope has begun
	upvalues   []upvalueOrigin
	lastTarget int // the last place that jumps come to
	jumpsHere  int // jumps that wait for the next instruction
	freeReg    int
}

// upvalueOrigin says where an upvalue is when its closure is made: in a register of the function around it, or among
// its upvalues.
type upvalueOrigin struct {
	local bool
	index int
}

type blockState struct {
	parent    *blockState
	breaks    int // the list of jumps out of this loop
	actives   int // local variables outside
	captured  bool
	breakable bool
}

// Compile parses a chunk; name is what error messages call it. The error's text is as Lua's load gives it.
func Compile(source, name string) (p *Proto, err error) {
	ps := &parser{lexer: newLexer(source, name)}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case syntaxError:
			p, err = nil, fmt.Errorf("%s", string(e))
		default:
			panic(e)
		}
	}()
	ps.open(0)
	ps.f.proto.vararg = varargIs
	ps.next()
	ps.chunk()
	if ps.cur.kind != tokenEOF {
		ps.failExpected(tokenEOF)
	}
	return ps.close().proto, nil
}

func (p *parser) open(line int) {
	p.f = &funcState{
		p: p, parent: p.f, constants: map[any]int{}, lastTarget: -1, jumpsHere: noJump,
		proto: &Proto{Source: p.lexer.chunk, line: line, registers: 2},
	}
}

func (p *parser) close() *funcState {
	f := p.f
	f.endScopes(0)
	f.ret(0, 0)
	p.f = f.parent
	return f
}

func (f *funcState) actives() int { return f.declared }

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

// expectMatch is check_match: it says who closes what was opened, and where.
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

// limit is luaY_checklimit.
func (f *funcState) limit(n, limit int, what string) {
	if n <= limit {
		return
	}
	if f.proto.line == 0 {
		f.p.fail(fmt.Sprintf("main function has more than %d %s", limit, what), "")
	}
	f.p.fail(fmt.Sprintf("function at line %d has more than %d %s", f.proto.line, limit, what), "")
}

// declare adds a local variable, whose scope does not begin yet.
func (f *funcState) declare(name string) {
	f.limit(len(f.active)+1, maxLocals, "local variables")
	f.active = append(f.active, len(f.proto.locals))
	f.proto.locals = append(f.proto.locals, localName{name: name})
}

// beginScopes is adjustlocalvars: the scope of the next n variables begins.
func (f *funcState) beginScopes(n int) {
	for range n {
		f.proto.locals[f.active[f.declared]].from = f.pc()
		f.declared++
	}
}

// endScopes is removevars.
func (f *funcState) endScopes(level int) {
	for f.declared > level {
		f.declared--
		f.proto.locals[f.active[f.declared]].to = f.pc()
	}
	f.active = f.active[:level]
}

func (f *funcState) findLocal(name string) int {
	for i := f.declared - 1; i >= 0; i-- {
		if f.proto.locals[f.active[i]].name == name {
			return i
		}
	}
	return -1
}

// resolve is singlevaraux; inner is true when a function inside of f asks.
func (f *funcState) resolve(name string, e *expression, inner bool) {
	if f == nil {
		e.set(expGlobal, noRegister)
		return
	}
	if i := f.findLocal(name); i >= 0 {
		e.set(expLocal, i)
		if inner {
			f.markCaptured(i)
		}
		return
	}
	f.parent.resolve(name, e, true)
	if e.kind != expGlobal {
		e.set(expUpvalue, f.upvalue(name, upvalueOrigin{e.kind == expLocal, e.info}))
	}
}

func (f *funcState) upvalue(name string, origin upvalueOrigin) int {
	for i, known := range f.upvalues {
		if known == origin {
			return i
		}
	}
	f.limit(len(f.upvalues)+1, maxUpvalues, "upvalues")
	f.upvalues = append(f.upvalues, origin)
	f.proto.upvalueName = append(f.proto.upvalueName, name)
	return len(f.upvalues) - 1
}

func (f *funcState) markCaptured(level int) {
	b := f.block
	for b != nil && b.actives > level {
		b = b.parent
	}
	if b != nil {
		b.captured = true
	}
}

func (p *parser) variable(e *expression) {
	name := p.name()
	p.f.resolve(name, e, false)
	if e.kind == expGlobal {
		e.info = p.f.stringConstant(name)
	}
}

func (f *funcState) enterBlock(breakable bool) *blockState {
	f.block = &blockState{parent: f.block, breaks: noJump, actives: f.declared, breakable: breakable}
	return f.block
}

func (f *funcState) leaveBlock() {
	b := f.block
	f.block = b.parent
	f.endScopes(b.actives)
	if b.captured {
		f.emitABC(opClose, b.actives, 0, 0)
	}
	f.freeReg = f.declared
	f.patchHere(b.breaks)
}

func (p *parser) blockFollows() bool {
	switch p.cur.kind {
	case "else", "elseif", "end", "until", tokenEOF:
		return true
	}
	return false
}

func (p *parser) chunk() {
	p.enter()
	for last := false; !last && !p.blockFollows(); {
		last = p.statement()
		p.take(";")
		p.f.freeReg = p.f.declared
	}
	p.leave()
}

func (p *parser) blockBody() {
	p.f.enterBlock(false)
	p.chunk()
	p.f.leaveBlock()
}
