package cli

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// appendPretty appends a reply as redis-cli shows it on a terminal, with a line's end. indent
// stands before each line but the first.
//
//	OK   (integer) 1   "quoted\n"   (nil)   (error) ERR ...   (empty array)
//	1) "a"                 an array; a set has 1~, a map 1# "key" => "value"
//	2) 1) "nested"
//	   2) "nested"
func appendPretty(b []byte, r reply, indent string) []byte {
	switch r.kind {
	case '-':
		b = append(append(b, "(error) "...), r.text...)
	case ':', '(':
		b = append(append(b, "(integer) "...), r.text...)
	case ',':
		b = append(append(b, "(double) "...), r.text...)
	case '#':
		b = appendBoolean(b, r)
	case '_':
		b = append(b, "(nil)"...)
	case '$':
		b = appendQuoted(b, r.text)
	case '*', '~', '>', '%':
		return appendPrettyItems(b, r, indent)
	default: // '+' and '=': lines for people to read
		b = append(b, r.text...)
	}
	return append(b, '\n')
}

func appendPrettyItems(b []byte, r reply, indent string) []byte {
	name, mark, step := "array", ')', 1
	switch r.kind {
	case '~':
		name, mark = "set", '~'
	case '>':
		name = "push"
	case '%':
		name, mark, step = "hash", '#', 2
	}
	if len(r.items) == 0 {
		return fmt.Appendf(b, "(empty %s)\n", name)
	}
	width := len(strconv.Itoa(len(r.items) / step))
	inner := indent + strings.Repeat(" ", width+len(") "))
	for i := 0; i < len(r.items); i += step {
		if i > 0 {
			b = append(b, indent...)
		}
		b = fmt.Appendf(b, "%*d%c ", width, i/step+1, mark)
		b = appendPretty(b, r.items[i], inner)
		if r.kind == '%' {
			b = append(b[:len(b)-1], " => "...)
			b = appendPrettyValue(b, r.items[i+1], inner)
		}
	}
	return b
}

// appendPrettyValue appends the value of a map's pair. A collection of several lines starts
// on a line of its own.
func appendPrettyValue(b []byte, value reply, indent string) []byte {
	start := len(b)
	b = appendPretty(b, value, indent)
	if value.isAggregate() && bytes.Count(b[start:], []byte("\n")) > 1 {
		b = append(b[:start], '\n')
		b = append(b, indent...)
		b = appendPretty(b, value, indent)
	}
	return b
}

// appendRaw appends a reply as redis-cli writes it to a file or pipe: the bare bytes, the items
// of collections joined by delimiter, key and value by a blank.
func appendRaw(b []byte, r reply, delimiter string) []byte {
	switch r.kind {
	case '_':
	case '#':
		b = appendBoolean(b, r)
	case '-':
		b = append(append(b, r.text...), '\n')
	case '*', '~', '>', '%':
		for i, item := range r.items {
			switch {
			case i == 0:
			case r.kind == '%' && i%2 == 1:
				b = append(b, ' ')
			default:
				b = append(b, delimiter...)
			}
			b = appendRaw(b, item, delimiter)
		}
	default:
		b = append(b, r.text...)
	}
	return b
}

func appendBoolean(b []byte, r reply) []byte {
	if string(r.text) == "t" {
		return append(b, "(true)"...)
	}
	return append(b, "(false)"...)
}

// appendQuoted appends text in double quotes, so that splitLine reads it back.
func appendQuoted(b, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\a':
			b = append(b, `\a`...)
		case '\b':
			b = append(b, `\b`...)
		default:
			if c < ' ' || c > '~' {
				b = fmt.Appendf(b, `\x%02x`, c)
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}
