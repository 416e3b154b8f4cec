package wire

import (
	"bytes"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
)

// parse cuts whole commands out of the buffer until there are max of them or the
// bytes end. What is parsed of an unfinished command is kept: each byte is looked at once.
// The rules are those of Redis (networking.c, processInlineBuffer and
// processMultibulkBuffer), with two exceptions where Redis's own answer depends on
// chance or is none: a line is too long whether or not its end arrives in the same
// read, and a NUL byte in a line does not hide the line's end.
func (g *Guard) parse(max int) error {
	for len(g.ws.commands) < max && g.pos < g.end {
		var more bool
		var err error
		switch {
		case g.missing > 0:
			more, err = g.parseArgs()
		case g.ws.buf[g.pos] == '*':
			more, err = g.parseCount()
		default:
			more, err = g.parseInline()
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// parseCount parses "*3\r\n". A count of zero or less is no command: it is skipped.
func (g *Guard) parseCount() (more bool, err error) {
	line, err := g.line(errBigCount)
	if line == nil {
		return false, err
	}
	count, ok := numbers.ParseInt(line[1:])
	switch {
	case !ok || count > maxArgs:
		return false, errCount
	case count > unauthArgs && !g.Authed.Load():
		return false, errUnauthCount
	case count <= 0:
		g.start = g.pos
		return true, nil
	}
	g.missing = int(count)
	return true, nil
}

// parseArgs parses the arguments, "$5\r\nhello\r\n" each. The two bytes after an argument
// are skipped unseen.
func (g *Guard) parseArgs() (more bool, err error) {
	for g.missing > 0 {
		if g.bulk < 0 {
			if g.bulk, err = g.parseBulkLength(); g.bulk < 0 {
				return false, err
			}
		}
		if g.bulk >= BigArg {
			g.pullBig()
			if int64(len(g.big)) < g.bulk || g.end-g.pos < 2 {
				return false, nil
			}
			g.ws.spans = append(g.ws.spans, words.Span{From: ^len(g.bigs)})
			g.bigs = append(g.bigs, g.big)
			g.bigBytes += g.bulk
			g.big = nil
			g.pos += 2
		} else {
			to := g.pos + int(g.bulk)
			if to+2 > g.end {
				return false, nil
			}
			g.ws.spans = append(g.ws.spans, words.Span{From: g.pos - g.start, To: to - g.start})
			g.pos = to + 2
		}
		g.bulk, g.scan = -1, g.pos
		g.missing--
	}
	return true, g.finish()
}

// parseBulkLength parses "$5\r\n". It returns -1 if the line is not whole, or with an error.
func (g *Guard) parseBulkLength() (int64, error) {
	line, err := g.line(errBigBulkCount)
	if line == nil {
		return -1, err
	}
	if len(line) == 0 || line[0] != '$' {
		return -1, errExpectedBulk(g.ws.buf[g.pos-len(line)-2])
	}
	length, ok := numbers.ParseInt(line[1:])
	switch {
	case !ok || length < 0 || length > g.limits.maxBulk():
		return -1, errBulkLength
	case length > unauthArgSize && !g.Authed.Load():
		return -1, errUnauthBulkLen
	}
	return length, nil
}

// pullBig moves bytes of the current big argument from the buffer into it. Most of a
// big argument never was in the buffer: see target.
func (g *Guard) pullBig() {
	n := int(min(int64(g.end-g.pos), g.bulk-int64(len(g.big))))
	if n == 0 {
		return
	}
	g.growBig(n)
	g.big = append(g.big, g.ws.buf[g.pos:g.pos+n]...)
	if g.pos+n < g.end {
		g.pos += n
		return
	}
	g.end = g.pos // nothing follows: the room can be used again
	g.cut += n
}

// finish makes a command of the parsed arguments.
func (g *Guard) finish() error {
	ws := g.ws
	if g.cost()-int64(g.end-g.pos) > g.limits.QueryBuffer() {
		return ErrQueryBuffer
	}
	first := len(ws.args)
	body := ws.buf[g.start:g.pos]
	for _, s := range ws.spans {
		if s.From < 0 {
			ws.args = append(ws.args, g.bigs[^s.From])
		} else {
			ws.args = append(ws.args, body[s.From:s.To:s.To])
		}
	}
	ws.commands = append(ws.commands, Command{ws.args[first:len(ws.args):len(ws.args)], len(body) + g.cut})
	ws.spans = ws.spans[:0]
	g.bigs, g.bigBytes, g.cut = nil, 0, 0
	g.start, g.scan = g.pos, g.pos
	return nil
}

// parseInline parses a line without framing, as typed into telnet. A line without
// words is no command: it is skipped.
func (g *Guard) parseInline() (more bool, err error) {
	i := bytes.IndexByte(g.ws.buf[g.scan:g.end], '\n')
	next := g.scan + i + 1
	if i < 0 {
		next = g.end + 1
	}
	// In a line that is not whole, a \r at the end is perhaps half of its line end.
	line := bytes.TrimSuffix(g.ws.buf[g.pos:next-1], []byte{'\r'})
	if len(line) > maxLineBytes {
		return false, errBigInline
	}
	if i < 0 {
		g.scan = g.end
		return false, nil
	}
	var ok bool
	if g.ws.spans, ok = words.SplitInPlace(line, g.ws.spans); !ok {
		return false, errQuotes
	}
	g.pos, g.scan = next, next
	if len(g.ws.spans) == 0 {
		g.start = g.pos
		return true, nil
	}
	return true, g.finish()
}

// line takes a line that holds a length from the buffer, without its end: a CR and
// whatever byte follows. It returns nil while the end has not come.
func (g *Guard) line(tooBig *ProtocolError) ([]byte, error) {
	buf := g.ws.buf[:g.end]
	i := g.scan
	for i < len(buf) && buf[i] != '\r' {
		i++
	}
	g.scan = i
	if i-g.pos > maxLineBytes {
		return nil, tooBig
	}
	if i+2 > len(buf) {
		return nil, nil
	}
	line := buf[g.pos:i]
	g.pos, g.scan = i+2, i+2
	return line, nil
}

// errExpectedBulk says that a length line does not start with $. Errors are one line,
// so the ends of lines become blanks.
func errExpectedBulk(got byte) *ProtocolError {
	if got == '\r' || got == '\n' {
		got = ' '
	}
	return &ProtocolError{"Protocol error: expected '$', got '" + string([]byte{got}) + "'"}
}
