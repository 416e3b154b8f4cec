package resp

import (
	"cmp"
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// strangers is what connections that have not authenticated hold together: parts of commands, what they sent while they
// waited, and replies that they do not read. One alone may hold some 160 KB, as in Redis; thousands of them would hold gigabytes [5,000 with 160 KB of an unfinished
// command each took 820 MB, and now take what strangersBytes says]. So beyond the sum the connection is closed that has held
// something for the longest: who is about to authenticate holds its bytes for a moment only.
type strangers struct {
	most   atomic.Int64 // bytes; 0 = strangersBytes
	closed atomic.Int64 // connections
	mu     struct {
		sync.Mutex
		bytes int64
		byAge list.List // of *guard
	}
}

// strangersBytes are the buffers of strangers, whatever their number.
const strangersBytes = 64 << 20

// stranger is a guard's part of strangers, under its lock.
type stranger struct {
	bytes int64
	at    *list.Element // nil = it holds nothing, or has been closed
	gone  bool          // it has been closed
}

// account tells the strangers what this connection holds. It is called by whoever reads from the connection.
func (g *guard) account() {
	var bytes int64
	if g.isStranger() {
		bytes = int64(cap(g.big)) + g.bigBytes + int64(cap(g.ahead)) + g.veiled + max(0, g.Waiting()-unauthArgSize)
		if g.ws != nil {
			bytes += int64(len(g.ws.buf))
		}
	}
	if bytes != g.counted {
		g.counted = bytes
		g.limits.strangers.note(g, bytes)
	}
}

// isStranger says that nobody knows yet who this is. A TLS handshake comes before everything else, also where no password is asked for.
func (g *guard) isStranger() bool { return !g.authed.Load() || g.shaking.Load() }

// Read reads for TLS, which keeps what it can not decrypt yet: up to 64 KB of a handshake, 16 KB of a record.
func (w wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 && w.g.isStranger() {
		w.g.veiled += int64(n)
		w.g.account()
	}
	return n, err
}

// note is account, and closes connections while there is too much.
func (s *strangers) note(g *guard, bytes int64) {
	most := cmp.Or(s.most.Load(), strangersBytes)
	s.mu.Lock()
	s.setLocked(g, bytes)
	var over []*guard
	for s.mu.bytes > most {
		oldest := s.mu.byAge.Front().Value.(*guard)
		s.setLocked(oldest, 0)
		if oldest.isStranger() { // else it need not say who it is since a moment ago
			oldest.stranger.gone = true
			over = append(over, oldest)
		}
	}
	s.mu.Unlock()
	for _, g := range over {
		s.closed.Add(1)
		_ = g.Abort() // an error means that it is closed already
	}
}

// setLocked changes what a connection counts for. The caller holds s.mu.
func (s *strangers) setLocked(g *guard, bytes int64) {
	one := &g.stranger
	if one.gone {
		return
	}
	s.mu.bytes += bytes - one.bytes
	one.bytes = bytes
	switch {
	case bytes > 0 && one.at == nil:
		one.at = s.mu.byAge.PushBack(g)
	case bytes == 0 && one.at != nil:
		s.mu.byAge.Remove(one.at)
		one.at = nil
	}
}

// forget is the end of a connection.
func (s *strangers) forget(g *guard) {
	if g.counted != 0 {
		g.counted = 0
		s.note(g, 0)
	}
}

// intrusions is what the log was told of strangers. It belongs to the sampler.
type intrusions struct {
	told            time.Time
	closed, delayed int64
}

// noteIntrusions writes a line, at most one a minute, about strangers that were closed or slowed down.
func (s *Server) noteIntrusions(now time.Time) {
	in := &s.intrusions
	closed, delayed := s.limits.strangers.closed.Load(), s.authDelays.count.Load()
	if closed == in.closed && delayed == in.delayed || now.Sub(in.told) < time.Minute {
		return
	}
	if n := closed - in.closed; n > 0 {
		s.log.Warn().Int64("connections", n).Int("most_bytes", strangersBytes).
			Msg("connections that had not authenticated were closed, the oldest first: together they held more than they may")
	}
	if n := delayed - in.delayed; n > 0 {
		s.log.Warn().Int64("failures", n).Int64("auth_failure_delay_ms", s.cfg.Int("auth-failure-delay")).
			Msg("wrong passwords were answered with a delay; ACL LOG says from where they come")
	}
	*in = intrusions{now, closed, delayed}
}
