package lualib

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// maxSource bounds what compiling can cost. Redis has no bound but that of a bulk string.
const maxSource = 4 << 20

// Code is a compiled script. It is immutable: any number of states may bind it at once.
type Code struct {
	proto *lua.FunctionProto // of the function that instrument puts around the script
}

// Compile parses a script; name is the chunk's name as errors show it ("user_script"). The error's
// text is what Redis shows after "Error compiling script (new function): ".
func Compile(source, name string) (*Code, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("%s:1: script is longer than %d bytes", name, maxSource)
	}
	main, kinds, err := parseChunk(source, name)
	if err != nil {
		return nil, err
	}
	n := &instrumenter{kinds: kinds}
	outer := n.instrument(main)
	proto, err := generate(outer, name)
	if err != nil {
		return nil, err
	}
	n.settle(proto)
	return &Code{proto: proto}, nil
}

// generate runs gopher-lua's code generator. What it can not do is a matter of size by now, and
// some of it it panics at.
func generate(fn *ast.FunctionExpr, name string) (proto *lua.FunctionProto, err error) {
	line := 1
	defer func() {
		if r := recover(); r != nil || err != nil {
			err = fmt.Errorf("%s:%d: function or expression too complex", name, line)
		}
	}()
	proto, err = lua.Compile([]ast.Stmt{at(&ast.ReturnStmt{Exprs: []ast.Expr{fn}}, 1, 1)}, name)
	if e, ok := err.(*lua.CompileError); ok && e.Line > 0 && e.Line < firstSite {
		line = e.Line
	}
	if err != nil {
		return nil, err
	}
	return proto.FunctionPrototypes[0], nil
}
