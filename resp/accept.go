package resp

import (
	"io"
	"net"
	"sync/atomic"

	"github.com/tidwall/redcon"

	"diskette/expire"
	"diskette/resp/command"
	"diskette/resp/wire"
)

// accept admits a connection or turns it away.
func (s *Server) accept(conn redcon.Conn) bool {
	defer s.arrivals.noteAccepted()
	g, ok := conn.NetConn().(*wire.Guard)
	if !ok {
		return false
	}
	turnAway := func(text string) bool {
		s.stats.rejected.Add(1)
		if g.TLS == nil { // the handshake would have to come first
			io.WriteString(g.Plain(), "-"+text+"\r\n")
		}
		return false
	}
	if s.protects(g.RemoteAddr()) {
		return turnAway(protectedText)
	}
	cl := &client{srv: s, guard: g, Caller: command.Caller{Host: &s.host}}
	cl.Session = cl
	cl.since = expire.NowMillis()
	cl.lastActive.Store(cl.since)
	cl.user.Store(s.acl.Def)
	cl.authed = s.acl.Open()
	g.Authed.Store(cl.authed)
	g.Owner = cl
	if c, ok := g.Plain().(insideConn); ok {
		cl.letIn(c)
	}
	if !s.clients.add(cl, int(s.cfg.MaxClients.Load())) {
		return turnAway("ERR max number of clients reached")
	}
	if !cl.own {
		s.stats.connections.Add(1)
		s.arrivals.note(cl)
	}
	conn.SetContext(cl)
	return true
}

func (s *Server) closed(conn redcon.Conn, _ error) {
	if cl, ok := conn.Context().(*client); ok {
		s.forget(cl)
	}
}

// forget is the last that the server knows of a client.
func (s *Server) forget(cl *client) {
	cl.unwatch()
	s.limits.Strangers.Forget(cl.guard)
	s.arrivals.leave(cl)
	cl.leaveLists()
	s.replicas.leave(cl)
	cl.endPushes()
	cl.leaveDesk()
	s.clients.remove(cl)
	s.held.Add(-cl.counted.Swap(0))
}

// addr is where the client has come from, "127.0.0.1:50000" or "/path:0"; "" = it is not connected.
func (cl *client) addr() string {
	if cl.guard == nil {
		return ""
	}
	return addrText(cl.guard.RemoteAddr(), cl.guard)
}

// laddr is where it has come to.
func (cl *client) laddr() string { return addrText(cl.guard.LocalAddr(), cl.guard) }

// addrText is an address as CLIENT LIST shows it; a unix socket's is its path and port 0.
func addrText(a net.Addr, g *wire.Guard) string {
	if a == nil {
		return ""
	}
	if a.Network() == "unix" {
		return g.LocalAddr().String() + ":0"
	}
	return a.String()
}

const protectedText = "DENIED Diskette is running in protected mode because no password is set for the default user. In this mode connections are only accepted from the loopback interface. To connect from elsewhere either set a password with requirepass, or bind to loopback and tunnel, or turn the protection off with 'CONFIG SET protected-mode no' from a local client or the option --protected-mode no."

// protects reports whether protected mode forbids a peer: no password is set and it is not local.
func (s *Server) protects(peer net.Addr) bool {
	if !s.cfg.ProtectedMode.Load() || !s.acl.Def.Permissions.Load().Nopass {
		return false
	}
	tcp, ok := peer.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// kill ends the connection, from any goroutine; first = nobody else has.
func (cl *client) kill() (first bool) { return cl.killCounted(new(atomic.Int64)) }

// killCounted is kill. ends is one more before the client can see that it is closed, if nobody else has done it.
func (cl *client) killCounted(ends *atomic.Int64) (first bool) {
	cl.mu.Lock()
	first = !cl.mu.killed
	cl.mu.killed = true
	cl.mu.Unlock()
	if first {
		ends.Add(1)
	}
	_ = cl.guard.Abort() // it may be closed
	return first
}

// killAtOnce is kill for a command: the commands that come after it, of whomever, see nothing of the client any
// more, as in Redis. The caller holds none of the lists' locks.
func (cl *client) killAtOnce() {
	cl.kill()
	cl.leaveLists()
}

// leaveLists takes the client out of what others ask and are told by; where it waits for a key it is passed over
// (block.go). A client that was killed does not come into a list again: each looks, under its lock.
func (cl *client) leaveLists() {
	cl.srv.pubsub.leave(cl)
	cl.srv.monitors.leave(cl)
	cl.srv.tracking.turnOff(cl)
}
