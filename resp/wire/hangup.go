package wire

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
)

// maxAhead is how many bytes are read while a command is blocked. Beyond that the
// client's own socket has to wait, and a hang-up shows only once the command is done.
const maxAhead = 1 << 20

// AwaitHangup watches the client while its command is blocked (BLPOP and the like),
// for a client that hangs up must not be handed an element. hungUp is closed when the
// client has closed the connection, or it broke. What the client sends meanwhile is kept
// for the next ReadBatch. The idle timeout is off: a blocked client is not idle.
//
// stop ends the watch and returns when it has ended; it must be called before the
// next ReadBatch and may be called again. The command's arguments stay valid throughout.
func (g *Guard) AwaitHangup() (hungUp <-chan struct{}, stop func()) {
	gone, done := make(chan struct{}), make(chan struct{})
	err := g.ended
	if err == nil {
		err = g.setWatch(watched)
	}
	if err != nil {
		g.ended = err
		close(gone)
		return gone, func() {}
	}
	go func() {
		defer close(done)
		if err := g.readAhead(); err != nil {
			g.ended = err
			close(gone)
		}
	}()
	return gone, sync.OnceFunc(func() {
		// Errors mean that the connection is closed, which wakes up the reader as well and is
		// what the next read will say.
		_ = g.setWatch(watchEnding)
		<-done
		_ = g.setWatch(notWatched)
	})
}

// HungUp asks the operating system whether the client has hung up: the watch of AwaitHangup
// hears of it a moment later. What the client has sent before hides it.
func (g *Guard) HungUp() (gone bool) {
	raw := g.Raw()
	if raw == nil {
		return false
	}
	err := raw.Control(func(fd uintptr) { gone = descriptorEnded(fd) })
	return gone || err != nil
}

// readAhead reads until maxAhead, a deadline or the end of the stream, which it returns.
func (g *Guard) readAhead() error {
	a := &aheadReader{g, maxAhead}
	if !g.Authed.Load() {
		a.most = unauthArgSize
	}
	for len(g.ahead) < a.most {
		if g.closing.Load() {
			return io.EOF
		}
		n, _, err := g.receive(a, true)
		g.ahead = g.ahead[:len(g.ahead)+n]
		g.received(n)
		g.held.Add(int64(n))
		g.account()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if g.closing.Load() {
				return io.EOF
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// aheadReader is where readAhead's bytes go.
type aheadReader struct {
	g    *Guard
	most int // bytes
}

func (a *aheadReader) target() []byte {
	g := a.g
	g.ahead = slices.Grow(g.ahead, 512)
	return g.ahead[len(g.ahead):min(cap(g.ahead), a.most)]
}

func (a *aheadReader) release() {
	if len(a.g.ahead) == 0 {
		a.g.ahead = nil
	}
}
