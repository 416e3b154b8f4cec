package command

import (
	"cmp"
	"slices"
	"strings"

	"diskette/resp/internal/glob"
)

func documentationRows() []*Row {
	return []*Row{
		{Name: "command", Arity: -1, Flags: Loading | Stale, Conn: commandRoot,
			Group: "server", Since: "2.8.13", Cats: "connection", Tips: "nondeterministic_output_order",
			Doc: "Returns the facts about all commands.", Subs: []*Row{
				{Name: "docs", Arity: -2, Flags: Loading | Stale, Conn: commandDocs,
					Since: "7.0.0", Cats: "connection", Tips: "nondeterministic_output_order",
					Usage: "[<command-name> ...]", Args: "[command-name...]", Cost: "O(N) in the number of commands",
					Doc: "Describes commands in words."},
				{Name: "getkeys", Arity: -3, Flags: Loading | Stale, Conn: commandGetkeys,
					Since: "2.8.13", Cats: "connection", Usage: "<full-command>", Args: "command [arg...]",
					Cost: "O(N) in the number of arguments", Doc: "Returns the keys among a command's arguments."},
				{Name: "info", Arity: -2, Flags: Loading | Stale, Conn: commandInfo,
					Since: "2.8.13", Cats: "connection", Tips: "nondeterministic_output_order",
					Usage: "[<command-name> ...]", Args: "[command-name...]", Cost: "O(N) in the number of commands",
					Doc: "Describes commands."},
				{Name: "help", Arity: 2, Flags: Loading | Stale, Conn: Help,
					Since: "5.0.0", Cats: "connection", Doc: "Explains the subcommands."},
				{Name: "count", Arity: 2, Flags: Loading | Stale, Conn: commandCount,
					Since: "2.8.13", Cats: "connection", Doc: "Counts the commands."},
				{Name: "getkeysandflags", Arity: -3, Flags: Loading | Stale, Conn: commandGetkeysandflags,
					Since: "7.0.0", Cats: "connection", Usage: "<full-command>", Args: "command [arg...]",
					Cost: "O(N) in the number of arguments",
					Doc:  "Returns a command's keys and what it does with each."},
				{Name: "list", Arity: -2, Flags: Loading | Stale, Conn: commandList,
					Since: "7.0.0", Cats: "connection", Tips: "nondeterministic_output_order",
					Args: "[FILTERBY filterby(MODULE module-name|ACLCAT category|PATTERN pattern)]",
					Cost: "O(N) in the number of commands", Doc: "Names the commands, optionally filtered."},
			}},
	}
}

var errNoKeys = ErrorReply("ERR The command has no key arguments")

// commandRoot is COMMAND without a subcommand.
func commandRoot(c *Call) Reply { return describeAll(c.Table.Rows) }

func describeAll(rows []*Row) Reply {
	all := make([]Reply, len(rows))
	for i, r := range rows {
		all[i] = r.describe()
	}
	return Array(all...)
}

func commandCount(c *Call) Reply { return Integer(len(c.Table.Rows)) }

func commandInfo(c *Call) Reply {
	if len(c.Args) == 2 {
		return describeAll(c.Table.Rows)
	}
	found := make([]Reply, 0, len(c.Args)-2)
	for _, name := range c.Args[2:] {
		if r := c.Table.Find(string(name)); r != nil {
			found = append(found, r.describe())
		} else {
			found = append(found, ReplyNull)
		}
	}
	return Array(found...)
}

// Find looks a row up by its full name, such as "client|list", in any case.
func (t *Table) Find(full string) *Row {
	name, sub, hasSub := strings.Cut(full, "|")
	r := t.Lookup([]byte(name))
	if r != nil && hasSub {
		return r.Sub([]byte(sub))
	}
	return r
}

// describe is the row as COMMAND INFO shows it.
func (r *Row) describe() Reply {
	first, last, step := r.keyRange()
	subs := SetOf()
	if len(r.Subs) > 0 {
		subs = describeAll(r.Subs) // an array, as in Redis
	}
	specs := make([]Reply, len(r.Keys))
	for i := range r.Keys {
		specs[i] = r.Keys[i].describe()
	}
	categories := r.categories()
	for i := range categories {
		categories[i] = "@" + categories[i]
	}
	tips := BulkStrings(strings.Fields(r.Tips)).Elems
	return Array(BulkString(r.Full), Integer(r.Arity), simpleStrings(r.Flags.names()), Integer(first), Integer(last),
		Integer(step),
		simpleStrings(categories), SetOf(tips...), SetOf(specs...), subs)
}

// simpleStrings are flags and the like: a set of simple strings.
func simpleStrings(ss []string) Reply {
	elems := make([]Reply, len(ss))
	for i, s := range ss {
		elems[i] = Simple(s)
	}
	return SetOf(elems...)
}

func (f Flags) names() (names []string) {
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// keyRange is where the keys stand, as COMMAND said it before there were key specifications:
// the first one and those that follow on it without a gap. All 0 = no range describes them.
func (r *Row) keyRange() (first, last, step int) {
	for i := range r.Keys {
		s := &r.Keys[i]
		switch {
		case s.isUnknown() || s.counted || s.keyword != "":
			return first, last, step
		case i == 0:
			first, last, step = s.First, s.Last, s.step
		case s.First == last+1 && s.step == step:
			last = s.Last
		}
	}
	return first, last, step
}

func (s *KeySpec) describe() Reply {
	var m []Reply
	if s.notes != "" {
		m = append(m, BulkString("notes"), BulkString(s.notes))
	}
	m = append(m, BulkString("flags"), simpleStrings(strings.Fields(s.Access)))
	if s.isUnknown() {
		unknown := MapOf(BulkString("type"), BulkString("unknown"), BulkString("spec"), MapOf())
		return MapOf(append(m, BulkString("begin_search"), unknown, BulkString("find_keys"), unknown)...)
	}
	last, limit := s.Last, 0
	if last >= 0 {
		last -= s.First // counted from the first key
	}
	search, place := "index", MapOf(BulkString("index"), Integer(s.First))
	if s.keyword != "" {
		search, place, last = "keyword", MapOf(BulkString("keyword"), BulkString(s.keyword), BulkString("startfrom"),
			Integer(s.First)), 0
		switch {
		case s.half:
			last, limit = -1, 2
		case s.rest:
			last = -1
		}
	}
	kind, keys := "range", MapOf(BulkString("lastkey"), Integer(last), BulkString("keystep"), Integer(s.step),
		BulkString("limit"), Integer(limit))
	if s.counted {
		kind, keys = "keynum", MapOf(BulkString("keynumidx"), ReplyZero, BulkString("firstkey"), ReplyOne,
			BulkString("keystep"), Integer(s.step))
	}
	return MapOf(append(m,
		BulkString("begin_search"), MapOf(BulkString("type"), BulkString(search), BulkString("spec"), place),
		BulkString("find_keys"), MapOf(BulkString("type"), BulkString(kind), BulkString("spec"), keys))...)
}

// commandDocs leaves out what is no command.
func commandDocs(c *Call) Reply {
	rows := c.Table.Rows
	if len(c.Args) > 2 {
		rows = nil
		for _, name := range c.Args[2:] {
			if r := c.Table.Find(string(name)); r != nil {
				rows = append(rows, r)
			}
		}
	}
	return documentAll(rows)
}

func documentAll(rows []*Row) Reply {
	docs := make([]Reply, 0, 2*len(rows))
	for _, r := range rows {
		docs = append(docs, BulkString(r.Full), r.document())
	}
	return MapOf(docs...)
}

// document is the row as COMMAND DOCS shows it.
func (r *Row) document() Reply {
	cost := cmp.Or(r.Cost, "O(1)")
	if len(r.Subs) > 0 {
		cost = "Depends on subcommand."
	}
	m := []Reply{
		BulkString("summary"), BulkString(r.Doc),
		BulkString("since"), BulkString(r.Since),
		BulkString("group"), BulkString(r.Group),
		BulkString("complexity"), BulkString(cost),
	}
	if r.Args != "" {
		m = append(m, BulkString("arguments"), r.documentArguments())
	}
	if len(r.Subs) > 0 {
		m = append(m, BulkString("subcommands"), documentAll(r.Subs))
	}
	return MapOf(m...)
}

func commandList(c *Call) Reply {
	all := func(*Row) bool { return true }
	chosen := all
	for i := 2; i < len(c.Args); i += 3 {
		if !c.Is(i, "FILTERBY") || len(c.Args)-1-i != 2 {
			return ErrSyntax
		}
		value := c.Str(i + 2)
		switch {
		case c.Is(i+1, "MODULE"): // there are none
			chosen = func(*Row) bool { return false }
		case c.Is(i+1, "ACLCAT"):
			chosen = func(r *Row) bool { return r.IsIn(value) }
		case c.Is(i+1, "PATTERN"):
			pattern := strings.ToLower(value)
			chosen = func(r *Row) bool { return glob.Match([]byte(pattern), []byte(r.Full)) }
		default:
			return ErrSyntax
		}
	}
	var names []string
	for _, r := range c.Table.Rows {
		for _, r := range append([]*Row{r}, r.Subs...) {
			if chosen(r) {
				names = append(names, r.Full)
			}
		}
	}
	return BulkStrings(names)
}

func commandGetkeys(c *Call) Reply {
	used, refusal := usedKeys(c.Table, c.Args[2:])
	if refusal.IsError() {
		return refusal
	}
	keys := make([]Reply, len(used))
	for i, u := range used {
		keys[i] = Bulk(u.key)
	}
	return Array(keys...)
}

func commandGetkeysandflags(c *Call) Reply {
	used, refusal := usedKeys(c.Table, c.Args[2:])
	if refusal.IsError() {
		return refusal
	}
	keys := make([]Reply, len(used))
	for i, u := range used {
		keys[i] = Array(Bulk(u.key), simpleStrings(strings.Fields(u.access)))
	}
	return Array(keys...)
}

// usedKey is a key among a command's arguments, and KeySpec.Access for these arguments.
type usedKey struct {
	key    []byte
	access string
}

func usedKeys(t *Table, args [][]byte) (used []usedKey, refusal Reply) {
	r := t.Lookup(args[0])
	if r != nil && r.Subs != nil && len(args) > 1 {
		r = r.Sub(args[1])
	}
	switch {
	case r == nil:
		return nil, ErrorReply("ERR Invalid command specified")
	case !r.hasKeys():
		return nil, errNoKeys
	case !r.ArityOK(len(args)):
		return nil, ErrorReply("ERR Invalid number of arguments specified for command")
	}
	sound := true
	for i := range r.Keys {
		s := &r.Keys[i]
		access := s.Access
		if s.Vary != nil {
			access = s.Vary(args)
		}
		sound = s.Each(args, func(i int) { used = append(used, usedKey{args[i], access}) }) && sound
	}
	switch {
	case sound && len(used) > 0:
	case r.Flags&NoMandatoryKeys != 0:
		return nil, ReplyNone
	default:
		return nil, ErrorReply("ERR Invalid arguments specified for command")
	}
	return used, ReplyNone
}

// hasKeys reports whether any of the command's arguments may be a key; a shard channel is none.
func (r *Row) hasKeys() bool {
	return slices.ContainsFunc(r.Keys, func(s KeySpec) bool {
		_, _, isKey := Needs(s.Access)
		return isKey
	})
}
