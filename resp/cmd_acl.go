package resp

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"

	"diskette/resp/internal/words"
)

const (
	genpassBits    = 256
	genpassMaxBits = 4096
)

var (
	errNoACLFile = errorReply("ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.")
	errACLSave   = errorReply("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
	errUserName  = errorReply("ERR Usernames can't contain spaces or null characters")
	errGenpass   = errorReply("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to " + strconv.Itoa(genpassMaxBits))
)

func aclWhoami(cl *client, _ *call) Reply { return bulkString(cl.user.Load().name) }

func aclList(cl *client, _ *call) Reply { return bulkStrings(cl.srv.acl.lines()) }

func aclUsers(cl *client, _ *call) Reply {
	var names []string
	for _, u := range cl.srv.acl.list() {
		names = append(names, u.name)
	}
	return bulkStrings(names)
}

func aclCat(cl *client, c *call) Reply {
	switch {
	case len(c.args) == 2:
		return bulkStrings(categoryNames)
	case len(c.args) > 3:
		return errSubcommandSyntax(c)
	case !isCategory(c.str(2)):
		return errorReply(oneLine("ERR Unknown category '" + upToNUL(c.args[2], 128) + "'"))
	}
	var names []string
	cl.srv.table.each(func(r *row) {
		if r.isIn(c.str(2)) {
			names = append(names, r.full)
		}
	})
	return bulkStrings(names)
}

func aclSetuser(cl *client, c *call) Reply {
	if hasSpace(c.str(2)) {
		return errUserName
	}
	var words []string
	for _, word := range c.args[3:] {
		words = append(words, string(word))
	}
	rules, open := mergeSelectors(words)
	if open != "" {
		return errorReply(oneLine("ERR Unmatched parenthesis in acl selector starting at '" + open + "'."))
	}
	u, old, err := cl.srv.acl.set(c.str(2), rules)
	if err != nil {
		return errorReply(oneLine("ERR " + err.Error()))
	}
	if old != nil {
		cl.srv.closeListeners(cl, u, old)
	}
	if u == cl.srv.acl.def {
		cl.srv.noteOpen()
	}
	return replyOK
}

func aclDeluser(cl *client, c *call) Reply {
	for _, name := range c.args[2:] {
		if string(name) == defaultUser {
			return errorReply("ERR The 'default' user cannot be removed")
		}
	}
	var deleted []*user
	for _, name := range c.args[2:] {
		if u := cl.srv.acl.delete(string(name)); u != nil {
			deleted = append(deleted, u)
		}
	}
	cl.srv.closeUsers(cl, deleted)
	return integer(len(deleted))
}

// aclGetuser answers null for a user that there is not.
func aclGetuser(cl *client, c *call) Reply {
	u := cl.srv.acl.find(c.str(2))
	if u == nil {
		return replyNull
	}
	p := u.permissions.Load()
	further := make([]Reply, 0, len(p.selectors)-1)
	for _, s := range p.selectors[1:] {
		further = append(further, mapOf(s.fields()...))
	}
	fields := []Reply{bulkString("flags"), setOf(bulkStrings(p.flags()).elems...), bulkString("passwords"), bulkStrings(p.passwords)}
	fields = append(fields, p.selectors[0].fields()...)
	return mapOf(append(fields, bulkString("selectors"), array(further...))...)
}

func aclGenpass(_ *client, c *call) Reply {
	bits := int64(genpassBits)
	if len(c.args) > 3 {
		return errSubcommandSyntax(c)
	}
	if len(c.args) == 3 {
		n, ok := c.int(2)
		if !ok {
			return errNotInteger
		}
		bits = n
	}
	if bits <= 0 || bits > genpassMaxBits {
		return errGenpass
	}
	random := make([]byte, (bits+7)/8)
	rand.Read(random)
	return bulkString(hex.EncodeToString(random)[:(bits+3)/4])
}

func aclLog(cl *client, c *call) Reply {
	d := &cl.srv.acl.denials
	count := int64(10)
	switch {
	case len(c.args) > 3:
		return errSubcommandSyntax(c)
	case c.is(2, "RESET"):
		d.reset()
		return replyOK
	case len(c.args) == 3:
		n, ok := c.int(2)
		if !ok {
			return errNotInteger
		}
		count = n
	}
	var entries []Reply
	for _, e := range d.newest(count) {
		entries = append(entries, e.reply(c.now))
	}
	return array(entries...)
}

func aclDryrun(cl *client, c *call) Reply {
	u := cl.srv.acl.find(c.str(2))
	if u == nil {
		return errorReply(oneLine("ERR User '" + c.str(2) + "' not found"))
	}
	args := c.args[3:]
	r := cl.srv.table.lookup(args[0])
	if r != nil && r.subs != nil && len(args) > 1 {
		r = r.sub(args[1])
	}
	switch {
	case r == nil:
		return errorReply(oneLine("ERR Command '" + string(args[0]) + "' not found"))
	case !r.arityOK(len(args)):
		return errArity(r)
	}
	if d := u.permissions.Load().check(r, args); d.reason != allowed {
		return bulkString(d.text(u.name, r, args, true))
	}
	return replyOK
}

func aclLoad(cl *client, _ *call) Reply {
	s := cl.srv
	file, err := s.cfg.aclFile()
	if file == "" && err == nil {
		return errNoACLFile
	}
	var old []*user
	if err == nil {
		old, err = s.acl.load(file)
	}
	if err != nil {
		return errorReply(oneLine("ERR " + err.Error()))
	}
	s.closeUsers(cl, old)
	s.noteOpen()
	return replyOK
}

func aclSave(cl *client, _ *call) Reply {
	s := cl.srv
	file, err := s.cfg.aclFile()
	if file == "" && err == nil {
		return errNoACLFile
	}
	if err == nil {
		err = s.acl.save(file)
	}
	if err != nil {
		s.log.Error().Err(err).Str("file", file).Msg("ACL SAVE failed")
		return errACLSave
	}
	return replyOK
}

// closeUsers ends the connections of users that are no more; the client that asks for it gets its reply.
func (s *Server) closeUsers(asking *client, gone []*user) {
	for _, cl := range s.clients.list() {
		if slices.Contains(gone, cl.user.Load()) {
			cl.shut(asking)
		}
	}
}

// closeListeners ends the connections of a user that listen to what he may not listen to any more. Only what has been
// taken away is looked at, as in Redis.
func (s *Server) closeListeners(asking *client, u *user, old *permissions) {
	var channels []string
	for _, sel := range u.permissions.Load().selectors {
		if sel.allChannels {
			return
		}
		channels = append(channels, sel.channels...)
	}
	lost := slices.ContainsFunc(old.selectors, func(sel *selector) bool {
		return sel.allChannels || slices.ContainsFunc(sel.channels, func(c string) bool { return !slices.Contains(channels, c) })
	})
	if !lost {
		return
	}
	left := &selector{channels: channels}
	for _, cl := range s.clients.list() {
		if cl.user.Load() == u && s.pubsub.listensBeyond(cl, left) {
			cl.shut(asking)
		}
	}
}

// shut ends a connection, this one only after its reply.
func (cl *client) shut(asking *client) {
	if cl != asking {
		cl.kill()
		return
	}
	cl.closing = true
	cl.user.Store(cl.srv.acl.def)
	cl.authed = false
}

// listensBeyond reports whether a client listens to a channel or pattern that a selector does not allow.
func (p *listeners) listensBeyond(cl *client, s *selector) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for kind := range subscriptionKinds {
		for name := range cl.subscriptions.names[kind] {
			if !s.allowsChannel(words.ViewBytes(name), kind == toPattern) {
				return true
			}
		}
	}
	return false
}
