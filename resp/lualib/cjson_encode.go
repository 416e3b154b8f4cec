package lualib

import (
	"math"

	"diskette/resp/lua"
)

func (c *cjson) encode(L *lua.LState) int {
	if L.GetTop() != 1 {
		c.s.argError(L, 1, "expected 1 argument")
	}
	e := &jsonEncoder{cjson: c, L: L}
	e.value(L.Get(1), 0)
	return c.s.text(L, string(e.out))
}

type jsonEncoder struct {
	*cjson
	L   *lua.LState
	out []byte
}

// refuse is json_encode_exception.
func (e *jsonEncoder) refuse(v lua.LValue, reason string) {
	e.s.fail(e.L, "Cannot serialise %s: %s", v.Type(), reason)
}

func (e *jsonEncoder) value(v lua.LValue, depth int) {
	if len(e.out) > maxString {
		e.s.fail(e.L, "not enough memory")
	}
	e.s.spend(e.L, 1)
	before := len(e.out)
	switch v := v.(type) {
	case lua.LString:
		e.text(string(v))
	case lua.LNumber:
		e.number(v)
	case lua.LBool:
		if v {
			e.out = append(e.out, "true"...)
		} else {
			e.out = append(e.out, "false"...)
		}
	case *lua.LNilType:
		e.out = append(e.out, "null"...)
	case *lua.LTable:
		e.table(v, depth+1)
		return
	default:
		if v != lua.LValue(e.null) {
			e.refuse(v, "type not supported")
		}
		e.out = append(e.out, "null"...)
	}
	e.s.allocate(e.L, len(e.out)-before)
}

func (e *jsonEncoder) number(v lua.LNumber) {
	f := float64(v)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		switch e.encodeInvalid {
		case invalidOff:
			e.refuse(v, "must not be NaN or Inf")
		case invalidNull:
			e.out = append(e.out, "null"...)
			return
		}
		if math.IsNaN(f) {
			e.out = append(e.out, "nan"...)
			return
		}
	}
	e.out = append(e.out, lua.FormatG(f, e.precision)...)
}

var jsonEscapes = [256]string{'"': `\"`, '\\': `\\`, '/': `\/`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`,
	'\r': `\r`, 127: `\u007f`}

func init() {
	for c := range 32 {
		if jsonEscapes[c] == "" {
			jsonEscapes[c] = `\u00` + string([]byte{"01"[c>>4], "0123456789abcdef"[c&15]})
		}
	}
}

func (e *jsonEncoder) text(str string) {
	e.out = append(e.out, '"')
	start := 0
	for i := range len(str) {
		if escaped := jsonEscapes[str[i]]; escaped != "" {
			e.out = append(append(e.out, str[start:i]...), escaped...)
			start = i + 1
		}
	}
	e.out = append(append(e.out, str[start:]...), '"')
}

func (e *jsonEncoder) table(t *lua.LTable, depth int) {
	if depth > e.encodeMaxDepth || depth > jsonMaxDepth {
		e.s.fail(e.L, "Cannot serialise, excessive nesting (%d)", depth)
	}
	if length := e.arrayLength(t); length > 0 {
		e.out = append(e.out, '[')
		for i := 1; i <= length; i++ {
			if i > 1 {
				e.out = append(e.out, ',')
			}
			e.value(t.RawGetInt(i), depth)
		}
		e.out = append(e.out, ']')
		return
	}
	e.out = append(e.out, '{')
	comma := false
	for k, v := range t.All() {
		if comma {
			e.out = append(e.out, ',')
		}
		comma = true
		switch k := k.(type) {
		case lua.LString:
			e.text(string(k))
		case lua.LNumber:
			e.out = append(e.out, '"')
			e.number(k)
			e.out = append(e.out, '"')
		default:
			e.refuse(k, "table key must be a number or string")
		}
		e.out = append(e.out, ':')
		e.value(v, depth)
	}
	e.out = append(e.out, '}')
}

// arrayLength is lua_array_length: the highest index if all keys are indexes, or 0 for an object.
func (e *jsonEncoder) arrayLength(t *lua.LTable) int {
	highest, items := 0, 0
	for k := range t.All() {
		n, ok := k.(lua.LNumber)
		if !ok || n < 1 || float64(n) != math.Floor(float64(n)) || n > 1<<31-1 {
			return 0
		}
		highest = max(highest, int(n))
		items++
	}
	if e.sparseRatio > 0 && highest > items*e.sparseRatio && highest > e.sparseSafe {
		if !e.sparseConvert {
			e.refuse(t, "excessively sparse array")
		}
		return 0
	}
	return highest
}
