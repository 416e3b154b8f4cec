package admin

import (
	"net"
	"sync"
	"sync/atomic"
)

// ownClient is the connection on which the page itself asks, in nobody's name, what it keeps for its plots.
type ownClient struct {
	asking sync.Mutex
	conn   atomic.Pointer[conn] // nil = there has been none yet; who asks alone changes it
}

// end lets nobody wait for an answer any more: while clients are paused none comes. Server.stopping is
// done before.
func (o *ownClient) end() {
	if c := o.conn.Load(); c != nil {
		c.close()
	}
}

// ask calls fn with the page's own connection, a new one if the old one has been closed.
func (s *Server) ask(fn func(*conn) error) error {
	s.own.asking.Lock()
	defer s.own.asking.Unlock()
	c := s.own.conn.Load()
	if c == nil || c.broken != nil {
		here := &net.UnixAddr{Name: "admin", Net: "unix"}
		nc, err := s.back.ConnectOwn(here, here)
		if err != nil {
			return err
		}
		c = newConn(nc)
		s.own.conn.Store(c)
		if s.stopping.Err() != nil { // end may not have seen it
			return c.breaks(net.ErrClosed)
		}
		if err := c.introduce(); err != nil {
			return c.breaks(err)
		}
	}
	return fn(c)
}
