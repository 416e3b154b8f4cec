package resp

import (
	"slices"
	"sync/atomic"
	"time"

	"diskette/resp/command"
	"diskette/resp/wire"
	"diskette/store"
)

// Blocking commands (BLPOP, XREAD BLOCK ...) try once; what finds nothing returns Call.BlockOn, and its client waits in
// the queues of the keys:
//
//	client A   BLPOP finds nothing > queues for its keys > sends earlier replies > waits: served, time-out, hang-up
//	client B   a command changes one of the keys > right after it, under the same hold of the keyspace lock, the
//	           commands in the queue run again, first come first served; the first that finds something takes it
//
// A waiter's command runs as a command of its own, in the goroutine that changed the key: nothing comes in
// between, and no client is woken in vain. The reply is encoded there and sent by A's goroutine, once it
// is committed (I2).
//
// A client whose hang-up has been seen is passed over, so that it never swallows an element.

// blocked is a client in queues. Its fields belong to the keyspace lock; done is closed when it has been served.
type blocked struct {
	command.BlockRequest
	cl     *client
	row    *command.Row
	args   [][]byte // they stay valid: the client reads no further command
	db     int
	queues []*waitQueue
	pins   []store.Pin
	hungUp <-chan struct{}
	done   chan struct{}
	served bool
	out    wire.Output // the reply
	after  []byte      // what its command has pushed to itself: it comes behind the reply
	lsn    uint64      // what both have seen
}

// A waitQueue is the clients that wait for a key, first come first.
type waitQueue struct {
	name     watchName
	clients  []*blocked
	watchers int  // of the clients, those that see every change, the key's end included: XREADGROUP
	ready    bool // the key has changed since serveBlocked last looked
}

// blockers are the queues, by key. All is under the keyspace lock, but the counts, which are asked without.
type blockers struct {
	byKey   map[watchName]*waitQueue
	ready   []*waitQueue
	clients atomic.Int64
	timed   atomic.Int64 // of the clients, those that wait for a time
	keys    atomic.Int64 // queues
	watched atomic.Int64 // of the queues, those with watchers
}

// touched notes a change of a key that somebody waits for. It is called at every change, under the keyspace lock.
func (b *blockers) touched(db int, key string) {
	if len(b.byKey) > 0 {
		if q := b.byKey[watchName{db, key}]; q != nil {
			b.note(q)
		}
	}
}

// touchedAll notes that all keys of two databases have changed: they were exchanged, or emptied.
func (b *blockers) touchedAll(db, other int) {
	for name, q := range b.byKey {
		if name.db == db || name.db == other {
			b.note(q)
		}
	}
}

func (b *blockers) note(q *waitQueue) {
	if !q.ready {
		q.ready = true
		b.ready = append(b.ready, q)
	}
}

// join puts a client at the end of the queue of a key.
func (b *blockers) join(name watchName, waiter *blocked) (joined bool) {
	q := b.byKey[name]
	if q == nil {
		if b.byKey == nil {
			b.byKey = map[watchName]*waitQueue{}
		}
		q = &waitQueue{name: name}
		b.byKey[name] = q
		b.keys.Add(1)
	}
	if n := len(q.clients); n > 0 && q.clients[n-1] == waiter {
		return false // the client waits for the same key twice
	}
	q.clients = append(q.clients, waiter)
	waiter.queues = append(waiter.queues, q)
	if waiter.Type == store.None {
		if q.watchers++; q.watchers == 1 {
			b.watched.Add(1)
		}
	}
	return true
}

// leave takes a client out of a queue.
func (b *blockers) leave(q *waitQueue, waiter *blocked) {
	if q.clients[0] == waiter { // the usual case, and a long queue must not move up for it
		q.clients[0] = nil
		q.clients = q.clients[1:]
	} else {
		i := slices.Index(q.clients, waiter)
		q.clients = slices.Delete(q.clients, i, i+1)
	}
	if waiter.Type == store.None {
		if q.watchers--; q.watchers == 0 {
			b.watched.Add(-1)
		}
	}
	if len(q.clients) == 0 {
		delete(b.byKey, q.name)
		b.keys.Add(-1)
	}
}

// block puts the client in the queues. Its command has just run in vain; it has seen lsn. All of the command's keys are
// pinned, so that it can run again without a load. The caller holds the keyspace lock.
func (s *Server) block(tx *store.Tx, cl *client, lsn uint64) *blocked {
	c := &cl.call
	b := &blocked{BlockRequest: *c.Block, cl: cl, row: c.Row, args: c.Args, db: cl.DB, lsn: lsn, done: make(chan struct{})}
	for _, key := range b.Keys {
		s.blockers.join(watchName{b.db, string(key)}, b)
	}
	c.Row.EachKey(c.Args, func(i int) { b.pins = append(b.pins, tx.Pin(c.Args[i])) })
	cl.Scratch.Reset()
	cl.blockedOn = b
	cl.blocked.Store(true)
	if b.Reached != nil {
		s.replicas.wait(b)
	}
	s.blockers.clients.Add(1)
	if b.Timeout > 0 {
		s.blockers.timed.Add(1)
	}
	return b
}

// answer ends a wait with a reply to what b.lsn says. The caller holds the keyspace lock.
func (s *Server) answer(b *blocked, reply command.Reply) {
	for _, q := range b.queues {
		s.blockers.leave(q, b)
	}
	for _, p := range b.pins {
		p.Unpin()
	}
	if b.Reached != nil {
		s.replicas.waitNoMore(b)
	}
	b.cl.blockedOn = nil
	b.cl.blocked.Store(false)
	s.blockers.clients.Add(-1)
	if b.Timeout > 0 {
		s.blockers.timed.Add(-1)
	}
	if reply.IsError() {
		s.stats.errors.count(reply.S)
		b.row.Stats.Failed.Add(1)
	}
	reply.Encode(&b.out, b.cl.RESP3)
	b.served = true
	if p := b.cl.pushes; p != nil {
		p.owes.Store(true) // no push comes between what it was served and its reply
	}
	s.loops.woken.Add(1)
	close(b.done)
}

// serveBlocked runs the commands in the queues of the keys that have changed, until nobody finds anything. Call it
// after every command, MULTI block or script, under the keyspace lock and after Tx.End. now is unix ms.
func (s *Server) serveBlocked(now int64) {
	running := s.running
	defer func() { s.running = running }()
	for len(s.blockers.ready) > 0 { // what is served may change other keys, or the same one
		q := s.blockers.ready[0]
		s.blockers.ready[0] = nil
		s.blockers.ready = s.blockers.ready[1:]
		q.ready = false
		for s.serveQueue(q, now) {
		}
	}
	s.blockers.ready = nil
}

// serveQueue goes along a queue. A command that panics ends its own client's wait alone; more is
// then true, and the others are still to be served.
func (s *Server) serveQueue(q *waitQueue, now int64) (more bool) {
	var b *blocked // whose turn it is
	defer func() {
		if p := recover(); p != nil {
			b.lsn = max(b.lsn, s.store.Abort())
			s.answer(b, s.panicked(b.row.Full, p))
			more = true
		}
	}()
	typ, known := store.None, false // of the key: it can change only when somebody is served
	for i := 0; i < len(q.clients); {
		b = q.clients[i]
		if b.Type != store.None && !known {
			typ, known = s.typeFor(b, q, now), true
		}
		if b.Type != store.None && typ != b.Type || !s.serve(b, now) {
			i++
			continue
		}
		known = false // b has left the queue: the next one has moved up
	}
	return false
}

// typeFor is the type of the key that a queue is for.
func (s *Server) typeFor(b *blocked, q *waitQueue, now int64) store.Type {
	tx := s.store.Begin(b.db, now)
	typ := tx.TypeOf([]byte(q.name.key))
	tx.End()
	return typ
}

// serve runs a client's command again and reports whether it has been answered.
func (s *Server) serve(b *blocked, now int64) (answered bool) {
	select {
	case <-b.hungUp:
		return false // its goroutine takes it out of the queue
	default:
	}
	if b.cl.guard.HungUp() {
		return false // so will the goroutine, once it has heard of it
	}
	s.running = b.cl
	tx := s.store.Begin(b.db, now)
	if b.cl.noTouch {
		tx.NoTouch()
	}
	c := command.Call{Caller: &b.cl.Caller, Row: b.row, Args: b.args, Now: now, Resume: b.Resume}
	b.cl.remember(b.row, b.args)
	reply := b.cl.permitted(b.row, b.args, "toplevel") // it may have lost the permission while it waited
	if reply.IsError() {
		tx.End()
		s.answer(b, reply)
		return true
	}
	if b.row.Flags&command.Denyoom != 0 && s.full(b.db) { // what it waits for is there, and no room for it
		tx.End()
		s.answer(b, s.refuse(b.db))
		return true
	}
	var start time.Time
	if s.timing.timeAll.Load() {
		start = time.Now()
	}
	if b.row.Read != nil {
		reply = b.row.Read(&tx.View, &c)
	} else {
		reply = c.Write(tx)
	}
	if reply.Kind != command.KindBlock && !start.IsZero() {
		s.noteSlow(b.cl, b.row, b.args, time.Since(start))
	}
	b.lsn = max(b.lsn, tx.End())
	s.endUnit(b.cl)
	if reply.Kind != command.KindBlock {
		s.answer(b, reply)
	}
	b.cl.Scratch.Reset()
	return b.served
}

// Sweep is the store's, for the sweeper: who waits for a key sees that it has expired, too. While
// CLIENT PAUSE lasts nothing is swept: what has expired can not be seen, but nothing changes.
func (s *Server) Sweep(now int64) (more bool) {
	if s.pause.active.Load() {
		return false
	}
	if s.follow.of.Load() != nil { // the master says what has expired
		return s.store.LetGo()
	}
	start := time.Now()
	more = s.store.Sweep(now)
	took := time.Since(start)
	s.sweeping.Add(int64(took))
	s.noteLatency(eventExpire, took)
	if s.blockers.clients.Load() > 0 || s.tracking.clients.Load() > 0 {
		s.store.Lock()
		s.serveBlocked(now)
		s.tracking.bound()
		s.tracking.broadcast()
		s.store.Unlock()
	}
	return more
}

// Rest is the store's, for the sweeper.
func (s *Server) Rest(now int64) (millis int64, stirred <-chan struct{}) {
	if s.pause.active.Load() || s.follow.of.Load() != nil || s.blockers.clients.Load() > 0 || s.tracking.clients.Load() > 0 {
		return 0, nil
	}
	return s.store.Rest(now)
}

// timedOut is the reply when the time is over.
func (b *blocked) timedOut() command.Reply {
	if b.Reached != nil {
		reply, _ := b.Reached()
		return reply
	}
	return b.TimedOut
}

// unblock ends a client's wait from outside, with an error or as if its time were over, and
// reports whether it waited. The caller holds the keyspace lock.
func (s *Server) unblock(cl *client, withError bool) bool {
	b := cl.blockedOn
	if b == nil {
		return false
	}
	reply := b.timedOut()
	if withError {
		reply = errUnblocked
	}
	s.answer(b, reply)
	return true
}

// waitBlocked sends the replies so far and waits until the client is served, its time is over, or it hangs up: then the
// connection is to be closed. The caller does not hold the keyspace lock.
func (cl *client) waitBlocked(b *blocked, stop func()) (ok bool) {
	defer stop()
	ok = cl.send() == nil
	cl.endBatch()
	defer cl.beginBatch()
	if ok {
		var over <-chan time.Time
		if b.Timeout > 0 {
			timer := time.NewTimer(b.Timeout)
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
	s := cl.srv
	s.store.Lock()
	if !b.served {
		s.answer(b, b.timedOut())
	}
	s.store.Unlock()
	if ok {
		cl.replyEncoded(&b.out, b.lsn)
		cl.afterReply = append(cl.afterReply, b.after...)
	}
	return ok
}

// replyEncoded is reply for one that is encoded already.
func (cl *client) replyEncoded(o *wire.Output, lsn uint64) {
	cl.seen = max(cl.seen, lsn)
	if cl.replies != repliesOn && cl.silences(&command.ReplyNone) {
		return
	}
	cl.out.BeginReply(lsn)
	cl.out.Join(o)
}

var errUnblocked = command.ErrorReply("UNBLOCKED client unblocked via CLIENT UNBLOCK")
