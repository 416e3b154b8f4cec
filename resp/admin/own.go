package admin

import (
	"net"
	"sync"
)

// ownClient is the connection on which the page itself asks, in nobody's name, what it keeps for its plots.
type ownClient struct {
	mu   sync.Mutex
	conn *conn
}

// close ends the connection.
func (o *ownClient) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != nil {
		o.conn.close()
	}
}

// ask calls fn with the page's own connection, a new one if the old one has been closed.
func (s *Server) ask(fn func(*conn) error) error {
	s.own.mu.Lock()
	defer s.own.mu.Unlock()
	if c := s.own.conn; c == nil || c.broken != nil {
		here := &net.UnixAddr{Name: "admin", Net: "unix"}
		nc, err := s.back.ConnectOwn(here, here)
		if err != nil {
			return err
		}
		s.own.conn = newConn(nc)
		if err := s.own.conn.introduce(); err != nil {
			s.own.conn.breaks(err)
			return err
		}
		if _, err := s.own.conn.do("CLIENT", "NO-TOUCH", "on"); err != nil {
			return err
		}
	}
	return fn(s.own.conn)
}
