package resp

import (
	"net"
	"strconv"
	"strings"
	"time"
)

const debugRefused = `ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.`

var debugHelp = []string{
	"DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
	"CHECK",
	"    Write everything back and verify the tables, and memory against them; all else waits meanwhile.",
	"ERROR <string>",
	"    Reply with the string as an error, for tests of clients.",
	"OBJECT <key>",
	"    Show what a value looks like inside.",
	"POPULATE <count> [<prefix>] [<size>]",
	"    Create <count> string keys named key:<num>. If <prefix> is specified then",
	"    it is used instead of the 'key' prefix.",
	"PROTOCOL <type>",
	"    Reply with a test value of the specified type. <type> can be: string,",
	"    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
	"    true, false.",
	"QUICKLIST-PACKED-THRESHOLD <size>",
	"    Accepted for tests of clients; lists have no nodes here.",
	"RELOAD",
	"    Write everything back and empty the hot set, so that keys are read from disk again.",
	"SET-ACTIVE-EXPIRE <0|1>",
	"    Suspend or resume the sweeper that removes expired keys.",
	"SLEEP <seconds>",
	"    Hold this connection for a time; the others go on.",
	"HELP",
	"    Print this help.",
}

// debugCommand has no rows for its subcommands, as in Redis: whether DEBUG is allowed comes before
// which one it is.
func debugCommand(cl *client, c *call) Reply {
	if !cl.mayDebug() {
		return errorReply(debugRefused)
	}
	sub, n := strings.ToLower(c.str(1)), len(c.args)
	switch {
	case sub == "help" && n == 2:
		return helpLines(debugHelp)
	case sub == "object" && n == 3:
		return debugObject(cl, c)
	case sub == "populate" && n >= 3 && n <= 5:
		return debugPopulate(cl, c)
	case sub == "protocol" && n == 3:
		return debugProtocol(cl, strings.ToLower(c.str(2)))
	case sub == "sleep" && n == 3:
		return debugSleep(c)
	case sub == "check" && n == 2:
		if c.locked {
			return errNotInMulti
		}
		if err := cl.srv.store.Check(); err != nil {
			return errorReply(oneLine("ERR " + err.Error()))
		}
		return replyOK
	case sub == "error" && n == 3:
		return errorReply(oneLine(c.str(2)))
	case sub == "quicklist-packed-threshold" && n == 3:
		if size, err := parseMemory(c.str(2)); err != nil || size > 1<<32 {
			return errorReply("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
		}
		return replyOK
	case sub == "reload":
		for i := 2; i < n; i++ {
			if !c.is(i, "merge") && !c.is(i, "noflush") && !c.is(i, "nosave") { // which change nothing here
				return errorReply("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
			}
		}
		if c.locked {
			return errNotInMulti
		}
		if err := cl.srv.store.Unload(); err != nil {
			return errNotStored(err)
		}
		return replyOK
	case sub == "set-active-expire" && n == 3:
		cl.srv.sweeper.SetPaused(c.str(2) == "0")
		return replyOK
	}
	return errorReply(oneLine("ERR unknown subcommand or wrong number of arguments for '" + c.str(1)[:min(len(c.args[1]), 128)] + "'. Try DEBUG HELP."))
}

func (cl *client) mayDebug() bool {
	switch cl.srv.cfg.Text("enable-debug-command") {
	case "yes":
		return true
	case "local":
		tcp, isTCP := cl.guard.RemoteAddr().(*net.TCPAddr)
		return !isTCP || tcp.IP.IsLoopback()
	}
	return false
}

// debugSleep holds this connection alone, where Redis stops for everybody.
func debugSleep(c *call) Reply {
	if c.locked {
		return errNotInMulti
	}
	// As C's strtod does, what is no number counts as 0.
	seconds, _ := strconv.ParseFloat(c.str(2), 64)
	time.Sleep(time.Duration(min(max(seconds, 0), 86400) * float64(time.Second)))
	return replyOK
}

func helpLines(lines []string) Reply {
	elems := make([]Reply, len(lines))
	for i, line := range lines {
		elems[i] = simple(line)
	}
	return array(elems...)
}
