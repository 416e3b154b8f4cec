package resp

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"
)

// socket does the reads of one connection. Where the operating system says when a
// descriptor is readable, the memory to read into is asked for only then, so a client
// that sends nothing holds none. A client of tls-port does: what TLS has for it can not be
// seen at the descriptor.
type socket struct {
	nc      net.Conn
	raw     syscall.RawConn // nil: the system's descriptor is not known
	direct  bool            // it is read from; else reads block with their buffer in hand
	target  func() []byte   // where the next bytes go
	nothing func()          // target's memory is not needed for now
	attempt func(fd uintptr) bool
	n, room int
	err     error
}

func (s *socket) init(nc net.Conn, target func() []byte, nothing func()) {
	s.nc, s.target, s.nothing, s.attempt = nc, target, nothing, s.readable
	t, isTLS := nc.(*tls.Conn)
	if isTLS {
		nc = t.NetConn()
	}
	s.direct = !isTLS
	if sc, ok := nc.(syscall.Conn); ok && canReadDescriptors {
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
	if err := s.raw.Read(s.attempt); err != nil {
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
	s.n, s.room, s.err = max(n, 0), len(p), err
	return true
}

// descriptor is the number of the connection's file descriptor, -1 if it is closed or has none.
func (g *guard) descriptor() int {
	number := -1
	if g.socket.raw != nil {
		// An error means that the connection is closed.
		_ = g.socket.raw.Control(func(fd uintptr) { number = int(fd) })
	}
	return number
}
