package resp

import (
	"math"
	"slices"
	"strings"
	"time"

	"diskette/resp/internal/numbers"
)

var errNoSuchClient = errorReply("ERR No such client")

func clientID(cl *client, _ *call) Reply { return integer(cl.id) }

func clientGetname(cl *client, _ *call) Reply {
	cl.mu.Lock()
	name := cl.mu.name
	cl.mu.Unlock()
	if name == "" {
		return replyNull
	}
	return bulkString(name)
}

func clientSetname(cl *client, c *call) Reply {
	if !validClientName(c.args[2]) {
		return errClientName
	}
	cl.setName(c.str(2))
	return replyOK
}

func clientSetinfo(cl *client, c *call) Reply {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	var field *string
	switch {
	case c.is(2, "LIB-NAME"):
		field = &cl.mu.libName
	case c.is(2, "LIB-VER"):
		field = &cl.mu.libVer
	default:
		return errorReply(oneLine("ERR Unrecognized option '" + c.str(2) + "'"))
	}
	if !validClientName(c.args[3]) {
		return errorReply("ERR " + c.str(2) + " cannot contain spaces, newlines or special characters.")
	}
	*field = c.str(3)
	return replyOK
}

// clientReply answers only when replies are on afterwards.
func clientReply(cl *client, c *call) Reply {
	switch {
	case c.is(2, "ON"):
		cl.replies = repliesOn
		return replyOK
	case c.is(2, "OFF"):
		cl.replies = repliesOff
	case c.is(2, "SKIP"):
		switch {
		case cl.replies == repliesOff:
		case c.locked: // the next reply is that of the command after EXEC
			cl.replies = repliesSkip
		default:
			cl.replies = repliesSkipNext
		}
	default:
		return errSyntax
	}
	return replyNone
}

func clientNoEvict(cl *client, c *call) Reply {
	on, ok := onOff(c, 2)
	if !ok {
		return errSyntax
	}
	cl.mu.Lock()
	cl.mu.noEvict = on
	cl.mu.Unlock()
	return replyOK
}

func clientNoTouch(cl *client, c *call) Reply {
	on, ok := onOff(c, 2)
	if !ok {
		return errSyntax
	}
	cl.setNoTouch(on)
	return replyOK
}

func (cl *client) setNoTouch(on bool) {
	cl.noTouch = on
	cl.mu.Lock()
	cl.mu.noTouch = on
	cl.mu.Unlock()
}

// onOff reads argument i as ON or OFF.
func onOff(c *call, i int) (on, ok bool) {
	on = c.is(i, "ON")
	return on, on || c.is(i, "OFF")
}

func clientPause(cl *client, c *call) Reply {
	if len(c.args) > 4 {
		return errSubcommandSyntax(c)
	}
	all := true
	if len(c.args) == 4 {
		all = c.is(3, "ALL")
		if !all && !c.is(3, "WRITE") {
			return errorReply("ERR CLIENT PAUSE mode must be WRITE or ALL")
		}
	}
	millis, ok := c.int(2)
	switch {
	case !ok:
		return errTimeout
	case millis < 0:
		return errTimeoutBelow
	case millis > math.MaxInt64-c.now:
		return errTimeoutRange
	case millis > 0:
		cl.srv.pause.begin(time.Duration(min(millis, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond, all)
	}
	return replyOK
}

func clientUnpause(cl *client, _ *call) Reply {
	cl.srv.pause.end()
	return replyOK
}

// clientFilter chooses connections for CLIENT KILL; zero fields choose all.
type clientFilter struct {
	id          int64
	addr, laddr []byte
	typ         string // "" = any
	nobody      bool   // a type of connection that this server does not have
	except      *client
	user        *user
}

func (f *clientFilter) matches(cl *client) bool {
	return !f.nobody && cl != f.except &&
		(f.typ == "" || f.typ == cl.class()) &&
		(f.user == nil || f.user == cl.user.Load()) && (f.id == 0 || cl.id == f.id) && (f.addr == nil || cl.addr == string(f.addr)) && (f.laddr == nil || cl.laddr == string(f.laddr))
}

// clientTypes are CLIENT's words for types, and whether connections here can be of it.
var clientTypes = map[string]bool{"normal": true, "slave": false, "replica": false, "pubsub": true, "master": false}

// class is the client's type, as CLIENT LIST TYPE and client-output-buffer-limit have it.
func (cl *client) class() string {
	if cl.subscriptions.all() > 0 {
		return "pubsub"
	}
	return "normal"
}

func parseClientType(word []byte) (exists bool, refusal Reply) {
	exists, known := clientTypes[strings.ToLower(string(word))]
	if !known {
		return false, errorReply(oneLine("ERR Unknown client type '" + string(word) + "'"))
	}
	return exists, replyNone
}

func clientKill(cl *client, c *call) Reply {
	if len(c.args) == 3 {
		if cl.killAll(&clientFilter{addr: c.args[2]}) == 0 {
			return errNoSuchClient
		}
		return replyOK
	}
	f, refusal := parseKillFilter(cl, c)
	if refusal.isError() {
		return refusal
	}
	return integer(cl.killAll(f))
}

func parseKillFilter(cl *client, c *call) (f *clientFilter, refusal Reply) {
	f = &clientFilter{except: cl}
	for i := 2; i < len(c.args); i += 2 {
		if i+1 == len(c.args) {
			return nil, errSyntax
		}
		value := c.args[i+1]
		switch {
		case c.is(i, "ID"):
			id, ok := numbers.ParseInt(value)
			if !ok || id < 1 {
				return nil, errorReply("ERR client-id should be greater than 0")
			}
			f.id = id
		case c.is(i, "TYPE"):
			exists, refusal := parseClientType(value)
			if refusal.isError() {
				return nil, refusal
			}
			f.nobody, f.typ = !exists, strings.ToLower(string(value))
		case c.is(i, "ADDR"):
			f.addr = value
		case c.is(i, "LADDR"):
			f.laddr = value
		case c.is(i, "USER"):
			if f.user = cl.srv.acl.find(string(value)); f.user == nil {
				return nil, errorReply(oneLine("ERR No such user '" + string(value) + "'"))
			}
		case c.is(i, "SKIPME") && c.is(i+1, "YES"):
			f.except = cl
		case c.is(i, "SKIPME") && c.is(i+1, "NO"):
			f.except = nil
		default:
			return nil, errSyntax
		}
	}
	return f, replyNone
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
			other.kill()
		}
	}
	return killed
}

func clientInfo(cl *client, c *call) Reply {
	return verbatim(cl.line(c.now) + "\n")
}

func clientList(cl *client, c *call) Reply {
	switch {
	case len(c.args) == 2:
		return clientLines(cl.srv.clients.list(), c.now)
	case len(c.args) == 4 && c.is(2, "TYPE"):
		exists, refusal := parseClientType(c.args[3])
		if refusal.isError() {
			return refusal
		}
		var chosen []*client
		if exists {
			typ := strings.ToLower(c.str(3))
			chosen = slices.DeleteFunc(cl.srv.clients.list(), func(cl *client) bool { return cl.class() != typ })
		}
		return clientLines(chosen, c.now)
	case len(c.args) > 3 && c.is(2, "ID"):
		var chosen []*client
		for i := 3; i < len(c.args); i++ {
			id, ok := c.int(i)
			if !ok {
				return errorReply("ERR Invalid client ID")
			}
			if other := cl.srv.clients.find(id); other != nil {
				chosen = append(chosen, other)
			}
		}
		return clientLines(chosen, c.now)
	}
	return errSyntax
}

func clientLines(clients []*client, now int64) Reply {
	var lines strings.Builder
	for _, cl := range clients {
		lines.WriteString(cl.line(now))
		lines.WriteByte('\n')
	}
	return verbatim(lines.String())
}

func clientUnblock(cl *client, c *call) Reply {
	if len(c.args) > 4 {
		return errSubcommandSyntax(c)
	}
	withError := c.is(3, "ERROR")
	if len(c.args) == 4 && !withError && !c.is(3, "TIMEOUT") {
		return errorReply("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	}
	id, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	other := cl.srv.clients.find(id)
	if other == nil || cl.srv.loading.Load() != nil { // then nobody waits
		return replyZero
	}
	waited := false
	if err := cl.srv.store.Look(c.locked, func() { waited = cl.srv.unblock(other, withError) }); err != nil {
		return cl.notSeen(err)
	}
	return oneIf(waited)
}
