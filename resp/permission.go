package resp

import (
	"diskette/expire"
	"diskette/resp/acl"
	"diskette/resp/command"
)

// mayAll says that the client's user may do everything: what most commands ask. It costs two loads.
func (cl *client) mayAll() bool { return cl.user.Load().Permissions.Load().All }

// permitted asks whether the client may run a command with these arguments, and logs a denial; ReplyNone = it
// may. Whatever runs a client's commands asks: admit, EXEC, a blocked command that runs again, scripts.
// context is ACL LOG's word for it.
func (cl *client) permitted(r *command.Row, args [][]byte, context string) command.Reply {
	u, d := cl.denied(r, args, context)
	if d.Reason == acl.Allowed {
		return command.ReplyNone
	}
	return command.ErrorReply(command.OneLine("NOPERM " + d.Text(u.Name, r, args, false)))
}

// denied is permitted for who words the refusal himself.
func (cl *client) denied(r *command.Row, args [][]byte, context string) (u *acl.User, d acl.Denial) {
	u = cl.user.Load()
	if d = u.Permissions.Load().Check(r, args); d.Reason != acl.Allowed {
		cl.noteDenial(d.Reason, context, d.Object(r, args), u.Name)
	}
	return u, d
}

// noteDenial counts a denial and shows it in ACL LOG.
func (cl *client) noteDenial(reason acl.DenialReason, context, object, user string) {
	now := expire.NowMillis()
	cl.srv.acl.NoteDenial(now, reason, context, object, user, cl.listEntry(now), cl.srv.cfg.Int("acllog-max-len"))
}

// aclContext is ACL LOG's word for where the client's commands come from.
func (cl *client) aclContext() string {
	if cl.multi != nil {
		return "multi"
	}
	return "toplevel"
}

// ReadsAllKeys reports whether the client may read every key by a command.
func (cl *client) ReadsAllKeys(r *command.Row, args [][]byte) bool {
	return cl.user.Load().Permissions.Load().ReadsAllKeys(r, args)
}

// errExecDenied is the reply to a command of a transaction whose client has lost the permission since it was queued.
func errExecDenied(d acl.Denial) command.Reply {
	reason := "no permission to execute the command or subcommand"
	switch d.Reason {
	case acl.DeniedKey:
		reason = "no permission to touch the specified keys"
	case acl.DeniedChannel:
		reason = "no permission to access one of the channels used as arguments"
	}
	return command.ErrorReply("NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: " + reason)
}
