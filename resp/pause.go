package resp

import (
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/command"
)

// pause is CLIENT PAUSE: until a point in time, or CLIENT UNPAUSE, commands wait before they run. A MIGRATE holds those
// back that write, until it is over.
type pause struct {
	active atomic.Bool // looked at by every command, so it is all that no pause costs

	mu struct {
		sync.Mutex
		all   bool // every command waits, not only those that write
		until time.Time
		timer *time.Timer
		ended chan struct{} // closed when the pause ends; nil = there is none

		migrating  int           // MIGRATEs under way
		migrations chan struct{} // closed when there is none any more
	}
}

// holdWrites holds commands that write back until the function that it returns is called.
func (p *pause) holdWrites() (letGo func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.migrating++; p.mu.migrating == 1 {
		p.mu.migrations = make(chan struct{})
	}
	p.active.Store(true)
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.mu.migrating--; p.mu.migrating == 0 {
			p.active.Store(p.mu.ended != nil)
			close(p.mu.migrations)
		}
	})
}

// startOrExtend starts a pause or adds to the one there is: the later end and the stricter mode hold.
func (p *pause) startOrExtend(length time.Duration, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.ended == nil {
		p.mu.ended, p.mu.until, p.mu.all = make(chan struct{}), time.Time{}, false
	}
	p.mu.all = p.mu.all || all
	if until := time.Now().Add(length); until.After(p.mu.until) {
		if p.mu.timer != nil {
			p.mu.timer.Stop()
		}
		p.mu.until = until
		p.mu.timer = time.AfterFunc(length, p.expire)
	}
	p.active.Store(true)
}

// expire is the timer's: it ends the pause unless a later one has begun since.
func (p *pause) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.mu.until) {
		p.endLocked()
	}
}

// end lets all who wait go on.
func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLocked()
}

// endLocked is called with p.mu held.
func (p *pause) endLocked() {
	if p.mu.ended == nil {
		return
	}
	p.active.Store(p.mu.migrating > 0)
	p.mu.timer.Stop()
	close(p.mu.ended)
	p.mu.ended = nil
}

// endToAwait returns what a command must wait for, or nil if it may run.
func (p *pause) endToAwait(writes bool) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.mu.ended != nil && (p.mu.all || writes):
		return p.mu.ended
	case p.mu.migrating > 0 && writes:
		return p.mu.migrations
	}
	return nil
}

// mayWrite reports whether a pause of writes is about a command. An EXEC writes if one of its
// commands does, and a script that says no-writes does not.
func (cl *client) mayWrite(h *hold, r *command.Row, args [][]byte) bool {
	if r.Name == "exec" && cl.multi != nil {
		for _, q := range cl.multi.queued {
			if cl.mayWrite(h, q.row, q.args) {
				return true
			}
		}
	}
	return writes(r) && !cl.srv.saysNoWrites(h.held, r, args)
}

// writes reports whether a command may write.
func writes(r *command.Row) bool { return r.Flags&(command.Write|command.MayReplicate) != 0 }

// waitPaused waits, without the keyspace lock, until no pause holds the command back. The replies
// before it leave first. It reports false if the connection ended meanwhile.
func (cl *client) waitPaused(h *hold, r *command.Row, args [][]byte) bool {
	for {
		ended := cl.srv.pause.endToAwait(cl.mayWrite(h, r, args))
		if ended == nil {
			return true
		}
		h.release()
		cl.leaveLoop()
		if cl.send() != nil || !cl.await(ended) {
			return false
		}
	}
}

// await waits for an event, or for the client to hang up: then it reports false. The replies that the client has are
// sent; pushes go out meanwhile.
func (cl *client) await(event <-chan struct{}) bool {
	cl.endBatch()
	defer cl.beginBatch()
	return cl.awaitInBatch(event)
}

// awaitInBatch is await for who has replies that are not sent: no push comes before them.
func (cl *client) awaitInBatch(event <-chan struct{}) bool {
	cl.leaveLoop()
	hungUp, stop := cl.guard.AwaitHangup()
	cl.blocked.Store(true)
	defer func() {
		cl.blocked.Store(false)
		stop()
	}()
	select {
	case <-event:
		return true
	case <-hungUp:
		return false
	}
}
