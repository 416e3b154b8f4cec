package command

import "diskette/store"

func streamGroupRows() []*Row {
	return []*Row{
		{Name: "xgroup", Arity: -2,
			Group: "stream", Since: "5.0.0", Cats: "-stream", Cost: "Depends on subcommand.",
			Doc: "Makes and changes consumer groups.", Subs: []*Row{
				{Name: "create", Arity: -5, Flags: Write | Denyoom, Keys: asksForEntries(KeyAt(2, "RW insert")), Write: xgroupCreate,
					Since: "5.0.0", Usage: "<key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD <entries_read>]",
					Args: "key groupname id(id|$) [MKSTREAM] [ENTRIESREAD entries_read:integer]",
					Doc:  "Creates a consumer group that reads from an id on."},
				{Name: "delconsumer", Arity: 5, Flags: Write, Keys: asksForEntries(KeyAt(2, "RW delete")), Write: xgroupDelconsumer,
					Since: "5.0.0", Usage: "<key> <groupname> <consumer>", Args: "key groupname consumername",
					Doc: "Removes a consumer with what is pending at it."},
				{Name: "createconsumer", Arity: 5, Flags: Write | Denyoom, Keys: asksForEntries(KeyAt(2, "RW insert")),
					Write: xgroupCreateconsumer,
					Since: "6.2.0", Usage: "<key> <groupname> <consumer>", Args: "key groupname consumername",
					Doc: "Creates a consumer."},
				{Name: "help", Arity: 2, Flags: Loading | Stale, Conn: Help,
					Since: "5.0.0", Doc: "Explains the subcommands."},
				{Name: "destroy", Arity: 4, Flags: Write, Keys: asksForEntries(KeyAt(2, "RW delete")), Write: xgroupDestroy,
					Since: "5.0.0", Usage: "<key> <groupname>", Args: "key groupname",
					Cost: "O(N) in the number of pending entries", Doc: "Removes a consumer group."},
				{Name: "setid", Arity: -5, Flags: Write, Keys: asksForEntries(KeyAt(2, "RW update")), Write: xgroupSetid,
					Since: "5.0.0", Usage: "<key> <groupname> <id|$> [ENTRIESREAD <entries_read>]",
					Args: "key groupname id(id|$) [ENTRIESREAD entries_read:integer]",
					Doc:  "Says how far a consumer group has read."},
			}},
	}
}

var (
	errGroupNeedsKey = ErrorReply("ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.")
	errBusyGroup     = ErrorReply("BUSYGROUP Consumer Group name already exists")
	errEntriesRead   = ErrorReply("ERR value for ENTRIESREAD must be positive or -1")
)

// errNoGroup is what XGROUP and XINFO say, errNoKeyOrGroup what the others say.
func errNoGroup(key, group []byte) Reply {
	return ErrorReply(OneLine("NOGROUP No such consumer group '" + UpToNUL(group, len(group)) + "' for key name '" + UpToNUL(key, len(key)) + "'"))
}

func errNoKeyOrGroup(c *Call) Reply {
	key, group := c.Args[1], c.Args[2]
	return ErrorReply(OneLine("NOGROUP No such key '" + UpToNUL(key, len(key)) + "' or consumer group '" + UpToNUL(group, len(group)) + "'"))
}

// groupOptions reads the options of XGROUP CREATE and SETID.
func (c *Call) groupOptions(create bool) (makeStream bool, read int64, refusal Reply) {
	read = -1
	for i := 5; i < len(c.Args); i++ {
		switch {
		case create && c.Is(i, "mkstream"):
			makeStream = true
		case c.Is(i, "entriesread") && i+1 < len(c.Args):
			i++
			ok := false
			if read, ok = c.Int(i); !ok {
				return false, 0, ErrNotInteger
			}
			if read < -1 {
				return false, 0, errEntriesRead
			}
		default:
			return false, 0, ErrSubcommandSyntax(c)
		}
	}
	return makeStream, read, ReplyNone
}

func xgroupCreate(tx *store.Tx, c *Call) Reply {
	makeStream, read, refusal := c.groupOptions(true)
	if refusal.IsError() {
		return refusal
	}
	s, err := tx.EditStreamPart(c.Args[2])
	switch {
	case err != nil:
		return Failure(err)
	case !s.Exists() && !makeStream:
		return errGroupNeedsKey
	case len(c.Args) > 8:
		return ErrSubcommandSyntax(c)
	}
	last, ok := groupStart(s, c.Args[4], parseStrictID)
	if !ok {
		return errStreamID
	}
	if s.Group(c.Args[3]) != nil {
		return errBusyGroup
	}
	s.CreateGroup(c.Args[3], last, read)
	c.notify(tx, eventStream, "xgroup-create", c.Args[2])
	return ReplyOK
}

// groupStart reads the id behind which a group begins; $ is the stream's last.
func groupStart(s store.StreamTx, arg []byte, parse func([]byte, uint64) (store.StreamID, bool)) (id store.StreamID, ok bool) {
	if string(arg) == "$" {
		return s.LastID(), true
	}
	return parse(arg, 0)
}

// groupOf looks up the stream and the group that an XGROUP subcommand needs.
func groupOf(tx *store.Tx, c *Call) (s store.StreamTx, g *store.StreamGroup, refusal Reply) {
	s, reply, ok := existingStream(tx, c.Args[2], errGroupNeedsKey)
	if !ok {
		return s, nil, reply
	}
	if g = s.Group(c.Args[3]); g == nil {
		return s, nil, errNoGroup(c.Args[2], c.Args[3])
	}
	return s, g, ReplyNone
}

func xgroupSetid(tx *store.Tx, c *Call) Reply {
	_, read, refusal := c.groupOptions(false)
	if refusal.IsError() {
		return refusal
	}
	s, g, refusal := groupOf(tx, c)
	switch {
	case refusal.IsError():
		return refusal
	case len(c.Args) > 7:
		return ErrSubcommandSyntax(c)
	}
	last, ok := groupStart(s, c.Args[4], parseStreamID)
	if !ok {
		return errStreamID
	}
	s.SetGroup(g, last, read)
	c.notify(tx, eventStream, "xgroup-setid", c.Args[2])
	return ReplyOK
}

func xgroupDestroy(tx *store.Tx, c *Call) Reply {
	s, reply, ok := existingStream(tx, c.Args[2], errGroupNeedsKey)
	if !ok {
		return reply
	}
	g := s.Group(c.Args[3])
	if g == nil {
		return ReplyZero
	}
	s.DestroyGroup(g)
	c.notify(tx, eventStream, "xgroup-destroy", c.Args[2])
	c.Touched(tx.DB(), string(c.Args[2])) // those who wait in XREADGROUP are to hear of it
	return ReplyOne
}

func xgroupCreateconsumer(tx *store.Tx, c *Call) Reply {
	s, g, refusal := groupOf(tx, c)
	switch {
	case refusal.IsError():
		return refusal
	case g.Consumer(c.Args[4]) != nil:
		return ReplyZero
	}
	s.CreateConsumer(g, c.Args[4])
	c.notify(tx, eventStream, "xgroup-createconsumer", c.Args[2])
	return ReplyOne
}

func xgroupDelconsumer(tx *store.Tx, c *Call) Reply {
	s, g, refusal := groupOf(tx, c)
	if refusal.IsError() {
		return refusal
	}
	consumer := g.Consumer(c.Args[4])
	if consumer == nil {
		return ReplyZero
	}
	pending := s.DeleteConsumer(g, consumer)
	c.notify(tx, eventStream, "xgroup-delconsumer", c.Args[2])
	return Integer(pending)
}
