package resp

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"

	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/internal/words"
)

func aclRows() []*command.Row {
	return []*command.Row{
		{Name: "acl", Arity: -2,
			Group: "server", Since: "6.0.0", Doc: "Says who may do what.", Subs: []*command.Row{
				{Name: "save", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclSave),
					Since: "6.0.0", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Cost: "O(N) in the number of users", Doc: "Writes the users into the ACL file."},
				{Name: "dryrun", Arity: -4, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclDryrun),
					Since: "7.0.0", Usage: "<username> <command> [<arg> ...]", Args: "username command [arg...]",
					Doc: "Tells whether a user may run a command, without running it."},
				{Name: "users", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclUsers),
					Since: "6.0.0", Cost: "O(N) in the number of users", Doc: "Names the users."},
				{Name: "log", Arity: -2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclLog),
					Since: "6.0.0", Usage: "[<count> | RESET]", Args: "[operation(count|RESET)]",
					Cost: "O(N) in the number of entries returned", Doc: "Lists what was denied lately, or forgets it."},
				{Name: "load", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclLoad),
					Since: "6.0.0", Cost: "O(N) in the number of users", Doc: "Reads the users from the ACL file again."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "6.0.0", Doc: "Explains the subcommands."},
				{Name: "setuser", Arity: -3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclSetuser),
					Since: "6.0.0", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Usage: "<username> <attribute> [<attribute> ...]", Args: "username [rule...]",
					Cost: "O(N) in the number of rules", Doc: "Makes or changes a user."},
				{Name: "genpass", Arity: -2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(aclGenpass),
					Since: "6.0.0", Usage: "[<bits>]", Args: "[bits=integer]", Doc: "Makes up a password."},
				{Name: "deluser", Arity: -3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclDeluser),
					Since: "6.0.0", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Usage: "<username> [<username> ...]", Args: "username...", Cost: "O(1) for a usual user",
					Doc: "Deletes users and closes their connections."},
				{Name: "whoami", Arity: 2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(aclWhoami),
					Since: "6.0.0", Doc: "Returns the name of this connection's user."},
				{Name: "cat", Arity: -2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(aclCat),
					Since: "6.0.0", Usage: "[<category>]", Args: "[categoryname]",
					Doc: "Lists the categories of commands, or the commands of one."},
				{Name: "getuser", Arity: 3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclGetuser),
					Since: "6.0.0", Usage: "<username>", Args: "username", Cost: "O(N) in the number of rules",
					Doc: "Describes a user."},
				{Name: "list", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(aclList),
					Since: "6.0.0", Cost: "O(N) in the number of users", Doc: "Lists the users with their rules."},
			}},
	}
}

const (
	genpassBits    = 256
	genpassMaxBits = 4096
)

var (
	errNoACLFile = command.ErrorReply("ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.")
	errACLSave   = command.ErrorReply("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
	errUserName  = command.ErrorReply("ERR Usernames can't contain spaces or null characters")
	errGenpass   = command.ErrorReply("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to " + strconv.Itoa(genpassMaxBits))
)

func aclWhoami(cl *client, _ *command.Call) command.Reply {
	return command.BulkString(cl.user.Load().Name)
}

func aclList(cl *client, _ *command.Call) command.Reply {
	return command.BulkStrings(cl.srv.acl.Lines())
}

func aclUsers(cl *client, _ *command.Call) command.Reply {
	var names []string
	for _, u := range cl.srv.acl.List() {
		names = append(names, u.Name)
	}
	return command.BulkStrings(names)
}

func aclCat(cl *client, c *command.Call) command.Reply {
	switch {
	case len(c.Args) == 2:
		return command.BulkStrings(command.CategoryNames)
	case len(c.Args) > 3:
		return command.ErrSubcommandSyntax(c)
	case !acl.IsCategory(c.Str(2)):
		return command.ErrorReply(command.OneLine("ERR Unknown category '" + command.UpToNUL(c.Args[2], 128) + "'"))
	}
	var names []string
	cl.srv.table.Each(func(r *command.Row) {
		if r.IsIn(c.Str(2)) {
			names = append(names, r.Full)
		}
	})
	return command.BulkStrings(names)
}

func aclSetuser(cl *client, c *command.Call) command.Reply {
	if acl.HasSpace(c.Str(2)) {
		return errUserName
	}
	var words []string
	for _, word := range c.Args[3:] {
		words = append(words, string(word))
	}
	rules, open := acl.MergeSelectors(words)
	if open != "" {
		return command.ErrorReply(command.OneLine("ERR Unmatched parenthesis in acl selector starting at '" + open + "'."))
	}
	u, old, err := cl.srv.acl.Set(c.Str(2), rules)
	if err != nil {
		return command.ErrorReply(command.OneLine("ERR " + err.Error()))
	}
	if old != nil {
		cl.srv.closeListeners(cl, u, old)
	}
	if u == cl.srv.acl.Def {
		cl.srv.noteOpen()
	}
	return command.ReplyOK
}

func aclDeluser(cl *client, c *command.Call) command.Reply {
	for _, name := range c.Args[2:] {
		if string(name) == acl.DefaultUser {
			return command.ErrorReply("ERR The 'default' user cannot be removed")
		}
	}
	var deleted []*acl.User
	for _, name := range c.Args[2:] {
		if u := cl.srv.acl.Delete(string(name)); u != nil {
			deleted = append(deleted, u)
		}
	}
	cl.srv.closeUsers(cl, deleted)
	return command.Integer(len(deleted))
}

// aclGetuser answers null for a user that there is not.
func aclGetuser(cl *client, c *command.Call) command.Reply {
	u := cl.srv.acl.Find(c.Str(2))
	if u == nil {
		return command.ReplyNull
	}
	p := u.Permissions.Load()
	further := make([]command.Reply, 0, len(p.Selectors)-1)
	for _, s := range p.Selectors[1:] {
		further = append(further, command.MapOf(s.Fields()...))
	}
	fields := []command.Reply{command.BulkString("flags"), command.SetOf(command.BulkStrings(p.Flags()).Elems...), command.BulkString("passwords"), command.BulkStrings(p.Passwords)}
	fields = append(fields, p.Selectors[0].Fields()...)
	return command.MapOf(append(fields, command.BulkString("selectors"), command.Array(further...))...)
}

func aclGenpass(_ *client, c *command.Call) command.Reply {
	bits := int64(genpassBits)
	if len(c.Args) > 3 {
		return command.ErrSubcommandSyntax(c)
	}
	if len(c.Args) == 3 {
		n, ok := c.Int(2)
		if !ok {
			return command.ErrNotInteger
		}
		bits = n
	}
	if bits <= 0 || bits > genpassMaxBits {
		return errGenpass
	}
	random := make([]byte, (bits+7)/8)
	rand.Read(random)
	return command.BulkString(hex.EncodeToString(random)[:(bits+3)/4])
}

func aclLog(cl *client, c *command.Call) command.Reply {
	d := &cl.srv.acl.Denials
	count := int64(10)
	switch {
	case len(c.Args) > 3:
		return command.ErrSubcommandSyntax(c)
	case c.Is(2, "RESET"):
		d.Reset()
		return command.ReplyOK
	case len(c.Args) == 3:
		n, ok := c.Int(2)
		if !ok {
			return command.ErrNotInteger
		}
		count = n
	}
	var entries []command.Reply
	for _, e := range d.Newest(count) {
		entries = append(entries, e.Reply(c.Now))
	}
	return command.Array(entries...)
}

func aclDryrun(cl *client, c *command.Call) command.Reply {
	u := cl.srv.acl.Find(c.Str(2))
	if u == nil {
		return command.ErrorReply(command.OneLine("ERR User '" + c.Str(2) + "' not found"))
	}
	args := c.Args[3:]
	r := cl.srv.called.Lookup(args[0])
	if r != nil && r.Subs != nil && len(args) > 1 {
		r = r.Sub(args[1])
	}
	switch {
	case r == nil:
		return command.ErrorReply(command.OneLine("ERR Command '" + string(args[0]) + "' not found"))
	case !r.ArityOK(len(args)):
		return command.ErrArity(r)
	}
	if d := u.Permissions.Load().Check(r, args); d.Reason != acl.Allowed {
		return command.BulkString(d.Text(u.Name, r, args, true))
	}
	return command.ReplyOK
}

func aclLoad(cl *client, _ *command.Call) command.Reply {
	s := cl.srv
	file, err := s.cfg.ACLFile()
	if file == "" && err == nil {
		return errNoACLFile
	}
	var old []*acl.User
	if err == nil {
		old, err = s.acl.Load(file)
	}
	if err != nil {
		return command.ErrorReply(command.OneLine("ERR " + err.Error()))
	}
	s.closeUsers(cl, old)
	s.noteOpen()
	return command.ReplyOK
}

func aclSave(cl *client, _ *command.Call) command.Reply {
	s := cl.srv
	file, err := s.cfg.ACLFile()
	if file == "" && err == nil {
		return errNoACLFile
	}
	if err == nil {
		err = s.acl.Save(file)
	}
	if err != nil {
		s.log.Error().Err(err).Str("file", file).Msg("ACL SAVE failed")
		return errACLSave
	}
	return command.ReplyOK
}

// closeUsers ends the connections of users that are no more; the client that asks for it gets its reply.
func (s *Server) closeUsers(asking *client, gone []*acl.User) {
	for _, cl := range s.clients.list() {
		if slices.Contains(gone, cl.user.Load()) {
			cl.shut(asking)
		}
	}
}

// closeListeners ends the connections of a user that listen to what he may not listen to any more. Only what has been
// taken away is looked at, as in Redis.
func (s *Server) closeListeners(asking *client, u *acl.User, old *acl.Permissions) {
	var channels []string
	for _, sel := range u.Permissions.Load().Selectors {
		if sel.AllChannels {
			return
		}
		channels = append(channels, sel.Channels...)
	}
	lost := slices.ContainsFunc(old.Selectors, func(sel *acl.Selector) bool {
		return sel.AllChannels || slices.ContainsFunc(sel.Channels, func(c string) bool { return !slices.Contains(channels, c) })
	})
	if !lost {
		return
	}
	left := &acl.Selector{Channels: channels}
	for _, cl := range s.clients.list() {
		if cl.user.Load() == u && s.pubsub.listensBeyond(cl, left) {
			cl.shut(asking)
		}
	}
}

// shut ends a connection, this one only after its reply.
func (cl *client) shut(asking *client) {
	if cl != asking {
		cl.killAtOnce()
		return
	}
	cl.closing = true
	cl.user.Store(cl.srv.acl.Def)
	cl.authed = false
}

// listensBeyond reports whether a client listens to a channel or pattern that a selector does not allow.
func (p *listeners) listensBeyond(cl *client, s *acl.Selector) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for kind := range subscriptionKinds {
		for name := range cl.subscriptions.names[kind] {
			if !s.AllowsChannel(words.ViewBytes(name), kind == toPattern) {
				return true
			}
		}
	}
	return false
}
