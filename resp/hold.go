package resp

import (
	"bytes"
	"time"

	"diskette/expire"
	"diskette/resp/command"
	"diskette/resp/wire"
	"diskette/store"
)

const (
	// holdCommands is how many commands of one pipeline run under one hold of the keyspace lock.
	holdCommands = 64
	// loadAttempts is how often a command whose keys depend on what it finds may ask for further
	// ones: meanwhile others change what it finds. After that it loads them under the lock.
	loadAttempts = 8
)

// hold is the keyspace lock as one batch holds it.
type hold struct {
	cl   *client
	held bool
	n    int // commands since it was taken
	now  int64

	ahead   int // following commands whose keys are looked up already
	keys    [16][]byte
	members [16][]byte
	fetched []*store.Fetch // loads of the command under way, pinned until it has run
	loaded  time.Duration  // how long they took
}

// take takes the lock for a command, unless it is held already. It does not wait for a script
// that runs longer than it should: busy = the lock is not held.
func (h *hold) take(r *command.Row) (busy bool) {
	if h.n >= holdCommands {
		h.release()
	}
	if !h.held {
		if writes(r) {
			h.cl.waitForRoom()
		}
		if !h.cl.lockUnlessBusy() {
			return true
		}
		h.noteTaken()
	}
	h.cl.srv.running = h.cl
	h.n++
	return false
}

// tx begins what a command does with keys. While a file is replayed nothing has expired: see replay.go.
func (h *hold) tx() *store.Tx {
	now := h.now
	if h.cl.Replaying {
		now = 1
	}
	return h.cl.srv.store.Begin(h.cl.DB, now)
}

func (h *hold) noteTaken() { h.held, h.n, h.now, h.ahead = true, 0, expire.NowMillis(), 0 }

// takeBack takes the lock again for a command that has begun, however long that takes.
func (h *hold) takeBack() {
	h.cl.srv.store.Lock()
	h.noteTaken()
	h.cl.srv.running = h.cl
	h.n++
}

func (h *hold) release() {
	if h.held {
		h.held, h.n = false, 0
		h.cl.srv.endUnit(h.cl)
		h.cl.srv.tracking.broadcast()
		h.cl.srv.running = nil
		h.cl.srv.store.Unlock()
	}
}

// keyed runs a command on keys; following are the batch's next commands, whose keys are
// loaded together with this one's if any load is needed.
func (h *hold) keyed(r *command.Row, args [][]byte, following []wire.Command) {
	cl := h.cl
	if h.take(r) {
		cl.reply(cl.answerBusy(r, args), 0)
		return
	}
	h.lookAhead(r, args, following)
	tx, err := h.ready(r, args, following)
	if err != nil {
		cl.reply(command.Failure(err), 0)
		h.unpin()
		return
	}
	t := cl.beforeCommand(r, args, h.loaded)
	tx, reply, seen := h.call(tx, r, args)
	cl.afterCommand(t, r, args, &reply)
	if cl.inside {
		tx.Uncount() // no hit or miss of the cache's users
	}
	lsn := max(seen, tx.End())
	cl.srv.endUnit(cl)
	if reply.Kind == command.KindBlock {
		h.block(tx, lsn)
		return
	}
	passage, elements := cl.call.Passage, cl.call.Elements
	cl.call.Passage, cl.call.Elements, cl.call.Finish = nil, nil, nil // what they hold goes when it is sent
	long := (passage != nil || elements != nil || reply.IsLong()) && cl.replies == repliesOn
	if !long {
		cl.reply(reply, lsn)
	}
	if len(cl.srv.blockers.ready) > 0 {
		cl.srv.serveBlocked(h.now)
	}
	h.unpin()
	if long {
		h.release()
		cl.leaveLoop()
	}
	switch {
	case passage != nil:
		cl.replyPassage(passage, long, lsn)
	case long && elements != nil:
		cl.replyElements(elements, lsn)
	case long:
		cl.replyLong(&reply, lsn)
	}
}

// call runs the command's function, again when it has asked for further keys and they are
// loaded, or when what it wanted done without the lock is done.
func (h *hold) call(begun *store.Tx, r *command.Row, args [][]byte) (tx *store.Tx, reply command.Reply, seen uint64) {
	tx = begun
	defer h.unread(&tx, &reply, &seen)
	var resume any
	asked := false // for further keys
	for attempt := 1; ; attempt++ {
		c := &h.cl.call
		c.MayLoad, c.MayLeaveLock, c.Resume, c.Again = attempt <= loadAttempts, resume == nil, resume, asked
		if r.Read != nil {
			reply = r.Read(&tx.View, c)
		} else {
			tx.PutOffCopies()
			reply = c.Write(tx)
			if rw := tx.TakeRewrite(); rw != nil {
				tx, reply = h.rewrite(rw, r, args)
			}
		}
		var err error
		switch {
		case c.Finish != nil:
			seen = max(seen, tx.End())
			reply = unlocked(h, c.Finish)
			return h.tx(), reply, seen
		case c.OffLock != nil:
			tx.Uncount() // its hits and misses: it looks again
			seen = max(seen, tx.End())
			resume = unlocked(h, c.OffLock)
		case reply.Kind == command.KindLoad:
			tx.Uncount()               // its hits and misses: it looks again
			seen = max(seen, tx.End()) // it may have removed what had expired
			asked, err = true, h.load(tx)
		default:
			return tx, reply, seen
		}
		if err == nil {
			tx, err = h.ready(r, args, nil)
		}
		if err != nil {
			return h.tx(), command.Failure(err), seen
		}
	}
}

// unread ends a command that has run: those that it has held back go on. It makes the panic of one that came upon a key
// which can not be read its error reply. What it had changed by then stays.
func (h *hold) unread(tx **store.Tx, reply *command.Reply, seen *uint64) {
	if letGo := h.cl.letWrites; letGo != nil {
		h.cl.letWrites = nil
		letGo()
	}
	p := recover()
	if p == nil {
		return
	}
	if *reply = command.UnreadReply(p); !reply.IsError() {
		panic(p)
	}
	*seen = max(*seen, h.cl.srv.store.Abort())
	*tx = h.tx()
}

// block waits, without the lock, until the command under way is served.
func (h *hold) block(tx *store.Tx, lsn uint64) {
	cl := h.cl
	b := cl.srv.block(tx, cl, lsn)
	h.unpin()
	cl.leaveLoop()
	var stop func()
	b.hungUp, stop = cl.guard.AwaitHangup()
	h.release()
	if !cl.waitBlocked(b, stop) {
		cl.closing = true
	}
}

// ready begins a command, all of whose keys are resident. The lock is held, and may have been let go meanwhile.
func (h *hold) ready(r *command.Row, args [][]byte, following []wire.Command) (*store.Tx, error) {
	cl := h.cl
	tx := h.tx()
	for !want(tx, r, args, true) {
		tx.WantAhead()
		cl.wantAhead(tx, following)
		if err := h.load(tx); err != nil {
			return nil, err
		}
		tx = h.tx()
	}
	if cl.noTouch {
		tx.NoTouch()
	}
	cl.call = command.Call{Caller: &cl.Caller, Row: r, Args: args, Now: h.now}
	cl.remember(r, args)
	return tx, nil
}

// rewrite copies a long value without the lock, which would hold everybody up for as long, and then runs the
// command again: it has changed nothing yet. If the value has changed meanwhile, the command itself copies it.
func (h *hold) rewrite(rw *store.Rewrite, r *command.Row, args [][]byte) (*store.Tx, command.Reply) {
	h.release()
	h.cl.leaveLoop()
	rw.Make()
	h.takeBack()
	resume := h.cl.call.Resume
	tx, err := h.ready(r, args, nil)
	rw.Release()
	if err != nil {
		return h.tx(), command.Failure(err)
	}
	h.cl.call.Resume = resume
	tx.Use(rw)
	return tx, h.cl.call.Write(tx)
}

// unlocked does a command's work without the lock.
func unlocked[T any](h *hold, work func() T) T {
	h.release()
	h.cl.leaveLoop()
	made := work()
	h.takeBack()
	return made
}

// lookAhead looks the keys of the next commands up together, taking each command's first argument for its key:
// most are. Where the first one's key is further back, as EVALSHA's, so it is in those of the same name. The keys
// of a command with many are looked up together themselves.
func (h *hold) lookAhead(r *command.Row, args [][]byte, following []wire.Command) {
	if len(args) > fewArgs && len(r.Keys) == 1 && r.Keys[0].Last < 0 && r.Keys[0].Find == nil {
		h.lookAtAll(r, args)
		return
	}
	if h.ahead > 0 {
		h.ahead--
		return
	}
	if len(following) < fewCommands {
		return
	}
	n := h.keysAhead(r, args, following)
	h.cl.srv.store.LookAhead(h.cl.DB, h.keys[:n], h.members[:n])
	h.ahead = min(len(following), len(h.keys)-1)
}

// keysAhead puts the keys of a command and those that follow it into h.keys, and what stands behind them into
// h.members.
func (h *hold) keysAhead(r *command.Row, args [][]byte, following []wire.Command) (n int) {
	own := 1
	if len(r.Keys) > 0 {
		own = max(own, r.Keys[0].Place())
	}
	add := func(args [][]byte, place int) {
		if len(args) > place {
			h.keys[n], h.members[n] = args[place], nil
			if len(args) > place+1 {
				h.members[n] = args[place+1]
			}
			n++
		}
	}
	add(args, own)
	for i := range following[:min(len(following), len(h.keys)-1)] {
		next, place := following[i].Args, 1
		if own > 1 && bytes.Equal(next[0], args[0]) {
			place = own
		}
		add(next, place)
	}
	return n
}

// fewCommands is the most commands of a pipeline whose keys are looked up one by one, but for the first's: readSome.
const fewCommands = 3

// fewArgs is the most arguments of a command whose keys are looked up one by one.
const fewArgs = 4

// lookAtAll looks a command's own keys up together [MSET of 10 in pipelines of 16: 14.7 us of processor time without,
// 9.7 with].
func (h *hold) lookAtAll(r *command.Row, args [][]byte) {
	n := 0
	r.EachKey(args, func(i int) {
		if n < len(h.keys) {
			h.keys[n], h.members[n] = args[i], nil
			n++
		}
	})
	h.cl.srv.store.LookAhead(h.cl.DB, h.keys[:n], h.members[:n])
	h.ahead = 0
}

// load reads what a command's keys are missing, without the lock, and takes the lock again.
func (h *hold) load(tx *store.Tx) error {
	f := tx.TakeFetch()
	if f == nil { // while the lock is held, which recover lets go then
		panic("a command has asked for keys that are all there")
	}
	h.fetched = append(h.fetched, f)
	h.release()
	h.cl.leaveLoop()
	start := time.Now()
	err := f.Load()
	took := time.Since(start)
	h.loaded += took
	h.cl.srv.noteLatency(eventLoad, took)
	h.takeBack()
	return err
}

// unpin lets go of what the command had loaded. The lock is held.
func (h *hold) unpin() {
	for _, f := range h.fetched {
		f.Release()
	}
	h.fetched, h.loaded = h.fetched[:0], 0
}

// want asks for all keys of a command.
func want(tx *store.Tx, r *command.Row, args [][]byte, first bool) bool {
	if len(r.Keys) == 1 && r.Keys[0].Find == nil && r.Keys[0].Last == r.Keys[0].First { // most commands
		return r.Keys[0].Want(&tx.View, args, r.Keys[0].First, first)
	}
	ok := true
	r.EachNeeded(args, func(i int, s *command.KeySpec) { ok = s.Want(&tx.View, args, i, first) && ok })
	return ok
}

// wantAhead starts the loads of the pipeline's next commands: one trip to the disk for all.
func (cl *client) wantAhead(tx *store.Tx, following []wire.Command) {
	if cl.multi != nil {
		return
	}
	for i := range following[:min(len(following), 32)] {
		args := following[i].Args
		r := cl.srv.called.Lookup(args[0])
		if r == nil || r.Conn != nil || r.Subs != nil || !r.ArityOK(len(args)) || len(args) > 64 {
			return
		}
		want(tx, r, args, true)
	}
}
