package follow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits bound what a Reader takes into memory.
type Limits struct {
	Argument int64 // the longest argument of a command
	Command  int64 // all arguments of a command together, and what they cost by their number
}

const (
	lineBytes    = 64 << 10 // the longest line: Redis's PROTO_INLINE_MAX_SIZE
	maxArguments = 1 << 20
	argumentCost = 24       // bytes of a slice
	step         = 64 << 10 // an argument grows by as much as has arrived, and at least this
)

// A Reader reads what a master sends.
type Reader struct {
	src    io.Reader
	limits Limits
	// Wait is called before each read from the source, which may block: all that was handed on is done with.
	Wait func() error

	buf    []byte
	at     int   // of buf, what was handed on
	end    int   // of buf, what was read
	offset int64 // bytes handed on
	args   [][]byte
}

// Errors of a stream that can not be gone on with. What was found is in the error's text.
var (
	ErrProtocol = errors.New("the master does not speak the replication protocol")
	ErrTooLong  = errors.New("the master sends more than the limits allow")
)

// NewReader returns a reader that is at offset 0.
func NewReader(src io.Reader, limits Limits) *Reader {
	return &Reader{src: src, limits: limits, buf: make([]byte, 64<<10)}
}

// Offset is the replication offset behind what was handed on.
func (r *Reader) Offset() int64 { return r.offset }

// SetOffset says what the offset is here.
func (r *Reader) SetOffset(n int64) { r.offset = n }

// Buffered is how many bytes have arrived that were not handed on.
func (r *Reader) Buffered() int { return r.end - r.at }

// fill reads more, at least a byte. What was read and not handed on moves to the front.
func (r *Reader) fill() error {
	if r.Wait != nil {
		if err := r.Wait(); err != nil {
			return err
		}
	}
	if r.at > 0 {
		r.end = copy(r.buf, r.buf[r.at:r.end])
		r.at = 0
	}
	if r.end == len(r.buf) {
		return fmt.Errorf("%w: a line of more than %d bytes", ErrTooLong, lineBytes)
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return unexpected(err)
		}
	}
	return io.ErrNoProgress
}

// unexpected makes the end of a connection an error: a master never ends by itself.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (r *Reader) take(n int) []byte {
	b := r.buf[r.at : r.at+n]
	r.at += n
	r.offset += int64(n)
	return b
}

// line returns the next line without its end, which is \n or \r\n. It is valid until the next read.
func (r *Reader) line() ([]byte, error) {
	for from := 0; ; {
		if n := bytes.IndexByte(r.buf[r.at+from:r.end], '\n'); n >= 0 {
			b := r.take(from + n + 1)
			return bytes.TrimSuffix(b[:len(b)-1], []byte{'\r'}), nil
		}
		from = r.end - r.at
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// Line returns the next line that is not empty: empty ones keep the connection alive.
func (r *Reader) Line() (string, error) {
	for {
		b, err := r.line()
		if err != nil || len(b) > 0 {
			return string(b), err
		}
	}
}

// Read reads what follows as it comes, for the snapshot.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at == r.end {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.at:r.end])
	r.at += n
	return n, nil
}

// A Command is one of the stream.
type Command struct {
	Args [][]byte // valid until the next Command
	End  int64    // the offset behind it
}

// Command returns the next command of the stream. Its arguments are empty only for an empty line, which counts in the
// offset.
func (r *Reader) Command() (c Command, err error) {
	head, err := r.line()
	if err != nil {
		return c, err
	}
	switch {
	case len(head) == 0:
		return Command{End: r.offset}, nil
	case head[0] != '*':
		args := bytes.Fields(bytes.Clone(head))
		return Command{Args: args, End: r.offset}, nil
	}
	n, ok := number(head[1:])
	switch {
	case !ok || n < -1:
		return c, fmt.Errorf("%w: %.40q instead of a number of arguments", ErrProtocol, head)
	case n > maxArguments:
		return c, fmt.Errorf("%w: a command of %d arguments", ErrTooLong, n)
	}
	args, size := r.args[:0], int64(0)
	for range n {
		arg, err := r.argument(r.limits.Command - size)
		if err != nil {
			return c, err
		}
		size += int64(len(arg)) + argumentCost
		args = append(args, arg)
	}
	r.args = args
	if len(args) > 1<<12 {
		r.args = nil
	}
	return Command{Args: args, End: r.offset}, nil
}

// argument reads $len and as many bytes, which are the caller's.
func (r *Reader) argument(room int64) ([]byte, error) {
	head, err := r.line()
	if err != nil {
		return nil, err
	}
	if len(head) == 0 || head[0] != '$' {
		return nil, fmt.Errorf("%w: %.40q instead of an argument's length", ErrProtocol, head)
	}
	n, ok := number(head[1:])
	switch {
	case !ok || n < 0:
		return nil, fmt.Errorf("%w: %.40q instead of an argument's length", ErrProtocol, head)
	case n > r.limits.Argument || n > room:
		return nil, fmt.Errorf("%w: an argument of %d bytes", ErrTooLong, n)
	}
	arg := make([]byte, 0, min(n, step))
	for int64(len(arg)) < n {
		if r.at == r.end {
			if err := r.fill(); err != nil {
				return nil, err
			}
		}
		arg = append(arg, r.take(int(min(n-int64(len(arg)), int64(r.end-r.at))))...)
	}
	if tail, err := r.line(); err != nil {
		return nil, err
	} else if len(tail) != 0 {
		return nil, fmt.Errorf("%w: %.40q behind an argument of %d bytes", ErrProtocol, tail, n)
	}
	return arg, nil
}

func number(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}
