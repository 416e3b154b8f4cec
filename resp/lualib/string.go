package lualib

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"diskette/resp/lua"

	"diskette/resp/internal/ccast"
)

func (s *State) stringFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"byte":    s.stringByte,
		"char":    s.stringChar,
		"dump":    s.stringDump,
		"find":    func(L *lua.LState) int { return s.find(L, true) },
		"format":  s.stringFormat,
		"gmatch":  s.gmatch,
		"gsub":    s.gsub,
		"len":     func(L *lua.LState) int { return push(L, lua.LNumber(len(s.checkString(L, 1)))) },
		"lower":   s.mapBytes('A', 'Z'),
		"match":   func(L *lua.LState) int { return s.find(L, false) },
		"rep":     s.stringRep,
		"reverse": s.stringReverse,
		"sub":     s.stringSub,
		"upper":   s.mapBytes('a', 'z'),
	}
}

func indexFrom(src, text string, init int) int {
	at := strings.Index(src[init:], text)
	if at < 0 {
		return -1
	}
	return at + init
}

func (s *State) stringByte(L *lua.LState) int {
	str := s.checkString(L, 1)
	from := position(s.optInteger(L, 2, 1), len(str))
	to := position(s.optInteger(L, 3, from), len(str))
	from, to = max(from, 1), min(to, len(str))
	if from > to {
		return 0
	}
	if to-from+1+L.GetTop() > lua.MaxResults {
		s.fail(L, "string slice too long")
	}
	for i := from; i <= to; i++ {
		L.Push(lua.LNumber(str[i-1]))
	}
	return to - from + 1
}

func (s *State) stringChar(L *lua.LState) int {
	out := make([]byte, L.GetTop())
	for i := range out {
		c := s.checkInt(L, i+1)
		if c < 0 || c > 255 {
			s.argError(L, i+1, "invalid value")
		}
		out[i] = byte(c)
	}
	return s.text(L, string(out))
}

// stringDump has nothing to give: no state loads bytecode.
func (s *State) stringDump(L *lua.LState) int {
	s.checkFunction(L, 1)
	s.fail(L, "unable to dump given function")
	return 0
}

// mapBytes changes the case of ASCII letters only, as C does in the locale that Redis runs in.
func (s *State) mapBytes(first, last byte) lua.LGFunction {
	return func(L *lua.LState) int {
		str := s.checkString(L, 1)
		s.roomFor(L, len(str))
		out := []byte(str)
		for i, c := range out {
			if c >= first && c <= last {
				out[i] = c ^ 0x20
			}
		}
		return s.text(L, string(out))
	}
}

func (s *State) stringRep(L *lua.LState) int {
	str := s.checkString(L, 1)
	n := s.checkInt(L, 2)
	if n <= 0 || str == "" {
		return s.text(L, "")
	}
	if n > maxString/len(str) {
		s.fail(L, "not enough memory")
	}
	s.roomFor(L, len(str)*n)
	return s.text(L, strings.Repeat(str, n))
}

func (s *State) stringReverse(L *lua.LState) int {
	str := s.checkString(L, 1)
	s.roomFor(L, len(str))
	out := make([]byte, len(str))
	for i := range out {
		out[i] = str[len(str)-1-i]
	}
	return s.text(L, string(out))
}

func (s *State) stringSub(L *lua.LState) int {
	str := s.checkString(L, 1)
	from := max(position(s.checkInteger(L, 2), len(str)), 1)
	to := min(position(s.optInteger(L, 3, -1), len(str)), len(str))
	if from > to {
		return s.text(L, "")
	}
	return s.text(L, str[from-1:to])
}

// formatSpec is what stands between % and the conversion.
type formatSpec struct {
	minus, plus, space, sharp, zero bool
	width, precision                int // precision is -1 if there is none
}

// spec is scanformat: it reads flags, width and precision from format, and returns what they took.
func (s *State) spec(L *lua.LState, format string) (f formatSpec, taken int) {
	i := 0
	for i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0 {
		switch format[i] {
		case '-':
			f.minus = true
		case '+':
			f.plus = true
		case ' ':
			f.space = true
		case '#':
			f.sharp = true
		case '0':
			f.zero = true
		}
		if i++; i > 5 {
			s.fail(L, "invalid format (repeated flags)")
		}
	}
	number := func() int {
		n := 0
		for digits := 0; digits < 2 && i < len(format) && lua.IsDigit(format[i]); digits++ {
			n = n*10 + int(format[i]-'0')
			i++
		}
		return n
	}
	f.width = number()
	f.precision = -1
	if i < len(format) && format[i] == '.' {
		i++
		f.precision = number()
	}
	if i < len(format) && lua.IsDigit(format[i]) {
		s.fail(L, "invalid format (width or precision too long)")
	}
	return f, i
}

func (s *State) stringFormat(L *lua.LState) int {
	format := s.checkString(L, 1)
	var out []byte
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out = append(out, format[i])
			continue
		}
		if i++; i < len(format) && format[i] == '%' {
			out = append(out, '%')
			continue
		}
		if arg++; arg > L.GetTop() {
			s.argError(L, arg, "no value")
		}
		spec, taken := s.spec(L, format[i:])
		conversion := byte(0)
		if i += taken; i < len(format) {
			conversion = format[i]
		}
		before := len(out)
		out = s.formatOne(L, out, spec, conversion, arg)
		if len(out) > maxString {
			s.fail(L, "not enough memory")
		}
		s.allocate(L, len(out)-before)
	}
	s.roomFor(L, len(out))
	return s.text(L, string(out))
}

func (s *State) formatOne(L *lua.LState, out []byte, f formatSpec, conversion byte, arg int) []byte {
	switch conversion {
	case 'c':
		f.zero = false
		padded := f.pad(nil, "", string([]byte{byte(ccast.Int32(s.checkNumber(L, arg)))}))
		if end := bytes.IndexByte(padded, 0); end >= 0 {
			padded = padded[:end] // sprintf's result ends there
		}
		return append(out, padded...)
	case 'd', 'i':
		n := ccast.Int64(s.checkNumber(L, arg))
		digits := strconv.FormatUint(magnitude(n), 10)
		return f.integer(out, f.sign(n < 0), digits)
	case 'o', 'u', 'x', 'X':
		return f.unsigned(out, conversion, ccast.Uint64(s.checkNumber(L, arg)))
	case 'e', 'E', 'f', 'g', 'G':
		return f.float(out, conversion, s.checkNumber(L, arg))
	case 'q':
		return quote(out, s.checkString(L, arg))
	case 's':
		str := s.checkString(L, arg)
		if f.precision < 0 && len(str) >= 100 { // C's buffer has no room: it goes as it is
			return append(out, str...)
		}
		if end := strings.IndexByte(str, 0); end >= 0 {
			str = str[:end] // sprintf stops there
		}
		if f.precision >= 0 && f.precision < len(str) {
			str = str[:f.precision]
		}
		f.zero = false
		return f.pad(out, "", str)
	}
	shown := "%"
	if conversion != 0 {
		shown += string([]byte{conversion})
	}
	s.fail(L, "invalid option '%s' to 'format'", shown)
	return nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func (f formatSpec) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case f.plus:
		return "+"
	case f.space:
		return " "
	}
	return ""
}

// pad appends prefix and body in the width; zeros go between the two.
func (f formatSpec) pad(out []byte, prefix, body string) []byte {
	fill := f.width - len(prefix) - len(body)
	spaces := func() {
		for ; fill > 0; fill-- {
			out = append(out, ' ')
		}
	}
	if !f.minus && !f.zero {
		spaces()
	}
	out = append(out, prefix...)
	for ; f.zero && !f.minus && fill > 0; fill-- {
		out = append(out, '0')
	}
	out = append(out, body...)
	spaces()
	return out
}

func (f formatSpec) integer(out []byte, prefix, digits string) []byte {
	if f.precision >= 0 {
		f.zero = false
		if f.precision == 0 && digits == "0" {
			digits = ""
		}
		digits = strings.Repeat("0", max(f.precision-len(digits), 0)) + digits
	}
	return f.pad(out, prefix, digits)
}

func (f formatSpec) unsigned(out []byte, conversion byte, n uint64) []byte {
	prefix, digits := "", ""
	switch conversion {
	case 'u':
		digits = strconv.FormatUint(n, 10)
	case 'o':
		digits = strconv.FormatUint(n, 8)
		if f.sharp && n != 0 {
			digits = "0" + digits
		} else if f.sharp {
			f.precision = max(f.precision, 1)
		}
	default:
		digits = strconv.FormatUint(n, 16)
		if f.sharp && n != 0 {
			prefix = "0x"
		}
		if conversion == 'X' {
			prefix, digits = strings.ToUpper(prefix), strings.ToUpper(digits)
		}
	}
	return f.integer(out, prefix, digits)
}

func (f formatSpec) float(out []byte, conversion byte, v float64) []byte {
	prefix := f.sign(math.Signbit(v))
	v = math.Abs(v)
	precision := f.precision
	if precision < 0 {
		precision = 6
	}
	var body string
	switch {
	case math.IsInf(v, 0) || math.IsNaN(v):
		f.zero = false
		body = lua.FormatG(math.Abs(v), 6)
	case conversion == 'g' || conversion == 'G':
		body = lua.FormatG(v, precision)
		if f.sharp {
			body = sharpG(v, precision)
		}
	default:
		body = strconv.FormatFloat(v, conversion|0x20, precision, 64)
		if f.sharp && precision == 0 {
			whole, exponent, _ := strings.Cut(body, "e")
			body = whole + "."
			if exponent != "" {
				body += "e" + exponent
			}
		}
	}
	if conversion < 'a' {
		body = strings.ToUpper(body)
	}
	return f.pad(out, prefix, body)
}

// sharpG is C's %#g, which keeps its zeros. Go's fmt has the same.
func sharpG(v float64, precision int) string {
	return fmt.Sprintf("%#.*g", max(precision, 1), v)
}

// quote is addquoted: a string that Lua reads back.
func quote(out []byte, str string) []byte {
	out = append(out, '"')
	for i := range len(str) {
		switch c := str[i]; c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
