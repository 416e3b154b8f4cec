package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// blaming is varinfo and luaG_typeerror: what is wrong with whom.
func blaming(do, name, typ string) string {
	if name == "" {
		return "attempt to " + do + " a " + typ + " value"
	}
	return "attempt to " + do + " " + name + " (a " + typ + " value)"
}

// inLuasWords gives an error that gopher-lua's virtual machine raises in the running function the
// text that C Lua's would have. Values other than its messages come back as they are.
func (s *State) inLuasWords(L *lua.LState, v lua.LValue) lua.LValue {
	text, ok := v.(lua.LString)
	f := *currentFrame(L)
	if !ok || f == nil || f.Fn.IsG || f.Pc < 1 {
		return v
	}
	place := s.where(L, 0)
	message, ok := strings.CutPrefix(string(text), place)
	if !ok {
		return v
	}
	if words := luasWords(L, f, message); words != "" {
		return lua.LString(place + words)
	}
	return v
}

// luasWords is "" for what is no message of the virtual machine.
func luasWords(L *lua.LState, f *frame, message string) string {
	pc := f.Pc - 1
	name := func(role int) string { return nameAt(f.Fn.Proto, pc, role) }
	typeOf := func(register int) string {
		if at := f.LocalBase + register; at < len(registryOf(L).array) {
			if v := registryOf(L).array[at]; v != nil {
				return v.Type().String()
			}
		}
		return "nil"
	}
	operand := func(n uint32) string { // of B or C: above 255 it is a constant
		if n&256 != 0 {
			return f.Fn.Proto.Constants[n&255].Type().String()
		}
		return typeOf(int(n))
	}
	inst := f.Fn.Proto.Code[pc]
	switch {
	case message == "attempt to call a non-function object":
		if int(inst>>26) == lua.OP_TFORLOOP {
			return blaming("call", "", typeOf(int(inst>>18)&0xff))
		}
		return blaming("call", name(roleCallee), typeOf(int(inst>>18)&0xff))
	case strings.HasPrefix(message, "attempt to index a non-table object("):
		typ, _, _ := strings.Cut(strings.TrimPrefix(message, "attempt to index a non-table object("), ")")
		return blaming("index", name(roleObject), typ)
	case message == "__len undefined":
		return blaming("get length of", name(roleObject), operand(inst&0x1ff))
	case message == "__unm undefined":
		return blaming("perform arithmetic on", name(roleObject), operand(inst&0x1ff))
	case strings.HasPrefix(message, "cannot perform "):
		_, types, _ := strings.Cut(message, " between ")
		left, right, _ := strings.Cut(types, " and ")
		if left == "number" {
			return blaming("perform arithmetic on", name(roleRight), right)
		}
		return blaming("perform arithmetic on", name(roleObject), left)
	case strings.HasPrefix(message, "attempt to compare "):
		left, right, _ := strings.Cut(strings.TrimPrefix(message, "attempt to compare "), " with ")
		if left == right {
			return "attempt to compare two " + left + " values"
		}
	case message == "too many recursions in gettable":
		return "loop in gettable"
	case message == "too many recursions in settable":
		return "loop in settable"
	case message == "registry overflow":
		return "stack overflow"
	}
	return ""
}
