package command

import (
	"math"
	"strconv"

	"diskette/resp/internal/words"
	"diskette/store"
)

// elementScan is what stands behind the key in HSCAN, SSCAN and ZSCAN. Redis answers such a command with the whole
// collection and cursor 0 while it holds it compactly, whatever the cursor and COUNT say; else our cursor is the
// number of the row that was looked at last, with a mark. The mark lets a scan that began when the collection was
// larger end behind that row (Redis begins anew): a collection that was unloaded meanwhile is compact again.
type elementScan struct {
	cursor int64 // number of the row behind which it goes on
	count  int
	match  func(element []byte) bool // nil = all

	last, next int64 // the row looked at last, the cursor to be answered
}

// cursorMark is set in all cursors of ours but 0. They stay whole in a float64, which some clients take them for.
const cursorMark = 1 << 52

// scanning makes a row's function of one that scans a collection that is there.
func scanning[T any](
	find func(*store.View, []byte) (*T, error), scan func(*T, elementScan, *Call) Reply,
) reading {
	return func(v *store.View, c *Call) Reply {
		cursor, refusal := c.scanCursor()
		if refusal.IsError() {
			return refusal
		}
		value, err := find(v, c.Args[1])
		switch {
		case err != nil:
			return Failure(err)
		case value == nil:
			return scanned(0, nil)
		}
		s, refusal := c.elementScan(cursor)
		if refusal.IsError() {
			return refusal
		}
		return scan(value, s, c)
	}
}

// scanCursor reads the cursor, which Redis checks before it looks at the key. One that is none of ours begins anew.
func (c *Call) scanCursor() (cursor int64, refusal Reply) {
	n, ok := parseCursor(c.Args[2])
	if !ok {
		return 0, errInvalidCursor
	}
	if n&^(cursorMark-1) != cursorMark {
		return 0, Reply{}
	}
	return int64(n &^ cursorMark), Reply{}
}

// elementScan reads the options. The key is there and has the right type: otherwise Redis does not look at them.
func (c *Call) elementScan(cursor int64) (s elementScan, refusal Reply) {
	s = elementScan{cursor: cursor, count: 10}
	for i := 3; i < len(c.Args); i += 2 {
		switch {
		case i+1 == len(c.Args):
			return s, ErrSyntax
		case c.Is(i, "count"):
			if s.count, refusal = c.scanCount(i + 1); refusal.IsError() {
				return s, refusal
			}
		case c.Is(i, "match"):
			_, s.match = matching(c.Args[i+1])
		default:
			return s, ErrSyntax
		}
	}
	return s, Reply{}
}

// matches reports whether an element passes MATCH.
func (s *elementScan) matches(element string) bool {
	return s.match == nil || s.match(words.ViewBytes(element))
}

// unbounded lets the scan end with this call.
func (s *elementScan) unbounded() { s.count = math.MaxInt }

// step comes before row n is looked at; false ends this call: there are more rows.
func (s *elementScan) step(n int64) bool {
	if s.count == 0 {
		s.next = s.last | cursorMark
		return false
	}
	s.count--
	s.last = n
	return true
}

func (s *elementScan) reply(elems []Reply) Reply {
	return Array(BulkString(strconv.FormatInt(s.next, 10)), Array(elems...))
}
