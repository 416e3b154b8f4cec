package resp

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"diskette/store"
)

// What reaches a client without being a reply (published messages, invalidations) is pushed:
//
//	a command that publishes > the client's queue > the pusher > connection
//
// The pusher is one goroutine for all clients. While it writes to some, messages gather for the others: a system
// call carries many, as in Redis, which writes once a turn of its event loop [PUBLISH to 100 subscribers takes 67
// us; with a goroutine and a wake-up a client, 149 of processor time]. It never waits: what the connection does not
// take at once waits there (wire/unsent.go), and what must not go out yet is left to a goroutine of the client's.
//
// A batch of commands and its replies hold client.sending, so that no push comes into the middle of a reply,
// or before the confirmation of its subscription. What a client's own command pushes to itself comes right
// behind that command's reply. What was pushed before a batch began, the invalidation of a key that the batch reads
// perhaps, goes out before the first of its replies: pushFirst. What a script that runs for long has done alone does
// not: it is not committed until the script ends, and the client hears -BUSY meanwhile, as others do.
//
// All of that holds in an event loop as in a goroutine of the client's own, because only the lock says it. The loop
// takes it with a client's batch and lets go of it when the replies are sent, at the end of the turn, and may have
// those of many clients meanwhile. It does not wait for one, nor for the disk before what was pushed: the client leaves
// the loop first, and waits in its own goroutine. So nobody waits in a circle: who waits for a client.sending has no
// other client's, and who has several waits only for the keyspace lock and for a commit, for which nobody needs one.
type pushes struct {
	mu struct {
		sync.Mutex
		queue, spare []byte // encoded; a buffer for the next ones
		lsn          uint64 // what it tells must be committed first (I2)
		due          bool   // somebody will come for the queue
		closed       bool
	}
	waiting atomic.Int32 // goroutines that push when the client's batch is over
	owes    atomic.Bool  // a command that waited has its reply, which its client's goroutine has not come to send
	left    bool         // for that something is left in the queue. The holder of client.sending has it
}

// pusher is the clients that have something in their queues.
type pusher struct {
	mu      sync.Mutex
	due     []*client
	running bool
}

// startPushes makes the client one that can be pushed to. It is called by the client's own
// goroutine, while it runs a command.
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
	if cl.pushes == nil || cl.inBatch {
		return
	}
	if !cl.sending.TryLock() {
		cl.leaveLoop() // something is being pushed to the client, and perhaps has to be committed first
		cl.sending.Lock()
	}
	cl.inBatch = true
	cl.pushes.owes.Store(false)
	if cl.pushes.left {
		cl.pushes.left = false
		cl.pushes.waiting.Add(1)
		go cl.pushLater()
	}
}

// mustWait reports whether a reply that another client has made comes first. The caller holds sending, and leaves the
// queue as it is then: the batch that sends the reply sees to it.
func (p *pushes) mustWait() bool {
	p.left = p.left || p.owes.Load()
	return p.left
}

func (cl *client) endBatch() {
	if cl.inBatch {
		cl.inBatch = false
		cl.sending.Unlock()
		if cl.pushes.waiting.Load() > 0 {
			cl.srv.loops.woken.Add(1)
		}
	}
}

// push gives the client bytes that are encoded for it; from is the client whose command does. What is told stands
// in the record lsn, 0 = in none. A client that reads too slowly for its class's limit is closed, as in Redis.
func (cl *client) push(from *client, message []byte, lsn uint64) {
	if cl.isReplica() { // as in flush
		return
	}
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
	p.mu.Lock()
	if p.mu.closed {
		p.mu.Unlock()
		return
	}
	p.mu.queue = append(p.mu.queue, message...)
	p.mu.lsn = max(p.mu.lsn, lsn)
	queued, first := len(p.mu.queue), !p.mu.due
	p.mu.due = true
	p.mu.Unlock()
	switch {
	case cl.bound(queued) != nil:
		cl.endPushes()
	case first:
		cl.srv.pusher.add(cl)
	}
}

func (p *pusher) add(cl *client) {
	p.mu.Lock()
	p.due = append(p.due, cl)
	start := !p.running
	p.running = true
	p.mu.Unlock()
	if start {
		cl.srv.loops.woken.Add(1)
		go p.run()
	}
}

// run ends when nothing is left to push.
func (p *pusher) run() {
	var due []*client
	for {
		runtime.Gosched() // goroutines that can run may have more to publish
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
				cl.pushes.waiting.Add(1)
				go cl.pushLater()
			}
			due[i] = nil
		}
	}
}

// pushNow sends what is queued unless that has to wait for something.
func (cl *client) pushNow() (done bool) {
	if !cl.sending.TryLock() {
		return false
	}
	defer cl.sending.Unlock()
	p := cl.pushes
	if p.mustWait() {
		return true
	}
	p.mu.Lock()
	if p.mu.lsn > 0 && p.mu.lsn > cl.srv.store.Committed() || cl.guard.TLS != nil && len(p.mu.queue) > tlsPushBytes {
		p.mu.Unlock()
		return false
	}
	queue, _ := p.takeLocked()
	p.mu.Unlock()
	cl.sendPushes(queue)
	return true
}

// tlsPushBytes is up to how much the pusher encrypts itself: that takes longer than sending.
const tlsPushBytes = 16 << 10

// pushLater waits for the client's batch to end and for the commit.
func (cl *client) pushLater() {
	for cl.pushUnlessBusy() {
		cl.srv.awaitCommand() // the client's batches go on meanwhile
	}
}

// awaitCommand waits until no command is under way, however long it takes.
func (s *Server) awaitCommand() {
	s.store.Lock()
	defer s.store.Unlock()
}

// pushUnlessBusy is busy if what is queued waits for a long command.
func (cl *client) pushUnlessBusy() (busy bool) {
	cl.sending.Lock()
	defer cl.sending.Unlock()
	p := cl.pushes
	p.waiting.Add(-1)
	if p.mustWait() {
		return false
	}
	if busy = cl.sendCommitted(cl.takePushes()); busy {
		p.waiting.Add(1)
	}
	return busy
}

// pushFirst sends what is queued at the beginning of a batch, so that what was published before does not come behind
// the replies: a message of a channel behind the confirmation that the client has left it, or the invalidation of a key
// behind what the key has become. The caller serves the client, and holds sending.
func (cl *client) pushFirst() {
	if cl.pushes == nil {
		return
	}
	queue, lsn := cl.takePushes()
	if lsn > 0 && cl.baton != nil && lsn > cl.srv.store.Committed() && (cl.srv.loops.stalls.now.Load() > 0 || !cl.srv.store.WaitBriefly(lsn)) {
		cl.leaveLoop()
	}
	if cl.sendCommitted(queue, lsn) && cl.pushes.waiting.Load() == 0 { // else one that waits already sends that, too
		cl.pushes.waiting.Add(1)
		go cl.pushLater()
	}
}

// takePushes empties the queue. The caller holds sending.
func (cl *client) takePushes() (queue []byte, lsn uint64) {
	p := cl.pushes
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mu.queue) == 0 {
		return nil, 0
	}
	return p.takeLocked()
}

// sendCommitted sends what was taken from the queue once lsn is committed, 0 = at once. busy = a long command is to end
// first, and the queue has it again. The caller holds sending.
func (cl *client) sendCommitted(queue []byte, lsn uint64) (busy bool) {
	if len(queue) == 0 {
		return false
	}
	var err error
	if lsn > 0 {
		err = cl.srv.store.WaitFor(lsn)
	}
	switch {
	case err == nil:
		cl.sendPushes(queue)
	case errors.Is(err, store.ErrBusy):
		cl.pushes.putBack(queue, lsn)
		return true
	} // else it has not happened (I8)
	return false
}

// putBack is the contrary of takeLocked.
func (p *pushes) putBack(queue []byte, lsn uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.mu.closed {
		p.mu.queue, p.mu.lsn, p.mu.due = append(queue, p.mu.queue...), max(lsn, p.mu.lsn), true
	}
}

// sendPushes sends a queue and keeps its memory for the next. The caller holds sending.
func (cl *client) sendPushes(queue []byte) {
	if cl.isReplica() { // what was queued before it became one
		return
	}
	_ = cl.guard.Send(queue, false) // the client's own goroutine notices the error
	cl.guard.Unsent.NoteTook()
	cl.guard.Unsent.Relax()
	if p := cl.pushes; cap(queue) <= keptPushBytes {
		p.mu.Lock()
		p.mu.spare = queue[:0]
		p.mu.Unlock()
	}
}

// takeLocked empties the queue. The caller holds client.sending, too, so that what it takes
// goes out before what comes after.
func (p *pushes) takeLocked() (queue []byte, lsn uint64) {
	queue, lsn = p.mu.queue, p.mu.lsn
	p.mu.queue, p.mu.spare, p.mu.lsn, p.mu.due = p.mu.spare, nil, 0, false
	return queue, lsn
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
	return len(cl.pushes.mu.queue)
}
