package aof

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	bufferBytes = 256 << 10
	lineBytes   = 64      // a count or a length with its mark and end
	keptBytes   = 1 << 20 // what a command leaves for the next one
)

// errTorn is that of input that ends within a command.
var errTorn = errors.New("aof: ends within a command")

// A commandReader reads the commands of one file.
type commandReader struct {
	in        *bufio.Reader
	offset    int64 // of what in reads next
	maxBytes  int64 // of a command
	arguments [][]byte
	ends      []int  // of the arguments in text
	text      []byte // the arguments, one after the other
}

// next reads a command, or a line that begins with #, which it returns without that and its end. The error is io.EOF
// at the end, errTorn, or an *Error without a file. With skip the arguments are passed over and only the first one is
// kept.
func (c *commandReader) next(skip bool) (annotation string, err error) {
	c.arguments, c.ends = c.arguments[:0], c.ends[:0]
	if c.text = c.text[:0]; cap(c.text) > keptBytes {
		c.text = nil
	}
	start := c.offset
	line, err := c.line()
	if err != nil {
		if err == errTorn && c.offset == start {
			return "", io.EOF
		}
		return "", err
	}
	if line[0] == '#' {
		return string(line[1:]), nil
	}
	count, err := c.count(line, '*', start)
	if err != nil {
		return "", err
	}
	if count < 1 {
		return "", c.fault(start, "a command", fmt.Sprintf("one of %d arguments", count))
	}
	total := int64(0)
	for i := range count {
		start = c.offset
		if line, err = c.line(); err != nil {
			return "", err
		}
		n, err := c.count(line, '$', start)
		if err != nil {
			return "", err
		}
		if total += n + argumentBytes; n < 0 || n > c.maxBytes || total > c.maxBytes {
			expected := fmt.Sprintf("a command of at most %d bytes", c.maxBytes)
			return "", c.fault(start, expected, fmt.Sprintf("an argument of %d", n))
		}
		if err := c.argument(n, skip && i > 0); err != nil {
			return "", err
		}
	}
	begin := 0
	for _, end := range c.ends {
		c.arguments = append(c.arguments, c.text[begin:end:end])
		begin = end
	}
	return "", nil
}

// argumentBytes is what an argument takes beside its bytes.
const argumentBytes = 32

// line reads a line and returns it without its end. It is good until the next read and has at least one byte.
func (c *commandReader) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	start := c.offset
	c.offset += int64(len(line))
	switch {
	case err == io.EOF:
		return nil, c.tornLine(line, start)
	case err == bufio.ErrBufferFull:
		return nil, c.fault(start, "a command", fmt.Sprintf("%.40q", line))
	case err != nil:
		return nil, err
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) == 0 || len(line) > lineBytes && line[0] != '#' {
		return nil, c.fault(start, "a command", fmt.Sprintf("%.40q", line))
	}
	return line, nil
}

// tornLine tells a line that the end of the file has cut off from what is no line of a command at all.
func (c *commandReader) tornLine(line []byte, start int64) error {
	if len(line) == 0 {
		return errTorn
	}
	if line[0] != '*' && line[0] != '$' && line[0] != '#' || len(line) > lineBytes && line[0] != '#' {
		return c.fault(start, "a command", fmt.Sprintf("%.40q", line))
	}
	return errTorn
}

// count reads the number of a line that begins with a mark.
func (c *commandReader) count(line []byte, mark byte, at int64) (int64, error) {
	if line[0] == mark {
		if n, err := strconv.ParseInt(string(line[1:]), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, c.fault(at, fmt.Sprintf("%q and a number", mark), fmt.Sprintf("%.40q", line))
}

// argument reads n bytes and the end of their line.
func (c *commandReader) argument(n int64, skip bool) error {
	for left := n; left > 0; {
		some := min(left, bufferBytes/2)
		b, err := c.in.Peek(int(some))
		if len(b) == 0 {
			return endOf(err)
		}
		if !skip {
			c.text = append(c.text, b...)
		}
		c.in.Discard(len(b))
		c.offset += int64(len(b))
		left -= int64(len(b))
	}
	at := c.offset
	b, err := c.in.Peek(2)
	if len(b) < 2 {
		return endOf(err)
	}
	if string(b) != "\r\n" {
		return c.fault(at, "the end of an argument's line", fmt.Sprintf("%q", b))
	}
	c.in.Discard(2)
	c.offset += 2
	if !skip {
		c.ends = append(c.ends, len(c.text))
	}
	return nil
}

// endOf is the error of a read in the middle of a command.
func endOf(err error) error {
	if err == io.EOF {
		return errTorn
	}
	return err
}

func (c *commandReader) fault(at int64, expected, found string) error {
	return &Error{Offset: at, Expected: expected, Found: found, Err: ErrFormat}
}

// is reports whether the command has this name and no arguments.
func (c *commandReader) is(name string) bool {
	return len(c.ends) > 0 && strings.EqualFold(string(c.text[:c.ends[0]]), name)
}

// An extent is how far a file is right.
type extent struct {
	end int64 // of the last whole command or block
	err error // what is wrong behind it: errTorn, another, nil
	why string
}

// scan reads the framing of the rest of a file.
func (c *commandReader) scan() extent {
	x := extent{end: c.offset}
	inBlock := false
	for {
		annotation, err := c.next(true)
		switch {
		case err == io.EOF && inBlock:
			x.err, x.why = errTorn, "a MULTI block without its EXEC"
			return x
		case err == io.EOF:
			return x
		case err != nil:
			x.err, x.why = err, "an unfinished command"
			if inBlock {
				x.why = "a MULTI block without its EXEC"
			}
			return x
		case annotation != "":
		case c.is("multi"):
			inBlock = true
		case c.is("exec"):
			inBlock = false
		}
		if !inBlock {
			x.end = c.offset
		}
	}
}
