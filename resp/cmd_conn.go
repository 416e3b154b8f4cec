package resp

import "math"

var (
	errNoPasswordSet = errorReply("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	errHelloNoAuth   = errorReply("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	errProtoInteger  = errorReply("ERR Protocol version is not an integer or out of range")
	errClientName    = errorReply("ERR Client names cannot contain spaces, newlines or special characters.")
)

func ping(cl *client, c *call) Reply {
	if len(c.args) > 2 {
		return errArity(c.row)
	}
	message := replyPong
	if len(c.args) == 2 {
		message = bulk(c.args[1])
	}
	if cl.subscribedRESP2() { // all that it gets has the form of a push
		if len(c.args) == 1 {
			message = bulkString("")
		}
		return array(bulkString("pong"), message)
	}
	if s := cl.srv; s.store.Damaged() && s.cfg.Bool("ping-fails-when-damaged") {
		return errPingDamaged
	}
	return message
}

func echo(_ *client, c *call) Reply { return bulk(c.args[1]) }

func quit(cl *client, _ *call) Reply {
	cl.closing = true
	return replyOK
}

func selectDB(cl *client, c *call) Reply {
	db, ok := c.int(1)
	switch {
	case !ok:
		return errNotInteger
	case db < math.MinInt32 || db > math.MaxInt32:
		return errInt32Range
	case db < 0 || db >= int64(cl.srv.cfg.Databases):
		return errDBIndex
	}
	cl.selectDB(int(db))
	return replyOK
}

func (cl *client) selectDB(db int) {
	cl.db = db
	cl.dbSeen.Store(int32(db))
}

func auth(cl *client, c *call) Reply {
	user, password := []byte(defaultUser), c.args[1]
	switch {
	case len(c.args) > 3:
		return errSyntax
	case len(c.args) == 3:
		user, password = c.args[1], c.args[2]
	case cl.srv.acl.def.permissions.Load().nopass:
		return errNoPasswordSet
	}
	if !cl.authenticate(c, user, password) {
		return errWrongPass
	}
	return replyOK
}

// authenticate makes the client a user's if the password is right; if not, it stays what it was.
func (cl *client) authenticate(c *call, user, password []byte) bool {
	if !cl.srv.acl.authenticate(&cl.user, user, password) {
		context := cl.aclContext()
		if c.locked {
			context = "multi"
		}
		cl.noteDenial(deniedAuth, context, c.str(0), string(user))
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
	open := cl.srv.acl.open()
	cl.guard.Authed.Store(open)
	return open
}

func (cl *client) setProtocol(resp3 bool) {
	cl.resp3 = resp3
	cl.pushesRESP3.Store(resp3)
	cl.mu.Lock()
	cl.mu.resp3 = resp3
	cl.mu.Unlock()
}

func (cl *client) setName(name string) {
	cl.mu.Lock()
	cl.mu.name = name
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

func parseHello(c *call) (o helloOptions, refusal Reply) {
	if len(c.args) == 1 {
		return o, replyNone
	}
	protocol, ok := c.int(1)
	if !ok {
		return o, errProtoInteger
	}
	if protocol < 2 || protocol > 3 {
		return o, errNoProto
	}
	o.protocol = protocol
	for i := 2; i < len(c.args); i++ {
		more := len(c.args) - 1 - i
		switch {
		case c.is(i, "AUTH") && more >= 2:
			o.user, o.password = c.args[i+1], c.args[i+2]
			i += 2
		case c.is(i, "SETNAME") && more >= 1:
			o.name = c.args[i+1]
			if !validClientName(o.name) {
				return o, errClientName
			}
			i++
		default:
			return o, errorReply(oneLine("ERR Syntax error in HELLO option '" + c.str(i) + "'"))
		}
	}
	return o, replyNone
}

func hello(cl *client, c *call) Reply {
	o, refusal := parseHello(c)
	if refusal.isError() {
		return refusal
	}
	if o.user != nil && !cl.authenticate(c, o.user, o.password) {
		return errWrongPass
	}
	if !cl.isAuthed() {
		return errHelloNoAuth
	}
	if o.name != nil {
		cl.setName(string(o.name))
	}
	if o.protocol != 0 {
		cl.setProtocol(o.protocol == 3)
		if cl.resp3 {
			cl.startPushes() // others may let their invalidations come here
		}
	}
	return mapOf(
		bulkString("server"), bulkString("redis"),
		bulkString("version"), bulkString(RedisVersion),
		bulkString("proto"), integer(cl.protocol()),
		bulkString("id"), integer(cl.id),
		bulkString("mode"), bulkString("standalone"),
		bulkString("role"), bulkString("master"),
		bulkString("modules"), array(),
	)
}

func (cl *client) protocol() int {
	if cl.resp3 {
		return 3
	}
	return 2
}

// reset makes the connection as new; only the library's name and version stay, since the
// library behind it does.
func reset(cl *client, _ *call) Reply {
	cl.multi = nil
	cl.unwatch()
	cl.noteMulti()
	cl.selectDB(0)
	cl.setProtocol(false)
	cl.setName("")
	cl.setNoTouch(false)
	cl.replies = repliesOn
	cl.srv.pubsub.leave(cl)
	cl.srv.monitors.leave(cl)
	cl.srv.tracking.turnOff(cl)
	cl.caching = false
	cl.noteSubscribed()
	cl.mu.Lock()
	cl.mu.noEvict = false
	cl.mu.Unlock()
	cl.user.Store(cl.srv.acl.def)
	cl.setAuthed(cl.srv.acl.open())
	return simple("RESET")
}
