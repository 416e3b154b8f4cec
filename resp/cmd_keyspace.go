package resp

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"diskette/resp/internal/glob"
	"diskette/store"
)

const (
	keysPage  = 4096    // names that KEYS asks the store for at a time
	scanLimit = 1 << 20 // names that one SCAN may ask for, whatever COUNT says
)

func keys(c *call) Reply {
	var o store.ScanOptions
	o.Prefix, o.Match = matching(c.args[1])
	names := array()
	for cursor := int64(0); ; {
		page, next, seen, err := c.store.Scan(c.db, cursor, keysPage, c.now, o, c.locked)
		if err != nil {
			return c.notSeen(err)
		}
		c.callSeen = max(c.callSeen, seen)
		for _, name := range page {
			names.elems = append(names.elems, bulkString(name))
		}
		if cursor = next; next == 0 {
			return names
		}
	}
}

// matching narrows a scan to a pattern, whose bytes must stay as they are meanwhile.
func matching(pattern []byte) (prefix string, match func(key []byte) bool) {
	if string(pattern) == "*" {
		return "", nil
	}
	return glob.Prefix(pattern), func(key []byte) bool { return glob.Match(pattern, key) }
}

// scan's cursor is the store's: the id of the last key that was looked at.
func scan(c *call) Reply {
	cursor, ok := parseCursor(c.args[1])
	if !ok {
		return errInvalidCursor
	}
	o, refusal := c.scanOptions()
	if refusal.isError() {
		return refusal
	}
	if o.nothing || cursor > math.MaxInt64 { // no cursor of ours: beyond the last key
		return scanned(0, nil)
	}
	names, next, seen, err := c.store.Scan(c.db, int64(cursor), o.count, c.now, o.ScanOptions, c.locked)
	if err != nil && next > 0 {
		return errorReply(fmt.Sprintf("ERR the data on disk is damaged: keys behind this cursor can not be read; go on behind them "+
			"with cursor %d. The server's log and INFO persistence say more", next))
	}
	if err != nil {
		return c.notSeen(err)
	}
	c.callSeen = seen
	return scanned(next, names)
}

func scanned(next int64, names []string) Reply {
	return array(bulkString(strconv.FormatInt(next, 10)), bulkStrings(names))
}

// scanOptions are the words after SCAN's cursor.
type scanOptions struct {
	store.ScanOptions
	count   int
	nothing bool // of an unknown type there is no key
}

func (c *call) scanOptions() (o scanOptions, refusal Reply) {
	o.count = 10
	for i := 2; i < len(c.args); i += 2 {
		switch {
		case i+1 == len(c.args):
			return o, errSyntax
		case c.is(i, "count"):
			n, ok := c.int(i + 1)
			if !ok {
				return o, errNotInteger
			}
			if n < 1 {
				return o, errSyntax
			}
			o.count = int(min(n, scanLimit))
		case c.is(i, "match"):
			o.Prefix, o.Match = matching(c.args[i+1])
		case c.is(i, "type"):
			var known bool
			o.Type, known = store.ParseType(strings.ToLower(c.str(i + 1)))
			o.nothing = !known
		default:
			return o, errSyntax
		}
	}
	return o, Reply{}
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

func randomkey(c *call) Reply {
	name, seen, ok, err := c.store.RandomKey(c.db, c.now, c.locked)
	if err != nil {
		return c.notSeen(err)
	}
	c.callSeen = seen
	if !ok {
		return replyNull
	}
	return bulkString(name)
}

func dbsize(c *call) Reply {
	n, seen, err := c.store.DBSize(c.db, c.now, c.locked)
	if err != nil {
		return c.notSeen(err)
	}
	c.callSeen = seen
	return integer(n)
}

func flushdb(tx *store.Tx, c *call) Reply {
	if !c.flushes() {
		return errSyntax
	}
	tx.FlushDB(tx.DB())
	c.flushed()
	return replyOK
}

func flushall(tx *store.Tx, c *call) Reply {
	if !c.flushes() {
		return errSyntax
	}
	for db := range tx.Databases() {
		if tx.Len(db) > 0 {
			tx.FlushDB(db)
		}
	}
	c.flushed()
	return replyOK
}

// flushes checks the arguments of FLUSHDB and FLUSHALL. Both are done at once with ASYNC and with SYNC.
func (c *call) flushes() bool {
	return len(c.args) == 1 || len(c.args) == 2 && (c.is(1, "async") || c.is(1, "sync"))
}

var (
	errFirstDB  = errorReply("ERR invalid first DB index")
	errSecondDB = errorReply("ERR invalid second DB index")
)

func swapdb(tx *store.Tx, c *call) Reply {
	a, ok := c.int32(1)
	if !ok {
		return errFirstDB
	}
	b, ok := c.int32(2)
	if !ok {
		return errSecondDB
	}
	if n := tx.Databases(); a < 0 || a >= n || b < 0 || b >= n {
		return errDBIndex
	}
	tx.SwapDB(a, b)
	return replyOK
}

func (c *call) int32(i int) (n int, ok bool) {
	wide, ok := c.int(i)
	return int(wide), ok && wide == int64(int32(wide))
}
