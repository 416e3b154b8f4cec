package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"diskette/resp/internal/glob"
	"diskette/store"
)

func keyspaceRows() []*Row {
	return []*Row{
		{Name: "keys", Arity: 2, Flags: Readonly, Conn: keys,
			Group: "generic", Since: "1.0.0", Cats: "dangerous",
			Tips: "request_policy:all_shards nondeterministic_output_order", Args: "pattern",
			Cost: "O(N) in the number of keys in the database", Doc: "Returns the names that match a pattern."},
		{Name: "randomkey", Arity: 1, Flags: Readonly, Conn: randomkey,
			Group: "generic", Since: "1.0.0",
			Tips: "request_policy:all_shards response_policy:special nondeterministic_output",
			Doc:  "Returns some key's name."},
		{Name: "scan", Arity: -2, Flags: Readonly, Conn: scan,
			Group: "generic", Since: "2.8.0",
			Tips: "nondeterministic_output request_policy:special response_policy:special",
			Args: "cursor [MATCH pattern] [COUNT count] [TYPE type]",
			Cost: "O(1) a call, O(N) for a complete iteration", Doc: "Walks through the key names."},
		{Name: "dbsize", Arity: 1, Flags: Readonly | Fast, Conn: dbsize,
			Group: "server", Since: "1.0.0", Cats: "keyspace",
			Tips: "request_policy:all_shards response_policy:agg_sum", Doc: "Counts the database's keys."},
		{Name: "flushall", Arity: -1, Flags: Write | AlwaysTold, Write: flushall,
			Group: "server", Since: "1.0.0", Cats: "dangerous keyspace",
			Tips: "request_policy:all_shards response_policy:all_succeeded", Args: "[flush-type(ASYNC|SYNC)]",
			Cost: "O(N) in the number of watched keys", Doc: "Empties all databases."},
		{Name: "flushdb", Arity: -1, Flags: Write | AlwaysTold, Write: flushdb,
			Group: "server", Since: "1.0.0", Cats: "dangerous keyspace",
			Tips: "request_policy:all_shards response_policy:all_succeeded", Args: "[flush-type(ASYNC|SYNC)]",
			Cost: "O(N) in the number of watched keys", Doc: "Empties the database."},
		{Name: "swapdb", Arity: 3, Flags: Write | Fast, Write: swapdb,
			Group: "server", Since: "4.0.0", Cats: "dangerous keyspace", Args: "index1 index2",
			Cost: "O(N) in the number of watched keys", Doc: "Exchanges two databases."},
	}
}

const scanLimit = 1 << 20 // names that one SCAN may ask for, whatever COUNT says

func keys(c *Call) Reply {
	var o store.ScanOptions
	o.Prefix, o.Match = matching(c.Args[1])
	var names pack
	seen, err := c.Store.Names(c.DB, c.Now, o, c.Locked, names.add)
	if err != nil {
		return c.NotSeen(err)
	}
	c.CallSeen = max(c.CallSeen, seen)
	return names.reply(c)
}

// matching narrows a scan to a pattern, whose bytes must stay as they are meanwhile.
func matching(pattern []byte) (prefix string, match func(key []byte) bool) {
	if string(pattern) == "*" {
		return "", nil
	}
	return glob.Prefix(pattern), func(key []byte) bool { return glob.Match(pattern, key) }
}

// scan's cursor is the store's: the id of the last key that was looked at.
func scan(c *Call) Reply {
	cursor, ok := parseCursor(c.Args[1])
	if !ok {
		return errInvalidCursor
	}
	o, refusal := c.scanOptions()
	if refusal.IsError() {
		return refusal
	}
	if o.nothing || cursor > math.MaxInt64 { // no cursor of ours: beyond the last key
		return scanned(0, nil)
	}
	names, next, seen, err := c.Store.Scan(c.DB, int64(cursor), o.count, c.Now, o.ScanOptions, c.Locked)
	if err != nil && next > 0 {
		return ErrorReply(fmt.Sprintf("ERR the data on disk is damaged: keys behind this cursor can not be read; go on behind them "+
			"with cursor %d. The server's log and INFO persistence say more", next))
	}
	if err != nil {
		return c.NotSeen(err)
	}
	c.CallSeen = seen
	return scanned(next, names)
}

func scanned(next int64, names []string) Reply {
	return Array(BulkString(strconv.FormatInt(next, 10)), BulkStrings(names))
}

// scanOptions are the words after SCAN's cursor.
type scanOptions struct {
	store.ScanOptions
	count   int
	nothing bool // the type is unknown, so no key is of it
}

func (c *Call) scanOptions() (o scanOptions, refusal Reply) {
	o.count = 10
	for i := 2; i < len(c.Args); i += 2 {
		switch {
		case i+1 == len(c.Args):
			return o, ErrSyntax
		case c.Is(i, "count"):
			if o.count, refusal = c.scanCount(i + 1); refusal.IsError() {
				return o, refusal
			}
		case c.Is(i, "match"):
			o.Prefix, o.Match = matching(c.Args[i+1])
		case c.Is(i, "type"):
			var known bool
			o.Type, known = store.ParseType(strings.ToLower(c.Str(i + 1)))
			o.nothing = !known
		default:
			return o, ErrSyntax
		}
	}
	return o, Reply{}
}

// scanCount reads argument i as COUNT of SCAN's kind.
func (c *Call) scanCount(i int) (count int, refusal Reply) {
	n, ok := c.Int(i)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < 1:
		return 0, ErrSyntax
	}
	return int(min(n, scanLimit)), Reply{}
}

// parseCursor reads a cursor as C's strtoul does: with a sign, and nothing at all is 0.
func parseCursor(b []byte) (cursor uint64, ok bool) {
	digits := string(b)
	if digits == "" {
		return 0, true
	}
	negative := digits[0] == '-'
	if negative || digits[0] == '+' {
		digits = digits[1:]
	}
	cursor, err := strconv.ParseUint(digits, 10, 64)
	if negative {
		cursor = -cursor
	}
	return cursor, err == nil
}

func randomkey(c *Call) Reply {
	name, seen, ok, err := c.Store.RandomKey(c.DB, c.Now, c.Locked)
	if err != nil {
		return c.NotSeen(err)
	}
	c.CallSeen = seen
	if !ok {
		return ReplyNull
	}
	return BulkString(name)
}

func dbsize(c *Call) Reply {
	n, seen, err := c.Store.DBSize(c.DB, c.Now, c.Locked)
	if err != nil {
		return c.NotSeen(err)
	}
	c.CallSeen = seen
	return Integer(n)
}

func flushdb(tx *store.Tx, c *Call) Reply {
	if !c.flushes() {
		return ErrSyntax
	}
	tx.FlushDB(tx.DB())
	c.Flushed()
	return ReplyOK
}

func flushall(tx *store.Tx, c *Call) Reply {
	if !c.flushes() {
		return ErrSyntax
	}
	for db := range tx.Databases() {
		if tx.Len(db) > 0 {
			tx.FlushDB(db)
		}
	}
	c.Flushed()
	return ReplyOK
}

// flushes checks the arguments of FLUSHDB and FLUSHALL. Both are done at once with ASYNC and with SYNC.
func (c *Call) flushes() bool {
	return len(c.Args) == 1 || len(c.Args) == 2 && (c.Is(1, "async") || c.Is(1, "sync"))
}

var (
	errFirstDB  = ErrorReply("ERR invalid first DB index")
	errSecondDB = ErrorReply("ERR invalid second DB index")
)

func swapdb(tx *store.Tx, c *Call) Reply {
	a, ok := c.int32(1)
	if !ok {
		return errFirstDB
	}
	b, ok := c.int32(2)
	if !ok {
		return errSecondDB
	}
	if n := tx.Databases(); a < 0 || a >= n || b < 0 || b >= n {
		return ErrDBIndex
	}
	tx.SwapDB(a, b)
	return ReplyOK
}

func (c *Call) int32(i int) (n int, ok bool) {
	wide, ok := c.Int(i)
	return int(wide), ok && wide == int64(int32(wide))
}
