package lualib

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"diskette/resp/lua"
)

// jsonMaxDepth bounds the nesting whatever is configured, for the sake of Go's stack.
const jsonMaxDepth = 100000

func (c *cjson) decode(L *lua.LState) int {
	if L.GetTop() != 1 {
		c.s.argError(L, 1, "expected 1 argument")
	}
	d := &jsonDecoder{cjson: c, L: L, text: c.s.checkString(L, 1)}
	if len(d.text) >= 2 && (d.text[0] == 0 || d.text[1] == 0) {
		c.s.fail(L, "JSON parser does not support UTF-16 or UTF-32")
	}
	d.next()
	v := d.value(0)
	d.next()
	if d.kind != jsonEnd {
		d.fail("the end")
	}
	return push(L, v)
}

// The kinds of token, by the names that errors show.
const (
	jsonObjectBegin = "T_OBJ_BEGIN"
	jsonObjectEnd   = "T_OBJ_END"
	jsonArrayBegin  = "T_ARR_BEGIN"
	jsonArrayEnd    = "T_ARR_END"
	jsonString      = "T_STRING"
	jsonNumber      = "T_NUMBER"
	jsonBoolean     = "T_BOOLEAN"
	jsonNull        = "T_NULL"
	jsonColon       = "T_COLON"
	jsonComma       = "T_COMMA"
	jsonEnd         = "T_END"
	jsonError       = "T_ERROR"
)

type jsonDecoder struct {
	*cjson
	L    *lua.LState
	text string
	at   int

	kind   string // of the token read last
	index  int    // where it began
	scalar lua.LValue
	wrong  string // what is wrong, for jsonError
}

func (d *jsonDecoder) fail(expected string) {
	found := d.kind
	if d.kind == jsonError {
		found = d.wrong
	}
	d.s.fail(d.L, "Expected %s but found %s at character %d", expected, found, d.index+1)
}

func (d *jsonDecoder) set(kind string, length int, v lua.LValue) {
	d.kind, d.scalar = kind, v
	d.at += length
}

func (d *jsonDecoder) error(what string) { d.kind, d.wrong = jsonError, what }

var jsonMarks = map[byte]string{'{': jsonObjectBegin, '}': jsonObjectEnd, '[': jsonArrayBegin, ']': jsonArrayEnd,
	':': jsonColon, ',': jsonComma}

// next is json_next_token.
func (d *jsonDecoder) next() {
	d.s.spend(d.L, 1)
	for d.at < len(d.text) && strings.IndexByte(" \t\n\r", d.text[d.at]) >= 0 {
		d.at++
	}
	d.index = d.at
	if d.at >= len(d.text) || d.text[d.at] == 0 { // C's text ends at a zero
		d.set(jsonEnd, 0, nil)
		return
	}
	c, rest := d.text[d.at], d.text[d.at:]
	if kind := jsonMarks[c]; kind != "" {
		d.set(kind, 1, nil)
		return
	}
	switch {
	case c == '"':
		d.stringToken()
	case c == '-' || lua.IsDigit(c):
		if d.decodeInvalid == invalidOff && invalidNumber(rest) {
			d.error("invalid number")
			return
		}
		d.numberToken()
	case strings.HasPrefix(rest, "true"):
		d.set(jsonBoolean, 4, lua.LTrue)
	case strings.HasPrefix(rest, "false"):
		d.set(jsonBoolean, 5, lua.LFalse)
	case strings.HasPrefix(rest, "null"):
		d.set(jsonNull, 4, d.null)
	case d.decodeInvalid != invalidOff && invalidNumber(rest):
		d.numberToken()
	default:
		d.error("invalid token")
	}
}

// invalidNumber is json_is_invalid_number: what strtod takes and JSON does not.
func invalidNumber(p string) bool {
	if p != "" && (p[0] == '+' || p[0] == '-') {
		if p[0] == '+' {
			return true
		}
		p = p[1:]
	}
	if p == "" {
		return false
	}
	if p[0] == '0' {
		return len(p) > 1 && (p[1]|0x20 == 'x' || lua.IsDigit(p[1]))
	}
	if lua.IsDigit(p[0]) {
		return false
	}
	p = strings.ToLower(p[:min(len(p), 3)])
	return p == "inf" || p == "nan"
}

// numberToken takes the longest start of the text that strtod would take.
func (d *jsonDecoder) numberToken() {
	rest := d.text[d.at:]
	length := numberLength(rest)
	f, ok := lua.ParseNumber(rest[:length])
	if length == 0 || !ok {
		d.error("invalid number")
		return
	}
	d.set(jsonNumber, length, lua.LNumber(f))
}

func numberLength(p string) int {
	i := 0
	digits := func(in func(c byte) bool) bool {
		start := i
		for i < len(p) && in(p[i]) {
			i++
		}
		return i > start
	}
	if i < len(p) && (p[i] == '-' || p[i] == '+') {
		i++
	}
	for _, word := range []string{"infinity", "inf", "nan"} {
		if len(p)-i >= len(word) && strings.EqualFold(p[i:i+len(word)], word) {
			return i + len(word)
		}
	}
	in, exponent := lua.IsDigit, byte('e')
	if len(p)-i > 2 && p[i] == '0' && p[i+1]|0x20 == 'x' && isHex(p[i+2]) {
		i += 2
		in, exponent = isHex, 'p'
	}
	whole := digits(in)
	if i < len(p) && p[i] == '.' {
		i++
		if !digits(in) && !whole {
			return 0
		}
	} else if !whole {
		return 0
	}
	if end := i; i < len(p) && p[i]|0x20 == exponent {
		i++
		if i < len(p) && (p[i] == '-' || p[i] == '+') {
			i++
		}
		if !digits(lua.IsDigit) {
			return end
		}
	}
	return i
}

func isHex(c byte) bool { return lua.IsDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

var jsonUnescapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// stringToken is json_next_string_token. Control characters are taken as they are.
func (d *jsonDecoder) stringToken() {
	var out []byte
	i := d.at + 1
	start := i
	for {
		for i < len(d.text) && d.text[i] != '"' && d.text[i] != '\\' {
			i++
		}
		if i >= len(d.text) {
			d.index = i
			d.error("unexpected end of string")
			return
		}
		if d.text[i] == '"' {
			break
		}
		out = append(out, d.text[start:i]...)
		if i+1 < len(d.text) && d.text[i+1] == 'u' {
			decoded, length := unicodeEscape(d.text[i:])
			if length == 0 {
				d.index = i
				d.error("invalid unicode escape code")
				return
			}
			out = append(out, decoded...)
			i += length
		} else {
			c, ok := byte(0), false
			if i+1 < len(d.text) {
				c, ok = jsonUnescapes[d.text[i+1]]
			}
			if !ok {
				d.index = i
				d.error("invalid escape code")
				return
			}
			out = append(out, c)
			i += 2
		}
		start = i
	}
	text := d.text[start:i]
	if out != nil {
		text = string(append(out, text...))
		d.s.allocate(d.L, len(text))
	}
	d.set(jsonString, i+1-d.at, lua.LString(text))
}

// unicodeEscape decodes \uXXXX, or two of them that are a surrogate pair; length 0 is an error.
func unicodeEscape(p string) (decoded string, length int) {
	code := func(p string) int {
		if len(p) < 6 || p[0] != '\\' || p[1] != 'u' {
			return -1
		}
		for _, c := range []byte(p[2:6]) {
			if !isHex(c) {
				return -1
			}
		}
		n, err := strconv.ParseUint(p[2:6], 16, 32)
		if err != nil {
			return -1
		}
		return int(n)
	}
	high := code(p)
	switch {
	case high < 0:
		return "", 0
	case high&0xF800 != 0xD800:
		return string(utf8.AppendRune(nil, rune(high))), 6
	case high&0x400 != 0:
		return "", 0 // a second half without a first
	}
	low := code(p[6:])
	if low < 0 || low&0xFC00 != 0xDC00 {
		return "", 0
	}
	return string(utf8.AppendRune(nil, rune((high&0x3FF)<<10|low&0x3FF)+0x10000)), 12
}

func (d *jsonDecoder) value(depth int) lua.LValue {
	switch d.kind {
	case jsonString, jsonNumber, jsonBoolean, jsonNull:
		return d.scalar
	case jsonObjectBegin:
		return d.object(d.descend(depth))
	case jsonArrayBegin:
		return d.array(d.descend(depth))
	}
	d.fail("value")
	return nil
}

func (d *jsonDecoder) descend(depth int) int {
	if depth++; depth > d.decodeMaxDepth || depth > jsonMaxDepth {
		d.s.fail(d.L, "Found too many nested data structures (%d) at character %d", depth, d.index+1)
	}
	d.s.allocate(d.L, 64)
	return depth
}

func (d *jsonDecoder) object(depth int) lua.LValue {
	t := d.L.NewTable()
	d.next()
	if d.kind == jsonObjectEnd {
		return t
	}
	for {
		if d.kind != jsonString {
			d.fail("object key string")
		}
		key := d.scalar.(lua.LString)
		d.next()
		if d.kind != jsonColon {
			d.fail("colon")
		}
		d.next()
		t.RawSetString(string(key), d.value(depth))
		d.s.allocate(d.L, 4*valueBytes)
		d.next()
		if d.kind == jsonObjectEnd {
			return t
		}
		if d.kind != jsonComma {
			d.fail("comma or object end")
		}
		d.next()
	}
}

func (d *jsonDecoder) array(depth int) lua.LValue {
	t := d.L.NewTable()
	d.next()
	if d.kind == jsonArrayEnd {
		return t
	}
	for i := 1; ; i++ {
		d.L.RawSetInt(t, i, d.value(depth))
		d.s.allocate(d.L, valueBytes)
		d.next()
		if d.kind == jsonArrayEnd {
			return t
		}
		if d.kind != jsonComma {
			d.fail("comma or array end")
		}
		d.next()
	}
}
