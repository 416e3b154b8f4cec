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
	nc      net.Conn
	raw     syscall.RawConn // nil: the system's descriptor is not known
	polled  *PolledConn     // nil: Go's poller has it
	waits   bool            // a read waits until something comes
	direct  bool            // it is read from; else reads block with their buffer in hand
	target  func() []byte   // where the next bytes go
	nothing func()          // target's memory is not needed for now
	attempt func(fd uintptr) bool
	n, room int
	err     error

	out     []byte // what tryWrite sends
	sent    int    // how much of it has gone
	failed  error
	deliver func(fd uintptr) bool
}

func (s *socket) init(g *Guard, target func() []byte, nothing func()) {
	s.nc, s.target, s.nothing, s.attempt, s.deliver = g.Conn, target, nothing, s.readable, s.writable
	s.direct, s.waits = g.TLS == nil, true
	s.polled, _ = g.Plain.(*PolledConn)
	if sc, ok := g.Plain.(syscall.Conn); ok && canReadDescriptors {
		// An error means that the connection is closed, which Read will say as well.
		s.raw, _ = sc.SyscallConn()
	}
}

// read does one read; room is how much it could have brought.
func (s *socket) read() (n, room int, err error) {
	if s.raw == nil || !s.direct {
		p := s.target()
		n, err = s.nc.Read(p)
		return n, len(p), err
	}
	s.n, s.room, s.err = 0, 0, nil
	if s.polled != nil {
		err = s.polled.read(s.attempt, s.waits)
		if s.n == s.room && s.n > 0 || s.err != nil { // of what is behind it nobody will tell
			s.polled.moreMayCome()
		}
	} else {
		err = s.raw.Read(s.attempt)
	}
	if err != nil {
		return 0, 0, err
	}
	return s.n, s.room, s.err
}

// readable is called by the poller, first at once and then whenever bytes may be there.
func (s *socket) readable(fd uintptr) (done bool) {
	p := s.target()
	n, err := readDescriptor(fd, p)
	if err == syscall.EAGAIN {
		s.nothing()
		return false
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	s.n, s.room, s.err = n, len(p), err
	return true
}

// tryWrite sends what of p goes at once, if the system says how much that is; if not, nothing does.
func (s *socket) tryWrite(p []byte) (n int, err error) {
	if s.raw == nil {
		return 0, nil
	}
	s.out, s.sent, s.failed = p, 0, nil
	err = s.raw.Write(s.deliver)
	s.out = nil
	if err == nil {
		err = s.failed
	}
	return s.sent, err
}

// writable is called by the poller, and tries once.
func (s *socket) writable(fd uintptr) (done bool) {
	s.sent, s.failed = writeDescriptor(fd, s.out)
	if s.failed == syscall.EAGAIN {
		s.failed = nil
	}
	return true
}

// Descriptor is the number of the connection's file descriptor, -1 if it is closed or has none.
func (g *Guard) Descriptor() int {
	number := -1
	if g.socket.raw != nil {
		// An error means that the connection is closed.
		_ = g.socket.raw.Control(func(fd uintptr) { number = int(fd) })
	}
	return number
}

// Raw gives the connection's descriptor to calls that the system has for it; nil = it is not known.
func (g *Guard) Raw() syscall.RawConn { return g.socket.raw }
