package words

// SplitInPlace splits the line of an inline command into words by Redis's rules
// (sdssplitargs), appends where they lie to spans and reports whether every quote is
// closed, by a mark that is followed by a blank or the end. In "..." the escapes are
// \n \r \t \b \a, \xHH and \ before any other character; in '...' it is \' alone.
//
// Escapes are decoded in place: a word is never longer than its source. Spans count
// from the start of line.
func SplitInPlace(line []byte, spans []Span) (_ []Span, ok bool) {
	w := 0
	for r := 0; ; {
		for r < len(line) && IsSpace(line[r]) {
			r++
		}
		if r == len(line) {
			return spans, true
		}
		from := w
		if r, w, ok = inlineWord(line, r, w); !ok {
			return spans, false
		}
		spans = append(spans, Span{from, w})
	}
}

// inlineWord decodes the word that starts at line[r] to line[w], w <= r, and returns the
// positions behind both.
func inlineWord(line []byte, r, w int) (_, _ int, ok bool) {
	quote := byte(0)
	for ; r < len(line); r++ {
		c := line[r]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return r, w, true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
			continue
		case quote != 0 && c == quote:
			r++
			return r, w, r == len(line) || IsSpace(line[r])
		case quote == '"' && c == '\\' && r+1 < len(line):
			c, r = unescape(line, r+1)
		case quote == '\'' && c == '\\' && r+1 < len(line) && line[r+1] == '\'':
			r++
			c = '\''
		}
		line[w] = c
		w++
	}
	return r, w, quote == 0
}

// unescape decodes the escape whose character behind the backslash is line[r], and
// returns the position of its last byte.
func unescape(line []byte, r int) (byte, int) {
	switch c := line[r]; c {
	case 'x':
		if r+2 < len(line) {
			high, ok1 := hexDigit(line[r+1])
			low, ok2 := hexDigit(line[r+2])
			if ok1 && ok2 {
				return high<<4 | low, r + 2
			}
		}
		return c, r
	case 'n':
		return '\n', r
	case 'r':
		return '\r', r
	case 't':
		return '\t', r
	case 'b':
		return '\b', r
	case 'a':
		return '\a', r
	default:
		return c, r
	}
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
