package resp

import (
	"math"
	"slices"
	"strings"
	"time"

	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/internal/numbers"
)

func clientRows() []*command.Row {
	return []*command.Row{
		{Name: "client", Arity: -2,
			Group: "connection", Since: "2.4.0", Cats: "-connection",
			Doc: "Looks at connections and steers them.", Subs: append([]*command.Row{
				{Name: "kill", Arity: -3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(clientKill),
					Since: "2.4.0", Usage: "<ip:port>\n<option> <value> [<option> <value> [...]]",
					Args: "filter(ip:port|new-format([ID client-id]|[TYPE client-type(NORMAL|MASTER|SLAVE|REPLICA|PUBSUB)]|[USER username]|[ADDR ip:port]|[LADDR ip:port]|[SKIPME yes/no])...)",
					Cost: "O(N) in the number of connections",
					Doc:  "Closes connections chosen by address, id, type or user."},
				{Name: "info", Arity: 2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientInfo),
					Since: "6.2.0", Tips: "nondeterministic_output", Doc: "Describes this connection."},
				{Name: "id", Arity: 2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientID),
					Since: "5.0.0", Doc: "Returns this connection's number."},
				{Name: "unblock", Arity: -3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(clientUnblock),
					Since: "5.0.0", Usage: "<clientid> [TIMEOUT|ERROR]", Args: "client-id [unblock-type(TIMEOUT|ERROR)]",
					Cost: "O(1)", Doc: "Ends another connection's wait in a blocking command."},
				{Name: "unpause", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(clientUnpause),
					Since: "6.2.0", Cost: "O(N) in the number of paused connections", Doc: "Ends CLIENT PAUSE."},
				{Name: "pause", Arity: -3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(clientPause),
					Since: "2.9.50", Usage: "<timeout> [WRITE|ALL]", Args: "timeout [mode(WRITE|ALL)]",
					Doc: "Holds clients' commands back for a while."},
				{Name: "reply", Arity: 3, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientReply),
					Since: "3.2.0", Usage: "(ON|OFF|SKIP)", Args: "action(ON|OFF|SKIP)",
					Doc: "Turns this connection's replies on, off, or off for one command."},
				{Name: "getname", Arity: 2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientGetname),
					Since: "2.6.9", Doc: "Returns this connection's name."},
				{Name: "list", Arity: -2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(clientList),
					Since: "2.4.0", Tips: "nondeterministic_output", Usage: "[options ...]",
					Args: "[TYPE client-type(NORMAL|MASTER|REPLICA|PUBSUB)] [ID client-id...]",
					Cost: "O(N) in the number of connections", Doc: "Describes the open connections."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "5.0.0", Doc: "Explains the subcommands."},
				{Name: "setname", Arity: 3, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientSetname),
					Since: "2.6.9", Tips: "request_policy:all_nodes response_policy:all_succeeded", Usage: "<name>",
					Args: "connection-name", Doc: "Names this connection."},
				{Name: "no-evict", Arity: 3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(clientNoEvict),
					Since: "7.0.0", Usage: "(ON|OFF)", Args: "enabled(ON|OFF)",
					Doc: "Keeps this connection from being closed at maxmemory-clients."},
				{Name: "no-touch", Arity: 3, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientNoTouch),
					Since: "7.2.0", Usage: "(ON|OFF)", Args: "enabled(ON|OFF)",
					Doc: "Keeps this connection's commands from counting as uses of keys."},
				{Name: "setinfo", Arity: 4, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientSetinfo),
					Since: "7.2.0", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Usage: "<option> <value>", Args: "attr(LIB-NAME libname|LIB-VER libver)",
					Doc: "Notes the name or version of the client library."},
			}, clientTrackingRows()...)},
	}
}

var errNoSuchClient = command.ErrorReply("ERR No such client")

func clientID(cl *client, _ *command.Call) command.Reply { return command.Integer(cl.id) }

func clientGetname(cl *client, _ *command.Call) command.Reply {
	cl.mu.Lock()
	name := cl.namesLocked().name
	cl.mu.Unlock()
	if name == "" {
		return command.ReplyNull
	}
	return command.BulkString(name)
}

func clientSetname(cl *client, c *command.Call) command.Reply {
	if !validClientName(c.Args[2]) {
		return errClientName
	}
	cl.setName(c.Str(2))
	return command.ReplyOK
}

func clientSetinfo(cl *client, c *command.Call) command.Reply {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	var field *string
	names := cl.changeNamesLocked()
	switch {
	case c.Is(2, "LIB-NAME"):
		field = &names.libName
	case c.Is(2, "LIB-VER"):
		field = &names.libVer
	default:
		return command.ErrorReply(command.OneLine("ERR Unrecognized option '" + c.Str(2) + "'"))
	}
	if !validClientName(c.Args[3]) {
		return command.ErrorReply("ERR " + c.Str(2) + " cannot contain spaces, newlines or special characters.")
	}
	*field = c.Str(3)
	return command.ReplyOK
}

// clientReply answers only when replies are on afterwards.
func clientReply(cl *client, c *command.Call) command.Reply {
	switch {
	case c.Is(2, "ON"):
		cl.replies = repliesOn
		return command.ReplyOK
	case c.Is(2, "OFF"):
		cl.replies = repliesOff
	case c.Is(2, "SKIP"):
		switch {
		case cl.replies == repliesOff:
		case c.Locked: // the next reply is that of the command after EXEC
			cl.replies = repliesSkip
		default:
			cl.replies = repliesSkipNext
		}
	default:
		return command.ErrSyntax
	}
	return command.ReplyNone
}

func clientNoEvict(cl *client, c *command.Call) command.Reply {
	on, ok := onOff(c, 2)
	if !ok {
		return command.ErrSyntax
	}
	cl.mu.Lock()
	cl.mu.noEvict = on
	cl.mu.Unlock()
	if !on && cl.srv.cfg.CountsClients.Load() {
		cl.srv.evictClients()
	}
	return command.ReplyOK
}

func clientNoTouch(cl *client, c *command.Call) command.Reply {
	on, ok := onOff(c, 2)
	if !ok {
		return command.ErrSyntax
	}
	cl.setNoTouch(on)
	return command.ReplyOK
}

func (cl *client) setNoTouch(on bool) {
	cl.noTouch = on
	cl.mu.Lock()
	cl.mu.noTouch = on
	cl.mu.Unlock()
}

// onOff reads argument i as ON or OFF.
func onOff(c *command.Call, i int) (on, ok bool) {
	on = c.Is(i, "ON")
	return on, on || c.Is(i, "OFF")
}

func clientPause(cl *client, c *command.Call) command.Reply {
	if len(c.Args) > 4 {
		return command.ErrSubcommandSyntax(c)
	}
	all := true
	if len(c.Args) == 4 {
		all = c.Is(3, "ALL")
		if !all && !c.Is(3, "WRITE") {
			return command.ErrorReply("ERR CLIENT PAUSE mode must be WRITE or ALL")
		}
	}
	millis, ok := c.Int(2)
	switch {
	case !ok:
		return command.ErrTimeout
	case millis < 0:
		return command.ErrTimeoutBelow
	case millis > math.MaxInt64-c.Now:
		return command.ErrTimeoutRange
	case millis > 0:
		cl.srv.pause.startOrExtend(time.Duration(min(millis, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond, all)
	}
	return command.ReplyOK
}

func clientUnpause(cl *client, _ *command.Call) command.Reply {
	cl.srv.pause.end()
	return command.ReplyOK
}

// clientFilter chooses connections for CLIENT KILL; zero fields choose all.
type clientFilter struct {
	id          int64
	addr, laddr []byte
	typ         string // "" = any
	nobody      bool   // a type of connection that this server does not have
	except      *client
	user        *acl.User
}

func (f *clientFilter) matches(cl *client) bool {
	return !f.nobody && cl != f.except &&
		(f.typ == "" || f.typ == cl.class()) &&
		(f.user == nil || f.user == cl.user.Load()) && (f.id == 0 || cl.id == f.id) && (f.addr == nil || cl.addr() == string(f.addr)) && (f.laddr == nil || cl.laddr() == string(f.laddr))
}

// clientTypes are CLIENT's words for types, and the class that a connection here can be of, "" = none is of it.
var clientTypes = map[string]string{"normal": "normal", "slave": "replica", "replica": "replica", "pubsub": "pubsub", "master": ""}

// class is the client's type, as CLIENT LIST TYPE and client-output-buffer-limit have it.
func (cl *client) class() string {
	if cl.isReplica() {
		return "replica"
	}
	if cl.subscriptions.all() > 0 {
		return "pubsub"
	}
	return "normal"
}

func parseClientType(word []byte) (class string, refusal command.Reply) {
	class, known := clientTypes[strings.ToLower(string(word))]
	if !known {
		return "", command.ErrorReply(command.OneLine("ERR Unknown client type '" + string(word) + "'"))
	}
	return class, command.ReplyNone
}

func clientKill(cl *client, c *command.Call) command.Reply {
	if len(c.Args) == 3 {
		if cl.killAll(&clientFilter{addr: c.Args[2]}) == 0 {
			return errNoSuchClient
		}
		return command.ReplyOK
	}
	f, refusal := parseKillFilter(cl, c)
	if refusal.IsError() {
		return refusal
	}
	return command.Integer(cl.killAll(f))
}

func parseKillFilter(cl *client, c *command.Call) (f *clientFilter, refusal command.Reply) {
	f = &clientFilter{except: cl}
	for i := 2; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) {
			return nil, command.ErrSyntax
		}
		value := c.Args[i+1]
		switch {
		case c.Is(i, "ID"):
			id, ok := numbers.ParseInt(value)
			if !ok || id < 1 {
				return nil, command.ErrorReply("ERR client-id should be greater than 0")
			}
			f.id = id
		case c.Is(i, "TYPE"):
			class, refusal := parseClientType(value)
			if refusal.IsError() {
				return nil, refusal
			}
			f.nobody, f.typ = class == "", class
		case c.Is(i, "ADDR"):
			f.addr = value
		case c.Is(i, "LADDR"):
			f.laddr = value
		case c.Is(i, "USER"):
			if f.user = cl.srv.acl.Find(string(value)); f.user == nil {
				return nil, command.ErrorReply(command.OneLine("ERR No such user '" + string(value) + "'"))
			}
		case c.Is(i, "SKIPME") && c.Is(i+1, "YES"):
			f.except = cl
		case c.Is(i, "SKIPME") && c.Is(i+1, "NO"):
			f.except = nil
		default:
			return nil, command.ErrSyntax
		}
	}
	return f, command.ReplyNone
}

// killAll closes the connections that the filter chooses, this one only after its reply.
func (cl *client) killAll(f *clientFilter) (killed int) {
	for _, other := range cl.srv.clients.list() {
		if !f.matches(other) {
			continue
		}
		killed++
		if other == cl {
			cl.closing = true
		} else {
			other.killAtOnce()
		}
	}
	return killed
}

func clientInfo(cl *client, c *command.Call) command.Reply {
	return command.Verbatim(cl.listEntry(c.Now) + "\n")
}

func clientList(cl *client, c *command.Call) command.Reply {
	switch {
	case len(c.Args) == 2:
		return clientLines(cl.srv.clients.list(), c.Now)
	case len(c.Args) == 4 && c.Is(2, "TYPE"):
		class, refusal := parseClientType(c.Args[3])
		if refusal.IsError() {
			return refusal
		}
		chosen := slices.DeleteFunc(cl.srv.clients.list(), func(cl *client) bool { return cl.class() != class })
		return clientLines(chosen, c.Now)
	case len(c.Args) > 3 && c.Is(2, "ID"):
		var chosen []*client
		for i := 3; i < len(c.Args); i++ {
			id, ok := c.Int(i)
			if !ok {
				return command.ErrorReply("ERR Invalid client ID")
			}
			if other := cl.srv.clients.find(id); other != nil {
				chosen = append(chosen, other)
			}
		}
		return clientLines(chosen, c.Now)
	}
	return command.ErrSyntax
}

func clientLines(clients []*client, now int64) command.Reply {
	var lines strings.Builder
	for _, cl := range clients {
		lines.WriteString(cl.listEntry(now))
		lines.WriteByte('\n')
	}
	return command.Verbatim(lines.String())
}

func clientUnblock(cl *client, c *command.Call) command.Reply {
	if len(c.Args) > 4 {
		return command.ErrSubcommandSyntax(c)
	}
	withError := c.Is(3, "ERROR")
	if len(c.Args) == 4 && !withError && !c.Is(3, "TIMEOUT") {
		return command.ErrorReply("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	}
	id, ok := c.Int(2)
	if !ok {
		return command.ErrNotInteger
	}
	other := cl.srv.clients.find(id)
	if other == nil || cl.srv.loading.Load() != nil { // then nobody waits
		return command.ReplyZero
	}
	waited := false
	if err := cl.srv.store.Look(c.Locked, func() { waited = cl.srv.unblock(other, withError) }); err != nil {
		return cl.NotSeen(err)
	}
	return command.OneIf(waited)
}
