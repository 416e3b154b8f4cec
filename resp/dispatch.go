package resp

import (
	"fmt"
	"runtime/debug"

	"diskette/expire"
	"diskette/resp/command"
	"diskette/resp/internal/words"
	"diskette/resp/wire"
)

// run executes a batch of commands, gathering their replies in cl.out.
//
// The way of a command: look up > gates (arity, password, MULTI, permissions, full disk) > keys resident >
// function > reply encoded. Commands on keys share holds of the keyspace lock; whatever else a
// command needs (loads, commits, waiting) happens without it.
func (cl *client) run(cmds []wire.Command) {
	h := hold{cl: cl}
	defer h.recover()
	now := expire.NowMillis()
	cl.lastActive.Store(now)
	cl.limitOutput()
	for i := range cmds {
		args := cmds[i].Args
		r, refusal := cl.admit(args)
		if r != nil && refusal.Kind == command.KindNone && cl.srv.pause.active.Load() {
			if !cl.waitPaused(&h, r, args) {
				cl.closing = true
				break
			}
			r, refusal = cl.admit(args) // the server may have changed meanwhile
		}
		switch {
		case r == nil || refusal.Kind != command.KindNone:
			if r != nil {
				r.Stats.Rejected.Add(1)
			}
			cl.reply(cl.refused(r, refusal), 0)
		case cl.multi != nil && r.Flags&command.RunInMulti == 0:
			cl.queueInMulti(r, args)
		case r.Conn != nil:
			h.release()
			if !cl.isQuick(r) {
				cl.leaveLoop()
			}
			cl.runConn(r, args)
		case r.Read != nil && cl.srv.loading.Load() != nil: // WATCH: servesLoading lets no other pass
			cl.reply(cl.watch(cl.DB, args[1:], func([]byte) bool { return false }), 0)
		default:
			if i == 0 && cl.Events.Load() != 0 {
				cl.stepBack(now)
			}
			h.keyed(r, args, cmds[i+1:])
		}
		if len(cl.afterReply) > 0 {
			cl.out.Text(words.ViewString(cl.afterReply))
			cl.afterReply = cl.afterReply[:0]
		}
		if cl.caching {
			cl.endCaching(r)
		}
		if cl.closing {
			break
		}
		if cl.out.Dropped || cl.out.Bytes() > wire.SendBytes {
			h.release()
			cl.leaveLoop() // its replies take long, and are not the only ones perhaps
			if cl.send() != nil {
				cl.closing = true
				break
			}
			cl.limitOutput()
		}
	}
	h.release()
	cl.countBatch(int64(len(cmds)))
	cl.srv.procs.wake()
}

// countBatch counts commands that have run. What the server asks itself is no use of it.
func (cl *client) countBatch(commands int64) {
	cl.commands.Add(commands)
	if !cl.own {
		cl.srv.stats.commands.Add(commands)
	}
	cl.srv.stats.batches.Add(1)
}

// queueInMulti queues a command until EXEC.
func (cl *client) queueInMulti(r *command.Row, args [][]byte) {
	cl.reply(cl.multi.queue(cl, r, args), 0)
	cl.noteMulti()
	if int64(cl.multi.bytes) > cl.srv.limits.QueryBuffer() { // Redis: they count as its query buffer
		cl.overQuery()
		cl.closing = true
	}
}

// runConn runs a command on the connection or the server, without the keyspace lock.
func (cl *client) runConn(r *command.Row, args [][]byte) {
	cl.call = command.Call{Caller: &cl.Caller, Row: r, Args: args, Now: expire.NowMillis()}
	t := cl.beforeCommand(r, args, 0)
	reply := r.Conn(&cl.call)
	cl.afterCommand(t, r, args, &reply)
	elements := cl.call.Elements
	cl.call.Elements = nil // what it holds goes when it is sent
	switch {
	case cl.replied:
	case elements != nil && cl.replies == repliesOn:
		cl.replyElements(elements, cl.CallSeen)
	default:
		cl.reply(reply, cl.CallSeen)
	}
	cl.replied, cl.CallSeen = false, 0
}

// reply encodes a command's reply, unless the client asked for silence.
func (cl *client) reply(r command.Reply, lsn uint64) {
	if r.Kind == command.KindError && r.N != errorCounted && !cl.own {
		cl.srv.stats.errors.count(r.S)
	}
	if cl.replies != repliesOn && cl.silences(&r) {
		cl.seen = max(cl.seen, lsn)
		cl.Scratch.Reset()
		return
	}
	cl.out.BeginReply(lsn)
	cl.seen = max(cl.seen, lsn)
	r.Encode(&cl.out, cl.RESP3)
	cl.Scratch.Reset()
}

// silences reports whether CLIENT REPLY keeps the next reply back. What SUBSCRIBE and its like
// confirm is no reply, but pushed like the messages. Ask only while cl.replies is not repliesOn.
func (cl *client) silences(r *command.Reply) bool {
	switch cl.replies {
	case repliesSkipNext:
		cl.replies = repliesSkip
	case repliesSkip:
		cl.replies = repliesOn
	}
	return !r.IsPushed()
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
	reply := cl.srv.panicked(cl.call.Name(), p)
	if h.held {
		cl.seen = max(cl.seen, cl.srv.store.Abort())
	} else if len(h.fetched) > 0 { // it failed without the lock: see Call.OffLock
		h.takeBack()
	}
	h.unpin()
	h.release()
	cl.reply(reply, 0)
	cl.closing = true
}

// panicked logs the panic of a command and returns what its client hears: nothing of the program's inside.
func (s *Server) panicked(name string, p any) command.Reply {
	if reply := command.UnreadReply(p); reply.IsError() {
		return reply
	}
	s.log.Error().Str("command", name).Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Msg("command failed")
	return command.ErrInternal
}

// recoverTo keeps a defect outside of any handler, in parsing or sending, to this connection.
func (cl *client) recoverTo(how *batchState) {
	if p := recover(); p != nil {
		*how = batchEnds
		cl.srv.log.Error().Str("client", cl.addr()).Str("panic", fmt.Sprint(p)).
			Bytes("stack", debug.Stack()).Msg("connection failed")
	}
}
