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
//
// Most connections take everything at once, always: what there is besides is made when it is needed first.
type unsent struct {
	waiting atomic.Int64 // bytes
	more    atomic.Pointer[backlog]
}

// backlog is what is known of a connection that has let something wait, or may.
type backlog struct {
	longest atomic.Int64 // bytes of the longest single value among what waits, or is about to: see noteLongest
	took    atomic.Int64 // unix ms when the connection last took some of it
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

// need is the connection's backlog, which is made if there is none.
func (u *unsent) need() *backlog {
	if b := u.more.Load(); b != nil {
		return b
	}
	u.more.CompareAndSwap(nil, new(backlog))
	return u.more.Load()
}

// Longest is how many bytes the longest single value has among those that wait, or are about to.
func (u *unsent) Longest() int64 {
	if b := u.more.Load(); b != nil {
		return b.longest.Load()
	}
	return 0
}

// Took is when the connection last took some of what waited, or a push, in unix ms; 0 = it never had to wait.
func (u *unsent) Took() int64 {
	if b := u.more.Load(); b != nil {
		return b.took.Load()
	}
	return 0
}

// NoteTook says that the connection takes something just now.
func (u *unsent) NoteTook() { u.need().took.Store(time.Now().UnixMilli()) }

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
	g       *Guard
	shaking atomic.Bool // the handshake has not come to its end
	veiled  int64       // bytes that have come and are not bytes of the stream yet; only while the client is a stranger
}

func (w *beneathTLS) Write(p []byte) (int, error) {
	_, err := w.g.put(p, false)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// wait adds p to what waits.
func (g *Guard) wait(p []byte, lasting bool) error {
	b := g.Unsent.need()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.err != nil {
		return b.mu.err
	}
	if g.Unsent.waiting.Add(int64(len(p))) == int64(len(p)) {
		b.took.Store(time.Now().UnixMilli()) // it has just taken what came before
	}
	g.limits.Unsent.Add(int64(len(p)))
	if lasting && len(p) >= unsentBytes {
		b.mu.queue = append(b.mu.queue, p[:len(p):len(p)])
	} else {
		b.copyLocked(p)
	}
	if !b.mu.draining {
		b.mu.draining = true
		go g.drain(b)
	}
	return nil
}

// copyLocked fills the last piece of the queue before it begins another. The caller holds b.mu.
func (b *backlog) copyLocked(p []byte) {
	if last := len(b.mu.queue) - 1; last >= 0 {
		tail := b.mu.queue[last]
		n := min(len(p), cap(tail)-len(tail))
		b.mu.queue[last] = append(tail, p[:n]...)
		p = p[n:]
	}
	if len(p) > 0 {
		b.mu.queue = append(b.mu.queue, append(make([]byte, 0, max(len(p), unsentBytes)), p...))
	}
}

// drain sends what waits, until nothing does.
func (g *Guard) drain(b *backlog) {
	for p := b.next(); p != nil; p = b.next() {
		for len(p) > 0 {
			n, err := g.Plain().Write(p[:min(len(p), SendBytes)])
			p = p[n:]
			if g.TLS == nil {
				g.sent(n)
			}
			g.gone(b, n)
			if err != nil {
				_ = g.Abort() // the client's goroutine may be reading
				return
			}
		}
	}
}

// next takes the first piece of the queue; nil = there is none, and the caller is to end.
func (b *backlog) next() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.mu.queue) == 0 {
		b.mu.queue, b.mu.draining = nil, false
		return nil
	}
	p := b.mu.queue[0]
	b.mu.queue[0] = nil
	b.mu.queue = b.mu.queue[1:]
	return p
}

// gone counts n bytes that the connection has taken. From when none waits, Send goes straight to the connection.
func (g *Guard) gone(b *backlog, n int) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.err != nil {
		return // discard has counted them
	}
	b.took.Store(time.Now().UnixMilli())
	g.limits.Unsent.Add(-int64(n))
	waiting := g.Unsent.waiting.Add(-int64(n))
	if waiting <= b.mu.soft {
		b.since.Store(0)
	}
	b.tellLocked()
}

// discard lets go of what waits. The connection has been closed: nothing may come behind what is lost.
func (g *Guard) discard() {
	b := g.Unsent.need()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.err != nil {
		return
	}
	b.mu.err, b.mu.queue = net.ErrClosed, nil
	g.limits.Unsent.Add(-g.Unsent.waiting.Swap(0))
	b.tellLocked()
}

// tellLocked wakes up Await. The caller holds b.mu.
func (b *backlog) tellLocked() {
	select {
	case b.mu.moved <- struct{}{}:
	default: // nobody waits, or it has been told; nil: nobody has ever waited
	}
}

// Await waits, at most for so long, until some of it has gone. One goroutine at a time may call it.
func (u *unsent) Await(most time.Duration) {
	b := u.need()
	b.mu.Lock()
	if b.mu.moved == nil {
		b.mu.moved = make(chan struct{}, 1)
	}
	moved := b.mu.moved
	b.mu.Unlock()
	select {
	case <-moved:
	case <-time.After(most):
	}
}

// Broken is why nothing more is sent; nil = it is.
func (u *unsent) Broken() error {
	b := u.more.Load()
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.err
}

// Exceeds notes that more than so many bytes wait. It returns for how long they have; first = they do since now.
func (u *unsent) Exceeds(soft int64) (length time.Duration, first bool) {
	b := u.need()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.soft = soft
	now := time.Now().UnixMilli()
	first = b.since.CompareAndSwap(0, now)
	return time.Duration(now-b.since.Load()) * time.Millisecond, first
}

// ExceededFor says for how long more than the limit given to Exceeds has waited, if it still does.
func (u *unsent) ExceededFor() (length time.Duration, over bool) {
	b := u.more.Load()
	if b == nil {
		return 0, false
	}
	since := b.since.Load()
	return time.Duration(time.Now().UnixMilli()-since) * time.Millisecond, since != 0
}

// Relax comes after something that waited elsewhere and counted for Exceeds has been sent.
func (u *unsent) Relax() {
	b := u.more.Load()
	if b == nil || b.since.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.waiting.Load() <= b.mu.soft {
		b.since.Store(0)
	}
}

// Pieces is how many pieces wait, as oll in CLIENT LIST.
func (u *unsent) Pieces() int {
	b := u.more.Load()
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.mu.queue)
}

// SendBytes is how much reply gathers before it is sent in the middle of a batch.
const SendBytes = 256 << 10
