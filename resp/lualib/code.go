package lualib

import (
	"fmt"

	"diskette/resp/lua"
)

// maxSource bounds what compiling can cost. Redis has no bound but that of a bulk string.
const maxSource = 4 << 20

// Code is a compiled script. It is immutable: any number of states may bind it at once.
type Code struct{ proto *lua.Proto }

// Compile parses a script; name is the chunk's name as errors show it ("user_script"). The error's
// text is what Redis shows after "Error compiling script (new function): ".
func Compile(source, name string) (*Code, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("%s:1: script is longer than %d bytes", name, maxSource)
	}
	proto, err := lua.Compile(source, name)
	if err != nil {
		return nil, err
	}
	return &Code{proto}, nil
}
