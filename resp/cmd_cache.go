package resp

import (
	"strconv"
	"strings"

	"diskette/resp/command"
	"diskette/store"
	"diskette/store/tally"
)

// CACHE is Diskette's own: what happens in a database and what fills it, by prefixes of the names (store/tally). A
// prefix is a part of names: a user sees those whose keys he may all read.

func cacheRows() []*command.Row {
	return []*command.Row{
		{Name: "cache", Arity: -2,
			Group: "server", Since: "0.1.0", Cats: "dangerous", Doc: "Tells what happens in the databases and what fills them.",
			Subs: []*command.Row{
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "0.1.0", Doc: "Explains the subcommands."},
				{Name: "prefixes", Arity: -2, Flags: command.Readonly, Conn: onClient(cachePrefixes),
					Since: "0.1.0", Cats: "dangerous", Tips: "nondeterministic_output",
					Usage: "[<db>] [LEVEL <1|2>] [UNDER <prefix>] [COUNT <count>]",
					Args:  "[db] [LEVEL level=integer] [UNDER prefix] [COUNT count]",
					Cost:  "O(N) in the number of prefixes, of which there are few thousands at most",
					Doc:   "Lists the prefixes that take the most room in a database, the selected one if none is named."},
				{Name: "stats", Arity: -2, Flags: command.Readonly, Conn: onClient(cacheStats),
					Since: "0.1.0", Cats: "dangerous", Tips: "nondeterministic_output", Usage: "[<db>|<prefix>]",
					Args: "[of(db|prefix)]", Cost: "O(N) in the number of databases",
					Doc: "Counts what has happened in all databases, in one, or to the keys with a prefix."},
			}},
	}
}

// errPrefix is for what can not be a prefix.
var errPrefix = command.ErrorReply("ERR a prefix ends with its first or second ':', and is no longer than 64 bytes")

func cacheStats(cl *client, c *command.Call) command.Reply {
	switch {
	case len(c.Args) > 3:
		return command.ErrSubcommandSyntax(c)
	case len(c.Args) == 2:
		return cl.eachCache(c, func(stats *store.CacheStats) []command.Reply {
			if stats.Keys == 0 && stats.Counts == (tally.Counts{}) {
				return nil
			}
			return cacheFields(stats)
		})
	}
	if db, ok := c.Int(2); ok {
		if db < 0 || db >= int64(cl.srv.cfg.Databases) {
			return command.ErrDBIndex
		}
		stats, err := cl.cache(c, int(db), false)
		if err != nil {
			return cl.srv.host.NotSeen(err)
		}
		return command.MapOf(cacheFields(&stats)...)
	}
	prefix := c.Str(2)
	if first, second := tally.Prefixes(prefix); prefix != first && prefix != second {
		return errPrefix
	}
	if !cl.readsPrefix(c, prefix) {
		return command.ErrorReply("NOPERM No permissions to access a key")
	}
	return cl.eachCache(c, func(stats *store.CacheStats) []command.Reply {
		p := stats.First[prefix]
		if strings.Count(prefix, ":") == 2 {
			p = stats.Second[prefix]
		}
		if p == nil {
			return nil
		}
		return prefixFields(p)
	})
}

// eachCache is a map of the databases of which fields says something.
func (cl *client) eachCache(c *command.Call, fields func(*store.CacheStats) []command.Reply) command.Reply {
	var elems []command.Reply
	for db := range cl.srv.cfg.Databases {
		stats, err := cl.cache(c, db, len(c.Args) > 2)
		if err != nil {
			return cl.srv.host.NotSeen(err)
		}
		if f := fields(&stats); f != nil {
			elems = append(elems, command.BulkString("db"+strconv.Itoa(db)), command.MapOf(f...))
		}
	}
	return command.MapOf(elems...)
}

func (cl *client) cache(c *command.Call, db int, prefixes bool) (store.CacheStats, error) {
	s := cl.srv
	if s.store.WriteError() == nil {
		if err := s.store.Look(c.Locked, func() { cl.CallSeen = s.store.LastLocked() }); err != nil {
			return store.CacheStats{}, err
		}
	}
	return s.store.CacheStats(db, c.Now, prefixes, c.Locked)
}

func (cl *client) readsPrefix(c *command.Call, prefix string) bool {
	return cl.user.Load().Permissions.Load().ReadsPrefix(c.Row, c.Args, prefix)
}

type cacheField struct {
	name    string
	value   int64
	unknown bool
}

func fieldsOf(fields ...cacheField) (elems []command.Reply) {
	for _, f := range fields {
		value := command.Integer(f.value)
		if f.unknown {
			value = command.ReplyNull
		}
		elems = append(elems, command.BulkString(f.name), value)
	}
	return elems
}

func numberField(name string, value int64) cacheField { return cacheField{name: name, value: value} }

// ageField is that of keys; it is not known if there are none whose birth is.
func ageField(name string, ages tally.Ages) cacheField {
	mean, known := ages.Mean()
	return cacheField{name, mean, !known}
}

func countFields(c *tally.Counts) []cacheField {
	return []cacheField{numberField("hits", c[tally.Hit]), numberField("misses", c[tally.Miss]), numberField("sets", c[tally.Set]),
		numberField("deletes", c[tally.Delete]), numberField("evictions", c[tally.Evict]), numberField("expiries", c[tally.Expire])}
}

func cacheFields(s *store.CacheStats) []command.Reply {
	return fieldsOf(append(countFields(&s.Counts), numberField("keys", s.Keys), numberField("bytes", int64(s.Present.Bytes)),
		ageField("mean_age_ms", s.Present.Ages), ageField("evicted_age_ms", s.Evicted), ageField("expired_age_ms", s.Expired),
		numberField("since_ms", s.Since), numberField("one_key_in", s.Sampled), numberField("complete", int64(zeroOne(s.Seeded))))...)
}

func prefixFields(p *store.PrefixStats) []command.Reply {
	return fieldsOf(append(countFields(&p.Counts), numberField("missed", p.Missed), numberField("keys", int64(p.Present.Keys+0.5)),
		numberField("bytes", int64(p.Present.Bytes)), ageField("mean_age_ms", p.Present.Ages))...)
}

const somePrefixes = 100

// prefixQuery is what CACHE PREFIXES asks for.
type prefixQuery struct {
	db    int64
	level int64
	under string
	count int64
}

func parsePrefixQuery(cl *client, c *command.Call) (q prefixQuery, wrong *command.Reply) {
	q = prefixQuery{db: int64(cl.DB), level: 1, count: somePrefixes}
	refuse := func(r command.Reply) (prefixQuery, *command.Reply) { return q, &r }
	i := 2
	if n, ok := int64(0), false; len(c.Args) > 2 {
		if n, ok = c.Int(2); ok {
			q.db, i = n, 3
		}
	}
	if q.db < 0 || q.db >= int64(cl.srv.cfg.Databases) {
		return refuse(command.ErrDBIndex)
	}
	for ; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) {
			return refuse(command.ErrSyntax)
		}
		n, number := c.Int(i + 1)
		switch {
		case c.Is(i, "under"):
			q.under = c.Str(i + 1)
		case !c.Is(i, "level") && !c.Is(i, "count"):
			return refuse(command.ErrSyntax)
		case !number:
			return refuse(command.ErrNotInteger)
		case c.Is(i, "level") && n >= 1 && n <= 2:
			q.level = n
		case c.Is(i, "level"):
			return refuse(command.ErrorReply("ERR LEVEL is 1 or 2"))
		case n < 1:
			return refuse(command.ErrorReply("ERR COUNT should be greater than 0"))
		default:
			q.count = n
		}
	}
	return q, nil
}

func cachePrefixes(cl *client, c *command.Call) command.Reply {
	q, wrong := parsePrefixQuery(cl, c)
	if wrong != nil {
		return *wrong
	}
	stats, err := cl.cache(c, int(q.db), true)
	if err != nil {
		return cl.srv.host.NotSeen(err)
	}
	found := stats.Fullest(int(q.level), func(prefix string) bool {
		return strings.HasPrefix(prefix, q.under) && cl.readsPrefix(c, prefix)
	})
	lines := make([]command.Reply, 0, min(q.count, int64(len(found))))
	for _, p := range found[:cap(lines)] {
		lines = append(lines, command.MapOf(append([]command.Reply{command.BulkString("prefix"), command.BulkString(p.Prefix)},
			prefixFields(p)...)...))
	}
	return command.Array(lines...)
}
