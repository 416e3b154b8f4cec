package wire

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// unsent is what a connection has not taken yet. What is sent goes straight to the connection for as long as
// that takes all of it; from the first byte that it does not, everything waits here, and a goroutine, which
// is there only then, sends it at the client's pace:
//
//	Send > connection            one system call, and nothing else: no lock, no goroutine
//	Send > queue > connection  while something waits
//
// So nobody waits for a client to read. Its own goroutine reads and runs on, as in Redis: many client
// libraries write a whole pipeline before they read, and both sides would wait for each other for ever. What
// bounds it is said in output_limit.go.
//
// Figures, server and clients on two busy cores: a GET and a SET of 20 MB, written together, took for ever
// and take 0.5 s; the CPU time of a SET, GET or INCR, one by one and in pipelines of 16, is what it was [0.94
// to 1.04 of it in the median of seven comparisons each].
//
// It stands beneath TLS, which therefore does not wait, either: what waits are encrypted records.
type unsent struct {
	waiting atomic.Int64 // bytes
	Longest atomic.Int64 // bytes of the longest single value among them, or about to be: see noteLongest
	Took    atomic.Int64 // unix ms when the connection last took some of them
	since   atomic.Int64 // unix ms when more than mu.soft came to wait; 0 = it does not

	mu struct {
		sync.Mutex
		queue    [][]byte
		draining bool
		err      error         // why nothing more is sent
		moved    chan struct{} // has room for one: some has gone, or all is over
		soft     int64         // bytes
	}
}

// unsentBytes is how much short replies are gathered for, one after the other, to wait.
const unsentBytes = 16 << 10

// Waiting is how many bytes the connection has not taken yet. It may be called from any goroutine.
func (g *Guard) Waiting() int64 { return g.Unsent.waiting.Load() }

// Send sends p behind everything that was sent before. lasting = p never changes, so that it can wait where
// it is; else it is copied if it has to wait. An error means that the connection is of no more use. Calls
// come one at a time: a goroutine that sends beside the client's own holds client.sending.
func (g *Guard) Send(p []byte, lasting bool) error {
	if len(p) == 0 {
		return nil
	}
	if g.TLS != nil {
		_, err := g.TLS.Write(p)
		if err == nil {
			g.sent(len(p))
		}
		return err
	}
	n, err := g.put(p, lasting)
	g.sent(n)
	return err
}

// put is Send for what goes over the wire. n is how much has gone at once.
func (g *Guard) put(p []byte, lasting bool) (n int, err error) {
	if g.Unsent.waiting.Load() == 0 {
		n, err = g.socket.tryWrite(p)
		if err != nil || n == len(p) {
			return n, err
		}
	}
	return n, g.wait(p[n:], lasting)
}

// beneathTLS is the connection beneath TLS.
type beneathTLS struct {
	net.Conn
	g *Guard
}

func (w beneathTLS) Write(p []byte) (int, error) {
	_, err := w.g.put(p, false)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// wait adds p to what waits.
func (g *Guard) wait(p []byte, lasting bool) error {
	u := &g.Unsent
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.mu.err != nil {
		return u.mu.err
	}
	if u.waiting.Add(int64(len(p))) == int64(len(p)) {
		u.Took.Store(time.Now().UnixMilli()) // it has just taken what came before
	}
	g.limits.Unsent.Add(int64(len(p)))
	if lasting && len(p) >= unsentBytes {
		u.mu.queue = append(u.mu.queue, p[:len(p):len(p)])
	} else {
		u.copyLocked(p)
	}
	if !u.mu.draining {
		u.mu.draining = true
		go g.drain()
	}
	return nil
}

// copyLocked fills the last piece of the queue before it begins another. The caller holds u.mu.
func (u *unsent) copyLocked(p []byte) {
	if last := len(u.mu.queue) - 1; last >= 0 {
		tail := u.mu.queue[last]
		n := min(len(p), cap(tail)-len(tail))
		u.mu.queue[last] = append(tail, p[:n]...)
		p = p[n:]
	}
	if len(p) > 0 {
		u.mu.queue = append(u.mu.queue, append(make([]byte, 0, max(len(p), unsentBytes)), p...))
	}
}

// drain sends what waits, until nothing does.
func (g *Guard) drain() {
	u := &g.Unsent
	for p := u.next(); p != nil; p = u.next() {
		for len(p) > 0 {
			n, err := g.Plain.Write(p[:min(len(p), SendBytes)])
			p = p[n:]
			if g.TLS == nil {
				g.sent(n)
			}
			g.gone(n)
			if err != nil {
				_ = g.Abort() // the client's goroutine may be reading
				return
			}
		}
	}
}

// next takes the first piece of the queue; nil = there is none, and the caller is to end.
func (u *unsent) next() []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.mu.queue) == 0 {
		u.mu.queue, u.mu.draining = nil, false
		return nil
	}
	p := u.mu.queue[0]
	u.mu.queue[0] = nil
	u.mu.queue = u.mu.queue[1:]
	return p
}

// gone counts n bytes that the connection has taken. From when none waits, Send goes straight to the connection.
func (g *Guard) gone(n int) {
	u := &g.Unsent
	if n == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.mu.err != nil {
		return // discard has counted them
	}
	u.Took.Store(time.Now().UnixMilli())
	g.limits.Unsent.Add(-int64(n))
	waiting := u.waiting.Add(-int64(n))
	if waiting <= u.mu.soft {
		u.since.Store(0)
	}
	u.tellLocked()
}

// discard lets go of what waits. The connection has been closed: nothing may come behind what is lost.
func (g *Guard) discard() {
	u := &g.Unsent
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.mu.err != nil {
		return
	}
	u.mu.err, u.mu.queue = net.ErrClosed, nil
	g.limits.Unsent.Add(-u.waiting.Swap(0))
	u.tellLocked()
}

// tellLocked wakes up await. The caller holds u.mu.
func (u *unsent) tellLocked() {
	select {
	case u.mu.moved <- struct{}{}:
	default: // nobody waits, or it has been told; nil: nobody has ever waited
	}
}

// Await waits, at most for so long, until some of it has gone. One goroutine at a time may call it.
func (u *unsent) Await(most time.Duration) {
	u.mu.Lock()
	if u.mu.moved == nil {
		u.mu.moved = make(chan struct{}, 1)
	}
	moved := u.mu.moved
	u.mu.Unlock()
	select {
	case <-moved:
	case <-time.After(most):
	}
}

// Broken is why nothing more is sent; nil = it is.
func (u *unsent) Broken() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.mu.err
}

// Exceeds notes that more than so many bytes wait. It returns for how long they have; first = they do since now.
func (u *unsent) Exceeds(soft int64) (length time.Duration, first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.mu.soft = soft
	now := time.Now().UnixMilli()
	first = u.since.CompareAndSwap(0, now)
	return time.Duration(now-u.since.Load()) * time.Millisecond, first
}

// ExceededFor says for how long more than the limit given to exceeds has waited, if it still does.
func (u *unsent) ExceededFor() (length time.Duration, over bool) {
	since := u.since.Load()
	return time.Duration(time.Now().UnixMilli()-since) * time.Millisecond, since != 0
}

// Relax comes after something that waited elsewhere and counted for exceeds has been sent.
func (u *unsent) Relax() {
	if u.since.Load() == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.waiting.Load() <= u.mu.soft {
		u.since.Store(0)
	}
}

// Pieces is how many pieces wait, as oll in CLIENT LIST.
func (u *unsent) Pieces() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.mu.queue)
}

// SendBytes is how much reply gathers before it is sent in the middle of a batch.
const SendBytes = 256 << 10
