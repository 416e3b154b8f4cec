package resp

import "diskette/resp/command"

func replicaRows() []*command.Row {
	return []*command.Row{
		{Name: "failover", Arity: -1, Flags: command.Admin | command.Noscript | command.Stale, Conn: onClient(failover),
			Group: "server", Since: "6.2.0",
			Args: "[TO target{host port=integer [FORCE]}] [ABORT] [TIMEOUT milliseconds]",
			Doc:  "Refused: a replica is made a master by REPLICAOF NO ONE."},
		{Name: "psync", Arity: -3, Flags: command.Admin | command.Noscript | command.NoAsyncLoading | command.NoMulti,
			Conn:  onClient(psync),
			Group: "server", Since: "2.8.0", Args: "replicationid offset", Doc: "Makes the connection a replica's: the stream of changes from an offset, or all data first."},
		{Name: "replconf", Arity: -1, Flags: command.Admin | command.Noscript | command.Loading | command.Stale | command.AllowBusy,
			Conn:  onClient(replconf),
			Group: "server", Since: "3.0.0", Doc: "What a replica says of itself, and how far it is."},
		{Name: "replicaof", Arity: 3, Flags: command.Admin | command.Noscript | command.Stale | command.NoAsyncLoading, Conn: onClient(replicaof),
			Group: "server", Since: "5.0.0", Args: "args(host-port{host port=integer}|no-one{NO ONE})",
			Doc: "Follows a master, or ends that."},
		{Name: "role", Arity: 1, Flags: command.Noscript | command.Loading | command.Stale | command.Fast, Conn: onClient(role),
			Group: "server", Since: "2.8.12", Cats: "admin dangerous",
			Doc: "Says what this server is in replication."},
		{Name: "slaveof", Arity: 3, Flags: command.Admin | command.Noscript | command.Stale | command.NoAsyncLoading, Conn: onClient(replicaof),
			Group: "server", Since: "1.0.0", Args: "args(host-port{host port=integer}|no-one{NO ONE})",
			Doc: "Follows a master, or ends that."},
		{Name: "sync", Arity: 1, Flags: command.Admin | command.Noscript | command.NoAsyncLoading | command.NoMulti,
			Conn:  onClient(syncAll),
			Group: "server", Since: "1.0.0", Doc: "Makes the connection a replica's: all data, then the stream of changes."},
	}
}

var (
	errFailoverReplica = command.ErrorReply("ERR FAILOVER is not valid when server is a replica.")
	errNoReplicas      = command.ErrorReply("ERR FAILOVER requires connected replicas.")
	errNoFailover      = command.ErrorReply("ERR FAILOVER is not supported: pause writes, wait for the replica, and send it REPLICAOF NO ONE")
)

func role(cl *client, _ *command.Call) command.Reply {
	if l := cl.srv.follow.of.Load(); l != nil {
		return l.role()
	}
	return cl.srv.replicas.role()
}

func failover(cl *client, c *command.Call) command.Reply {
	var to, force, abort, timeout bool
	for i := 1; i < len(c.Args); i++ {
		more := len(c.Args) - 1 - i
		switch {
		case c.Is(i, "TIMEOUT") && more >= 1 && !timeout:
			millis, ok := c.Int(i + 1)
			if !ok {
				return command.ErrNotInteger
			}
			if millis <= 0 {
				return command.ErrorReply("ERR FAILOVER timeout must be greater than 0")
			}
			timeout = true
			i++
		case c.Is(i, "ABORT") && !abort:
			abort = true
		case c.Is(i, "TO") && more >= 2 && !to:
			if _, ok := c.Int(i + 2); !ok {
				return command.ErrNotInteger
			}
			to = true
			i += 2
		case c.Is(i, "FORCE") && !force:
			force = true
		default:
			return command.ErrSyntax
		}
	}
	switch {
	case abort && len(c.Args) > 2:
		return command.ErrSyntax
	case abort:
		return command.ErrorReply("ERR No failover in progress.")
	}
	switch {
	case cl.srv.follow.of.Load() != nil:
		return errFailoverReplica
	case len(cl.srv.replicas.list()) > 0:
		return errNoFailover
	}
	return errNoReplicas
}
