package resp

import (
	"diskette/resp/command"
)

var errSaveInProgress = command.ErrorReply("ERR Background save already in progress")

// save is SAVE. Redis serves nobody meanwhile; here this client alone waits.
func save(cl *client, _ *command.Call) command.Reply {
	started, err := cl.srv.dumps.run(cl.srv)
	switch {
	case !started:
		return errSaveInProgress
	case err != nil:
		return command.ErrorReply(command.OneLine("ERR " + err.Error()))
	}
	return command.ReplyOK
}

// bgsave is BGSAVE. There is nothing that SCHEDULE would have to wait for but the end of a transaction.
func bgsave(cl *client, c *command.Call) command.Reply {
	if len(c.Args) > 2 || len(c.Args) == 2 && !c.Is(1, "schedule") {
		return command.ErrSyntax
	}
	switch {
	case !cl.srv.dumps.runInBackground(cl.srv):
		return errSaveInProgress
	case c.Locked:
		return command.Simple("Background saving scheduled")
	}
	return command.Simple("Background saving started")
}

func lastsave(cl *client, _ *command.Call) command.Reply {
	if l := cl.srv.loading.Load(); l != nil {
		return command.Integer(l.started.Unix())
	}
	return command.Integer(cl.srv.dumps.state(cl.srv.started).saved.Unix())
}
