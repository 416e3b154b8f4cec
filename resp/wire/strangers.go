package wire

import (
	"cmp"
	"container/list"
	"sync"
	"sync/atomic"
)

// strangers is what connections that have not authenticated hold together: parts of commands, what they sent
// while they waited, and replies that they do not read. One alone may hold some 160 KB, as in Redis;
// thousands of them would hold gigabytes [5,000 with 160 KB of an unfinished command each took 820 MB, and
// now take what StrangersBytes says]. So beyond the sum the connection is closed that has held something for
// the longest: who is about to authenticate holds its bytes for a moment only.
type strangers struct {
	Most   atomic.Int64 // bytes; 0 = StrangersBytes
	Closed atomic.Int64 // connections
	mu     struct {
		sync.Mutex
		bytes int64
		byAge list.List // of *guard
	}
}

// StrangersBytes are the buffers of strangers, whatever their number.
const StrangersBytes = 64 << 20

// stranger is a guard's part of strangers, under its lock.
type stranger struct {
	bytes int64
	at    *list.Element
	gone  bool // it has been closed, and counts no more
}

// account tells the strangers what this connection holds. It is called by the goroutine that reads from the connection.
func (g *Guard) account() {
	var bytes int64
	if g.isStranger() {
		bytes = int64(cap(g.ahead)) + max(0, g.Waiting()-unauthArgSize)
		if ws := g.ws; ws != nil {
			bytes += int64(cap(ws.big)) + ws.bigBytes + int64(len(ws.buf))
		}
		if g.TLS != nil {
			bytes += g.beneath().veiled
		}
	}
	if bytes != g.counted {
		g.counted = bytes
		g.limits.Strangers.note(g, bytes)
	}
}

// isStranger says that nobody knows yet who this is. A TLS handshake comes before everything
// else, also where no password is asked for.
func (g *Guard) isStranger() bool {
	return !g.Authed.Load() || g.TLS != nil && g.beneath().shaking.Load()
}

// Read reads for TLS, which keeps what it can not decrypt yet: up to 64 KB of a handshake, 16 KB of a record.
func (w *beneathTLS) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 && w.g.isStranger() {
		w.veiled += int64(n)
		w.g.account()
	}
	return n, err
}

// note is account, and closes connections while there is too much.
func (s *strangers) note(g *Guard, bytes int64) {
	most := cmp.Or(s.Most.Load(), StrangersBytes)
	s.mu.Lock()
	s.setLocked(g, bytes)
	var over []*Guard
	for s.mu.bytes > most {
		oldest := s.mu.byAge.Front().Value.(*Guard)
		s.setLocked(oldest, 0)
		if oldest.isStranger() { // else it need not say who it is since a moment ago
			oldest.stranger = &stranger{gone: true}
			over = append(over, oldest)
		}
	}
	s.mu.Unlock()
	for _, g := range over {
		s.Closed.Add(1)
		_ = g.Abort() // an error means that it is closed already
	}
}

// setLocked changes what a connection counts for. The caller holds s.mu.
func (s *strangers) setLocked(g *Guard, bytes int64) {
	one := g.stranger
	if one == nil {
		if bytes == 0 {
			return
		}
		one = &stranger{at: s.mu.byAge.PushBack(g)}
		g.stranger = one
	}
	if one.gone {
		return
	}
	s.mu.bytes += bytes - one.bytes
	one.bytes = bytes
	if bytes == 0 {
		s.mu.byAge.Remove(one.at)
		g.stranger = nil
	}
}

// Forget is the end of a connection.
func (s *strangers) Forget(g *Guard) {
	if g.counted != 0 {
		g.counted = 0
		s.note(g, 0)
	}
}

// Held is what they hold, and how many of them hold something.
func (s *strangers) Held() (bytes int64, connections int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.bytes, s.mu.byAge.Len()
}
