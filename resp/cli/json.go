package cli

import "fmt"

// appendCSV appends a reply as comma-separated values: strings quoted as on a terminal, the items of nested
// collections one after another.
func appendCSV(b []byte, r reply) []byte {
	switch r.kind {
	case '_':
		return append(b, "NULL"...)
	case '-':
		return appendQuoted(append(b, "ERROR,"...), r.text)
	case '#':
		return appendTrueFalse(b, r)
	case ':', '(', ',':
		return append(b, r.text...)
	case '*', '~', '>', '%':
		for i, item := range r.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCSV(b, item)
		}
		return b
	}
	return appendQuoted(b, r.text)
}

// appendJSON appends a reply as JSON. ascii = bytes outside of ASCII are written as \\xHH, a text's escapes twice.
// An error is error:"text" and an infinite number inf, as redis-cli has them: no JSON, but no false value either.
func appendJSON(b []byte, r reply, ascii bool) []byte {
	switch r.kind {
	case '_':
		return append(b, "null"...)
	case '-':
		return appendJSONText(append(b, "error:"...), r.text, ascii)
	case '#':
		return appendTrueFalse(b, r)
	case ':', '(', ',':
		return append(b, r.text...)
	case '*', '~', '>':
		b = append(b, '[')
		for i, item := range r.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item, ascii)
		}
		return append(b, ']')
	case '%':
		b = append(b, '{')
		for i := 0; i < len(r.items); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			key := appendJSON(nil, r.items[i], ascii)
			if key[0] != '"' { // a member's name is a string
				key = appendJSONText(nil, key, false)
			}
			b = append(append(b, key...), ':')
			b = appendJSON(b, r.items[i+1], ascii)
		}
		return append(b, '}')
	}
	return appendJSONText(b, r.text, ascii)
}

func appendTrueFalse(b []byte, r reply) []byte {
	if string(r.text) == "t" {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

func appendJSONText(b, text []byte, ascii bool) []byte {
	if ascii {
		quoted := appendQuoted(nil, text)
		text = quoted[1 : len(quoted)-1]
	}
	b = append(b, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\b':
			b = append(b, `\b`...)
		case c == '\f':
			b = append(b, `\f`...)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
