package resp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// bigArg is the length in bytes from which an argument is kept out of the read
// buffer: it is read straight from the socket into memory of its own.
const bigArg = 64 << 10

// The rest of Redis's fixed limits (server.h), asked of redis-server 7.0.15 over raw sockets.
const (
	maxLineBytes  = 64 << 10  // an inline command, or a line that holds a length, without its end
	maxArgs       = 1<<31 - 1 // arguments of one command
	unauthArgs    = 10        // the same before AUTH
	unauthArgSize = 16 << 10  // bytes of one argument before AUTH
)

// argCost is what the parser itself holds for one argument, in bytes: its span and
// its slice header. It counts against client-query-buffer-limit, or a command of empty
// arguments could hold six times the memory of its bytes.
const argCost = 16 + 24

// guardLimits are the configured bounds of what one client may send. All
// connections share one value; CONFIG SET stores into it at any time. Zeros stand for
// the limits of a default redis.conf.
type guardLimits struct {
	maxBulkBytes     atomic.Int64 // proto-max-bulk-len: bytes of one argument; 512 MiB
	queryBufferBytes atomic.Int64 // client-query-buffer-limit: bytes held for one unfinished command; 1 GiB
	idle             atomic.Int64 // timeout: nanoseconds without a byte after which ReadBatch ends; 0: never
	unsent           atomic.Int64 // bytes that wait to be sent, or are being made to be, on all connections
	strangers        strangers
}

func (l *guardLimits) maxBulk() int64     { return cmp.Or(l.maxBulkBytes.Load(), 512<<20) }
func (l *guardLimits) queryBuffer() int64 { return cmp.Or(l.queryBufferBytes.Load(), 1<<30) }

// command is one command as it came from a client. The slices in args alias the
// read buffer and hold until the next ReadBatch, except for those of at least bigArg
// bytes: each is an allocation of exactly its length which the receiver owns.
type command struct {
	args  [][]byte
	bytes int // on the wire, framing included
}

// protocolError is what a client did wrong in its framing. The caller answers
// "-ERR " + text and closes the connection.
type protocolError struct{ text string }

func (e *protocolError) Error() string { return e.text }

var (
	errBigInline     = &protocolError{"Protocol error: too big inline request"}
	errQuotes        = &protocolError{"Protocol error: unbalanced quotes in request"}
	errBigCount      = &protocolError{"Protocol error: too big mbulk count string"}
	errCount         = &protocolError{"Protocol error: invalid multibulk length"}
	errUnauthCount   = &protocolError{"Protocol error: unauthenticated multibulk length"}
	errBigBulkCount  = &protocolError{"Protocol error: too big bulk count string"}
	errBulkLength    = &protocolError{"Protocol error: invalid bulk length"}
	errUnauthBulkLen = &protocolError{"Protocol error: unauthenticated bulk length"}
)

// errQueryBuffer ends a connection whose unfinished command outgrew
// client-query-buffer-limit. As in Redis the client gets no reply.
var errQueryBuffer = errors.New("client-query-buffer-limit reached")

// guard is the server's end of one client connection: it turns what arrives into
// whole commands within Redis's limits, so that no bytes whatsoever cost more than
// their own size in memory and time. Bytes leave and arrive only through it, so it also
// counts them and notices a client that hangs up while its command is blocked.
//
// It stands where redcon's reader would. redcon accepts, gives each connection its
// goroutine and closes it; its first Read here yields one constant command, and the
// handler that redcon then calls serves the connection through ReadBatch until the
// end. The design that lost: the guard only checks the framing, which is most of this
// work, and redcon parses the bytes once more. SETs of 100-byte values, a command
// (BenchmarkParse, two cores of an AMD EPYC, Go 1.26):
//
//	                  guard            redcon's own part
//	one by one        80 ns  0 allocs  270 ns  3   allocs  536 B
//	pipelines of 16   40 ns  0 allocs  230 ns  2.4 allocs  586 B
//
// redcon besides keeps a buffer as large as the largest command, starts an unfinished
// command over with every read (quadratic for many arguments) and recurses once a read.
// An idle connection holds no buffer, and less than 2 KiB of heap together with its test
// client (BenchmarkIdleConnection); redcon's two buffers of 4 KiB come on top.
//
// One goroutine serves a connection. Only BytesIn, Traffic, Buffered, Waiting, IdleChanged, CloseRead, Close, Abort
// and the atomic fields may be used from others.
type guard struct {
	net.Conn
	plain  net.Conn    // the connection itself
	tls    *tls.Conn   // what speaks TLS over it if it is one of tls-port
	authed atomic.Bool // the client has authenticated, or need not

	limits                       *guardLimits
	in, out, reads, writes, held atomic.Int64
	closing                      atomic.Bool // CloseRead was called
	ticked                       int         // bytes of tick that Read has handed out
	mayBeSilent                  atomic.Bool // the idle timeout is not for this client
	deadline                     readDeadline

	// What ReadBatch has of the stream. A batch's commands lie before start, the
	// command being parsed between start and end:
	//
	//	ws.buf [ served | parsed args | line or body being read | free ]
	//	       0        start         pos                       end
	ws       *workspace // nil while the client is idle
	want     int        // size of the next buffer: smallBuffer or largeBuffer
	start    int
	pos      int      // first byte that is not parsed
	scan     int      // no line end lies between pos and here
	end      int      // first free byte
	missing  int      // arguments of the current command that are yet to come
	bulk     int64    // announced length of the argument at pos; -1: its length line comes next
	big      []byte   // as much of it as has come, if it is a big one
	bigs     [][]byte // finished big arguments of the current command
	bigBytes int64    // bytes of bigs
	cut      int      // bytes of big arguments that never entered the buffer, or left it again
	failed   error    // what ReadBatch returns from now on
	socket   socket
	unsent   unsent
	counted  int64       // what strangers knows of it
	veiled   int64       // bytes of TLS that have come and have not become bytes of the stream yet; only while it is a stranger
	shaking  atomic.Bool // the TLS handshake has not come to its end
	stranger stranger    // under strangers' lock
	ahead    []byte      // read while a command was blocked: comes before what the socket still holds
	ended    error       // how the stream ends behind ahead
}

// newGuard wraps an accepted connection. It starts out unauthenticated.
func newGuard(nc net.Conn, limits *guardLimits) *guard {
	g := &guard{Conn: nc, plain: nc, limits: limits, want: smallBuffer, bulk: -1}
	g.socket.init(g, g.target, g.release)
	return g
}

// newTLSGuard is newGuard for a connection of tls-port.
func newTLSGuard(nc net.Conn, config *tls.Config, limits *guardLimits) *guard {
	g := &guard{plain: nc, limits: limits, want: smallBuffer, bulk: -1}
	g.tls = tls.Server(wire{nc, g}, config)
	g.Conn = g.tls
	g.socket.init(g, g.target, g.release)
	return g
}

// handshakeTimeout is how long a client of tls-port may take until it speaks TLS.
const handshakeTimeout = 10 * time.Second

// handshake comes before everything else on a connection of tls-port.
func (g *guard) handshake() error {
	if g.tls == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	g.shaking.Store(true)
	err := g.tls.HandshakeContext(ctx)
	g.shaking.Store(false)
	g.veiled = 0
	g.account()
	return err
}

// hold returns a second descriptor of the connection, which the client sees as open until that one is closed, too; nil = there is none.
func (g *guard) hold() *os.File {
	if nc, ok := g.plain.(interface{ File() (*os.File, error) }); ok {
		if f, err := nc.File(); err == nil {
			return f
		}
	}
	return nil
}

// Abort closes the connection without a word: neither TLS's farewell nor what waits to be sent is.
func (g *guard) Abort() error {
	err := g.plain.Close()
	g.discard()
	return err
}

// ReadBatch waits until at least one whole command has come, and returns it together
// with those that came along, at most max (>= 1); before AUTH one at a time, since AUTH
// changes what the bytes behind it may be. It reads no more than it has to: once a
// command is whole, the next read belongs to the next call.
//
// Commands in front of a protocol error are returned first, the error by the next
// call and by all that follow. Other errors are io.EOF (also in the middle of a command),
// errQueryBuffer and the socket's own. os.ErrDeadlineExceeded, after the idle
// timeout, loses nothing: ReadBatch may be called again.
func (g *guard) ReadBatch(max int) ([]command, error) {
	if !g.authed.Load() {
		max = 1
	}
	if g.ws != nil {
		g.ws.reset()
	}
	for g.failed == nil {
		if g.ws != nil {
			g.failed = g.parse(max)
			g.held.Store(int64(g.end+len(g.big)) + g.bigBytes + int64(len(g.ahead)))
			g.account()
			if len(g.ws.commands) > 0 {
				return g.ws.commands, nil
			}
			if g.failed != nil {
				break
			}
		}
		err := g.fill()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			switch {
			case g.closing.Load():
				err = io.EOF
			case g.takes(): // it is not idle
				continue
			default:
				return nil, err
			}
		}
		if err != nil {
			g.failed = err
		}
	}
	g.abandon()
	return nil, g.failed
}

// fill adds what one read brings to the unfinished command.
func (g *guard) fill() error {
	if g.ws != nil {
		if g.start == g.end {
			g.release()
		} else if g.cost() > g.limits.queryBuffer() {
			return errQueryBuffer
		}
	}
	var n, room int
	var err error
	switch {
	case len(g.ahead) > 0:
		p := g.target()
		n, room = copy(p, g.ahead), len(p)
		if g.ahead = g.ahead[n:]; len(g.ahead) == 0 {
			g.ahead = nil
		}
	case g.ended != nil:
		return g.ended
	default:
		if err := g.beginRead(); err != nil {
			return err
		}
		if g.closing.Load() {
			return io.EOF
		}
		n, room, err = g.socket.read()
		g.received(n)
	}
	g.took(n, room)
	if n > 0 && err != nil {
		g.ended, err = err, nil // first what came with the error
	}
	return err
}

// BytesIn is how many bytes have been read from the client.
func (g *guard) BytesIn() int64 { return g.in.Load() }

// traffic is what has come and gone: bytes, and reads and writes that moved some.
type traffic struct{ in, out, reads, writes int64 }

func (t traffic) plus(o traffic) traffic {
	return traffic{t.in + o.in, t.out + o.out, t.reads + o.reads, t.writes + o.writes}
}

func (t traffic) minus(o traffic) traffic {
	return traffic{t.in - o.in, t.out - o.out, t.reads - o.reads, t.writes - o.writes}
}

// Traffic is the connection's so far.
func (g *guard) Traffic() traffic {
	return traffic{g.in.Load(), g.out.Load(), g.reads.Load(), g.writes.Load()}
}

func (g *guard) received(n int) {
	if n > 0 {
		g.veiled = 0
		g.in.Add(int64(n))
		g.reads.Add(1)
	}
}

func (g *guard) sent(n int) {
	if n > 0 {
		g.out.Add(int64(n))
		g.writes.Add(1)
	}
}

// Buffered is how many bytes of the client's commands are held, those being served
// included: qbuf in CLIENT LIST.
func (g *guard) Buffered() int { return int(g.held.Load()) }

// Write is for redcon alone: its Close flushes what it never has, and may do so beside a push.
func (g *guard) Write(p []byte) (int, error) { return len(p), g.Send(p, false) }

// tick is the one command that redcon sees.
const tick = "*1\r\n$4\r\nTICK\r\n"

// Read is for redcon alone: it yields tick, then io.EOF. The client's bytes go to
// ReadBatch.
func (g *guard) Read(p []byte) (int, error) {
	if g.ticked == len(tick) {
		return 0, io.EOF
	}
	n := copy(p, tick[g.ticked:])
	g.ticked += n
	return n, nil
}
