package resp

import "diskette/resp/command"

func replicaRows() []*command.Row {
	return []*command.Row{
		{Name: "asking", Arity: 1, Flags: command.Fast, Conn: onClient(clusterOff),
			Group: "cluster", Since: "3.0.0", Cats: "connection", Doc: "Refused: there is no cluster."},
		{Name: "cluster", Arity: -2,
			Group: "cluster", Since: "3.0.0", Doc: "Refused: there is no cluster.", Subs: []*command.Row{
				{Name: "addslots", Arity: -3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "slot=integer...", Doc: "Refused: there is no cluster."},
				{Name: "addslotsrange", Arity: -4, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "7.0.0", Args: "start-slot_end-slot{start-slot=integer end-slot=integer}...",
					Doc: "Refused: there is no cluster."},
				{Name: "bumpepoch", Arity: 2, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
				{Name: "count-failure-reports", Arity: 3, Flags: command.Admin | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Tips: "nondeterministic_output", Args: "node-id",
					Doc: "Refused: there is no cluster."},
				{Name: "countkeysinslot", Arity: 3, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "slot=integer", Doc: "Refused: there is no cluster."},
				{Name: "delslots", Arity: -3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "slot=integer...", Doc: "Refused: there is no cluster."},
				{Name: "delslotsrange", Arity: -4, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "7.0.0", Args: "start-slot_end-slot{start-slot=integer end-slot=integer}...",
					Doc: "Refused: there is no cluster."},
				{Name: "failover", Arity: -2, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "[options(FORCE|TAKEOVER)]", Doc: "Refused: there is no cluster."},
				{Name: "flushslots", Arity: 2, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Doc: "Refused: there is no cluster."},
				{Name: "forget", Arity: 3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "node-id", Doc: "Refused: there is no cluster."},
				{Name: "getkeysinslot", Arity: 4, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Tips: "nondeterministic_output", Args: "slot=integer count",
					Doc: "Refused: there is no cluster."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: onClient(clusterOff),
					Since: "5.0.0", Doc: "Refused: there is no cluster."},
				{Name: "info", Arity: 2, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
				{Name: "keyslot", Arity: 3, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "key=string", Doc: "Refused: there is no cluster."},
				{Name: "links", Arity: 2, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "7.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
				{Name: "meet", Arity: -4, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "ip port=integer [cluster_bus_port=integer]",
					Doc: "Refused: there is no cluster."},
				{Name: "myid", Arity: 2, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Doc: "Refused: there is no cluster."},
				{Name: "myshardid", Arity: 2, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "7.2.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
				{Name: "nodes", Arity: 2, Flags: command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
				{Name: "replicas", Arity: 3, Flags: command.Admin | command.Stale, Conn: onClient(clusterOff),
					Since: "5.0.0", Tips: "nondeterministic_output", Args: "node-id",
					Doc: "Refused: there is no cluster."},
				{Name: "replicate", Arity: 3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "node-id", Doc: "Refused: there is no cluster."},
				{Name: "reset", Arity: -2, Flags: command.Admin | command.Noscript | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "[hard_soft(HARD|SOFT)]", Doc: "Refused: there is no cluster."},
				{Name: "saveconfig", Arity: 2, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Doc: "Refused: there is no cluster."},
				{Name: "set-config-epoch", Arity: 3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Args: "config-epoch=integer", Doc: "Refused: there is no cluster."},
				{Name: "setslot", Arity: -4, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0",
					Args:  "slot=integer subcommand(IMPORTING node-id|MIGRATING node-id|NODE node-id|STABLE)",
					Doc:   "Refused: there is no cluster."},
				{Name: "shards", Arity: 2, Flags: command.Loading | command.Stale, Conn: onClient(clusterOff),
					Since: "7.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
				{Name: "slaves", Arity: 3, Flags: command.Admin | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Tips: "nondeterministic_output", Args: "node-id",
					Doc: "Refused: there is no cluster."},
				{Name: "slots", Arity: 2, Flags: command.Loading | command.Stale, Conn: onClient(clusterOff),
					Since: "3.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
			}},
		{Name: "readonly", Arity: 1, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(clusterOff),
			Group: "cluster", Since: "3.0.0", Cats: "connection", Doc: "Refused: there is no cluster."},
		{Name: "readwrite", Arity: 1, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(clusterOff),
			Group: "cluster", Since: "3.0.0", Cats: "connection", Doc: "Refused: there is no cluster."},
		{Name: "failover", Arity: -1, Flags: command.Admin | command.Noscript | command.Stale, Conn: onClient(failover),
			Group: "server", Since: "6.2.0",
			Args: "[TO target{host port=integer [FORCE]}] [ABORT] [TIMEOUT milliseconds]",
			Doc:  "Refused: a replica is made a master by REPLICAOF NO ONE."},
		{Name: "module", Arity: -2,
			Group: "server", Since: "4.0.0", Doc: "Tells that there are no modules.", Subs: []*command.Row{
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "5.0.0", Doc: "Explains the subcommands."},
				{Name: "list", Arity: 2, Flags: command.Admin | command.Noscript, Conn: onClient(moduleList),
					Since: "4.0.0", Tips: "nondeterministic_output_order", Cost: "O(N) in the number of modules",
					Doc: "Returns no modules: there are none."},
				{Name: "load", Arity: -3, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(moduleOff),
					Since: "4.0.0", Usage: "<path> [<arg> ...]", Args: "path [arg...]",
					Doc: "Refused: there are no modules."},
				{Name: "loadex", Arity: -3, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(moduleOff),
					Since: "7.0.0", Usage: "<path> [CONFIG <name> <value> [...]] [ARGS <arg> [...]]",
					Args: "path [CONFIG configs{name value}...] [ARGS args{arg}...]",
					Doc:  "Refused: there are no modules."},
				{Name: "unload", Arity: 3, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(moduleOff),
					Since: "4.0.0", Usage: "<name>", Args: "name", Doc: "Refused: there are no modules."},
			}},
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

// There is no cluster and there are no modules. What asks about them is answered as a Redis without them does; what
// would set one up is refused.

var (
	errClusterOff      = command.ErrorReply("ERR This instance has cluster support disabled")
	errModuleOff       = command.ErrorReply(`ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.`)
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

func clusterOff(*client, *command.Call) command.Reply { return errClusterOff }

func moduleList(*client, *command.Call) command.Reply { return command.Array() }
func moduleOff(*client, *command.Call) command.Reply  { return errModuleOff }
