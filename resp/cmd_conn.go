package resp

import (
	"math"

	"diskette/resp/acl"
	"diskette/resp/command"
)

func connectionRows() []*command.Row {
	return []*command.Row{
		{Name: "auth", Arity: -2,
			Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.NoAuth |
				command.AllowBusy,
			Conn:  onClient(auth),
			Group: "connection", Since: "1.0.0", Args: "[username] password",
			Doc: "Proves who the connection is, by password."},
		{Name: "echo", Arity: 2, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(echo),
			Group: "connection", Since: "1.0.0", Args: "message", Doc: "Returns the message."},
		{Name: "hello", Arity: -1,
			Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.NoAuth |
				command.AllowBusy,
			Conn:  onClient(hello),
			Group: "connection", Since: "6.0.0",
			Args: "[arguments{protover [AUTH username_password{username password}] [SETNAME clientname]}]",
			Doc:  "Switches the protocol version, optionally authenticating and naming the connection."},
		{Name: "ping", Arity: -1, Flags: command.Fast | command.InPubsub, Conn: onClient(ping),
			Group: "connection", Since: "1.0.0", Tips: "request_policy:all_shards response_policy:all_succeeded",
			Args: "[message]", Doc: "Answers PONG, or the message."},
		{Name: "quit", Arity: -1,
			Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.NoAuth |
				command.AllowBusy | command.RunInMulti | command.InPubsub,
			Conn:  onClient(quit),
			Group: "connection", Since: "1.0.0", Doc: "Closes the connection."},
		{Name: "reset", Arity: 1,
			Flags: command.Noscript | command.Loading | command.Stale | command.Fast | command.NoAuth |
				command.AllowBusy | command.RunInMulti | command.InPubsub,
			Conn:  onClient(reset),
			Group: "connection", Since: "6.2.0", Doc: "Brings the connection back to its first state."},
		{Name: "select", Arity: 2, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(selectDB),
			Group: "connection", Since: "1.0.0", Args: "index", Doc: "Changes the database of this connection."},
	}
}

var (
	errNoPasswordSet = command.ErrorReply("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	errHelloNoAuth   = command.ErrorReply("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	errProtoInteger  = command.ErrorReply("ERR Protocol version is not an integer or out of range")
	errClientName    = command.ErrorReply("ERR Client names cannot contain spaces, newlines or special characters.")
)

func ping(cl *client, c *command.Call) command.Reply {
	if len(c.Args) > 2 {
		return command.ErrArity(c.Row)
	}
	message := command.ReplyPong
	if len(c.Args) == 2 {
		message = command.Bulk(c.Args[1])
	}
	if cl.subscribedRESP2() { // all that it gets has the form of a push
		if len(c.Args) == 1 {
			message = command.BulkString("")
		}
		return command.Array(command.BulkString("pong"), message)
	}
	if s := cl.srv; s.store.Damaged() && s.cfg.Bool("ping-fails-when-damaged") {
		return command.ErrPingDamaged
	}
	return message
}

func echo(_ *client, c *command.Call) command.Reply { return command.Bulk(c.Args[1]) }

func quit(cl *client, _ *command.Call) command.Reply {
	cl.closing = true
	return command.ReplyOK
}

func selectDB(cl *client, c *command.Call) command.Reply {
	db, ok := c.Int(1)
	switch {
	case !ok:
		return command.ErrNotInteger
	case db < math.MinInt32 || db > math.MaxInt32:
		return command.ErrInt32Range
	case db < 0 || db >= int64(cl.srv.cfg.Databases):
		return command.ErrDBIndex
	}
	cl.selectDB(int(db))
	return command.ReplyOK
}

func (cl *client) selectDB(db int) {
	cl.DB = db
	cl.dbSeen.Store(int32(db))
}

func auth(cl *client, c *command.Call) command.Reply {
	user, password := []byte(acl.DefaultUser), c.Args[1]
	switch {
	case len(c.Args) > 3:
		return command.ErrSyntax
	case len(c.Args) == 3:
		user, password = c.Args[1], c.Args[2]
	case cl.srv.acl.Def.Permissions.Load().Nopass:
		return errNoPasswordSet
	}
	if !cl.authenticate(c, user, password) {
		return command.ErrWrongPass
	}
	return command.ReplyOK
}

// authenticate makes the client a user's if the password is right; if not, it stays what it was.
func (cl *client) authenticate(c *command.Call, user, password []byte) bool {
	if !cl.srv.acl.Authenticate(&cl.user, user, password) {
		context := cl.aclContext()
		if c.Locked {
			context = "multi"
		}
		cl.noteDenial(acl.DeniedAuth, context, c.Str(0), string(user))
		cl.owes()
		return false
	}
	cl.setAuthed(true)
	return true
}

// setAuthed also lifts the guard's limits for strangers, or puts them back.
func (cl *client) setAuthed(authed bool) {
	cl.authed = authed
	cl.guard.Authed.Store(authed)
}

// isAuthed reports whether the client may run commands: it gave a password, or none is
// asked for, be it since a moment ago.
func (cl *client) isAuthed() bool {
	if cl.authed {
		return true
	}
	open := cl.srv.acl.Open()
	cl.guard.Authed.Store(open)
	return open
}

func (cl *client) setProtocol(resp3 bool) {
	cl.RESP3 = resp3
	cl.pushesRESP3.Store(resp3)
	cl.mu.Lock()
	cl.mu.resp3 = resp3
	cl.mu.Unlock()
}

func (cl *client) setName(name string) {
	cl.mu.Lock()
	if name != "" || cl.mu.names != nil {
		cl.changeNamesLocked().name = name
	}
	cl.mu.Unlock()
}

// validClientName allows what CLIENT LIST can show in one word.
func validClientName(name []byte) bool {
	for _, b := range name {
		if b < '!' || b > '~' {
			return false
		}
	}
	return true
}

// helloOptions are the arguments of HELLO; nil slices were not given.
type helloOptions struct {
	protocol             int64 // 0 = stay with the present one
	user, password, name []byte
}

func parseHello(c *command.Call) (o helloOptions, refusal command.Reply) {
	if len(c.Args) == 1 {
		return o, command.ReplyNone
	}
	protocol, ok := c.Int(1)
	if !ok {
		return o, errProtoInteger
	}
	if protocol < 2 || protocol > 3 {
		return o, command.ErrNoProto
	}
	o.protocol = protocol
	for i := 2; i < len(c.Args); i++ {
		more := len(c.Args) - 1 - i
		switch {
		case c.Is(i, "AUTH") && more >= 2:
			o.user, o.password = c.Args[i+1], c.Args[i+2]
			i += 2
		case c.Is(i, "SETNAME") && more >= 1:
			o.name = c.Args[i+1]
			if !validClientName(o.name) {
				return o, errClientName
			}
			i++
		default:
			return o, command.ErrorReply(command.OneLine("ERR Syntax error in HELLO option '" + c.Str(i) + "'"))
		}
	}
	return o, command.ReplyNone
}

func hello(cl *client, c *command.Call) command.Reply {
	o, refusal := parseHello(c)
	if refusal.IsError() {
		return refusal
	}
	if o.user != nil && !cl.authenticate(c, o.user, o.password) {
		return command.ErrWrongPass
	}
	if !cl.isAuthed() {
		return errHelloNoAuth
	}
	if o.name != nil {
		cl.setName(string(o.name))
	}
	if o.protocol != 0 {
		cl.setProtocol(o.protocol == 3)
		if cl.RESP3 {
			cl.startPushes() // others may let their invalidations come here
		}
	}
	return command.MapOf(
		command.BulkString("server"), command.BulkString("redis"),
		command.BulkString("version"), command.BulkString(RedisVersion),
		command.BulkString("proto"), command.Integer(cl.protocol()),
		command.BulkString("id"), command.Integer(cl.id),
		command.BulkString("mode"), command.BulkString("standalone"),
		command.BulkString("role"), command.BulkString("master"),
		command.BulkString("modules"), command.Array(),
	)
}

func (cl *client) protocol() int {
	if cl.RESP3 {
		return 3
	}
	return 2
}

// reset makes the connection as new; only the library's name and version stay, since the
// library behind it does.
func reset(cl *client, _ *command.Call) command.Reply {
	cl.multi = nil
	cl.unwatch()
	cl.noteMulti()
	cl.selectDB(0)
	cl.setProtocol(false)
	cl.setName("")
	cl.setNoTouch(false)
	cl.replies = repliesOn
	cl.leaveLists()
	cl.caching = false
	cl.noteSubscribed()
	cl.mu.Lock()
	cl.mu.noEvict = false
	cl.mu.Unlock()
	cl.user.Store(cl.srv.acl.Def)
	cl.setAuthed(cl.srv.acl.Open())
	return command.Simple("RESET")
}
