package resp

import (
	"strings"
	"time"

	"diskette/resp/internal/words"
)

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
	if s.scripts.runs.busy.Load() && r.flags&allowBusy == 0 {
		return r, s.scripts.busyReply()
	}
	if cl.pushes != nil {
		switch {
		case r.flags&inPubsub == 0 && cl.subscribedRESP2():
			return r, errSubscribed(r)
		case r.flags&(readonly|write|mayReplicate) != 0 && cl.monitoring.Load():
			return r, errMonitorKeys
		}
	}
	if s.loading.Load() != nil && !servesLoading(r, cl) {
		return r, errLoading
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
	return strings.EqualFold(words.ViewString(name), "post") || strings.EqualFold(words.ViewString(name), "host:")
}

// logHTTP writes a line at most once a minute.
func (s *Server) logHTTP(cl *client) {
	now := time.Now().Unix()
	if last := s.httpLogged.Load(); now-last >= 60 && s.httpLogged.CompareAndSwap(last, now) {
		s.log.Warn().Str("client", cl.addr).Msg("possible SECURITY ATTACK: somebody is sending HTTP requests here, perhaps through a browser; connection closed")
	}
}
