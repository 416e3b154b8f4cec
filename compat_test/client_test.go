package compat_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// replyTimeout bounds the wait for any one reply. It is patience with a machine that has other work.
const replyTimeout = time.Minute

// client speaks RESP2, and RESP3 after HELLO 3, and hides nothing: no retries,
// no reconnects. It is not for concurrent use.
type client struct {
	t    testing.TB // nil for a client from open
	conn net.Conn
	r    *bufio.Reader
}

// dial connects to addr for the length of the test. Methods without an error
// result end the test if the connection fails.
func dial(t testing.TB, addr string) *client {
	t.Helper()
	c, err := open(addr)
	if err != nil {
		t.Fatal(err)
	}
	c.t = t
	t.Cleanup(c.Close)
	return c
}

// open connects without a test to fail, for goroutines and for servers that
// may be gone: use only Try, and Close it.
func open(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, replyTimeout)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) Close() { _ = c.conn.Close() }

// Do sends one command and returns its reply; an error reply is a value too.
// Arguments are strings, byte slices, or numbers, which are sent in decimal.
func (c *client) Do(args ...any) value {
	c.t.Helper()
	v, err := c.Try(args...)
	if err != nil {
		c.t.Fatalf("%v: %v", args, err)
	}
	return v
}

// Try is Do for a connection that may break.
func (c *client) Try(args ...any) (value, error) {
	if err := c.write(encode(args...)); err != nil {
		return value{}, err
	}
	return c.read(replyTimeout)
}

// Send sends one command without reading its reply.
func (c *client) Send(args ...any) { c.t.Helper(); c.SendRaw(encode(args...)) }

// SendRaw sends bytes as they are.
func (c *client) SendRaw(b []byte) {
	c.t.Helper()
	if err := c.write(b); err != nil {
		c.t.Fatal(err)
	}
}

// Receive reads one reply.
func (c *client) Receive() value {
	c.t.Helper()
	v, err := c.read(replyTimeout)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

// Pipeline sends all commands in one write and returns their replies in order.
func (c *client) Pipeline(commands ...[]any) []value {
	c.t.Helper()
	var b []byte
	for _, args := range commands {
		b = append(b, encode(args...)...)
	}
	c.SendRaw(b)
	replies := make([]value, len(commands))
	for i := range replies {
		replies[i] = c.Receive()
	}
	return replies
}

func (c *client) write(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

func (c *client) read(timeout time.Duration) (value, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return value{}, err
	}
	return readValue(c.r)
}

// readOutcome is read where a hang-up and silence are outcomes, not failures.
func (c *client) readOutcome(timeout time.Duration) (value, error) {
	v, err := c.read(timeout)
	switch {
	case isHangUp(err):
		return value{kind: kindClosed}, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return value{kind: kindSilence}, nil
	}
	return v, err
}

// readBytes reads until want bytes and the wanted hang-up have come, or
// nothing has come for the length of quiet.
func (c *client) readBytes(want int, wantClosed bool, quiet time.Duration) (value, error) {
	v := value{kind: kindRaw}
	buf := make([]byte, 16<<10)
	for {
		wait := replyTimeout
		if len(v.text) >= want && !wantClosed {
			wait = quiet
		}
		if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return v, err
		}
		n, err := c.r.Read(buf)
		v.text += string(buf[:n])
		switch {
		case isHangUp(err):
			v.closed = true
			return v, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return v, nil
		case err != nil:
			return v, err
		}
	}
}

func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// encode writes one command as RESP sends it.
func encode(args ...any) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, arg := range args {
		var s string
		switch arg := arg.(type) {
		case string:
			s = arg
		case []byte:
			s = string(arg)
		default:
			s = fmt.Sprint(arg)
		}
		b = fmt.Appendf(b, "$%d\r\n", len(s))
		b = append(b, s...)
		b = append(b, "\r\n"...)
	}
	return b
}

// infoField is one field of INFO's text, or "".
func infoField(info, name string) string {
	for line := range strings.SplitSeq(info, "\r\n") {
		if val, ok := strings.CutPrefix(line, name+":"); ok {
			return val
		}
	}
	return ""
}

// splitArgs cuts a line into arguments by redis-cli's rules: double quotes with
// \n \r \t \b \a \xHH and \" inside, single quotes with \' alone.
func splitArgs(line string) ([]string, error) {
	var args []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return args, nil
		}
		var arg string
		var err error
		if arg, line, err = cutArg(line); err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
}

func cutArg(line string) (arg, rest string, err error) {
	if line[0] != '"' && line[0] != '\'' {
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			return line[:i], line[i:], nil
		}
		return line, "", nil
	}
	if arg, rest, err = unquote(line); err != nil {
		return "", "", err
	}
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", "", fmt.Errorf("no space after the closing quote: %s", rest)
	}
	return arg, rest, nil
}

// unquote reads the quoted string that line starts with.
func unquote(line string) (s, rest string, err error) {
	var b strings.Builder
	mark := line[0]
	for i := 1; i < len(line); i++ {
		c := line[i]
		if c == mark {
			return b.String(), line[i+1:], nil
		}
		if c != '\\' || i+1 == len(line) {
			b.WriteByte(c)
			continue
		}
		i++
		switch c = line[i]; {
		case mark == '\'' && c != '\'':
			b.WriteByte('\\')
			b.WriteByte(c)
		case mark == '"' && c == 'x' && i+2 < len(line):
			n, err := strconv.ParseUint(line[i+1:i+3], 16, 8)
			if err != nil {
				return "", "", err
			}
			b.WriteByte(byte(n))
			i += 2
		case mark == '"' && strings.IndexByte("nrtba", c) >= 0:
			b.WriteByte("\n\r\t\b\a"[strings.IndexByte("nrtba", c)])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fmt.Errorf("no closing quote: %s", line)
}
