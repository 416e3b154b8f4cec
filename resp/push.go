package resp

import (
	"sync"
	"time"
)

// What reaches a client without being a reply (published messages, invalidations) is pushed:
//
//	whoever publishes > the client's queue > its push goroutine > connection
//
// The goroutine is there from the first push on. A batch of commands and its replies hold client.sending, so
// that no push comes into the middle of a reply, or before the confirmation of its subscription. What a
// client's own command pushes to itself comes right behind that command's reply.
type pushes struct {
	mu struct {
		sync.Mutex
		queue   []byte    // encoded
		lsn     uint64    // what it tells must be committed first (I2)
		waiting int       // bytes queued or being sent
		over    time.Time // since when more than the soft limit waits; zero = it does not
		running bool      // the goroutine
		closed  bool
	}
	wake chan struct{}
}

// startPushes makes the client one that can be pushed to. It is called by the client's own goroutine, while it runs a command.
func (cl *client) startPushes() {
	if cl.pushes != nil {
		return
	}
	cl.pushes = &pushes{wake: make(chan struct{}, 1)}
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
	over := p.overLocked(limit)
	if over {
		p.mu.closed, p.mu.queue = true, nil
	}
	if !p.mu.running {
		p.mu.running = true
		go cl.pushLoop(p)
	}
	p.mu.Unlock()
	if over {
		_ = cl.overLimit(errOutputPush) // it logs and counts
		cl.kill()
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// overLocked applies a client-output-buffer-limit. The caller holds p.mu.
func (p *pushes) overLocked(limit OutputLimit) bool {
	waiting := int64(p.mu.waiting)
	if limit.HardBytes > 0 && waiting > limit.HardBytes {
		return true
	}
	if limit.SoftBytes == 0 || waiting <= limit.SoftBytes {
		p.mu.over = time.Time{}
		return false
	}
	if p.mu.over.IsZero() {
		p.mu.over = time.Now()
	}
	return time.Since(p.mu.over) > time.Duration(limit.SoftSeconds)*time.Second
}

func (cl *client) pushLoop(p *pushes) {
	var sent []byte
	for range p.wake {
		cl.sending.Lock()
		p.mu.Lock()
		queue, lsn, closed := p.mu.queue, p.mu.lsn, p.mu.closed
		p.mu.queue, p.mu.lsn = sent[:0], 0
		p.mu.Unlock()
		if closed {
			cl.sending.Unlock()
			return
		}
		if lsn == 0 || cl.srv.store.WaitFor(lsn) == nil { // what is not stored has not happened (I8)
			if cl.writeArmed {
				cl.writeArmed = false
				_ = cl.guard.SetWriteDeadline(time.Time{}) // a closed connection's error is for the write
			}
			_, _ = cl.guard.Write(queue) // likewise: the client's own goroutine notices
		}
		cl.sending.Unlock()
		p.mu.Lock()
		p.mu.waiting -= len(queue)
		p.mu.Unlock()
		if sent = queue; cap(sent) > 64<<10 {
			sent = nil
		}
	}
}

// endPushes lets the goroutine end; the connection is closed.
func (cl *client) endPushes() {
	if p := cl.pushes; p != nil {
		p.mu.Lock()
		p.mu.closed, p.mu.queue = true, nil
		p.mu.Unlock()
		select {
		case p.wake <- struct{}{}:
		default:
		}
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
