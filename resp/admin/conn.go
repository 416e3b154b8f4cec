package admin

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Bounds of one reply. The server may send more, of which the rest is read and let go.
const (
	mostBulk    = 64 << 10  // bytes kept of one string
	mostReply   = 4 << 20   // bytes kept of all strings of one reply
	mostElems   = 1_000_000 // elements of one reply: beyond it the connection ends
	mostDepth   = 16
	commandTime = 30 * time.Second // within which a reply comes
)

// A value is a reply.
type value struct {
	kind  byte   // RESP's: '+' '-' '$' ':' '*' ...; bulk strings of any kind are '$', missing ones '_'
	text  string // of strings, errors and numbers, at most mostBulk bytes
	whole int64  // how long the string is in truth
	elems []value
}

func (v *value) failed() bool  { return v.kind == '-' }
func (v *value) missing() bool { return v.kind == '_' }
func (v *value) cut() bool     { return v.whole > int64(len(v.text)) }

// int is a number, or one in a string; 0 = it is none.
func (v *value) int() int64 {
	n, _ := strconv.ParseInt(v.text, 10, 64)
	return n
}

// pairs walks over a map, or an array in place of one.
func (v *value) pairs(fn func(name string, v *value)) {
	for i := 0; i+1 < len(v.elems); i += 2 {
		fn(v.elems[i].text, &v.elems[i+1])
	}
}

// field is what a map has under a name; a missing value if it has none.
func (v *value) field(name string) *value {
	found := &value{kind: '_'}
	v.pairs(func(n string, v *value) {
		if n == name {
			found = v
		}
	})
	return found
}

// A denial is an error that the server has replied.
type denial struct{ text string }

func (d denial) Error() string { return d.text }

// noPermission reports whether a reply's error is one of permission.
func noPermission(err error) bool {
	var d denial
	return errors.As(err, &d) && (strings.HasPrefix(d.text, "NOPERM") || strings.HasPrefix(d.text, "NOAUTH"))
}

// A conn is a client of the server's. One goroutine at a time uses it.
type conn struct {
	net      net.Conn
	r        *bufio.Reader
	w        *bufio.Writer
	budget   int   // bytes that the reply under way may keep
	elems    int   // elements that it may have
	mostBulk int64 // bytes that it may keep of one string; 0 = mostBulk
	db       int   // that is selected
	broken   error // it is of no more use
}

func newConn(c net.Conn) *conn {
	return &conn{net: c, r: bufio.NewReaderSize(c, 16<<10), w: bufio.NewWriter(c)}
}

func (c *conn) close() { c.net.Close() }

// do runs a command. An error reply is a denial; after another error the connection is of no more use.
func (c *conn) do(args ...string) (value, error) {
	all, err := c.pipeline([][]string{args})
	if err != nil {
		return value{}, err
	}
	if all[0].failed() {
		return all[0], denial{all[0].text}
	}
	return all[0], nil
}

// pipeline runs commands and returns all replies, of which some may be errors.
func (c *conn) pipeline(commands [][]string) ([]value, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	if err := c.net.SetDeadline(time.Now().Add(commandTime)); err != nil {
		return nil, c.breaks(err)
	}
	for _, args := range commands {
		c.put(args)
	}
	// The server gathers replies while it reads, however many they are.
	if err := c.w.Flush(); err != nil {
		if v, unread := c.reply(); unread == nil && v.failed() { // it was turned away, and told why
			err = denial{v.text}
		}
		return nil, c.breaks(err)
	}
	replies := make([]value, len(commands))
	c.budget = mostReply
	for i := range commands {
		v, err := c.reply()
		if err != nil {
			return nil, c.breaks(err)
		}
		replies[i] = v
	}
	return replies, nil
}

// put adds a command to what is to be sent.
func (c *conn) put(args []string) {
	fmt.Fprintf(c.w, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(c.w, "$%d\r\n", len(a))
		c.w.WriteString(a)
		c.w.WriteString("\r\n")
	}
}

func (c *conn) breaks(err error) error {
	c.broken = err
	c.net.Close()
	return err
}

// selectDB turns to a database.
func (c *conn) selectDB(db int) error {
	if c.db == db {
		return nil
	}
	_, err := c.do("SELECT", strconv.Itoa(db))
	if err == nil {
		c.db = db
	}
	return err
}

// reply reads one reply; what is pushed in between is passed over.
func (c *conn) reply() (value, error) {
	for {
		c.elems = mostElems
		v, err := c.value(0)
		if err != nil || v.kind != '>' {
			return v, err
		}
	}
}

var errReply = errors.New("the server's reply can not be read")

func (c *conn) value(depth int) (value, error) {
	line, err := c.line()
	if err != nil {
		return value{}, err
	}
	if line == "" || depth > mostDepth {
		return value{}, errReply
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', '-', ':', ',', '#', '(', '_':
		return value{kind: kind, text: rest, whole: int64(len(rest))}, nil
	case '$', '=', '!':
		return c.bulk(kind, rest)
	case '*', '~', '>', '%', '|':
		n, err := strconv.Atoi(rest)
		if err != nil || n < -1 {
			return value{}, errReply
		}
		if n < 0 {
			return value{kind: '_'}, nil
		}
		if kind == '%' || kind == '|' {
			n *= 2
		}
		if c.elems -= n; c.elems < 0 {
			return value{}, errReply
		}
		v := value{kind: kind, elems: make([]value, 0, min(n, 1024))}
		for range n {
			e, err := c.value(depth + 1)
			if err != nil {
				return value{}, err
			}
			v.elems = append(v.elems, e)
		}
		if kind == '|' { // attributes of the reply that follows
			return c.value(depth)
		}
		return v, nil
	}
	return value{}, errReply
}

// bulk reads a string and keeps its beginning.
func (c *conn) bulk(kind byte, length string) (value, error) {
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || n < -1 {
		return value{}, errReply
	}
	if n < 0 {
		return value{kind: '_'}, nil
	}
	keep := min(n, cmp.Or(c.mostBulk, mostBulk), int64(c.budget))
	c.budget -= int(keep)
	text := make([]byte, keep)
	if _, err = io.ReadFull(c.r, text); err == nil {
		err = c.pass(n - keep)
	}
	if err == nil {
		err = c.pass(2)
	}
	v := value{kind: '$', text: string(text), whole: n}
	switch {
	case kind == '!':
		v.kind = '-'
	case kind == '=' && len(v.text) >= 4: // txt: or mkd:
		v.text, v.whole = v.text[4:], v.whole-4
	}
	return v, err
}

// pass reads n bytes for nobody. Long values take their time: the deadline is for silence.
func (c *conn) pass(n int64) error {
	for n > 0 {
		step, err := c.r.Discard(int(min(n, 1<<20)))
		if err != nil {
			return err
		}
		if n -= int64(step); n > 0 {
			if err := c.net.SetDeadline(time.Now().Add(commandTime)); err != nil {
				return err
			}
		}
	}
	return nil
}

// line reads up to the next line's end; the server's are short.
func (c *conn) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// whole is do for a reply that is one text, longer ones than of values, too.
func (c *conn) whole(args ...string) (string, error) {
	c.mostBulk = mostReply
	defer func() { c.mostBulk = 0 }()
	v, err := c.do(args...)
	return v.text, err
}
