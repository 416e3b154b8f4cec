package resp

import (
	"slices"

	"diskette/resp/command"
)

// There is no cluster. What asks about it is answered as a Redis without one does; what would set one up is refused.

func clusterRows() []*command.Row {
	return []*command.Row{
		{Name: "asking", Arity: 1, Flags: command.Fast, Conn: onClient(clusterOff),
			Group: "cluster", Since: "3.0.0", Cats: "connection", Doc: "Refused: there is no cluster."},
		{Name: "cluster", Arity: -2,
			Group: "cluster", Since: "3.0.0", Doc: "Refused: there is no cluster.", Subs: slices.Concat(clusterSlotRows(), clusterNodeRows())},
		{Name: "readonly", Arity: 1, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(clusterOff),
			Group: "cluster", Since: "3.0.0", Cats: "connection", Doc: "Refused: there is no cluster."},
		{Name: "readwrite", Arity: 1, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(clusterOff),
			Group: "cluster", Since: "3.0.0", Cats: "connection", Doc: "Refused: there is no cluster."},
	}
}

// clusterSlotRows are the subcommands on slots.
func clusterSlotRows() []*command.Row {
	return []*command.Row{
		{Name: "addslots", Arity: -3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Args: "slot=integer...", Doc: "Refused: there is no cluster."},
		{Name: "addslotsrange", Arity: -4, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "7.0.0", Args: "start-slot_end-slot{start-slot=integer end-slot=integer}...",
			Doc: "Refused: there is no cluster."},
		{Name: "countkeysinslot", Arity: 3, Flags: command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Args: "slot=integer", Doc: "Refused: there is no cluster."},
		{Name: "delslots", Arity: -3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Args: "slot=integer...", Doc: "Refused: there is no cluster."},
		{Name: "delslotsrange", Arity: -4, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "7.0.0", Args: "start-slot_end-slot{start-slot=integer end-slot=integer}...",
			Doc: "Refused: there is no cluster."},
		{Name: "flushslots", Arity: 2, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Doc: "Refused: there is no cluster."},
		{Name: "getkeysinslot", Arity: 4, Flags: command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Tips: "nondeterministic_output", Args: "slot=integer count",
			Doc: "Refused: there is no cluster."},
		{Name: "keyslot", Arity: 3, Flags: command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Args: "key=string", Doc: "Refused: there is no cluster."},
		{Name: "setslot", Arity: -4, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0",
			Args:  "slot=integer subcommand(IMPORTING node-id|MIGRATING node-id|NODE node-id|STABLE)",
			Doc:   "Refused: there is no cluster."},
		{Name: "slots", Arity: 2, Flags: command.Loading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
	}
}

// clusterNodeRows are the subcommands on nodes.
func clusterNodeRows() []*command.Row {
	return []*command.Row{
		{Name: "bumpepoch", Arity: 2, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
		{Name: "count-failure-reports", Arity: 3, Flags: command.Admin | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Tips: "nondeterministic_output", Args: "node-id",
			Doc: "Refused: there is no cluster."},
		{Name: "failover", Arity: -2, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Args: "[options(FORCE|TAKEOVER)]", Doc: "Refused: there is no cluster."},
		{Name: "forget", Arity: 3, Flags: command.Admin | command.NoAsyncLoading | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Args: "node-id", Doc: "Refused: there is no cluster."},
		{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: onClient(clusterOff),
			Since: "5.0.0", Doc: "Refused: there is no cluster."},
		{Name: "info", Arity: 2, Flags: command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
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
		{Name: "shards", Arity: 2, Flags: command.Loading | command.Stale, Conn: onClient(clusterOff),
			Since: "7.0.0", Tips: "nondeterministic_output", Doc: "Refused: there is no cluster."},
		{Name: "slaves", Arity: 3, Flags: command.Admin | command.Stale, Conn: onClient(clusterOff),
			Since: "3.0.0", Tips: "nondeterministic_output", Args: "node-id",
			Doc: "Refused: there is no cluster."},
	}
}

var errClusterOff = command.ErrorReply("ERR This instance has cluster support disabled")

func clusterOff(*client, *command.Call) command.Reply { return errClusterOff }
