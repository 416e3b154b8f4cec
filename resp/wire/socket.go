package wire

import (
	"io"
	"net"
	"syscall"
)

// socket reads and writes one connection. Where the operating system says when a
// descriptor is readable, the memory to read into is asked for only then, so a client
// that sends nothing holds none. A client of tls-port does: what TLS has for it can not be
// seen at the descriptor.
//
// A command costs a read, a write and, mostly, one more read that finds nothing and lets the goroutine wait.
// The Go scheduler hears of none of them (see quickly): GETs one at a time from 50 connections take 7 to 13 %
// less of the server's processor time so. The thread that watches system calls took 6 % of it and takes 0.6; a
// thousand commands come with 5 futex calls, not 31. What was tried besides, on two busy cores of an AMD EPYC:
//
//	recvfrom and sendto in place of   0.2 us of 17, but not every processor has these calls
//	read and write
//	letting others run before each    half as many commands wait; GET takes 10 % less, 6 and 13 % more processor
//	read, so that more has come       time in three comparisons, SET 9 and 6 % less and 2 % more
//
// The read that finds nothing takes 0.6 us and has to stay. RawConn.Read forgets what the poller saw before it, and the
// poller tells of each arrival once: a command that came while the one before it was served would wait for ever.
// So would a client that has shut down its side, if that came together with the command.
type socket struct {
	polled *PolledConn // nil: Go's poller has it
	raw    *rawSocket  // of one that Go's poller has; nil: the system's descriptor is not known
	waits  bool        // ReadBatch waits until something comes
}

// An intake is where a read puts what comes.
type intake interface {
	target() []byte // where the next bytes go
	release()       // target's memory is not needed for now
}

func newSocket(nc net.Conn) socket {
	s := socket{waits: true}
	if s.polled, _ = nc.(*PolledConn); s.polled != nil {
		return s
	}
	if sc, ok := nc.(syscall.Conn); ok && canReadDescriptors {
		// An error means that the connection is closed, which Read will say as well.
		if conn, err := sc.SyscallConn(); err == nil {
			s.raw = newRawSocket(conn)
		}
	}
	return s
}

// receive does one read; room is how much it could have brought. Only for a connection that a Poll has waits may be
// false.
func (g *Guard) receive(to intake, waits bool) (n, room int, err error) {
	switch s := &g.socket; {
	case g.TLS != nil || s.polled == nil && s.raw == nil: // it blocks with its buffer in hand
		p := to.target()
		n, err = g.Conn.Read(p)
		return n, len(p), err
	case s.polled != nil:
		return s.polled.receive(to, waits)
	default:
		return s.raw.receive(to)
	}
}

// readInto is one attempt to read; done = there is no need to wait.
func readInto(fd uintptr, to intake) (n, room int, done bool, err error) {
	p := to.target()
	n, err = readDescriptor(fd, p)
	if err == syscall.EAGAIN {
		to.release()
		return 0, 0, false, nil
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, len(p), true, err
}

// tryWrite sends what of p goes at once, if the system says how much that is; if not, nothing does.
func (s *socket) tryWrite(p []byte) (n int, err error) {
	switch {
	case s.polled != nil:
		return s.polled.tryWrite(p)
	case s.raw != nil:
		return s.raw.tryWrite(p)
	}
	return 0, nil
}

// rawSocket is a connection that Go's poller has. What it calls is made once, not for each read.
type rawSocket struct {
	conn    syscall.RawConn
	attempt func(fd uintptr) (done bool)
	to      intake // what attempt reads into
	n, room int
	err     error

	deliver func(fd uintptr) (done bool)
	out     []byte // what deliver sends
	sent    int    // how much of it has gone
	failed  error
}

func newRawSocket(conn syscall.RawConn) *rawSocket {
	r := &rawSocket{conn: conn}
	r.attempt, r.deliver = r.readable, r.writable
	return r
}

func (r *rawSocket) receive(to intake) (n, room int, err error) {
	r.to, r.n, r.room, r.err = to, 0, 0, nil
	if err = r.conn.Read(r.attempt); err != nil {
		return 0, 0, err
	}
	return r.n, r.room, r.err
}

// readable is called by the poller, first at once and then whenever bytes may be there.
func (r *rawSocket) readable(fd uintptr) (done bool) {
	r.n, r.room, done, r.err = readInto(fd, r.to)
	return done
}

func (r *rawSocket) tryWrite(p []byte) (n int, err error) {
	r.out, r.sent, r.failed = p, 0, nil
	err = r.conn.Write(r.deliver)
	r.out = nil
	if err == nil {
		err = r.failed
	}
	return r.sent, err
}

// writable is called by the poller, and tries once.
func (r *rawSocket) writable(fd uintptr) (done bool) {
	r.sent, r.failed = writeDescriptor(fd, r.out)
	if r.failed == syscall.EAGAIN {
		r.failed = nil
	}
	return true
}

// Descriptor is the number of the connection's file descriptor, -1 if it is closed or has none.
func (g *Guard) Descriptor() int {
	number := -1
	if raw := g.Raw(); raw != nil {
		// An error means that the connection is closed.
		_ = raw.Control(func(fd uintptr) { number = int(fd) })
	}
	return number
}

// Raw gives the connection's descriptor to calls that the system has for it; nil = it is not known.
func (g *Guard) Raw() syscall.RawConn {
	switch s := &g.socket; {
	case s.polled != nil:
		return s.polled.raw()
	case s.raw != nil:
		return s.raw.conn
	}
	return nil
}
