package resp

import (
	"sync"
	"sync/atomic"

	"diskette/expire"
	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/wire"
	"diskette/store"
)

func transactionRows() []*command.Row {
	return []*command.Row{
		{Name: "discard", Arity: 1, Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.AllowBusy | command.RunInMulti,
			Conn:  onClient(discard),
			Group: "transactions", Since: "2.0.0", Cost: "O(N) in the number of queued commands",
			Doc: "Drops the queued commands."},
		{Name: "exec", Arity: 1, Flags: command.Noscript | command.Loading | command.Stale | command.SkipSlowlog | command.RunInMulti, Conn: onClient(exec),
			Group: "transactions", Since: "1.2.0", Cost: "Depends on the commands in the transaction",
			Doc: "Runs the queued commands at once."},
		{Name: "multi", Arity: 1, Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.AllowBusy | command.RunInMulti,
			Conn:  onClient(multi),
			Group: "transactions", Since: "1.2.0", Doc: "Begins to queue commands."},
		{Name: "unwatch", Arity: 1, Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.AllowBusy, Conn: onClient(unwatch),
			Group: "transactions", Since: "2.2.0", Doc: "Forgets all watched keys."},
		{Name: "watch", Arity: -2, Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.AllowBusy | command.RunInMulti,
			Keys: command.Heads(command.KeysFrom(1, -1, 1, "RO")), Read: watch,
			Group: "transactions", Since: "2.2.0", Args: "key...", Cost: "O(N) in the number of keys",
			Doc: "Makes EXEC depend on keys staying as they are."},
	}
}

// A transaction is the commands queued since MULTI. EXEC runs them under one hold of the
// keyspace lock and they make one journal record: all or nothing after a crash.
type transaction struct {
	queued []queued
	db     int  // on which the next command will work
	bytes  int  // of the arguments, and what holds them
	broken bool // a command was refused: EXEC answers EXECABORT
}

type queued struct {
	row  *command.Row
	args [][]byte
}

// queue keeps a command for EXEC. Its arguments are copied out of the connection's buffer,
// the long ones excepted, which are ours to keep.
func (t *transaction) queue(cl *client, r *command.Row, args [][]byte) command.Reply {
	kept := make([][]byte, len(args))
	for i, a := range args {
		if len(a) >= wire.BigArg {
			kept[i] = a
		} else {
			kept[i] = append([]byte{}, a...)
		}
		t.bytes += len(a) + wire.ArgCost
	}
	t.queued = append(t.queued, queued{r, kept})
	t.db = selects(t.queued[len(t.queued)-1], cl.srv.cfg.Databases, t.db)
	return command.ReplyQueued
}

func multi(cl *client, _ *command.Call) command.Reply {
	if cl.multi != nil {
		return command.ErrNestedMulti
	}
	cl.multi = &transaction{db: cl.DB}
	cl.noteMulti()
	return command.ReplyOK
}

func discard(cl *client, _ *command.Call) command.Reply {
	if cl.multi == nil {
		return command.ErrDiscardWithoutMulti
	}
	cl.multi = nil
	cl.unwatch()
	cl.noteMulti()
	return command.ReplyOK
}

// noteMulti shows the transaction's state to CLIENT LIST.
func (cl *client) noteMulti() {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	now := multiNotes{queued: -1, watching: len(cl.watched)}
	if cl.multi != nil {
		now.queued, now.queuedBytes = len(cl.multi.queued), cl.multi.bytes
	}
	if now.watching > 0 {
		now.watchedBytes = cl.multiLocked().watchedBytes
	}
	cl.setMultiLocked(now)
}

// setMultiLocked is multiLocked from now on. The caller holds cl.mu.
func (cl *client) setMultiLocked(now multiNotes) {
	if now == cl.multiLocked() {
		return
	}
	if cl.mu.multi == nil {
		cl.mu.multi = new(multiNotes)
	}
	*cl.mu.multi = now
}

func exec(cl *client, c *command.Call) command.Reply {
	t := cl.multi
	if t == nil {
		return command.ErrExecWithoutMulti
	}
	cl.multi = nil
	defer cl.noteMulti()
	if t.broken {
		cl.unwatch()
		return command.ErrExecAbort
	}
	st := cl.srv.store
	for _, q := range t.queued {
		if writes(q.row) {
			cl.waitForRoom()
		}
		if q.row.Flags&command.Write != 0 {
			if cl.srv.replicas.lacking.Load() {
				cl.unwatch()
				return command.ErrExecRefused(errNoGoodReplicas)
			}
			if err := st.WriteError(); err != nil && (q.row.Flags&command.Denyoom != 0 || !st.DiskFull()) {
				cl.unwatch()
				return command.ErrExecRefused(command.ErrNotStored(err))
			}
		}
	}
	h := hold{cl: cl}
	defer h.recover()
	if h.take(c.Row) {
		cl.unwatch()
		return command.ErrExecRefused(cl.srv.scripts.busyReply())
	}
	tx := st.Begin(cl.DB, h.now)
	for !cl.wantQueued(tx, t) {
		if err := h.load(tx); err != nil {
			h.unpin()
			h.release()
			cl.unwatch()
			return command.ErrExecRefused(command.Failure(err))
		}
		tx = st.Begin(cl.DB, h.now)
	}
	reply := cl.execLocked(tx, t, h.now)
	h.unpin()
	h.release()
	cl.unwatch()
	cl.changeRole()
	return reply
}

// wantQueued asks for all keys of the queued commands, following their SELECTs.
func (cl *client) wantQueued(tx *store.Tx, t *transaction) bool {
	ok := true
	for _, q := range t.queued {
		if q.row.Name == "select" {
			tx.Select(selects(q, tx.Databases(), tx.DB()))
			continue
		}
		ok = want(tx, q.row, q.args, false) && ok
	}
	tx.Select(cl.DB)
	return ok
}

// execLocked runs the queued commands, encoding each reply at once: it must not alias what
// the next command changes.
func (cl *client) execLocked(tx *store.Tx, t *transaction, now int64) command.Reply {
	if cl.dirty.Load() || cl.watchedExpired(now) {
		cl.reply(command.ReplyNoArray, tx.End())
		cl.replied = true
		return command.ReplyNone
	}
	cl.execAt = roomAt{cl.DB, cl.srv.full(cl.DB)}
	if db, full := t.scriptsNeedRoom(cl.srv, cl.DB); full {
		tx.End()
		return command.ErrExecRefused(cl.srv.refuse(db))
	}
	silent := cl.replies != repliesOn
	if !silent {
		cl.out.BeginReply(0)
		cl.out.Number('*', int64(len(t.queued)))
	}
	for _, q := range t.queued {
		if cl.out.Dropped && q.row.Read != nil { // nobody will hear what it says, but what is written is written
			continue
		}
		tx.Select(cl.DB)
		cl.call = command.Call{Caller: &cl.Caller, Row: q.row, Args: q.args, Now: now, Locked: true}
		cl.remember(q.row, q.args)
		reply := cl.runQueued(tx, q)
		if reply.IsError() && reply.N != errorCounted {
			cl.srv.stats.errors.count(reply.S)
		}
		if !silent || reply.IsPushed() {
			if silent {
				cl.out.BeginReply(0)
			}
			reply.Encode(&cl.out, cl.RESP3)
		}
		cl.Scratch.Reset()
	}
	lsn := tx.End()
	cl.srv.endUnit(cl)
	cl.seen = max(cl.seen, lsn)
	if len(cl.srv.blockers.ready) > 0 {
		defer cl.srv.serveBlocked(now)
	}
	if silent {
		cl.silences(&command.ReplyNone)
	} else {
		cl.out.LastSaw(lsn)
	}
	cl.replied = true
	return command.ReplyNone
}

// runQueued runs a command of a transaction. The permission may be gone since it was queued.
func (cl *client) runQueued(tx *store.Tx, q queued) (reply command.Reply) {
	if _, d := cl.denied(q.row, q.args, "multi"); d.Reason != acl.Allowed {
		return errExecDenied(d)
	}
	t := cl.beforeCommand(q.row, q.args, 0)
	reply = cl.callQueued(tx, q)
	cl.afterCommand(t, q.row, q.args, &reply)
	return reply
}

// callQueued runs its function. A key that can not be read, which nobody knew before, is this command's error alone.
func (cl *client) callQueued(tx *store.Tx, q queued) (reply command.Reply) {
	defer func() {
		if p := recover(); p != nil {
			if reply = command.UnreadReply(p); !reply.IsError() {
				panic(p)
			}
		}
	}()
	switch {
	case q.row.Read != nil:
		reply = q.row.Read(&tx.View, &cl.call)
	case q.row.Write != nil:
		reply = cl.call.Write(tx)
	default:
		reply = q.row.Conn(&cl.call)
		cl.CallSeen = 0
		tx.SawAll()
	}
	return reply
}

// watchers knows which clients watch which keys. It is asked under the keyspace lock at every change
// of a key, so the usual answer, nobody watches anything, costs one atomic load.
type watchers struct {
	store *store.Store
	count atomic.Int64
	mu    sync.Mutex
	byKey map[watchName][]*client
}

type watchName struct {
	db  int
	key string
}

// watchedKey is one client's watch. It is under the keyspace lock.
type watchedKey struct {
	expired bool // its deadline had passed already when it was watched, and nothing has removed it since
}

func (w *watchers) touched(db int, key string) {
	if w.count.Load() == 0 {
		return
	}
	name := watchName{db, key}
	w.mu.Lock()
	for _, cl := range w.byKey[name] {
		if k := cl.watched[name]; k.expired && !w.store.HasLocked(db, key) { // now the sweeper has been there
			k.expired = false
			continue
		}
		cl.dirty.Store(true)
	}
	w.mu.Unlock()
}

// flushed comes before a database is emptied, swapped after two have changed places, at now (unix ms).
func (w *watchers) flushed(db int) {
	w.replaced(db, func(key string) (was, is, expired bool) { return w.store.HasLocked(db, key), false, false })
}

func (w *watchers) swapped(a, b int, now int64) {
	for _, dbs := range [][2]int{{a, b}, {b, a}} {
		w.replaced(dbs[0], func(key string) (was, is, expired bool) {
			return w.store.HasLocked(dbs[1], key), w.store.HasLocked(dbs[0], key), w.store.ExpiredLocked(dbs[0], key, now)
		})
	}
}

// replaced marks those who watch a key of a database whose contents are others now: the key was there or is
// there. It is Redis's touchAllWatchedKeysInDb, for which a key that has expired, whether or not something
// has removed it, is none.
func (w *watchers) replaced(db int, state func(key string) (was, is, expired bool)) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, clients := range w.byKey {
		if n.db != db {
			continue
		}
		was, is, expired := state(n.key)
		if !was && !is {
			continue
		}
		for _, cl := range clients {
			k := cl.watched[n]
			switch {
			case k.expired && (!is || expired):
				k.expired = is
			case !k.expired && !was && expired:
				k.expired = true
			default:
				cl.dirty.Store(true)
			}
		}
	}
}

// watch is a Read so that its keys are resident; it changes nothing.
func watch(v *store.View, c *command.Call) command.Reply {
	return clientOf(c).watch(v.DB(), c.Args[1:], v.IsExpired)
}

// answerBusy answers a command on keys that finds a long script under way: WATCH goes on, as in
// Redis, from what the script has left so far.
func (cl *client) answerBusy(r *command.Row, args [][]byte) (reply command.Reply) {
	if r.Flags&command.AllowBusy == 0 {
		r.Stats.Rejected.Add(1)
		return cl.srv.scripts.busyReply()
	}
	cl.leaveLoop() // it waits until the script lets others look
	st, now := cl.srv.store, expire.NowMillis()
	st.LookEvenIfBusy(func() {
		reply = cl.watch(cl.DB, args[1:], func(key []byte) bool { return st.ExpiredLocked(cl.DB, string(key), now) })
	})
	return reply
}

func (cl *client) watch(db int, keys [][]byte, expired func(key []byte) bool) command.Reply {
	if cl.multi != nil {
		return command.ErrWatchInMulti
	}
	w := &cl.srv.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byKey == nil {
		w.byKey = map[watchName][]*client{}
	}
	if cl.watched == nil {
		cl.watched = map[watchName]*watchedKey{}
	}
	bytes := int64(0)
	for _, key := range keys {
		name := watchName{db, string(key)}
		if _, have := cl.watched[name]; have {
			continue
		}
		cl.watched[name] = &watchedKey{expired: expired(key)}
		w.byKey[name] = append(w.byKey[name], cl)
		w.count.Add(1)
		bytes += nameBytes(name.key)
	}
	cl.mu.Lock()
	now := cl.multiLocked()
	now.watchedBytes += bytes
	cl.setMultiLocked(now)
	cl.mu.Unlock()
	cl.noteMulti()
	return command.ReplyOK
}

func unwatch(cl *client, _ *command.Call) command.Reply {
	cl.unwatch()
	cl.noteMulti()
	return command.ReplyOK
}

func (cl *client) unwatch() {
	if len(cl.watched) > 0 {
		w := &cl.srv.watchers
		w.mu.Lock()
		for name := range cl.watched {
			clients := w.byKey[name]
			for i, other := range clients {
				if other == cl {
					clients = append(clients[:i:i], clients[i+1:]...)
					break
				}
			}
			if len(clients) == 0 {
				delete(w.byKey, name)
			} else {
				w.byKey[name] = clients
			}
			w.count.Add(-1)
		}
		w.mu.Unlock()
	}
	cl.watched = nil
	cl.dirty.Store(false)
}

// watchedExpired reports whether the deadline of a watched key has passed since WATCH,
// although nothing has removed it yet. The caller holds the keyspace lock.
func (cl *client) watchedExpired(now int64) bool {
	for name, k := range cl.watched {
		if !k.expired && cl.srv.store.ExpiredLocked(name.db, name.key, now) {
			return true
		}
	}
	return false
}
