package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// Code is a compiled script. It is immutable: any number of states may bind it at once.
type Code struct {
	proto *lua.FunctionProto
}

// Compile parses a script; name is the chunk's name as errors show it ("user_script"). The error's
// text is what Redis shows after "Error compiling script (new function): ".
func Compile(source, name string) (*Code, error) {
	chunk, err := parse.Parse(strings.NewReader(source), name)
	if err != nil {
		return nil, err
	}
	proto, err := lua.Compile(chunk, name)
	if err != nil {
		return nil, err
	}
	return &Code{proto: proto}, nil
}
