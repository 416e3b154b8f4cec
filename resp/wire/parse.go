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
	ws := g.ws
	for len(ws.commands) < max && ws.pos < ws.end {
		var more bool
		var err error
		switch {
		case ws.missing > 0:
			more, err = g.parseArgs()
		case ws.buf[ws.pos] == '*':
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
	ws := g.ws
	line, err := ws.line(errBigCount)
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
		ws.start = ws.pos
		return true, nil
	}
	ws.missing = int(count)
	return true, nil
}

// parseArgs parses the arguments, "$5\r\nhello\r\n" each. The two bytes after an argument
// are skipped unseen.
func (g *Guard) parseArgs() (more bool, err error) {
	ws := g.ws
	for ws.missing > 0 {
		if ws.bulk < 0 {
			if ws.bulk, err = g.parseBulkLength(); ws.bulk < 0 {
				return false, err
			}
		}
		if ws.bulk >= BigArg {
			ws.pullBig()
			if int64(len(ws.big)) < ws.bulk || ws.end-ws.pos < 2 {
				return false, nil
			}
			ws.spans = append(ws.spans, words.Span{From: ^len(ws.bigs)})
			ws.bigs = append(ws.bigs, ws.big)
			ws.bigBytes += ws.bulk
			ws.big = nil
			ws.pos += 2
		} else {
			to := ws.pos + int(ws.bulk)
			if to+2 > ws.end {
				return false, nil
			}
			ws.spans = append(ws.spans, words.Span{From: ws.pos - ws.start, To: to - ws.start})
			ws.pos = to + 2
		}
		ws.bulk, ws.scan = -1, ws.pos
		ws.missing--
	}
	return true, g.finish()
}

// parseBulkLength parses "$5\r\n". It returns -1 if the line is not whole, or with an error.
func (g *Guard) parseBulkLength() (int64, error) {
	ws := g.ws
	line, err := ws.line(errBigBulkCount)
	if line == nil {
		return -1, err
	}
	if len(line) == 0 || line[0] != '$' {
		return -1, errExpectedBulk(ws.buf[ws.pos-len(line)-2])
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
func (ws *workspace) pullBig() {
	n := int(min(int64(ws.end-ws.pos), ws.bulk-int64(len(ws.big))))
	if n == 0 {
		return
	}
	ws.growBig(n)
	ws.big = append(ws.big, ws.buf[ws.pos:ws.pos+n]...)
	if ws.pos+n < ws.end {
		ws.pos += n
		return
	}
	ws.end = ws.pos // nothing follows: the room can be used again
	ws.cut += n
}

// finish makes a command of the parsed arguments.
func (g *Guard) finish() error {
	ws := g.ws
	if ws.cost()-int64(ws.end-ws.pos) > g.limits.QueryBuffer() {
		return ErrQueryBuffer
	}
	first := len(ws.args)
	body := ws.buf[ws.start:ws.pos]
	for _, s := range ws.spans {
		if s.From < 0 {
			ws.args = append(ws.args, ws.bigs[^s.From])
		} else {
			ws.args = append(ws.args, body[s.From:s.To:s.To])
		}
	}
	ws.commands = append(ws.commands, Command{ws.args[first:len(ws.args):len(ws.args)], len(body) + ws.cut})
	ws.spans = ws.spans[:0]
	ws.bigs, ws.bigBytes, ws.cut = nil, 0, 0
	ws.start, ws.scan = ws.pos, ws.pos
	return nil
}

// parseInline parses a line without framing, as typed into telnet. A line without
// words is no command: it is skipped.
func (g *Guard) parseInline() (more bool, err error) {
	ws := g.ws
	i := bytes.IndexByte(ws.buf[ws.scan:ws.end], '\n')
	next := ws.scan + i + 1
	if i < 0 {
		next = ws.end + 1
	}
	// In a line that is not whole, a \r at the end is perhaps half of its line end.
	line := bytes.TrimSuffix(ws.buf[ws.pos:next-1], []byte{'\r'})
	if len(line) > maxLineBytes {
		return false, errBigInline
	}
	if i < 0 {
		ws.scan = ws.end
		return false, nil
	}
	var ok bool
	if ws.spans, ok = words.SplitInPlace(line, ws.spans); !ok {
		return false, errQuotes
	}
	ws.pos, ws.scan = next, next
	if len(ws.spans) == 0 {
		ws.start = ws.pos
		return true, nil
	}
	return true, g.finish()
}

// line takes a line that holds a length from the buffer, without its end: a CR and
// whatever byte follows. It returns nil while the end has not come.
func (ws *workspace) line(tooBig *ProtocolError) ([]byte, error) {
	buf := ws.buf[:ws.end]
	i := ws.scan
	for i < len(buf) && buf[i] != '\r' {
		i++
	}
	ws.scan = i
	if i-ws.pos > maxLineBytes {
		return nil, tooBig
	}
	if i+2 > len(buf) {
		return nil, nil
	}
	line := buf[ws.pos:i]
	ws.pos, ws.scan = i+2, i+2
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
