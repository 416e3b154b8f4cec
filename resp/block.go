package resp

import (
	"math"
	"sync/atomic"
	"time"

	"diskette/store"
)

// Blocking commands (BLPOP, XREAD BLOCK ...) try once; what finds nothing returns call.blockOn, and its client waits in
// line for the keys:
//
//	client A   BLPOP finds nothing > in line for its keys > sends earlier replies > waits: served, time-out, hang-up
//	client B   a command changes one of the keys > right after it, under the same hold of the keyspace lock, the
//	           commands in line run again, first come first served; the first that finds something takes it
//
// A waiter's command runs as a command of its own, in the goroutine of whoever changed the key: nothing comes in
// between, and no client is woken in vain. Its reply is encoded there and sent by A's goroutine, once it is committed (I2).
//
// A client whose hang-up has been seen is passed over, so that it never swallows an element.

// blockRequest is what a blocking command that found nothing asks for.
type blockRequest struct {
	keys     [][]byte
	typ      store.Type    // only a key of this type can serve it; None = it wants to see every change
	timeout  time.Duration // 0 = for ever
	timedOut Reply         // the reply when the time is over
	resume   any           // what the command needs to know when it runs again: it finds it in call.resume
}

// blockOn blocks the command's client; inside MULTI and scripts it answers as if the time were over. A handler
// returns it having changed nothing.
func (c *call) blockOn(b blockRequest) Reply {
	if c.locked {
		return b.timedOut
	}
	c.block = &b
	return Reply{kind: kindBlock}
}

// blocked is a client in line. Its fields belong to the keyspace lock; done is closed when it has been served.
type blocked struct {
	blockRequest
	cl     *client
	row    *row
	args   [][]byte // they stay valid: the client reads no further command
	db     int
	pins   []store.Pin
	hungUp <-chan struct{}
	done   chan struct{}
	served bool
	out    output // the reply
	lsn    uint64
}

// blockers are the lines, by key. All is under the keyspace lock, but the counts, which are asked without.
type blockers struct {
	lines   map[watchName][]*blocked
	ready   []watchName // keys with a line that were changed since serve last looked
	clients atomic.Int64
}

// touched notes a change of a key that somebody waits for. It is called at every change, under the keyspace lock.
func (b *blockers) touched(db int, key string) {
	if len(b.lines) == 0 {
		return
	}
	if name := (watchName{db, key}); b.lines[name] != nil {
		b.ready = append(b.ready, name)
	}
}

// touchedAll notes that all keys of two databases have changed: they were exchanged, or emptied.
func (b *blockers) touchedAll(db, other int) {
	for name := range b.lines {
		if name.db == db || name.db == other {
			b.ready = append(b.ready, name)
		}
	}
}

// block puts the client in line. The caller holds the keyspace lock and has just run the command in vain.
func (s *Server) block(tx *store.Tx, cl *client) *blocked {
	c := &cl.call
	b := &blocked{blockRequest: *c.block, cl: cl, row: c.row, args: c.args, db: cl.db, done: make(chan struct{})}
	if s.blockers.lines == nil {
		s.blockers.lines = map[watchName][]*blocked{}
	}
	for _, key := range b.keys {
		name := watchName{b.db, string(key)}
		line := s.blockers.lines[name]
		if len(line) > 0 && line[len(line)-1] == b {
			continue // the same key twice
		}
		s.blockers.lines[name] = append(line, b)
		b.pins = append(b.pins, tx.Pin(key))
	}
	cl.blockedOn = b
	s.blockers.clients.Add(1)
	return b
}

// leave takes a client out of all lines. The caller holds the keyspace lock.
func (s *Server) leave(b *blocked) {
	for _, key := range b.keys {
		name := watchName{b.db, string(key)}
		line := s.blockers.lines[name]
		for i, other := range line {
			if other == b {
				line = append(line[:i:i], line[i+1:]...)
				break
			}
		}
		if len(line) == 0 {
			delete(s.blockers.lines, name)
		} else {
			s.blockers.lines[name] = line
		}
	}
	for _, p := range b.pins {
		p.Unpin()
	}
	b.pins = nil
	b.cl.blockedOn = nil
	s.blockers.clients.Add(-1)
}

// answer ends a wait with a reply that waits for lsn. The caller holds the keyspace lock.
func (s *Server) answer(b *blocked, reply Reply, lsn uint64) {
	s.leave(b)
	if reply.isError() {
		s.stats.errors.count(reply.s)
	}
	b.out.encode(&reply, b.cl.resp3)
	b.lsn, b.served = lsn, true
	close(b.done)
}

// serveBlocked runs the commands in line for the keys that have changed, until nobody finds anything. Call it
// after every command, MULTI block or script, under the keyspace lock and after Tx.End. now is unix ms.
func (s *Server) serveBlocked(now int64) {
	for len(s.blockers.ready) > 0 {
		name := s.blockers.ready[0]
		s.blockers.ready = s.blockers.ready[1:]
		for _, b := range append([]*blocked(nil), s.blockers.lines[name]...) {
			if !b.served {
				s.serve(b, name, now)
			}
		}
	}
	s.blockers.ready = nil
}

func (s *Server) serve(b *blocked, name watchName, now int64) {
	select {
	case <-b.hungUp:
		return // its goroutine takes it out of the line
	default:
	}
	tx := s.store.Begin(b.db, now)
	if b.typ != store.None && tx.TypeOf([]byte(name.key)) != b.typ {
		tx.End()
		return
	}
	c := call{cl: b.cl, row: b.row, args: b.args, now: now, resume: b.resume}
	var reply Reply
	if b.row.read != nil {
		reply = b.row.read(&tx.View, &c)
	} else {
		reply = b.row.write(tx, &c)
	}
	lsn := tx.End()
	if reply.kind != kindBlock {
		s.answer(b, reply, lsn)
	}
}

// unblock ends a client's wait from outside, with an error or as if its time were over, and reports whether it waited.
func (s *Server) unblock(cl *client, withError bool) bool {
	s.store.Lock()
	defer s.store.Unlock()
	b := cl.blockedOn
	if b == nil {
		return false
	}
	reply := b.timedOut
	if withError {
		reply = errUnblocked
	}
	s.answer(b, reply, 0)
	return true
}

// waitBlocked sends the replies so far and waits until the client is served, its time is over, or it hangs up: then the
// connection is to be closed. The caller does not hold the keyspace lock.
func (cl *client) waitBlocked(b *blocked, stop func()) (ok bool) {
	defer stop()
	s := cl.srv
	cl.blocked.Store(true)
	defer cl.blocked.Store(false)
	ok = cl.send() == nil
	cl.endBatch()
	defer cl.beginBatch()
	if ok {
		var over <-chan time.Time
		if b.timeout > 0 {
			timer := time.NewTimer(b.timeout)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-b.done:
		case <-over:
		case <-b.hungUp:
			ok = false
		}
	}
	s.store.Lock()
	if !b.served {
		s.answer(b, b.timedOut, 0)
	}
	s.store.Unlock()
	if ok {
		cl.replyEncoded(&b.out, b.lsn)
	}
	return ok
}

// replyEncoded is reply for one that is encoded already.
func (cl *client) replyEncoded(o *output, lsn uint64) {
	cl.seen = max(cl.seen, lsn)
	if cl.replies != repliesOn && cl.silent() {
		return
	}
	cl.out.begin(lsn)
	cl.out.join(o)
}

var (
	errUnblocked      = errorReply("UNBLOCKED client unblocked via CLIENT UNBLOCK")
	errTimeoutFloat   = errorReply("ERR timeout is not a float or out of range")
	errTimeoutRange   = errorReply("ERR timeout is out of range")
	errTimeoutNegated = errorReply("ERR timeout is negative")
)

// timeout reads argument i as a time-out in seconds, fractions allowed; 0 = for ever.
func (c *call) timeout(i int) (timeout time.Duration, refusal Reply) {
	f, ok := parseLongDouble(c.args[i])
	if !ok {
		return 0, errTimeoutFloat
	}
	seconds, _ := f.Float64()
	ms := math.Ceil(seconds * 1000)
	switch {
	case ms < 0:
		return 0, errTimeoutNegated
	case ms > float64(math.MaxInt64-c.now):
		return 0, errTimeoutRange
	}
	return longWait(ms), Reply{}
}

// longWait is so many milliseconds, or the longest wait there is: 292 years.
func longWait(ms float64) time.Duration {
	if ms > float64(math.MaxInt64/time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
