package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// A reply is one value of RESP2 or RESP3.
type reply struct {
	// kind is the value's type byte. Three are folded into others: a null of any kind is '_',
	// a bulk error is '-', and an attribute is dropped.
	kind  byte
	text  []byte  // of '$' '+' '-' ':' ',' '(' '=' and '#' (t or f); a verbatim string's without its format
	items []reply // of '*' '~' '>' and '%'; of a map, key and value in turn
}

func (r reply) isAggregate() bool { return bytes.IndexByte([]byte("*~>%"), r.kind) >= 0 }

// maxNesting is how deep a reply may nest; it bounds the stack, no command comes near it.
const maxNesting = 128

var errNesting = errors.New("Protocol error, the reply nests too deep")

// readReply reads one value. An error leaves the stream somewhere inside it.
func readReply(in *bufio.Reader) (reply, error) { return readNested(in, 0) }

func readNested(in *bufio.Reader, depth int) (reply, error) {
	if depth > maxNesting {
		return reply{}, errNesting
	}
	line, err := readLine(in)
	if err != nil {
		return reply{}, err
	}
	if len(line) == 0 {
		return reply{}, errors.New("Protocol error, got an empty line as reply type byte")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', '-', ':', ',', '#', '(':
		return reply{kind: kind, text: rest}, nil
	case '_':
		return reply{kind: '_'}, nil
	case '$', '=', '!':
		return readBulk(in, kind, rest)
	case '*', '~', '>', '%', '|':
		return readAggregate(in, kind, rest, depth)
	}
	return reply{}, fmt.Errorf("Protocol error, got %q as reply type byte", string(kind))
}

func readBulk(in *bufio.Reader, kind byte, length []byte) (reply, error) {
	n, err := strconv.ParseInt(string(length), 10, 64)
	if err != nil || n < -1 {
		return reply{}, errors.New("Bad bulk string length")
	}
	if n == -1 {
		return reply{kind: '_'}, nil
	}
	// The buffer grows with what arrives, so that a false length costs no memory.
	var text bytes.Buffer
	if _, err := io.CopyN(&text, in, n); err != nil {
		return reply{}, err
	}
	if end, err := readLine(in); err != nil {
		return reply{}, err
	} else if len(end) != 0 {
		return reply{}, errors.New("Protocol error, a bulk string is longer than announced")
	}
	b := text.Bytes()
	switch kind {
	case '=':
		const format = len("txt:")
		if len(b) < format {
			return reply{}, errors.New("Protocol error, a verbatim string without its format")
		}
		b = b[format:]
	case '!':
		kind = '-'
	}
	return reply{kind: kind, text: b}, nil
}

func readAggregate(in *bufio.Reader, kind byte, length []byte, depth int) (reply, error) {
	n, err := strconv.ParseInt(string(length), 10, 32)
	if err != nil || n < -1 {
		return reply{}, errors.New("Bad multi-bulk length")
	}
	if n == -1 {
		return reply{kind: '_'}, nil
	}
	if kind == '%' || kind == '|' {
		n *= 2
	}
	r := reply{kind: kind}
	for range n {
		item, err := readNested(in, depth+1)
		if err != nil {
			return reply{}, err
		}
		r.items = append(r.items, item)
	}
	if kind == '|' { // an attribute is about the value that follows it
		return readNested(in, depth+1)
	}
	return r, nil
}

// readLine reads up to a line's end and returns it without.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// appendCommand appends a command as clients send it: an array of bulk strings.
func appendCommand(b []byte, args []string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, arg := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b
}
