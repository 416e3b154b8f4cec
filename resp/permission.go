package resp

import (
	"diskette/expire"
)

// mayAll says that the client's user may do everything: what most commands ask. It costs two loads.
func (cl *client) mayAll() bool { return cl.user.Load().permissions.Load().all }

// permitted asks whether the client may run a command with these arguments, and logs a denial; replyNone = it may. Whatever runs
// a client's commands asks: admit, EXEC, a blocked command that runs again, scripts. context is ACL LOG's word for it.
func (cl *client) permitted(r *row, args [][]byte, context string) Reply {
	u, d := cl.denied(r, args, context)
	if d.reason == allowed {
		return replyNone
	}
	return errorReply(oneLine("NOPERM " + d.text(u.name, r, args, false)))
}

// denied is permitted for who words the refusal himself.
func (cl *client) denied(r *row, args [][]byte, context string) (u *user, d denial) {
	u = cl.user.Load()
	if d = u.permissions.Load().check(r, args); d.reason != allowed {
		cl.noteDenial(d.reason, context, d.object(r, args), u.name)
	}
	return u, d
}

// noteDenial counts a denial and shows it in ACL LOG.
func (cl *client) noteDenial(reason denialReason, context, object, user string) {
	now := expire.NowMillis()
	cl.srv.acl.noteDenial(now, reason, context, object, user, cl.line(now), cl.srv.cfg.Int("acllog-max-len"))
}

// aclContext is ACL LOG's word for where the client's commands come from.
func (cl *client) aclContext() string {
	if cl.multi != nil {
		return "multi"
	}
	return "toplevel"
}

// readsAllKeys reports whether the client may read every key by a command.
func (cl *client) readsAllKeys(r *row, args [][]byte) bool {
	return cl.user.Load().permissions.Load().readsAllKeys(r, args)
}

// errExecDenied is the reply to a command of a transaction whose client has lost the permission since it was queued.
func errExecDenied(d denial) Reply {
	reason := "no permission to execute the command or subcommand"
	switch d.reason {
	case deniedKey:
		reason = "no permission to touch the specified keys"
	case deniedChannel:
		reason = "no permission to access one of the channels used as arguments"
	}
	return errorReply("NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: " + reason)
}
