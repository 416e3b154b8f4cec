package command

import (
	"math"

	"diskette/store"
)

var (
	errLCSTypes   = ErrorReply("ERR The specified keys must contain string values")
	errLCSOptions = ErrorReply("ERR If you want both the length and indexes, please just use IDX.")
	errLCSLong    = ErrorReply("ERR String too long for LCS")
	errLCSMemory  = ErrorReply("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
)

func lcs(v *store.View, c *Call) Reply {
	a, errA := v.String(c.Args[1])
	b, errB := v.String(c.Args[2])
	if errA != nil || errB != nil {
		return errLCSTypes
	}
	o, refusal := c.lcsOptions()
	if refusal.IsError() {
		return refusal
	}
	if max(uint64(len(a)), uint64(len(b))) >= math.MaxUint32-1 {
		return errLCSLong
	}
	// Redis's limit, which is also a bound of the time: 4 bytes a pair of places.
	cells := (uint64(len(a)) + 1) * (uint64(len(b)) + 1)
	if cells > uint64(c.MaxBulk.Load())/4 {
		return errLCSMemory
	}
	if cells < lcsOffLockPairs || !c.MayLeaveLock {
		return o.answer(a, b)
	}
	a, b = outlasting(v, c.Args[1], a), outlasting(v, c.Args[2], b)
	c.Finish = func() Reply { return o.answer(a, b) }
	return ReplyNone
}

// lcsOffLockPairs is from how many pairs of places on the lock is not held: they take 1 ms [measured].
const lcsOffLockPairs = 1 << 19

func (o lcsOptions) answer(a, b []byte) Reply {
	t := newLCSTable(a, b)
	switch {
	case o.indexes:
		return MapOf(BulkString("matches"), t.matches(o), BulkString("len"), Integer(t.length))
	case o.length:
		return Integer(t.length)
	}
	return Bulk(t.common())
}

// lcsOptions are the words after LCS's keys.
type lcsOptions struct {
	length, indexes, withLength bool // LEN, IDX, WITHMATCHLEN
	shortest                    int64
}

func (c *Call) lcsOptions() (o lcsOptions, refusal Reply) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "idx"):
			o.indexes = true
		case c.Is(i, "len"):
			o.length = true
		case c.Is(i, "withmatchlen"):
			o.withLength = true
		case c.Is(i, "minmatchlen") && i+1 < len(c.Args):
			i++
			var ok bool
			if o.shortest, ok = c.Int(i); !ok {
				return o, ErrNotInteger
			}
		default:
			return o, ErrSyntax
		}
	}
	if o.length && o.indexes {
		return o, errLCSOptions
	}
	return o, Reply{}
}

// An lcsTable holds what it takes to walk a longest common subsequence of a and b from its
// end. The lengths for all pairs of prefixes need two rows at a time; kept is a bit a
// pair: which of the two to shorten.
type lcsTable struct {
	a, b   []byte
	left   []uint64 // bit i*len(b)+j: a[:i] and b[:j+1] have more in common than a[:i+1] and b[:j]
	length int
}

func newLCSTable(a, b []byte) *lcsTable {
	t := &lcsTable{a: a, b: b, left: make([]uint64, (len(a)*len(b)+63)/64)}
	above, row := make([]uint32, len(b)+1), make([]uint32, len(b)+1)
	bit := 0
	for i := range a {
		for j := range b {
			switch {
			case a[i] == b[j]:
				row[j+1] = above[j] + 1
			case above[j+1] > row[j]:
				row[j+1] = above[j+1]
				t.left[bit/64] |= 1 << (bit % 64)
			default:
				row[j+1] = row[j]
			}
			bit++
		}
		above, row = row, above
	}
	t.length = int(above[len(b)])
	return t
}

// walk calls match with the places of every pair of equal bytes, from the last to the first.
func (t *lcsTable) walk(match func(i, j int)) {
	for i, j := len(t.a)-1, len(t.b)-1; i >= 0 && j >= 0; {
		bit := i*len(t.b) + j
		switch {
		case t.a[i] == t.b[j]:
			match(i, j)
			i--
			j--
		case t.left[bit/64]&(1<<(bit%64)) != 0:
			i--
		default:
			j--
		}
	}
}

func (t *lcsTable) common() []byte {
	common := make([]byte, t.length)
	at := t.length
	t.walk(func(i, _ int) {
		at--
		common[at] = t.a[i]
	})
	return common
}

// matches is IDX's list of ranges that both strings have, the last first.
func (t *lcsTable) matches(o lcsOptions) Reply {
	ranges := Array()
	var fromA, fromB, length int
	emit := func() {
		if length == 0 || int64(length) < o.shortest {
			return
		}
		r := Array(
			Array(Integer(fromA), Integer(fromA+length-1)),
			Array(Integer(fromB), Integer(fromB+length-1)))
		if o.withLength {
			r.Elems = append(r.Elems, Integer(length))
		}
		ranges.Elems = append(ranges.Elems, r)
	}
	t.walk(func(i, j int) {
		if i+1 != fromA || j+1 != fromB {
			emit()
			length = 0
		}
		fromA, fromB, length = i, j, length+1
	})
	emit()
	return ranges
}
