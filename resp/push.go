package resp

import (
	"runtime"
	"sync"
	"time"
)

// What reaches a client without being a reply (published messages, invalidations) is pushed:
//
//	whoever publishes > the client's queue > the pusher > connection
//
// The pusher is one goroutine for all clients. While it writes to some, messages gather for the others: a system call carries many,
// as in Redis, which writes once a turn of its event loop [PUBLISH to 100 subscribers takes 67 us; with a goroutine and a wake-up a client, 149
// of processor time]. It never waits: what it can not send at once, or must not yet, it leaves to a goroutine of the client's.
//
// A batch of commands and its replies hold client.sending, so that no push comes into the middle of a reply, or before the
// confirmation of its subscription. What a client's own command pushes to itself comes right behind that command's reply.
type pushes struct {
	mu struct {
		sync.Mutex
		queue, spare []byte    // encoded; a buffer for the next ones
		lsn          uint64    // what it tells must be committed first (I2)
		waiting      int       // bytes queued or being sent
		over         time.Time // since when more than the soft limit waits; zero = it does not
		due          bool      // somebody will come for the queue
		closed       bool
	}
}

// pusher is the clients that have something in their queues.
type pusher struct {
	mu      sync.Mutex
	due     []*client
	running bool
}

// startPushes makes the client one that can be pushed to. It is called by the client's own goroutine, while it runs a command.
func (cl *client) startPushes() {
	if cl.pushes != nil {
		return
	}
	cl.pushes = &pushes{}
	cl.beginBatch()
	cl.pushing.Store(true)
}

// beginBatch and endBatch stand around a batch and its replies; a command that waits ends its batch meanwhile.

func (cl *client) beginBatch() {
	if cl.pushes != nil && !cl.inBatch {
		cl.sending.Lock()
		cl.inBatch = true
	}
}

func (cl *client) endBatch() {
	if cl.inBatch {
		cl.inBatch = false
		cl.sending.Unlock()
	}
}

// push gives the client bytes that are encoded for it; from is the client whose command does. What is told stands
// in the record lsn, 0 = in none. A client that reads too slowly for its class's limit is closed, as in Redis.
func (cl *client) push(from *client, message []byte, lsn uint64) {
	if cl == from {
		if b := cl.blockedOn; b != nil { // it is being served, in the goroutine of another
			b.after, b.lsn = append(b.after, message...), max(b.lsn, lsn)
			return
		}
		cl.afterReply = append(cl.afterReply, message...)
		cl.seen = max(cl.seen, lsn)
		return
	}
	p := cl.pushes
	limit := cl.pushLimit()
	p.mu.Lock()
	if p.mu.closed {
		p.mu.Unlock()
		return
	}
	p.mu.queue = append(p.mu.queue, message...)
	p.mu.lsn = max(p.mu.lsn, lsn)
	p.mu.waiting += len(message)
	wasOver := !p.mu.over.IsZero()
	over := p.overLocked(limit)
	if !wasOver && !p.mu.over.IsZero() {
		time.AfterFunc(limit.soft()+softGrace, cl.endSlow)
	}
	first := !p.mu.due
	p.mu.due = true
	p.mu.Unlock()
	switch {
	case over:
		cl.endOver()
	case first:
		cl.srv.pusher.add(cl)
	}
}

// softGrace is how much later than its limit a client is closed that nothing more is pushed to.
const softGrace = 10 * time.Millisecond

// endSlow closes a client whose queue has been above the soft limit for as long as it may be.
func (cl *client) endSlow() {
	limit, p := cl.pushLimit(), cl.pushes
	p.mu.Lock()
	over := !p.mu.closed && p.overLocked(limit)
	p.mu.Unlock()
	if over {
		cl.endOver()
	}
}

// endOver closes a client that reads too slowly.
func (cl *client) endOver() {
	_ = cl.overLimit(errOutputPush) // it logs and counts
	cl.kill()
}

// overLocked applies a client-output-buffer-limit: nothing more comes into the queue of a client that is over it. The caller holds p.mu.
func (p *pushes) overLocked(limit OutputLimit) (over bool) {
	waiting := int64(p.mu.waiting)
	switch {
	case limit.HardBytes > 0 && waiting > limit.HardBytes:
		over = true
	case limit.SoftBytes == 0 || waiting <= limit.SoftBytes:
		p.mu.over = time.Time{}
	case p.mu.over.IsZero():
		p.mu.over = time.Now()
	default:
		over = time.Since(p.mu.over) > limit.soft()
	}
	if over {
		p.mu.closed, p.mu.queue = true, nil
	}
	return over
}

func (p *pusher) add(cl *client) {
	p.mu.Lock()
	p.due = append(p.due, cl)
	start := !p.running
	p.running = true
	p.mu.Unlock()
	if start {
		go p.run()
	}
}

// run ends when nothing is left to push.
func (p *pusher) run() {
	var due []*client
	for {
		runtime.Gosched() // whoever can run may have more to publish
		p.mu.Lock()
		due, p.due = p.due, due[:0]
		if len(due) == 0 {
			p.running = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		for i, cl := range due {
			if !cl.pushNow() {
				go cl.pushLater()
			}
			due[i] = nil
		}
	}
}

// pushNow sends what is queued if that takes no waiting.
func (cl *client) pushNow() (done bool) {
	if !cl.sending.TryLock() {
		return false
	}
	p := cl.pushes
	p.mu.Lock()
	if p.mu.lsn > cl.srv.store.Committed() {
		p.mu.Unlock()
		cl.sending.Unlock()
		return false
	}
	queue, _ := p.takeLocked()
	p.mu.Unlock()
	if n := cl.guard.TryWrite(queue); n < len(queue) {
		go cl.pushRest(queue, n)
		return true
	}
	cl.sending.Unlock()
	p.sent(queue)
	return true
}

// pushLater waits for the client's batch to end and for the commit.
func (cl *client) pushLater() {
	cl.sending.Lock()
	cl.pushAll()
	cl.sending.Unlock()
}

// pushAll sends what is queued once it is committed. The caller holds sending. The client's own goroutine calls it at the beginning of a
// batch, so that what was published before does not come behind the replies: a message of a channel behind the
// confirmation that the client has left it.
func (cl *client) pushAll() {
	p := cl.pushes
	if p == nil {
		return
	}
	p.mu.Lock()
	if len(p.mu.queue) == 0 {
		p.mu.Unlock()
		return
	}
	queue, lsn := p.takeLocked()
	p.mu.Unlock()
	if lsn == 0 || cl.srv.store.WaitFor(lsn) == nil { // else it has not happened (I8)
		cl.writePushes(queue)
	}
	p.sent(queue)
}

// pushRest sends what the connection has not taken yet, holding sending, and lets go of that.
func (cl *client) pushRest(queue []byte, from int) {
	cl.writePushes(queue[from:])
	cl.sending.Unlock()
	cl.pushes.sent(queue)
}

// writePushes takes as long as the client does. The caller holds sending.
func (cl *client) writePushes(queue []byte) {
	if cl.writeArmed {
		cl.writeArmed = false
		_ = cl.guard.SetWriteDeadline(time.Time{}) // a closed connection's error is for the write
	}
	_, _ = cl.guard.Write(queue) // likewise: the client's own goroutine notices
}

// takeLocked empties the queue. The caller holds client.sending, too, so that what it takes goes out before what comes after.
func (p *pushes) takeLocked() (queue []byte, lsn uint64) {
	queue, lsn = p.mu.queue, p.mu.lsn
	p.mu.queue, p.mu.spare, p.mu.lsn, p.mu.due = p.mu.spare, nil, 0, false
	return queue, lsn
}

// sent counts a queue that has gone, and keeps its memory for the next.
func (p *pushes) sent(queue []byte) {
	p.mu.Lock()
	if p.mu.waiting -= len(queue); p.mu.waiting == 0 {
		p.mu.over = time.Time{}
	}
	if cap(queue) <= keptPushBytes && p.mu.spare == nil {
		p.mu.spare = queue[:0]
	}
	p.mu.Unlock()
}

const keptPushBytes = 64 << 10

// endPushes drops what is queued; the connection is closed.
func (cl *client) endPushes() {
	if p := cl.pushes; p != nil {
		p.mu.Lock()
		p.mu.closed, p.mu.queue = true, nil
		p.mu.Unlock()
	}
}

// pushesWaiting is how many bytes wait to be pushed, for CLIENT LIST.
func (cl *client) pushesWaiting() int {
	if !cl.pushing.Load() {
		return 0
	}
	cl.pushes.mu.Lock()
	defer cl.pushes.mu.Unlock()
	return cl.pushes.mu.waiting
}
