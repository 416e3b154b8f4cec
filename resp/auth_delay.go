package resp

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/wire"
)

// Failed AUTHs slow down: from one connection on loopback 160,000 passwords a second can be tried, and so
// nearly as many from a fast network. The answer to a wrong password waits, longer with each that came from
// the same address in the last seconds, up to auth-failure-delay; the connection's own goroutine waits before
// it reads the next command, so that nobody else waits. A right password is answered at once whatever came
// from its address before, so that nobody can lock others out, be it from behind the same router or container
// bridge. Loopback addresses and unix sockets never wait.
//
// This bounds what one connection can try, and what many can that wait for their answers: a try each and
// delay. A client that opens a connection a try and does not wait is bounded by how fast connections are made;
// passwords should be long.
type authDelays struct {
	count     atomic.Int64 // answers that waited
	mu        sync.Mutex
	byAddress map[netip.Prefix]authFailures
}

// authFailures is how many failures an address has to its account: one is forgiven a second.
type authFailures struct {
	count float64
	at    time.Time
}

const (
	firstAuthDelay = 50 * time.Millisecond // doubled by each further failure
	mostFailures   = 8                     // of an address: a right user's slips are forgiven after as many seconds
	mostAddresses  = 4096                  // that are remembered
)

// failed notes a wrong password from a peer and returns how long its answer is to wait.
func (d *authDelays) failed(peer net.Addr, most time.Duration, now time.Time) time.Duration {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok || most <= 0 || tcp.IP.IsLoopback() {
		return 0
	}
	address := prefixOf(tcp.AddrPort().Addr())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byAddress == nil {
		d.byAddress = map[netip.Prefix]authFailures{}
	}
	f, known := d.byAddress[address]
	if !known && len(d.byAddress) >= mostAddresses {
		d.makeRoomLocked(now)
	}
	f.count = min(f.left(now)+1, mostFailures)
	f.at = now
	d.byAddress[address] = f
	d.count.Add(1)
	return min(firstAuthDelay<<int(f.count-0.5), most)
}

// left is what is not forgiven yet.
func (f authFailures) left(now time.Time) float64 {
	return max(0, f.count-now.Sub(f.at).Seconds())
}

// makeRoomLocked forgets those who are forgiven, or else anybody. The caller holds d.mu.
func (d *authDelays) makeRoomLocked(now time.Time) {
	for address, f := range d.byAddress {
		if f.left(now) == 0 {
			delete(d.byAddress, address)
		}
	}
	for address := range d.byAddress {
		if len(d.byAddress) < mostAddresses {
			break
		}
		delete(d.byAddress, address)
	}
}

// prefixOf is the address, or of IPv6 the network that one client has to itself.
func prefixOf(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := 64
	if address.Is4() {
		bits = 32
	}
	prefix, _ := address.Prefix(bits) // the number of bits fits
	return prefix
}

// owes lets the replies of this batch wait for a wrong password.
func (cl *client) owes() {
	most := time.Duration(cl.srv.cfg.Int("auth-failure-delay")) * time.Millisecond
	cl.owed += cl.srv.authDelays.failed(cl.guard.RemoteAddr(), most, time.Now())
}

// waitOwed waits without holding anything; false = the client has hung up meanwhile.
func (cl *client) waitOwed() bool {
	over := make(chan struct{})
	timer := time.AfterFunc(cl.owed, func() { close(over) })
	defer timer.Stop()
	cl.owed = 0
	return cl.awaitInBatch(over)
}

// intrusions is what the log was told of strangers. It belongs to the sampler.
type intrusions struct {
	told            time.Time
	closed, delayed int64
}

// noteIntrusions writes a line, at most one a minute, about strangers that were closed or slowed down.
func (s *Server) noteIntrusions(now time.Time) {
	in := &s.intrusions
	closed, delayed := s.limits.Strangers.Closed.Load(), s.authDelays.count.Load()
	if closed == in.closed && delayed == in.delayed || now.Sub(in.told) < time.Minute {
		return
	}
	if n := closed - in.closed; n > 0 {
		s.log.Warn().Int64("connections", n).Int("most_bytes", wire.StrangersBytes).
			Msg("connections that had not authenticated were closed, the oldest first: together they held more than they may")
	}
	if n := delayed - in.delayed; n > 0 {
		s.log.Warn().Int64("failures", n).Int64("auth_failure_delay_ms", s.cfg.Int("auth-failure-delay")).
			Msg("wrong passwords were answered with a delay; ACL LOG says from where they come")
	}
	*in = intrusions{now, closed, delayed}
}
