package resp

import (
	"cmp"
	"slices"
	"strings"

	"diskette/resp/internal/glob"
)

var errNoKeys = errorReply("ERR The command has no key arguments")

// commandRoot is COMMAND without a subcommand.
func commandRoot(c *call) Reply { return describeAll(c.table.rows) }

func describeAll(rows []*row) Reply {
	all := make([]Reply, len(rows))
	for i, r := range rows {
		all[i] = r.describe()
	}
	return array(all...)
}

func commandCount(c *call) Reply { return integer(len(c.table.rows)) }

func commandInfo(c *call) Reply {
	if len(c.args) == 2 {
		return describeAll(c.table.rows)
	}
	found := make([]Reply, 0, len(c.args)-2)
	for _, name := range c.args[2:] {
		if r := c.table.find(string(name)); r != nil {
			found = append(found, r.describe())
		} else {
			found = append(found, replyNull)
		}
	}
	return array(found...)
}

// find looks a row up by its full name, such as "client|list", in any case.
func (t *commands) find(full string) *row {
	name, sub, hasSub := strings.Cut(full, "|")
	r := t.lookup([]byte(name))
	if r != nil && hasSub {
		return r.sub([]byte(sub))
	}
	return r
}

// describe is the row as COMMAND INFO shows it.
func (r *row) describe() Reply {
	first, last, step := r.keyRange()
	subs := setOf()
	if len(r.subs) > 0 {
		subs = describeAll(r.subs) // an array, as in Redis
	}
	specs := make([]Reply, len(r.keys))
	for i := range r.keys {
		specs[i] = r.keys[i].describe()
	}
	categories := r.categories()
	for i := range categories {
		categories[i] = "@" + categories[i]
	}
	tips := bulkStrings(strings.Fields(r.tips)).elems
	return array(bulkString(r.full), integer(r.arity), simpleStrings(r.flags.names()), integer(first), integer(last), integer(step),
		simpleStrings(categories), setOf(tips...), setOf(specs...), subs)
}

// simpleStrings are flags and the like: a set of simple strings.
func simpleStrings(ss []string) Reply {
	elems := make([]Reply, len(ss))
	for i, s := range ss {
		elems[i] = simple(s)
	}
	return setOf(elems...)
}

func (f flags) names() (names []string) {
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// keyRange is where the keys stand, as COMMAND said it before there were key specifications:
// the first one and those that follow on it without a gap. All 0 = no range describes them.
func (r *row) keyRange() (first, last, step int) {
	for i := range r.keys {
		s := &r.keys[i]
		switch {
		case s.find != nil || s.counted || s.keyword != "":
			return first, last, step
		case i == 0:
			first, last, step = s.first, s.last, s.step
		case s.first == last+1 && s.step == step:
			last = s.last
		}
	}
	return first, last, step
}

func (s *keySpec) describe() Reply {
	var m []Reply
	if s.notes != "" {
		m = append(m, bulkString("notes"), bulkString(s.notes))
	}
	m = append(m, bulkString("flags"), simpleStrings(strings.Fields(s.access)))
	if s.find != nil {
		unknown := mapOf(bulkString("type"), bulkString("unknown"), bulkString("spec"), mapOf())
		return mapOf(append(m, bulkString("begin_search"), unknown, bulkString("find_keys"), unknown)...)
	}
	last, limit := s.last, 0
	if last >= 0 {
		last -= s.first // counted from the first key
	}
	search, place := "index", mapOf(bulkString("index"), integer(s.first))
	if s.keyword != "" {
		search, place, last = "keyword", mapOf(bulkString("keyword"), bulkString(s.keyword), bulkString("startfrom"), integer(s.first)), 0
		if s.half {
			last, limit = -1, 2
		}
	}
	kind, keys := "range", mapOf(bulkString("lastkey"), integer(last), bulkString("keystep"), integer(s.step), bulkString("limit"), integer(limit))
	if s.counted {
		kind, keys = "keynum", mapOf(bulkString("keynumidx"), replyZero, bulkString("firstkey"), replyOne, bulkString("keystep"), integer(s.step))
	}
	return mapOf(append(m,
		bulkString("begin_search"), mapOf(bulkString("type"), bulkString(search), bulkString("spec"), place),
		bulkString("find_keys"), mapOf(bulkString("type"), bulkString(kind), bulkString("spec"), keys))...)
}

// commandDocs leaves out what is no command.
func commandDocs(c *call) Reply {
	rows := c.table.rows
	if len(c.args) > 2 {
		rows = nil
		for _, name := range c.args[2:] {
			if r := c.table.find(string(name)); r != nil {
				rows = append(rows, r)
			}
		}
	}
	return documentAll(rows)
}

func documentAll(rows []*row) Reply {
	docs := make([]Reply, 0, 2*len(rows))
	for _, r := range rows {
		docs = append(docs, bulkString(r.full), r.document())
	}
	return mapOf(docs...)
}

// document is the row as COMMAND DOCS shows it.
func (r *row) document() Reply {
	cost := cmp.Or(r.cost, "O(1)")
	if len(r.subs) > 0 {
		cost = "Depends on subcommand."
	}
	m := []Reply{
		bulkString("summary"), bulkString(r.doc),
		bulkString("since"), bulkString(r.since),
		bulkString("group"), bulkString(r.group),
		bulkString("complexity"), bulkString(cost),
	}
	if r.args != "" {
		m = append(m, bulkString("arguments"), r.documentArguments())
	}
	if len(r.subs) > 0 {
		m = append(m, bulkString("subcommands"), documentAll(r.subs))
	}
	return mapOf(m...)
}

func commandList(c *call) Reply {
	all := func(*row) bool { return true }
	chosen := all
	for i := 2; i < len(c.args); i += 3 {
		if !c.is(i, "FILTERBY") || len(c.args)-1-i != 2 {
			return errSyntax
		}
		value := c.str(i + 2)
		switch {
		case c.is(i+1, "MODULE"): // there are none
			chosen = func(*row) bool { return false }
		case c.is(i+1, "ACLCAT"):
			chosen = func(r *row) bool { return r.isIn(value) }
		case c.is(i+1, "PATTERN"):
			pattern := strings.ToLower(value)
			chosen = func(r *row) bool { return glob.Match([]byte(pattern), []byte(r.full)) }
		default:
			return errSyntax
		}
	}
	var names []string
	for _, r := range c.table.rows {
		for _, r := range append([]*row{r}, r.subs...) {
			if chosen(r) {
				names = append(names, r.full)
			}
		}
	}
	return bulkStrings(names)
}

func commandGetkeys(c *call) Reply {
	used, refusal := usedKeys(c.table, c.args[2:])
	if refusal.isError() {
		return refusal
	}
	keys := make([]Reply, len(used))
	for i, u := range used {
		keys[i] = bulk(u.key)
	}
	return array(keys...)
}

func commandGetkeysandflags(c *call) Reply {
	used, refusal := usedKeys(c.table, c.args[2:])
	if refusal.isError() {
		return refusal
	}
	keys := make([]Reply, len(used))
	for i, u := range used {
		keys[i] = array(bulk(u.key), simpleStrings(strings.Fields(u.access)))
	}
	return array(keys...)
}

// usedKey is a key among a command's arguments, and keySpec.access for these arguments.
type usedKey struct {
	key    []byte
	access string
}

func usedKeys(t *commands, args [][]byte) (used []usedKey, refusal Reply) {
	r := t.lookup(args[0])
	if r != nil && r.subs != nil && len(args) > 1 {
		r = r.sub(args[1])
	}
	switch {
	case r == nil:
		return nil, errorReply("ERR Invalid command specified")
	case !r.hasKeys():
		return nil, errNoKeys
	case !r.arityOK(len(args)):
		return nil, errorReply("ERR Invalid number of arguments specified for command")
	}
	sound := true
	for i := range r.keys {
		s := &r.keys[i]
		access := s.access
		if s.vary != nil {
			access = s.vary(args)
		}
		sound = s.each(args, func(i int) { used = append(used, usedKey{args[i], access}) }) && sound
	}
	switch {
	case sound && len(used) > 0:
	case r.flags&noMandatoryKeys != 0:
		return nil, replyNone
	default:
		return nil, errorReply("ERR Invalid arguments specified for command")
	}
	return used, replyNone
}

// hasKeys reports whether any of the command's arguments may be a key; a shard channel is none.
func (r *row) hasKeys() bool {
	return slices.ContainsFunc(r.keys, func(s keySpec) bool {
		_, _, isKey := needs(s.access)
		return isKey
	})
}
