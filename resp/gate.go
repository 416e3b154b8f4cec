package resp

import (
	"strings"
	"time"

	"diskette/resp/command"
	"diskette/resp/internal/words"
)

// admit finds the command and passes it through the gates; a refusal other than
// KindNone is the reply.
func (cl *client) admit(args [][]byte) (*command.Row, command.Reply) {
	s := cl.srv
	r := s.called.Lookup(args[0])
	if r == nil {
		if isHTTP(args[0]) {
			s.logHTTP(cl)
			cl.out.Reset() // not a word to a browser
			cl.closing = true
			return nil, command.ReplyNone
		}
		return nil, command.ErrUnknown(args)
	}
	if r.Subs != nil && len(args) > 1 {
		sub := r.Sub(args[1])
		if sub == nil {
			return nil, command.ErrUnknownSub(args)
		}
		r = sub
	}
	cl.last.Store(r)
	if !r.ArityOK(len(args)) {
		return r, command.ErrArity(r)
	}
	if r.Flags&command.NoAuth == 0 && !cl.isAuthed() {
		return r, command.ErrNoAuth
	}
	if cl.multi != nil && r.Flags&command.NoMulti != 0 {
		return r, command.ErrNotInMulti
	}
	if !cl.mayAll() {
		if refusal := cl.permitted(r, args, cl.aclContext()); refusal.Kind != command.KindNone {
			return r, refusal
		}
	}
	if s.scripts.runs.busy.Load() && r.Flags&command.AllowBusy == 0 {
		return r, s.scripts.busyReply()
	}
	if cl.isReplica() && !servesReplica(r) {
		return r, errReplicaCommand
	}
	if cl.pushes != nil {
		switch {
		case r.Flags&command.InPubsub == 0 && cl.subscribedRESP2():
			return r, errSubscribed(r)
		case r.Flags&(command.Readonly|command.Write|command.MayReplicate) != 0 && cl.monitoring.Load():
			return r, errMonitorKeys
		}
	}
	if s.loading.Load() != nil && !servesLoading(r, cl) {
		return r, command.ErrLoading
	}
	return r, s.refusal(cl, r, args)
}

// refusal says why the data is not to be had for a command just now: its bounds', its master's, its replicas' or the
// disk's reason.
func (s *Server) refusal(cl *client, r *command.Row, args [][]byte) command.Reply {
	if s.loading.Load() == nil {
		if refusal := s.outOfRoom(cl, r, args); refusal.IsError() {
			return refusal
		}
	}
	if l := s.follow.of.Load(); l != nil {
		if refusal := l.gate(cl, r); refusal.IsError() {
			return refusal
		}
	}
	if r.Flags&command.Write == 0 {
		return command.ReplyNone
	}
	if s.replicas.lacking.Load() {
		return errNoGoodReplicas
	}
	if err := s.store.WriteError(); err != nil && (r.Flags&command.Denyoom != 0 || !s.store.DiskFull()) {
		return command.ErrNotStored(err)
	}
	return command.ReplyNone
}

// refused notes in an open transaction that one of its commands was; a refused EXEC drops it.
func (cl *client) refused(r *command.Row, refusal command.Reply) command.Reply {
	if r != nil && r.Name == "exec" {
		cl.multi = nil
		cl.unwatch()
		cl.noteMulti()
		return command.ErrExecRefused(refusal)
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
	return strings.EqualFold(words.ViewString(name), "post") || strings.EqualFold(words.ViewString(name), "host:")
}

// logHTTP writes a line at most once a minute.
func (s *Server) logHTTP(cl *client) {
	now := time.Now().Unix()
	if last := s.httpLogged.Load(); now-last >= 60 && s.httpLogged.CompareAndSwap(last, now) {
		s.log.Warn().Str("client", cl.addr()).Msg("possible SECURITY ATTACK: somebody is sending HTTP requests here, perhaps through a browser; connection closed")
	}
}
