package resp

import (
	"net"
	"strconv"
	"strings"
	"time"

	"diskette/resp/command"
	"diskette/resp/config"
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
func debugCommand(cl *client, c *command.Call) command.Reply {
	if !cl.mayDebug() {
		return command.ErrorReply(debugRefused)
	}
	sub, n := strings.ToLower(c.Str(1)), len(c.Args)
	switch {
	case sub == "help" && n == 2:
		return helpLines(debugHelp)
	case sub == "object" && n == 3:
		return debugObject(cl, c)
	case sub == "populate" && n >= 3 && n <= 5:
		return debugPopulate(cl, c)
	case sub == "protocol" && n == 3:
		return debugProtocol(cl, strings.ToLower(c.Str(2)))
	case sub == "sleep" && n == 3:
		return debugSleep(c)
	case sub == "check" && n == 2:
		if c.Locked {
			return command.ErrNotInMulti
		}
		if err := cl.srv.store.Check(); err != nil {
			return command.ErrorReply(command.OneLine("ERR " + err.Error()))
		}
		return command.ReplyOK
	case sub == "error" && n == 3:
		return command.ErrorReply(command.OneLine(c.Str(2)))
	case sub == "quicklist-packed-threshold" && n == 3:
		if size, err := config.ParseMemory(c.Str(2)); err != nil || size > 1<<32 {
			return command.ErrorReply("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
		}
		return command.ReplyOK
	case sub == "reload":
		for i := 2; i < n; i++ {
			if !c.Is(i, "merge") && !c.Is(i, "noflush") && !c.Is(i, "nosave") { // which change nothing here
				return command.ErrorReply("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
			}
		}
		if c.Locked {
			return command.ErrNotInMulti
		}
		if err := cl.srv.store.Unload(); err != nil {
			return command.ErrNotStored(err)
		}
		return command.ReplyOK
	case sub == "set-active-expire" && n == 3:
		cl.srv.sweeper.SetPaused(c.Str(2) == "0")
		return command.ReplyOK
	}
	return command.ErrorReply(command.OneLine("ERR unknown subcommand or wrong number of arguments for '" + c.Str(1)[:min(len(c.Args[1]), 128)] + "'. Try " + strings.ToUpper(c.Str(0)) + " HELP."))
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
func debugSleep(c *command.Call) command.Reply {
	if c.Locked {
		return command.ErrNotInMulti
	}
	// As C's strtod does, what is no number counts as 0.
	seconds, _ := strconv.ParseFloat(c.Str(2), 64)
	time.Sleep(time.Duration(min(max(seconds, 0), 86400) * float64(time.Second)))
	return command.ReplyOK
}

func helpLines(lines []string) command.Reply {
	elems := make([]command.Reply, len(lines))
	for i, line := range lines {
		elems[i] = command.Simple(line)
	}
	return command.Array(elems...)
}
