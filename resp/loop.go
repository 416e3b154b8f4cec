package resp

import (
	"errors"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/command"
	"diskette/resp/wire"
)

// On Linux plain TCP connections have no goroutine each, unless event-loops is no. A few loops serve them (io-threads),
// each from one goroutine. One turn of a loop:
//
//	wait for connections that something has come for > a batch of each: read, parse, run > one commit > their replies
//
// Of sixteen connections at a time all batches are read and parsed before the first runs (readSome).
//
// What a batch does is the same as in a goroutine of the client's own (client.go); only who does it differs. A command
// that has to wait, for the disk, a key, its client, the end of a pause or a lock that is held for long, and one that
// works for long without the lock, does not hold the loop up:
//
//	leaveLoop      the loop, which is but a role and what it has still to do, goes to another goroutine (role.go).
//	               This one is the client's own from here on: it waits, where it stands, and serves it further
//	returnToLoop   when the client has sent nothing more the loop has it again, and the goroutine is free
//
// So the order within a connection is kept, nothing is begun twice, and every command works in a loop: one that forgot
// to leave would be slow for others, not wrong. Subscribers, monitors, clients of RESP3 and those that track are in the
// loop as others are; their batches take turns with the pusher (push.go). Replicas do not return. What computes for
// long under the keyspace lock (KEYS, SORT) holds all connections up, as in Redis; a script only until it has run for
// longMemory.
//
// What must never break:
//
//	I1   commands run under the keyspace lock, in a loop as elsewhere, and what each changes joins the journal then
//	I2   the turn's commit comes before the first of its replies; a client's own send looks again, as everywhere
//	I10  each hold of the lock reads the clock: no turn shares it
//
// A connection that has sent a million commands gets maxBatch of them a turn. appendfsync always makes a commit wait
// for the disk; so those clients of that turn that have to wait leave the loop together, and return when they have
// their replies. A commit that takes long for another reason takes them out, too (stall.go).
//
// The first loop, if there are fewer loops than cores, stays on its thread while it waits for less than some
// milliseconds (wire.Poll). So it takes one core as long as it is busy, and the rest is for the others: procs.go has
// nothing to decide from then on.
type loops struct {
	once   sync.Once
	all    []*loop
	next   int // under mu
	mu     sync.Mutex
	serve  atomic.Bool  // there is one
	woken  atomic.Int64 // goroutines that commands have begun, or woken up: the pusher, and who waited for a key
	stalls stalls
	roles  roles
}

// A baton is a role that a client's goroutine has besides, until it must wait.
type baton interface{ run() }

// loop is one of the loops. Its fields belong to the goroutine that has the role.
type loop struct {
	srv   *Server
	poll  *wire.Poll
	ready []*wire.PolledConn // to be served in this turn
	at    int                // how many of them were
	read  int                // what so many of them have sent was read: see readSome
	more  []*wire.PolledConn // to be served in the next turn, whatever comes
	ran   *answers
	woken int64 // what loops.woken was

	waits   atomic.Pointer[answers] // ran, while this waits for its commit: stall.go
	commits atomic.Int64            // such waits so far
	looked  int64                   // how many the timer has seen, whose it is
}

// answers are the clients whose batches of a turn have run, and which wait for their replies.
type answers struct {
	clients []*client
	at      int    // how many of them have theirs
	seen    uint64 // the newest LSN that a reply must wait for
}

// take lets a loop have a new connection; ok = one does.
func (ls *loops) take(s *Server, nc net.Conn) (c *wire.PolledConn, ok bool) {
	tcp, isTCP := nc.(*net.TCPConn)
	if !isTCP || !s.cfg.Bool("event-loops") {
		return nil, false
	}
	ls.once.Do(func() { ls.start(s) })
	if len(ls.all) == 0 {
		return nil, false
	}
	ls.mu.Lock()
	l := ls.all[ls.next%len(ls.all)]
	ls.next++
	ls.mu.Unlock()
	c, err := l.poll.Take(tcp)
	if errors.Is(err, net.ErrClosed) {
		return nil, false // so is the server, or the connection
	}
	if err != nil {
		s.log.Warn().Err(err).Msg("an event loop can not take a connection: it gets a goroutine of its own")
		return nil, false
	}
	return c, true
}

// start begins the loops. Where there are none to be had the log says so.
func (ls *loops) start(s *Server) {
	n := s.cfg.Int("io-threads")
	ls.stalls.timer = time.AfterFunc(time.Hour, ls.look)
	ls.stalls.timer.Stop()
	for range n {
		poll, err := wire.NewPoll()
		if err != nil {
			s.log.Warn().Err(err).Int("loops", len(ls.all)).
				Msg("an event loop can not be had: there are fewer than io-threads says")
			return
		}
		poll.Stay = len(ls.all) == 0 && n < int64(s.procs.most()) // one, or they would keep the cores from all others
		l := &loop{srv: s, poll: poll, ran: &answers{}}
		ls.all = append(ls.all, l)
		ls.serve.Store(true)
		ls.roles.run(l)
	}
}

// end lets the loops end with their last connections.
func (ls *loops) end() {
	ls.once.Do(func() {}) // none begins any more
	for _, l := range ls.all {
		l.poll.End()
	}
	ls.roles.end()
}

// run is the role of a loop, until it is passed on.
func (l *loop) run() {
	for {
		for l.at < len(l.ready) {
			if l.at == l.read {
				l.readSome()
			}
			c := l.ready[l.at]
			l.ready[l.at] = nil
			l.at++
			if c != nil && !l.serve(c.Owner.(*client)) {
				return
			}
		}
		if !l.answer() {
			return
		}
		l.ready, l.more, l.at, l.read = l.more, l.ready[:0], 0, 0
		l.letWokenRun()
		over := false
		if l.ready, over = l.poll.Wait(l.ready, len(l.ready) == 0); over {
			return
		}
	}
}

// letWokenRun comes before a wait that keeps the thread. A goroutine that a command has woken stands in the queue of
// this thread's processor, which others look at only if they have nothing else to do.
func (l *loop) letWokenRun() {
	if woken := l.srv.loops.woken.Load(); woken != l.woken {
		l.woken = woken
		runtime.Gosched()
	}
}

// readTogether is for how many connections readSome does its work at a time.
const readTogether = 16

// readSome takes up the next connections, reads what they have sent, and looks at the keys of their first commands,
// before the first of these runs. The cache misses of the keys overlap then instead of adding up, as in a pipeline, and
// the kernel's code for reading stays in the cache from one connection to the next.
//
// Server CPU us a command, 100,000 keys at 50 connections, without it and with it, lower quartiles of 14 to 20 runs in
// turns on a busy machine: GET 8.8 and 8.3, INCR 9.5 and 9.0, SET 10.3 and 9.7, HSET 10.3 and 9.2, EVALSHA of a lock
// 12.8 and 12.0. A connection alone, and pipelines, are as they were.
func (l *loop) readSome() {
	next := l.ready[l.at:min(l.at+readTogether, len(l.ready))]
	l.read = l.at + len(next)
	var keys [readTogether][]byte
	var members [readTogether][]byte
	n, db := 0, 0
	for i, c := range next {
		if !c.TakeUp() {
			next[i] = nil
			continue
		}
		if len(next) == 1 {
			continue // nothing overlaps
		}
		cl := c.Owner.(*client)
		cl.readBatch()
		if n == 0 {
			db = cl.DB
		}
		if key, member := l.srv.firstKey(cl.read.commands); key != nil && cl.DB == db && cl.guard.Authed.Load() {
			keys[n], members[n] = key, member
			n++
		}
	}
	if n > 1 && l.srv.loading.Load() == nil {
		l.srv.warm(db, keys[:n], members[:n])
	}
}

// warm looks keys up ahead, if the lock can be had. That it fails is no command's affair.
func (s *Server) warm(db int, keys, members [][]byte) {
	held, _ := s.store.LockSoon()
	if !held {
		return
	}
	defer s.store.Unlock()
	defer func() {
		if v := recover(); v != nil {
			s.log.Error().Any("panic", v).Bytes("stack", debug.Stack()).Msg("keys could not be looked up ahead")
		}
	}()
	s.store.LookAhead(db, keys, members)
}

// longestAhead is the longest name that is looked up ahead: the time that it takes is nobody's yet.
const longestAhead = 4 << 10

// firstKey is the key of a batch's first command, and what stands behind it; nil = there is none, or it is very long,
// or the batch is a pipeline, which looks its keys up itself.
func (s *Server) firstKey(batch []wire.Command) (key, member []byte) {
	if len(batch) == 0 || len(batch) > fewCommands {
		return nil, nil
	}
	args := batch[0].Args
	r := s.called.Lookup(args[0])
	if r == nil || len(r.Keys) == 0 {
		return nil, nil
	}
	i := r.Keys[0].Place()
	if i <= 0 || i >= len(args) {
		return nil, nil
	}
	if len(args[i]) > longestAhead {
		return nil, nil
	}
	if i+1 < len(args) && len(args[i+1]) <= longestAhead {
		member = args[i+1]
	}
	return args[i], member
}

// serve runs a batch of a client's. mine = the role is still this goroutine's.
func (l *loop) serve(cl *client) (mine bool) {
	cl.baton = l
	how := cl.runBatch()
	if cl.baton == nil { // it has left
		cl.goOn(how)
		return false
	}
	switch how {
	case batchEnds:
		cl.end()
		return cl.stays()
	case batchRan:
		l.ran.add(cl)
	case batchNotYet:
		if cl.guard.IsArriving() { // a long value
			cl.leaveLoop()
			cl.goOn(batchAnswered)
			return false
		}
	}
	cl.baton = nil
	return true
}

// stays ends what a client does in the loop for now. It is false if it has left the loop, which is another's then.
func (cl *client) stays() bool {
	stayed := cl.baton != nil
	cl.baton = nil
	return stayed
}

func (a *answers) add(cl *client) {
	a.clients = append(a.clients, cl)
	a.seen = max(a.seen, cl.seen)
}

// answer commits what the turn's commands saw and sends their replies. mine = the role is still this goroutine's.
func (l *loop) answer() (mine bool) {
	a := l.ran
	if a.at == 0 && a.seen > 0 && !l.commit() {
		a.run()
		return false
	}
	for a.at < len(a.clients) {
		cl := a.clients[a.at]
		a.clients[a.at] = nil
		a.at++
		cl.baton = l
		how := cl.answer()
		if cl.baton == nil {
			cl.goOn(how)
			return false
		}
		if how == batchEnds {
			cl.end()
		}
		if !cl.stays() {
			return false
		}
		if how == batchEnds {
			continue
		}
		if !cl.guard.HasMore() {
			cl.guard.Rest()
		} else if c := cl.guard.Polled(); c.Queue() {
			l.more = append(l.more, c)
		}
	}
	a.clients, a.at, a.seen = a.clients[:0], 0, 0
	return true
}

// run is the role of clients that have left a loop together: they get their replies and return.
func (a *answers) run() {
	for a.at < len(a.clients) {
		cl := a.clients[a.at]
		a.at++
		cl.baton = a
		how := cl.answer()
		if cl.baton == nil {
			cl.goOn(how)
			return
		}
		if how == batchEnds {
			cl.end()
		}
		if !cl.stays() {
			return
		}
		if how != batchEnds {
			cl.returnToLoop()
		}
	}
}

// leaveLoop comes before whatever may take long, in the client's own goroutine. It changes nothing where the client has
// left already, or is in no loop. The caller may hold any lock.
func (cl *client) leaveLoop() {
	b := cl.baton
	if b == nil {
		return
	}
	cl.baton = nil
	if _, isLoop := b.(*loop); isLoop { // else it has left
		cl.guard.Polled().Leave()
	}
	cl.srv.loops.roles.run(b)
}

// enterLoop gives a new client to the loop that its connection is of.
func (cl *client) enterLoop() {
	c := cl.guard.Polled()
	c.Owner = cl
	cl.guard.Wait(false)
	cl.returnToLoop()
}

// returnToLoop comes between two batches.
func (cl *client) returnToLoop() {
	more := cl.guard.HasMore()
	if !more {
		cl.guard.Rest()
	}
	cl.guard.Polled().Join(more)
}

// goOn serves a client that has left its loop, and whose last batch came to that, in this goroutine until it can
// return.
func (cl *client) goOn(how batchState) {
	if how == batchRan {
		how = cl.answer()
	}
	for how == batchRan || how == batchAnswered || how == batchNotYet && cl.guard.IsArriving() {
		if how = cl.runBatch(); how == batchRan {
			how = cl.answer()
		}
	}
	switch {
	case how == batchEnds:
		cl.end()
	case cl.isReplica(): // the stream is sent beside what it says
		cl.guard.Wait(true)
		cl.goOn(batchAnswered)
	default:
		cl.guard.Polled().Join(false)
	}
}

// isQuick reports whether a command on the connection or the server never takes long, or leaves the loop itself.
func (cl *client) isQuick(r *command.Row) bool {
	if r.Name == "dbsize" { // it waits for the lock, and may look at the disk
		return false
	}
	if r.Name != "exec" || cl.multi == nil {
		return r.Flags&command.Fast != 0
	}
	for _, q := range cl.multi.queued {
		if q.row.Conn != nil && q.row.Flags&command.Fast == 0 {
			return false
		}
	}
	return true
}

// waitForRoom is store.WaitForRoom, out of the loop.
func (cl *client) waitForRoom() {
	if st := cl.srv.store; !st.HasRoom() {
		cl.leaveLoop()
		st.WaitForRoom()
	}
}

// lockUnlessBusy is store.LockUnlessBusy, out of the loop if whoever holds the lock takes long: a script perhaps,
// which only SCRIPT KILL ends, and that may come to the same loop.
func (cl *client) lockUnlessBusy() (held bool) {
	st := cl.srv.store
	if cl.baton != nil {
		held, soon := st.LockSoon()
		if soon {
			return held
		}
		cl.leaveLoop()
	}
	return st.LockUnlessBusy()
}
