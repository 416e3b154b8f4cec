package resp

import (
	"strings"

	"diskette/resp/lua"

	"diskette/resp/command"
	"diskette/store"
)

func scriptRows() []*command.Row {
	return []*command.Row{
		{Name: "eval", Arity: -3,
			Flags: command.Noscript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys | command.MayReplicate,
			Keys:  command.Mostly(command.ScriptKeys("RW access update")), Write: eval(false), Effect: command.ItsCommands,
			Group: "scripting", Since: "2.6.0", Args: "script numkeys [key...] [arg...]",
			Cost: "Depends on the script", Doc: "Runs a Lua script."},
		{Name: "eval_ro", Arity: -3, Flags: command.Readonly | command.Noscript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys,
			Keys: command.Mostly(command.ScriptKeys("RO access")), Write: eval(true), Effect: command.ItsCommands,
			Group: "scripting", Since: "7.0.0", Cats: "-read", Args: "script numkeys [key...] [arg...]",
			Cost: "Depends on the script", Doc: "Runs a Lua script that only reads."},
		{Name: "evalsha", Arity: -3,
			Flags: command.Noscript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys | command.MayReplicate,
			Keys:  command.Mostly(command.KeysCounted(2, "RW access update")), Write: evalsha(false), Effect: command.ItsCommands,
			Group: "scripting", Since: "2.6.0", Args: "sha1 numkeys [key...] [arg...]", Cost: "Depends on the script",
			Doc: "Runs a Lua script by its SHA1 sum."},
		{Name: "evalsha_ro", Arity: -3,
			Flags: command.Readonly | command.Noscript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys,
			Keys:  command.Mostly(command.KeysCounted(2, "RO access")), Write: evalsha(true), Effect: command.ItsCommands,
			Group: "scripting", Since: "7.0.0", Cats: "-read", Args: "sha1 numkeys [key...] [arg...]",
			Cost: "Depends on the script", Doc: "Runs a Lua script that only reads by its SHA1 sum."},
		{Name: "script", Arity: -2,
			Group: "scripting", Since: "2.6.0", Cats: "-scripting", Doc: "Keeps and ends Lua scripts.", Subs: []*command.Row{
				{Name: "debug", Arity: 3, Flags: command.Noscript, Conn: onClient(scriptDebug),
					Since: "3.2.0", Usage: "(YES|SYNC|NO)", Args: "mode(YES|SYNC|NO)",
					Doc: "Refused: there is no debugger."},
				{Name: "exists", Arity: -3, Flags: command.Noscript, Read: scriptExists,
					Since: "2.6.0", Tips: "request_policy:all_shards response_policy:agg_logical_and",
					Usage: "<sha1> [<sha1> ...]", Args: "sha1...", Cost: "O(N) in the number of scripts",
					Doc: "Tells which scripts are cached."},
				{Name: "flush", Arity: -2, Flags: command.Noscript, Read: scriptFlush,
					Since: "2.6.0", Tips: "request_policy:all_nodes response_policy:all_succeeded", Usage: "[ASYNC|SYNC]",
					Args: "[flush-type(ASYNC|SYNC)]", Cost: "O(N) in the number of scripts",
					Doc: "Forgets all cached scripts."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "5.0.0", Doc: "Explains the subcommands."},
				{Name: "kill", Arity: 2, Flags: command.Noscript | command.AllowBusy, Conn: onClient(scriptKill),
					Since: "2.6.0", Tips: "request_policy:all_shards response_policy:one_succeeded",
					Doc: "Ends the script that is running, unless it has written."},
				{Name: "load", Arity: 3, Flags: command.Noscript | command.Stale, Read: scriptLoad,
					Since: "2.6.0", Tips: "request_policy:all_nodes response_policy:all_succeeded", Usage: "<script>",
					Args: "script", Cost: "O(N) in the length of the script", Doc: "Keeps a script for EVALSHA."},
			}},
	}
}

// EVAL, EVALSHA, EVAL_RO, EVALSHA_RO and SCRIPT. See script.go.

var errNoScript = command.ErrorReply("NOSCRIPT No matching script. Please use EVAL.")

// eval is EVAL and EVAL_RO.
func eval(readOnly bool) func(*store.Tx, *command.Call) command.Reply {
	return func(tx *store.Tx, c *command.Call) command.Reply {
		showScript(c)
		keys, refusal := keysAt(c, 2)
		if refusal.IsError() {
			return refusal
		}
		sc, offLock, refusal := clientOf(c).srv.scripts.define(c, c.Args[1], false)
		if offLock || refusal.IsError() {
			return refusal
		}
		return runScript(c, tx, sc, keys, readOnly)
	}
}

// evalsha is EVALSHA and EVALSHA_RO.
func evalsha(readOnly bool) func(*store.Tx, *command.Call) command.Reply {
	return func(tx *store.Tx, c *command.Call) command.Reply {
		showScript(c)
		if len(c.Args[1]) != 40 {
			return errNoScript
		}
		keys, refusal := keysAt(c, 2)
		if refusal.IsError() {
			return refusal
		}
		sc := clientOf(c).srv.scripts.find(c.Args[1])
		if sc == nil {
			return errNoScript
		}
		return runScript(c, tx, sc, keys, readOnly)
	}
}

// keysAt reads a number of keys that follow on it.
func keysAt(c *command.Call, i int) (n int, refusal command.Reply) {
	keys, ok := c.Int(i)
	switch {
	case !ok:
		return 0, command.ErrNotInteger
	case keys > int64(len(c.Args)-i-1):
		return 0, command.ErrorReply("ERR Number of keys can't be greater than number of args")
	case keys < 0:
		return 0, command.ErrorReply("ERR Number of keys can't be negative")
	}
	return int(keys), command.ReplyNone
}

func runScript(c *command.Call, tx *store.Tx, sc *script, keys int, readOnly bool) command.Reply {
	e := clientOf(c).srv.scripts.engine
	run, refusal := e.newRun(c, tx, sc.sha, sc.flags, readOnly)
	if refusal.IsError() {
		return refusal
	}
	run.isEval, run.mayLoad = true, c.MayLoad
	e.lua.SetArguments(lua.NewStrings(c.Args[3:3+keys]), lua.NewStrings(c.Args[3+keys:]))
	return e.execute(run, sc.fn)
}

// showScript shows a script to the monitors before its commands, whatever becomes of it. It is the first thing that the
// handler of a script does: such rows are SkipMonitor. One that runs again has been shown.
func showScript(c *command.Call) {
	if m := &clientOf(c).srv.monitors; m.count.Load() > 0 && !c.Again && c.Resume == nil {
		m.show(clientOf(c), clientOf(c).monitorName(), c.Row, c.Args)
	}
}

// scriptLoad reads nothing: it is a Read for the keyspace lock.
func scriptLoad(_ *store.View, c *command.Call) command.Reply {
	sc, offLock, refusal := clientOf(c).srv.scripts.define(c, c.Args[2], true)
	if offLock || refusal.IsError() {
		return refusal
	}
	return command.BulkString(sc.sha)
}

func scriptExists(_ *store.View, c *command.Call) command.Reply {
	elems := c.Elems(len(c.Args) - 2)
	for _, sha := range c.Args[2:] {
		elems = append(elems, command.OneIf(clientOf(c).srv.scripts.find(sha) != nil))
	}
	return command.Array(elems...)
}

func scriptFlush(_ *store.View, c *command.Call) command.Reply {
	if len(c.Args) > 3 || len(c.Args) == 3 && !c.Is(2, "SYNC") && !c.Is(2, "ASYNC") {
		return command.ErrorReply("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	}
	clientOf(c).srv.scripts.flush()
	return command.ReplyOK
}

func scriptKill(cl *client, _ *command.Call) command.Reply { return cl.srv.scripts.kill(true) }

// scriptDebug has no debugger behind it.
func scriptDebug(_ *client, c *command.Call) command.Reply {
	switch strings.ToLower(c.Str(2)) {
	case "no":
		return command.ReplyOK
	case "yes", "sync":
		return command.ErrorReply("ERR there is no script debugger here")
	}
	return command.ErrorReply("ERR Use SCRIPT DEBUG YES/SYNC/NO")
}
