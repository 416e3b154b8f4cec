package resp

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"diskette/store"
)

// EVAL, EVALSHA, EVAL_RO, EVALSHA_RO and SCRIPT. See script.go.

var errNoScript = errorReply("NOSCRIPT No matching script. Please use EVAL.")

// eval is EVAL and EVAL_RO.
func eval(readOnly bool) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		showScript(c)
		keys, refusal := keysAt(c, 2)
		if refusal.isError() {
			return refusal
		}
		sc, apart, refusal := clientOf(c).srv.scripts.define(c, c.args[1], false)
		if apart || refusal.isError() {
			return refusal
		}
		return runScript(c, tx, sc, keys, readOnly)
	}
}

// evalsha is EVALSHA and EVALSHA_RO.
func evalsha(readOnly bool) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		showScript(c)
		if len(c.args[1]) != 40 {
			return errNoScript
		}
		keys, refusal := keysAt(c, 2)
		if refusal.isError() {
			return refusal
		}
		sc := clientOf(c).srv.scripts.find(c.args[1])
		if sc == nil {
			return errNoScript
		}
		return runScript(c, tx, sc, keys, readOnly)
	}
}

// keysAt reads a number of keys that follow on it.
func keysAt(c *call, i int) (n int, refusal Reply) {
	keys, ok := c.int(i)
	switch {
	case !ok:
		return 0, errNotInteger
	case keys > int64(len(c.args)-i-1):
		return 0, errorReply("ERR Number of keys can't be greater than number of args")
	case keys < 0:
		return 0, errorReply("ERR Number of keys can't be negative")
	}
	return int(keys), replyNone
}

func runScript(c *call, tx *store.Tx, sc *script, keys int, readOnly bool) Reply {
	e := clientOf(c).srv.scripts.engine
	run, refusal := e.begin(c, tx, sc.sha, sc.flags, readOnly)
	if refusal.isError() {
		return refusal
	}
	run.isEval, run.mayLoad = true, c.mayLoad
	e.lua.SetPlainGlobal("KEYS", e.strings(c.args[3:3+keys]))
	e.lua.SetPlainGlobal("ARGV", e.strings(c.args[3+keys:]))
	return e.execute(run, sc.fn)
}

// showScript shows a script to the monitors before its commands, whatever becomes of it. It is the first thing that the
// handler of a script does: such rows are skipMonitor. One that runs again has been shown.
func showScript(c *call) {
	if m := &clientOf(c).srv.monitors; m.count.Load() > 0 && !c.again && c.resume == nil {
		m.show(clientOf(c), clientOf(c).monitorName(), c.row, c.args)
	}
}

// strings makes a Lua table of arguments.
func (e *engine) strings(args [][]byte) *lua.LTable {
	t := e.lua.L.CreateTable(len(args), 0)
	for i, a := range args {
		t.RawSetInt(i+1, lua.LString(a))
	}
	return t
}

// scriptLoad reads nothing: it is a Read for the keyspace lock.
func scriptLoad(_ *store.View, c *call) Reply {
	sc, apart, refusal := clientOf(c).srv.scripts.define(c, c.args[2], true)
	if apart || refusal.isError() {
		return refusal
	}
	return bulkString(sc.sha)
}

func scriptExists(_ *store.View, c *call) Reply {
	elems := c.elems(len(c.args) - 2)
	for _, sha := range c.args[2:] {
		elems = append(elems, oneIf(clientOf(c).srv.scripts.find(sha) != nil))
	}
	return array(elems...)
}

func scriptFlush(_ *store.View, c *call) Reply {
	if len(c.args) > 3 || len(c.args) == 3 && !c.is(2, "SYNC") && !c.is(2, "ASYNC") {
		return errorReply("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	}
	clientOf(c).srv.scripts.flush()
	return replyOK
}

func scriptKill(cl *client, _ *call) Reply { return cl.srv.scripts.kill(true) }

// scriptDebug has no debugger behind it.
func scriptDebug(_ *client, c *call) Reply {
	switch strings.ToLower(c.str(2)) {
	case "no":
		return replyOK
	case "yes", "sync":
		return errorReply("ERR there is no script debugger here")
	}
	return errorReply("ERR Use SCRIPT DEBUG YES/SYNC/NO")
}
