package resp

import (
	"math"

	"diskette/store"
)

var (
	errLCSTypes   = errorReply("ERR The specified keys must contain string values")
	errLCSOptions = errorReply("ERR If you want both the length and indexes, please just use IDX.")
	errLCSLong    = errorReply("ERR String too long for LCS")
	errLCSMemory  = errorReply("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
)

func lcs(v *store.View, c *call) Reply {
	a, errA := v.String(c.args[1])
	b, errB := v.String(c.args[2])
	if errA != nil || errB != nil {
		return errLCSTypes
	}
	o, refusal := c.lcsOptions()
	if refusal.isError() {
		return refusal
	}
	if max(uint64(len(a)), uint64(len(b))) >= math.MaxUint32-1 {
		return errLCSLong
	}
	// Redis's limit, which is also a bound of the time: 4 bytes a pair of places.
	cells := (uint64(len(a)) + 1) * (uint64(len(b)) + 1)
	if cells > uint64(c.maxBulk.Load())/4 {
		return errLCSMemory
	}
	if cells < lcsApart || !c.mayPart {
		return o.answer(a, b)
	}
	a, b = outlasting(v, c.args[1], a), outlasting(v, c.args[2], b)
	c.finish = func() Reply { return o.answer(a, b) }
	return replyNone
}

// lcsApart is from how many pairs of places on the lock is not held: they take 1 ms [measured].
const lcsApart = 1 << 19

func (o lcsOptions) answer(a, b []byte) Reply {
	t := newLCSTable(a, b)
	switch {
	case o.indexes:
		return mapOf(bulkString("matches"), t.matches(o), bulkString("len"), integer(t.length))
	case o.length:
		return integer(t.length)
	}
	return bulk(t.common())
}

// lcsOptions are the words after LCS's keys.
type lcsOptions struct {
	length, indexes, withLength bool // LEN, IDX, WITHMATCHLEN
	shortest                    int64
}

func (c *call) lcsOptions() (o lcsOptions, refusal Reply) {
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "idx"):
			o.indexes = true
		case c.is(i, "len"):
			o.length = true
		case c.is(i, "withmatchlen"):
			o.withLength = true
		case c.is(i, "minmatchlen") && i+1 < len(c.args):
			i++
			var ok bool
			if o.shortest, ok = c.int(i); !ok {
				return o, errNotInteger
			}
		default:
			return o, errSyntax
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
	ranges := array()
	var fromA, fromB, length int
	emit := func() {
		if length == 0 || int64(length) < o.shortest {
			return
		}
		r := array(
			array(integer(fromA), integer(fromA+length-1)),
			array(integer(fromB), integer(fromB+length-1)))
		if o.withLength {
			r.elems = append(r.elems, integer(length))
		}
		ranges.elems = append(ranges.elems, r)
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
