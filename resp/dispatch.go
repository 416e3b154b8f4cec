package resp

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"diskette/expire"
	"diskette/store"
)

const (
	// holdCommands is how many commands of one pipeline run under one hold of the keyspace lock.
	holdCommands = 64
	// loadAttempts is how often a command whose keys depend on what it finds may ask for further ones: meanwhile others change
	// what it finds. After that it loads them under the lock.
	loadAttempts = 8
	// sendBytes is how much reply gathers before it is sent in the middle of a batch.
	sendBytes = 256 << 10
)

// run executes a batch of commands, gathering their replies in cl.out.
//
// The way of a command: look up > gates (arity, password, MULTI, permissions, full disk) > keys resident >
// function > reply encoded. Commands on keys share holds of the keyspace lock; whatever else a
// command needs (loads, commits, waiting) happens without it.
func (cl *client) run(cmds []command) {
	h := hold{cl: cl}
	defer h.recover()
	now := expire.NowMillis()
	cl.lastActive.Store(now)
	cl.out.limit = cl.srv.cfg.OutputLimits().Normal.HardBytes
	for i := range cmds {
		args := cmds[i].args
		r, refusal := cl.admit(args)
		if r != nil && refusal.kind == kindNone && cl.srv.pause.active.Load() {
			if !cl.waitPaused(&h, r) {
				cl.closing = true
				break
			}
			r, refusal = cl.admit(args) // the server may have changed meanwhile
		}
		switch {
		case r == nil || refusal.kind != kindNone:
			if r != nil {
				r.stats.rejected.Add(1)
			}
			cl.reply(cl.refused(r, refusal), 0)
		case cl.multi != nil && r.flags&runInMulti == 0:
			cl.reply(cl.multi.queue(r, args), 0)
			cl.noteMulti()
			if int64(cl.multi.bytes) > cl.srv.limits.queryBuffer() { // Redis: they count as its query buffer
				cl.overQuery()
				cl.closing = true
			}
		case r.conn != nil:
			h.release()
			cl.call = call{cl: cl, row: r, args: args, now: expire.NowMillis()}
			t := cl.begin(r, args, 0)
			reply := r.conn(cl, &cl.call)
			cl.end(t, r, args, &reply)
			if !cl.replied {
				cl.reply(reply, cl.callSeen)
			}
			cl.replied, cl.callSeen = false, 0
		default:
			h.keyed(r, args, cmds[i+1:])
		}
		if len(cl.afterReply) > 0 {
			cl.out.buf = append(cl.out.buf, cl.afterReply...)
			cl.afterReply = cl.afterReply[:0]
		}
		if cl.caching {
			cl.endCaching(r)
		}
		if cl.closing {
			break
		}
		if cl.out.over || cl.out.bytes() > sendBytes {
			h.release()
			if cl.send() != nil {
				cl.closing = true
				break
			}
		}
	}
	h.release()
	cl.commands.Add(int64(len(cmds)))
	cl.srv.stats.commands.Add(int64(len(cmds)))
	cl.srv.stats.batches.Add(1)
}

// admit finds the command and passes it through the gates; a refusal other than
// kindNone is the reply.
func (cl *client) admit(args [][]byte) (*row, Reply) {
	s := cl.srv
	r := s.table.lookup(args[0])
	if r == nil {
		if isHTTP(args[0]) {
			s.logHTTP(cl)
			cl.out.reset() // not a word to a browser
			cl.closing = true
			return nil, replyNone
		}
		return nil, errUnknown(args)
	}
	if r.subs != nil && len(args) > 1 {
		sub := r.sub(args[1])
		if sub == nil {
			return nil, errUnknownSub(r, args[1])
		}
		r = sub
	}
	cl.last.Store(r)
	if !r.arityOK(len(args)) {
		return r, errArity(r)
	}
	if r.flags&noAuth == 0 && !cl.isAuthed() {
		return r, errNoAuth
	}
	if cl.multi != nil && r.flags&noMulti != 0 {
		return r, errNotInMulti
	}
	if !cl.mayAll() {
		if refusal := cl.permitted(r, args, cl.aclContext()); refusal.kind != kindNone {
			return r, refusal
		}
	}
	if cl.pushes != nil {
		switch {
		case r.flags&inPubsub == 0 && cl.subscribedRESP2():
			return r, errSubscribed(r)
		case r.flags&(readonly|write|mayReplicate) != 0 && cl.monitoring.Load():
			return r, errMonitorKeys
		}
	}
	if r.flags&write != 0 {
		if err := s.store.WriteError(); err != nil && (r.flags&denyoom != 0 || !s.store.DiskFull()) {
			return r, errNotStored(err)
		}
	}
	return r, replyNone
}

// refused notes in an open transaction that one of its commands was; a refused EXEC drops it.
func (cl *client) refused(r *row, refusal Reply) Reply {
	if r != nil && r.name == "exec" {
		cl.multi = nil
		cl.unwatch()
		cl.noteMulti()
		return errExecRefused(refusal)
	}
	if cl.multi != nil {
		cl.multi.broken = true
	}
	return refusal
}

// isHTTP recognizes a web request that was led to this port: its lines must not be
// tried one by one until the body, which an attacker may have written, makes commands.
// Redis: SECURITY ATTACK in server.c.
func isHTTP(name []byte) bool {
	return strings.EqualFold(viewString(name), "post") || strings.EqualFold(viewString(name), "host:")
}

// logHTTP writes a line at most once a minute.
func (s *Server) logHTTP(cl *client) {
	now := time.Now().Unix()
	if last := s.httpLogged.Load(); now-last >= 60 && s.httpLogged.CompareAndSwap(last, now) {
		s.log.Warn().Str("client", cl.addr).Msg("possible SECURITY ATTACK: somebody is sending HTTP requests here, perhaps through a browser; connection closed")
	}
}

// reply encodes a command's reply, unless the client asked for silence.
func (cl *client) reply(r Reply, lsn uint64) {
	if r.kind == kindError {
		cl.srv.stats.errors.count(r.s)
	}
	if cl.replies != repliesOn && cl.silent() {
		cl.seen = max(cl.seen, lsn)
		cl.scratch.reset()
		return
	}
	cl.out.begin(lsn)
	cl.seen = max(cl.seen, lsn)
	cl.out.encode(&r, cl.resp3)
	cl.scratch.reset()
}

func (cl *client) silent() bool {
	switch cl.replies {
	case repliesSkipNext:
		cl.replies = repliesSkip
	case repliesSkip:
		cl.replies = repliesOn
	}
	return true
}

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

func (h *hold) take(r *row) {
	if h.n >= holdCommands {
		h.release()
	}
	if !h.held {
		if r.flags&write != 0 {
			h.cl.srv.store.WaitForRoom()
		}
		h.cl.srv.store.Lock()
		h.held, h.n, h.now, h.ahead = true, 0, expire.NowMillis(), 0
	}
	h.cl.srv.running = h.cl
	h.n++
}

func (h *hold) release() {
	if h.held {
		h.held, h.n = false, 0
		h.cl.srv.tracking.broadcast()
		h.cl.srv.running = nil
		h.cl.srv.store.Unlock()
	}
}

// keyed runs a command on keys; following are the batch's next commands, whose keys are
// loaded together with this one's if any load is needed.
func (h *hold) keyed(r *row, args [][]byte, following []command) {
	cl := h.cl
	h.take(r)
	h.lookAhead(args, following)
	tx, err := h.ready(r, args, following)
	if err != nil {
		cl.reply(failure(err), 0)
		h.unpin()
		return
	}
	t := cl.begin(r, args, h.loaded)
	tx, reply, seen := h.call(tx, r, args)
	cl.end(t, r, args, &reply)
	lsn := max(seen, tx.End())
	if reply.kind == kindBlock {
		h.block(tx, lsn)
		return
	}
	cl.reply(reply, lsn)
	if len(cl.srv.blockers.ready) > 0 {
		cl.srv.serveBlocked(h.now)
	}
	h.unpin()
}

// call runs the command's function, again when it has asked for further keys and they are loaded.
func (h *hold) call(tx *store.Tx, r *row, args [][]byte) (_ *store.Tx, reply Reply, seen uint64) {
	for attempt := 1; ; attempt++ {
		c := &h.cl.call
		c.mayLoad = attempt <= loadAttempts
		if r.read != nil {
			reply = r.read(&tx.View, c)
		} else {
			tx.PutOffCopies()
			reply = r.write(tx, c)
			if rw := tx.TakeRewrite(); rw != nil {
				tx, reply = h.rewrite(rw, r, args)
			}
		}
		if c.apart != nil {
			return h.apart(tx, r, args)
		}
		if reply.kind != kindLoad {
			return tx, reply, 0
		}
		err := h.load(tx, r)
		if err == nil {
			tx, err = h.ready(r, args, nil)
		}
		if err != nil {
			return h.cl.srv.store.Begin(h.cl.db, h.now), failure(err), 0
		}
	}
}

// block waits, without the lock, until the command under way is served.
func (h *hold) block(tx *store.Tx, lsn uint64) {
	cl := h.cl
	b := cl.srv.block(tx, cl, lsn)
	h.unpin()
	var stop func()
	b.hungUp, stop = cl.guard.AwaitHangup()
	h.release()
	if !cl.waitBlocked(b, stop) {
		cl.closing = true
	}
}

// ready begins a command, all of whose keys are resident. The lock is held, and may have been let go meanwhile.
func (h *hold) ready(r *row, args [][]byte, following []command) (*store.Tx, error) {
	cl := h.cl
	tx := cl.srv.store.Begin(cl.db, h.now)
	for !want(tx, r, args) {
		cl.wantAhead(tx, following)
		if err := h.load(tx, r); err != nil {
			return nil, err
		}
		tx = cl.srv.store.Begin(cl.db, h.now)
	}
	if cl.noTouch {
		tx.NoTouch()
	}
	cl.call = call{cl: cl, row: r, args: args, now: h.now}
	cl.remember(r, args)
	return tx, nil
}

// rewrite copies a long value without the lock, which would hold everybody up for as long, and then runs the
// command again: it has changed nothing yet. If the value has changed meanwhile, the command itself copies it.
func (h *hold) rewrite(rw *store.Rewrite, r *row, args [][]byte) (*store.Tx, Reply) {
	h.release()
	rw.Make()
	h.take(r)
	tx, err := h.ready(r, args, nil)
	rw.Release()
	if err != nil {
		return h.cl.srv.store.Begin(h.cl.db, h.now), failure(err)
	}
	tx.Use(rw)
	return tx, r.write(tx, &h.cl.call)
}

// apart runs what is too long for the lock without it: it may use values from store.LendString alone. A
// read's apart returns the reply, to what the command had seen. A write has changed nothing yet; it runs again, with what
// apart returned in call.resume.
func (h *hold) apart(tx *store.Tx, r *row, args [][]byte) (_ *store.Tx, reply Reply, seen uint64) {
	cl := h.cl
	work := cl.call.apart
	seen = tx.End()
	h.release()
	made := work()
	h.take(r)
	if r.read != nil {
		return cl.srv.store.Begin(cl.db, h.now), made.(Reply), seen
	}
	tx, err := h.ready(r, args, nil)
	if err != nil {
		return cl.srv.store.Begin(cl.db, h.now), failure(err), seen
	}
	cl.call.resume = made
	return tx, r.write(tx, &cl.call), seen
}

// lookAhead looks the keys of the next commands up together, taking each command's first
// argument for its key: most are.
func (h *hold) lookAhead(args [][]byte, following []command) {
	if h.ahead > 0 {
		h.ahead--
		return
	}
	if len(following) < 3 {
		return
	}
	n := 0
	add := func(args [][]byte) {
		if len(args) > 1 {
			h.keys[n], h.members[n] = args[1], nil
			if len(args) > 2 {
				h.members[n] = args[2]
			}
			n++
		}
	}
	add(args)
	for i := range following[:min(len(following), len(h.keys)-1)] {
		add(following[i].args)
	}
	h.cl.srv.store.LookAhead(h.cl.db, h.keys[:n], h.members[:n])
	h.ahead = min(len(following), len(h.keys)-1)
}

// load reads what a command's keys are missing, without the lock, and takes the lock again.
func (h *hold) load(tx *store.Tx, r *row) error {
	f := tx.TakeFetch()
	h.fetched = append(h.fetched, f)
	h.release()
	start := time.Now()
	err := f.Load()
	took := time.Since(start)
	h.loaded += took
	h.cl.srv.noteLatency(eventLoad, took)
	h.take(r)
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
func want(tx *store.Tx, r *row, args [][]byte) bool {
	if len(r.keys) == 1 && r.keys[0].find == nil && r.keys[0].last == r.keys[0].first { // most commands
		return tx.Want(args[r.keys[0].first])
	}
	ok := true
	r.eachKey(args, func(i int) { ok = tx.Want(args[i]) && ok })
	return ok
}

// wantAhead starts the loads of the pipeline's next commands: one trip to the disk for all.
func (cl *client) wantAhead(tx *store.Tx, following []command) {
	if cl.multi != nil {
		return
	}
	for i := range following[:min(len(following), 32)] {
		args := following[i].args
		r := cl.srv.table.lookup(args[0])
		if r == nil || r.conn != nil || r.subs != nil || !r.arityOK(len(args)) || len(args) > 64 {
			return
		}
		want(tx, r, args)
	}
}

// recover turns a panic in a handler into an error reply and the end of this connection:
// other clients go on. What the command had changed so far is recorded, so that memory and
// journal stay the same.
func (h *hold) recover() {
	p := recover()
	if p == nil {
		return
	}
	cl := h.cl
	reply := cl.srv.panicked(cl.call.name(), p)
	if h.held {
		cl.seen = max(cl.seen, cl.srv.store.Abort())
		h.unpin()
	}
	h.release()
	cl.reply(reply, 0)
	cl.closing = true
}

// panicked logs the panic of a command and returns what its client hears.
func (s *Server) panicked(command string, p any) Reply {
	s.log.Error().Str("command", command).Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Msg("command failed")
	return errorReply(oneLine("ERR internal error: " + fmt.Sprint(p)))
}

// recover keeps a defect outside of any handler, in parsing or sending, to this connection.
func (cl *client) recover() {
	if p := recover(); p != nil {
		cl.srv.log.Error().Str("client", cl.addr).Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Msg("connection failed")
	}
}

func (c *call) name() string {
	if c.row == nil {
		return ""
	}
	return c.row.full
}
