package lualib

import (
	"diskette/resp/lua"
)

// cjson is the configuration of one lua_cjson.c module.
type cjson struct {
	s *State

	sparseConvert  bool
	sparseRatio    int
	sparseSafe     int
	encodeMaxDepth int
	decodeMaxDepth int
	encodeInvalid  int
	decodeInvalid  int
	keepBuffer     bool
	precision      int
	null           *lua.LUserData // cjson.null; C has a null pointer there
}

// What encode_invalid_numbers and decode_invalid_numbers may be set to.
const (
	invalidOff = iota
	invalidOn
	invalidNull
)

func (s *State) cjsonLibrary() *lua.LTable {
	if s.null == nil {
		s.null = s.L.NewUserData()
	}
	c := &cjson{
		s: s, sparseRatio: 2, sparseSafe: 10, encodeMaxDepth: 1000, decodeMaxDepth: 1000,
		decodeInvalid: invalidOn, keepBuffer: true, precision: 14, null: s.null,
	}
	library := s.library(map[string]lua.LGFunction{
		"encode":                  c.encode,
		"decode":                  c.decode,
		"encode_sparse_array":     c.encodeSparseArray,
		"encode_max_depth":        c.integerOption(&c.encodeMaxDepth, 1, 1<<31-1),
		"decode_max_depth":        c.integerOption(&c.decodeMaxDepth, 1, 1<<31-1),
		"encode_number_precision": c.integerOption(&c.precision, 1, 14),
		"encode_keep_buffer":      c.encodeKeepBuffer,
		"encode_invalid_numbers":  c.invalidOption(&c.encodeInvalid),
		"decode_invalid_numbers":  c.invalidOption(&c.decodeInvalid),
		"new":                     func(L *lua.LState) int { return push(L, s.cjsonLibrary()) },
	})
	library.RawSetString("null", c.null)
	library.RawSetString("_NAME", lua.LString("cjson"))
	library.RawSetString("_VERSION", lua.LString("2.1.0"))
	return library
}

// atMost is json_arg_init.
func (c *cjson) atMost(L *lua.LState, args int) {
	if L.GetTop() > args {
		c.s.argError(L, args+1, "found too many arguments")
	}
	for L.GetTop() < args {
		L.Push(lua.LNil)
	}
}

// integer is json_integer_option: it sets an option if there is an argument.
func (c *cjson) integer(L *lua.LState, arg int, option *int, low, high int) {
	if L.Get(arg) == lua.LNil {
		return
	}
	n := c.s.checkInteger(L, arg)
	if n < low || n > high {
		c.s.argError(L, arg, "expected integer between "+lua.FormatNumber(lua.LNumber(low))+" and "+
			lua.FormatNumber(lua.LNumber(high)))
	}
	*option = n
}

func (c *cjson) integerOption(option *int, low, high int) lua.LGFunction {
	return func(L *lua.LState) int {
		c.atMost(L, 1)
		c.integer(L, 1, option, low, high)
		return push(L, lua.LNumber(*option))
	}
}

// choice is json_enum_option: a boolean or one of the names.
func (c *cjson) choice(L *lua.LState, arg int, names []string, option *int) lua.LValue {
	switch v := L.Get(arg).(type) {
	case *lua.LNilType:
	case lua.LBool:
		*option = invalidOff
		if v {
			*option = invalidOn
		}
	default:
		text := c.s.checkString(L, arg)
		found := false
		for i, name := range names {
			if name == text {
				*option, found = i, true
			}
		}
		if !found {
			c.s.argError(L, arg, "invalid option '"+text+"'")
		}
	}
	if *option == invalidNull {
		return lua.LString("null")
	}
	return lua.LBool(*option == invalidOn)
}

func (c *cjson) invalidOption(option *int) lua.LGFunction {
	return func(L *lua.LState) int {
		c.atMost(L, 1)
		return push(L, c.choice(L, 1, []string{"off", "on", "null"}, option))
	}
}

func (c *cjson) boolean(L *lua.LState, option *bool) lua.LValue {
	n := invalidOff
	if *option {
		n = invalidOn
	}
	v := c.choice(L, 1, []string{"off", "on"}, &n)
	*option = n == invalidOn
	return v
}

func (c *cjson) encodeKeepBuffer(L *lua.LState) int {
	c.atMost(L, 1)
	return push(L, c.boolean(L, &c.keepBuffer))
}

func (c *cjson) encodeSparseArray(L *lua.LState) int {
	c.atMost(L, 3)
	convert := c.boolean(L, &c.sparseConvert)
	c.integer(L, 2, &c.sparseRatio, 0, 1<<31-1)
	c.integer(L, 3, &c.sparseSafe, 0, 1<<31-1)
	return push(L, convert, lua.LNumber(c.sparseRatio), lua.LNumber(c.sparseSafe))
}
