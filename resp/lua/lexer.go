package lua

import (
	"fmt"
	"strings"
)

// token is a word of Lua source. kind is the word itself for keywords and operators, and one of
// the names below for the rest.
type token struct {
	kind string
	text string  // the name, or the string's bytes
	num  float64 // the number
	raw  string  // as it stands in the source, for error messages
}

const (
	tokenEOF    = "<eof>"
	tokenName   = "<name>"
	tokenNumber = "<number>"
	tokenString = "<string>"
)

// keywords of Lua 5.1, where goto is a name like any other.
var keywords = map[string]bool{
	"and": true, "break": true, "do": true, "else": true, "elseif": true, "end": true, "false": true,
	"for": true, "function": true, "if": true, "in": true, "local": true, "nil": true, "not": true,
	"or": true, "repeat": true, "return": true, "then": true, "true": true, "until": true, "while": true,
}

// syntaxError is what the lexer and the parser panic with.
type syntaxError string

// lexer follows llex.c, so that what is an error there is one here, with the same text.
type lexer struct {
	src      string
	pos      int
	line     int // of the token that was read last
	lastLine int // of the token that was consumed last
	chunk    string
	cur      token
	ahead    token // kind is empty if there is none
}

func newLexer(src, chunk string) *lexer {
	return &lexer{src: src, line: 1, lastLine: 1, chunk: chunk}
}

func (x *lexer) next() {
	x.lastLine = x.line
	if x.ahead.kind != "" {
		x.cur, x.ahead = x.ahead, token{}
		return
	}
	x.cur = x.scan()
}

func (x *lexer) lookahead() token {
	if x.ahead.kind == "" {
		x.ahead = x.scan()
	}
	return x.ahead
}

// fail is luaX_lexerror; near is empty if the message names no token.
func (x *lexer) fail(msg, near string) {
	if near != "" {
		msg += " near '" + near + "'"
	}
	panic(syntaxError(fmt.Sprintf("%s:%d: %s", x.chunk, x.line, msg)))
}

// failHere is luaX_syntaxerror.
func (x *lexer) failHere(msg string) { x.fail(msg, x.cur.shown()) }

func (t token) shown() string {
	switch t.kind {
	case tokenName, tokenNumber, tokenString:
		if at := strings.IndexByte(t.raw, 0); at >= 0 { // C prints it as a C string
			return t.raw[:at]
		}
		return t.raw
	}
	if t.kind == "\x00" { // C takes this token's number for none
		return ""
	}
	if len(t.kind) == 1 && (t.kind[0] < 32 || t.kind[0] == 127) {
		return fmt.Sprintf("char(%d)", t.kind[0])
	}
	return t.kind
}

func (x *lexer) peek() byte { // 0 at the end, as in C
	if x.pos < len(x.src) {
		return x.src[x.pos]
	}
	return 0
}

// newline skips \n, \r, \r\n or \n\r.
func (x *lexer) newline() {
	first := x.src[x.pos]
	x.pos++
	if c := x.peek(); (c == '\n' || c == '\r') && c != first {
		x.pos++
	}
	x.line++
}

func IsAlpha(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func IsDigit(c byte) bool { return c >= '0' && c <= '9' }

func (x *lexer) scan() token {
	for x.pos < len(x.src) {
		switch c := x.src[x.pos]; c {
		case '\n', '\r':
			x.newline()
		case ' ', '\t', '\v', '\f':
			x.pos++
		case '-':
			if !strings.HasPrefix(x.src[x.pos:], "--") {
				return x.symbol(1)
			}
			x.comment()
		case '[':
			if level, ok := x.longOpening(); ok {
				text, signs := x.long(level, false), strings.Repeat("=", level)
				return token{kind: tokenString, text: text, raw: "[" + signs + "[" + text + "]" + signs + "]"}
			} else if level > 0 {
				x.fail("invalid long string delimiter", x.src[x.pos:x.pos+level+1])
			}
			return x.symbol(1)
		case '=', '<', '>', '~':
			if strings.HasPrefix(x.src[x.pos+1:], "=") {
				return x.symbol(2)
			}
			return x.symbol(1)
		case '"', '\'':
			return x.quoted(c)
		case '.':
			switch rest := x.src[x.pos:]; {
			case strings.HasPrefix(rest, "..."):
				return x.symbol(3)
			case strings.HasPrefix(rest, ".."):
				return x.symbol(2)
			case len(rest) > 1 && IsDigit(rest[1]):
				return x.number()
			}
			return x.symbol(1)
		default:
			switch {
			case IsDigit(c):
				return x.number()
			case IsAlpha(c):
				start := x.pos
				for IsAlpha(x.peek()) || IsDigit(x.peek()) {
					x.pos++
				}
				word := x.src[start:x.pos]
				if keywords[word] {
					return token{kind: word}
				}
				return token{kind: tokenName, text: word, raw: word}
			}
			return x.symbol(1)
		}
	}
	return token{kind: tokenEOF}
}

func (x *lexer) symbol(length int) token {
	x.pos += length
	return token{kind: x.src[x.pos-length : x.pos]}
}

func (x *lexer) comment() {
	x.pos += 2
	if x.peek() == '[' {
		if level, ok := x.longOpening(); ok {
			x.long(level, true)
			return
		}
	}
	for x.pos < len(x.src) && x.src[x.pos] != '\n' && x.src[x.pos] != '\r' {
		x.pos++
	}
}

// longOpening reports how many = stand after the [ here, and whether another [ follows them.
func (x *lexer) longOpening() (level int, ok bool) {
	rest := x.src[x.pos+1:]
	for level < len(rest) && rest[level] == '=' {
		level++
	}
	return level, level < len(rest) && rest[level] == '['
}

// long reads [[...]] with level = signs.
func (x *lexer) long(level int, comment bool) string {
	x.pos += level + 2
	if c := x.peek(); x.pos < len(x.src) && (c == '\n' || c == '\r') {
		x.newline()
	}
	closing := "]" + strings.Repeat("=", level) + "]"
	var b strings.Builder
	for x.pos < len(x.src) {
		switch c := x.src[x.pos]; {
		case c == ']' && strings.HasPrefix(x.src[x.pos:], closing):
			x.pos += len(closing)
			return b.String()
		case c == '\n' || c == '\r':
			b.WriteByte('\n')
			x.newline()
		default:
			b.WriteByte(c)
			x.pos++
		}
	}
	if comment {
		x.fail("unfinished long comment", tokenEOF)
	}
	x.fail("unfinished long string", tokenEOF)
	return ""
}

var escapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

func (x *lexer) quoted(quote byte) token {
	x.pos++
	var b strings.Builder
	b.WriteByte(quote) // C keeps the quotes in its buffer, and error messages show the buffer
	for {
		if x.pos >= len(x.src) {
			x.fail("unfinished string", tokenEOF)
		}
		switch c := x.src[x.pos]; c {
		case quote:
			x.pos++
			text := b.String()
			return token{kind: tokenString, text: text[1:], raw: text + string(quote)}
		case '\n', '\r':
			x.fail("unfinished string", token{kind: tokenString, raw: b.String()}.shown())
		case '\\':
			x.pos++
			x.escape(&b)
		default:
			b.WriteByte(c)
			x.pos++
		}
	}
}

// escape reads what follows a backslash in a quoted string.
func (x *lexer) escape(b *strings.Builder) {
	if x.pos >= len(x.src) {
		return // the caller meets the end
	}
	c := x.src[x.pos]
	if e, ok := escapes[c]; ok {
		b.WriteByte(e)
		x.pos++
		return
	}
	switch {
	case c == '\n' || c == '\r':
		b.WriteByte('\n')
		x.newline()
	case IsDigit(c):
		code := 0
		for i := 0; i < 3 && IsDigit(x.peek()); i++ {
			code = code*10 + int(x.src[x.pos]-'0')
			x.pos++
		}
		if code > 255 {
			x.fail("escape sequence too large", token{kind: tokenString, raw: b.String()}.shown())
		}
		b.WriteByte(byte(code))
	default:
		b.WriteByte(c)
		x.pos++
	}
}

// number is read_numeral: it takes whatever could belong to a number, and then judges.
func (x *lexer) number() token {
	start := x.pos
	for IsDigit(x.peek()) || x.peek() == '.' {
		x.pos++
	}
	if c := x.peek(); c == 'e' || c == 'E' {
		x.pos++
		if c := x.peek(); c == '+' || c == '-' {
			x.pos++
		}
	}
	for IsAlpha(x.peek()) || IsDigit(x.peek()) {
		x.pos++
	}
	raw := x.src[start:x.pos]
	num, ok := ParseNumber(raw)
	if !ok {
		x.fail("malformed number", raw)
	}
	return token{kind: tokenNumber, num: num, raw: raw}
}
