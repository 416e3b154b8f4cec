package wire

import (
	"sync"
	"sync/atomic"
	"time"
)

// readDeadline is the read deadline of one connection. Three ask for it: the idle timeout, which CONFIG SET may change
// at any time, a watch for a hang-up that is to end, and CloseRead. Each of them says what it wants, and
// the deadline is then worked out from all that is wanted, under one lock, so that none undoes another's:
//
//	CloseRead was called, or a watch has to end   longAgo, which wakes up the reader
//	a watch is on                                 none: a blocked client is not idle
//	else                                          the idle timeout's, counted from the beginning of the read
type readDeadline struct {
	set atomic.Bool // the connection has a read deadline

	mu struct {
		sync.Mutex
		watch watchState
	}
}

type watchState byte

const (
	notWatched  watchState = iota
	watched                // by AwaitHangup
	watchEnding            // its goroutine has to come back
)

// longAgo as a deadline wakes up a read without losing a byte.
var longAgo = time.Unix(1, 0)

// updateDeadlineLocked sets the deadline that follows from all that is wanted. The caller holds g.deadline.mu.
func (g *Guard) updateDeadlineLocked() error {
	var at time.Time
	switch d := &g.deadline; {
	case g.closing.Load() || d.mu.watch == watchEnding:
		at = longAgo
	case d.mu.watch == watched:
	default:
		if idle := g.idle(); idle > 0 {
			at = time.Now().Add(idle)
		}
	}
	if at.IsZero() && !g.deadline.set.Load() {
		return nil
	}
	g.deadline.set.Store(!at.IsZero())
	return g.SetReadDeadline(at)
}

// updateDeadline is updateDeadlineLocked for callers without the lock. It may be called from
// any goroutine, and comes after every change of what is wanted.
func (g *Guard) updateDeadline() error {
	g.deadline.mu.Lock()
	defer g.deadline.mu.Unlock()
	return g.updateDeadlineLocked()
}

// setWatch begins or ends a watch.
func (g *Guard) setWatch(state watchState) error {
	g.deadline.mu.Lock()
	defer g.deadline.mu.Unlock()
	g.deadline.mu.watch = state
	return g.updateDeadlineLocked()
}

// beginRead counts the idle timeout from now on.
func (g *Guard) beginRead() error {
	if g.idle() == 0 && !g.deadline.set.Load() {
		return nil // a caller that wants a deadline after this look sets it
	}
	return g.updateDeadline()
}

// idle is how long the client may be silent; 0 = for ever.
func (g *Guard) idle() time.Duration {
	if g.mayBeSilent.Load() {
		return 0
	}
	return time.Duration(g.limits.Idle.Load())
}

// IdleChanged puts a new idle timeout into effect for a client that may be waiting just now: its time begins anew.
// It may be called from any goroutine.
func (g *Guard) IdleChanged() {
	_ = g.updateDeadline() // a closed connection's error is for its reader
}

// AllowSilence exempts the client from the idle timeout, or no longer does.
func (g *Guard) AllowSilence(allowed bool) {
	if g.mayBeSilent.Swap(allowed) != allowed {
		g.IdleChanged()
	}
}

// takes reports whether the client has taken something within its idle timeout: some of what waits for it, or a push.
func (g *Guard) takes() bool {
	return time.Now().UnixMilli()-g.Unsent.Took() < g.idle().Milliseconds()
}

// CloseRead ends the stream behind what has been read so far: whole commands in it
// are still returned, then io.EOF. It wakes up a ReadBatch that waits, and counts as
// a hang-up for AwaitHangup. Writing goes on.
func (g *Guard) CloseRead() error {
	g.closing.Store(true)
	return g.updateDeadline()
}
