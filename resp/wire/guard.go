package wire

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

// BigArg is the length in bytes from which an argument is kept out of the read
// buffer: it is read straight from the socket into memory of its own.
const BigArg = 64 << 10

// The rest of Redis's fixed limits (server.h), asked of redis-server 7.0.15 over raw sockets.
const (
	maxLineBytes  = 64 << 10  // an inline command, or a line that holds a length, without its end
	maxArgs       = 1<<31 - 1 // arguments of one command
	unauthArgs    = 10        // arguments of one command before AUTH
	unauthArgSize = 16 << 10  // bytes of one argument before AUTH
)

// ArgCost is what the parser itself holds for one argument, in bytes: its span and
// its slice header. It counts against client-query-buffer-limit, or a command of empty
// arguments could hold six times the memory of its bytes.
const ArgCost = 16 + 24

// Limits are the configured bounds of what one client may send. All
// connections share one value; CONFIG SET stores into it at any time. Zeros stand for
// the limits of a default redis.conf.
type Limits struct {
	MaxBulkBytes     atomic.Int64 // proto-max-bulk-len: bytes of one argument; 512 MiB
	QueryBufferBytes atomic.Int64 // client-query-buffer-limit: bytes held for one unfinished command; 1 GiB
	Idle             atomic.Int64 // timeout: nanoseconds without a byte after which ReadBatch ends; 0: never
	Unsent           atomic.Int64 // bytes that wait to be sent, or are being made to be, on all connections
	Strangers        strangers
}

func (l *Limits) maxBulk() int64 { return cmp.Or(l.MaxBulkBytes.Load(), 512<<20) }

// QueryBuffer is how many bytes one unfinished command may hold.
func (l *Limits) QueryBuffer() int64 { return cmp.Or(l.QueryBufferBytes.Load(), 1<<30) }

// Command is one command as it came from a client. The slices in args alias the
// read buffer and hold until the next ReadBatch, except for those of at least BigArg
// bytes: each is an allocation of exactly its length which the receiver owns.
type Command struct {
	Args  [][]byte
	bytes int // on the wire, framing included
}

// ProtocolError is what a client did wrong in its framing. The caller answers
// "-ERR " + text and closes the connection.
type ProtocolError struct{ text string }

// Error is the text behind -ERR.
func (e *ProtocolError) Error() string { return e.text }

var (
	errBigInline     = &ProtocolError{"Protocol error: too big inline request"}
	errQuotes        = &ProtocolError{"Protocol error: unbalanced quotes in request"}
	errBigCount      = &ProtocolError{"Protocol error: too big mbulk count string"}
	errCount         = &ProtocolError{"Protocol error: invalid multibulk length"}
	errUnauthCount   = &ProtocolError{"Protocol error: unauthenticated multibulk length"}
	errBigBulkCount  = &ProtocolError{"Protocol error: too big bulk count string"}
	errBulkLength    = &ProtocolError{"Protocol error: invalid bulk length"}
	errUnauthBulkLen = &ProtocolError{"Protocol error: unauthenticated bulk length"}
)

// ErrNotYet says that no whole command has come, to whoever does not wait for one.
var ErrNotYet = errors.New("no whole command has come yet")

// ErrQueryBuffer ends a connection whose unfinished command outgrew
// client-query-buffer-limit. As in Redis the client gets no reply.
var ErrQueryBuffer = errors.New("client-query-buffer-limit reached")

// Guard is the server's end of one client connection: it turns what arrives into
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
// client (BenchmarkIdleConnection); where a goroutine serves it redcon's two buffers of 4 KiB come on top.
//
// One goroutine serves a connection. Only BytesIn, Traffic, Buffered, Waiting, IdleChanged, CloseRead, Close, Abort
// and the atomic fields may be used from others.
type Guard struct {
	net.Conn
	TLS    *tls.Conn   // what speaks TLS over the connection if it is one of tls-port
	Authed atomic.Bool // the client has authenticated, or need not

	closing     atomic.Bool // CloseRead was called
	mayBeSilent atomic.Bool // the idle timeout is not for this client
	deadline    readDeadline
	ticked      uint8 // bytes of tick that Read has handed out
	large       bool  // the next buffer is to be a large one
	reading     bool  // fill has ended with ErrNotYet, and goes on

	// Owner hears when what the client has sent takes growingBytes or more, before it is served; nil = nobody does.
	Owner interface{ NoteHeld() }

	limits                       *Limits
	in, out, reads, writes, held atomic.Int64
	ws                           *workspace // what ReadBatch has of the stream; nil while the client is idle
	failed                       error      // what ReadBatch returns from now on
	socket                       socket
	Unsent                       unsent
	counted                      int64     // what strangers knows of it
	stranger                     *stranger // under strangers' lock; nil = it holds nothing
	ahead                        []byte    // read while a command was blocked: comes before what the socket still holds
	ended                        error     // how the stream ends behind ahead
}

// NewGuard wraps an accepted connection. It starts out unauthenticated.
func NewGuard(nc net.Conn, limits *Limits) *Guard {
	return &Guard{Conn: nc, limits: limits, socket: newSocket(nc)}
}

// NewTLSGuard is NewGuard for a connection of tls-port.
func NewTLSGuard(nc net.Conn, config *tls.Config, limits *Limits) *Guard {
	g := &Guard{limits: limits, socket: newSocket(nc)}
	g.TLS = tls.Server(&beneathTLS{Conn: nc, g: g}, config)
	g.Conn = g.TLS
	return g
}

// Plain is the connection itself, beneath TLS.
func (g *Guard) Plain() net.Conn {
	if g.TLS != nil {
		return g.beneath().Conn
	}
	return g.Conn
}

// beneath is what stands between TLS and the connection.
func (g *Guard) beneath() *beneathTLS { return g.TLS.NetConn().(*beneathTLS) }

// handshakeTimeout is how long a client of tls-port may take until it speaks TLS.
const handshakeTimeout = 10 * time.Second

// Polled is the connection as a Poll has it; nil = none does.
func (g *Guard) Polled() *PolledConn { return g.socket.polled }

// Wait says whether ReadBatch waits for a command. Only for a connection that a Poll has it may be false.
func (g *Guard) Wait(wait bool) { g.socket.waits = wait }

// eagerReads is how many reads a ReadBatch that does not wait gives to a command that is not whole: others wait.
const eagerReads = 16

// IsArriving reports whether more has come of a command that was not whole when ReadBatch returned ErrNotYet.
func (g *Guard) IsArriving() bool {
	return len(g.ahead) > 0 || g.ended != nil || g.socket.polled.mayHaveMore()
}

// HasMore reports whether ReadBatch may find a command without a further arrival.
func (g *Guard) HasMore() bool {
	return g.ws != nil && g.ws.pos < g.ws.end || g.failed != nil || g.IsArriving()
}

// Rest comes between two calls of ReadBatch, the next of which something that comes will bring about: the idle timeout
// counts from now on, and nothing is held. HasMore is false.
func (g *Guard) Rest() {
	g.release()
	_ = g.beginRead() // a closed connection's error is for the next read
	g.reading = true
}

// Handshake comes before everything else on a connection of tls-port.
func (g *Guard) Handshake() error {
	if g.TLS == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	b := g.beneath()
	b.shaking.Store(true)
	err := g.TLS.HandshakeContext(ctx)
	b.shaking.Store(false)
	b.veiled = 0
	g.account()
	return err
}

// SecondDescriptor returns a second descriptor of the connection, which the client sees as open until that
// one is closed, too; nil = there is none.
func (g *Guard) SecondDescriptor() *os.File {
	if nc, ok := g.Plain().(interface{ File() (*os.File, error) }); ok {
		if f, err := nc.File(); err == nil {
			return f
		}
	}
	return nil
}

// Abort closes the connection without a word: neither TLS's farewell nor what waits to be sent is.
func (g *Guard) Abort() error {
	err := g.Plain().Close()
	g.discard()
	return err
}

// growingBytes is more than the commands of everyday take.
const growingBytes = smallBuffer

// ReadBatch waits until at least one whole command has come, and returns it together
// with those that came along, at most max (>= 1); before AUTH one at a time, since AUTH
// changes what the bytes behind it may be. It reads no more than it has to: once a
// command is whole, the next read belongs to the next call.
//
// Commands in front of a protocol error are returned first, the error by the next
// call and by all that follow. Other errors are io.EOF (also in the middle of a command),
// ErrQueryBuffer and the socket's own. os.ErrDeadlineExceeded, after the idle
// timeout, loses nothing: ReadBatch may be called again. So does ErrNotYet: see Wait.
func (g *Guard) ReadBatch(max int) ([]Command, error) {
	if !g.Authed.Load() {
		max = 1
	}
	if g.ws != nil {
		g.ws.reset()
	}
	for reads := 0; g.failed == nil; reads++ {
		if ws := g.ws; ws != nil {
			g.failed = g.parse(max)
			g.held.Store(int64(ws.end+len(ws.big)) + ws.bigBytes + int64(len(g.ahead)))
			g.account()
			if g.Owner != nil && g.held.Load() >= growingBytes {
				g.Owner.NoteHeld()
			}
			if len(ws.commands) > 0 {
				return ws.commands, nil
			}
			if g.failed != nil {
				break
			}
		}
		if reads == eagerReads && !g.socket.waits {
			return nil, ErrNotYet
		}
		err := g.fill()
		if err == ErrNotYet {
			return nil, err
		}
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
func (g *Guard) fill() error {
	if ws := g.ws; ws != nil {
		if ws.start == ws.end {
			g.release()
		} else if ws.cost() > g.limits.QueryBuffer() {
			return ErrQueryBuffer
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
		if !g.reading {
			if err := g.beginRead(); err != nil {
				return err
			}
		}
		if g.closing.Load() {
			return io.EOF
		}
		n, room, err = g.receive(g, g.socket.waits)
		if g.reading = err == ErrNotYet; g.reading {
			return err
		}
		g.received(n)
	}
	if n > 0 {
		g.took(n, room)
		if err != nil {
			g.ended, err = err, nil // first what came with the error
		}
	}
	return err
}

// BytesIn is how many bytes have been read from the client.
func (g *Guard) BytesIn() int64 { return g.in.Load() }

// Traffic is what has come and gone: bytes, and reads and writes that moved some.
type Traffic struct{ In, Out, Reads, Writes int64 }

// Plus is the sum of two.
func (t Traffic) Plus(o Traffic) Traffic {
	return Traffic{t.In + o.In, t.Out + o.Out, t.Reads + o.Reads, t.Writes + o.Writes}
}

// Minus is what has come and gone since o.
func (t Traffic) Minus(o Traffic) Traffic {
	return Traffic{t.In - o.In, t.Out - o.Out, t.Reads - o.Reads, t.Writes - o.Writes}
}

// Traffic is the connection's so far.
func (g *Guard) Traffic() Traffic {
	return Traffic{g.in.Load(), g.out.Load(), g.reads.Load(), g.writes.Load()}
}

func (g *Guard) received(n int) {
	if n > 0 {
		if g.TLS != nil {
			g.beneath().veiled = 0
		}
		g.in.Add(int64(n))
		g.reads.Add(1)
	}
}

func (g *Guard) sent(n int) {
	if n > 0 {
		g.out.Add(int64(n))
		g.writes.Add(1)
	}
}

// Buffered is how many bytes of the client's commands are held, those being served
// included: qbuf in CLIENT LIST.
func (g *Guard) Buffered() int { return int(g.held.Load()) }

// Write is for redcon alone: its Close flushes what it never has, and may do so beside a push.
func (g *Guard) Write(p []byte) (int, error) { return len(p), g.Send(p, false) }

// tick is the one command that redcon sees.
const tick = "*1\r\n$4\r\nTICK\r\n"

// Read is for redcon alone: it yields tick, then io.EOF. The client's bytes go to
// ReadBatch.
func (g *Guard) Read(p []byte) (int, error) {
	if int(g.ticked) == len(tick) {
		return 0, io.EOF
	}
	n := copy(p, tick[g.ticked:])
	g.ticked += uint8(n)
	return n, nil
}
