package resp

import (
	"bytes"
	"strings"
	"unsafe"

	"diskette/resp/internal/bitmap"
	"diskette/resp/internal/numbers"
	"diskette/store"
)

// From these lengths on, BITCOUNT and BITPOS, and BITOP, work without the keyspace lock, which they would hold for 2 to 5 ms and
// more [measured]. The next SETBIT must then copy the string, without the lock, too: so they are not less.
const (
	apartBytes      = 32 << 20
	bitopApartBytes = 8 << 20 // of all sources
)

var (
	errBit         = errorReply("ERR bit is not an integer or out of range")
	errBitArgument = errorReply("ERR The bit argument must be 1 or 0.")
	errBitopNot    = errorReply("ERR BITOP NOT must be called with a single source key.")
)

func setbit(tx *store.Tx, c *call) Reply {
	key := c.args[1]
	offset, ok := c.bitOffset(c.args[2])
	if !ok {
		return errBitOffset
	}
	bit, ok := c.int(3)
	if !ok || bit&^1 != 0 {
		return errBit
	}
	value, err := tx.String(key)
	if err != nil {
		return failure(err)
	}
	at, mask := int(offset/8), byte(0x80)>>(offset&7)
	grows := at >= len(value)
	was := !grows && value[at]&mask != 0
	if !grows && was == (bit == 1) && len(value) > embeddedBytes {
		return oneIf(was) // nothing changes; a short one becomes "raw" all the same
	}
	err = tx.EditString(key, at+1, func(value []byte) []store.Span {
		if was == (bit == 1) {
			return nil
		}
		value[at] ^= mask
		return []store.Span{{From: at, To: at + 1}}
	})
	if err != nil {
		return failure(err)
	}
	if grows || was != (bit == 1) {
		c.notify(tx, eventString, "setbit", key)
	}
	return oneIf(was)
}

// bitOffset reads a bit's place, which must lie in a string of up to proto-max-bulk-len.
func (c *call) bitOffset(arg []byte) (offset int64, ok bool) {
	offset, ok = numbers.ParseInt(arg)
	return offset, ok && c.isBitOffset(offset)
}

func (c *call) isBitOffset(offset int64) bool {
	return offset >= 0 && offset>>3 < c.maxBulk.Load()
}

func getbit(v *store.View, c *call) Reply {
	offset, ok := c.bitOffset(c.args[2])
	if !ok {
		return errBitOffset
	}
	value, err := v.String(c.args[1])
	if err != nil {
		return failure(err)
	}
	return oneIf(offset/8 < int64(len(value)) && value[offset/8]&(0x80>>(offset&7)) != 0)
}

// bitRange is the part of a string that BITCOUNT and BITPOS look at.
type bitRange struct {
	start, end int64 // of bytes or bits; negative = counted from the end
	ends       bool  // end was given
	inBits     bool
}

// bits turns the range into bits of a string, from start up to end; start >= end = an empty one.
func (r *bitRange) bits(length int) (start, end int64) {
	total := int64(length)
	if r.inBits {
		total *= 8
	}
	start, end = r.start, r.end
	if !r.ends {
		end = total - 1
	}
	if start < 0 {
		start = max(0, start+total)
	}
	if end < 0 {
		end = max(0, end+total)
	}
	end = min(end, total-1)
	if start > end {
		return 0, 0
	}
	if r.inBits {
		return start, end + 1
	}
	return start * 8, (end + 1) * 8
}

// bitUnit reads BYTE or BIT.
func (c *call) bitUnit(i int) (inBits, ok bool) {
	return c.is(i, "bit"), c.is(i, "bit") || c.is(i, "byte")
}

// bitcount, like Redis 7.2, judges its arguments before it looks for the key.
func bitcount(v *store.View, c *call) Reply {
	var r bitRange
	if n := len(c.args); n != 2 {
		if n != 4 && n != 5 {
			return errSyntax
		}
		var ok bool
		if r.start, ok = c.int(2); !ok {
			return errNotInteger
		}
		if r.end, ok = c.int(3); !ok {
			return errNotInteger
		}
		if n == 5 {
			if r.inBits, ok = c.bitUnit(4); !ok {
				return errSyntax
			}
		}
		r.ends = true
	}
	return c.onBits(v, func(value []byte) Reply {
		if r.start < 0 && r.end < 0 && r.start > r.end {
			return replyZero // before they are cut: both may lie before the beginning
		}
		start, end := r.bits(len(value))
		return integer(bitmap.CountIn(value, start, end))
	})
}

// onBits answers with what fn makes of a string, nil if it is not there. It works on a long one without the lock.
func (c *call) onBits(v *store.View, fn func(value []byte) Reply) Reply {
	value, err := v.String(c.args[1])
	if err != nil {
		return failure(err)
	}
	if len(value) < apartBytes || !c.mayPart {
		return fn(value)
	}
	if value, err = v.LendString(c.args[1]); err != nil {
		return failure(err)
	}
	c.finish = func() Reply { return fn(value) }
	return replyNone
}

// bitpos, like Redis 7.2, judges its arguments before it looks for the key.
func bitpos(v *store.View, c *call) Reply {
	bit, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	if bit != 0 && bit != 1 {
		return errBitArgument
	}
	var r bitRange
	n := len(c.args)
	if n > 6 {
		return errSyntax
	}
	if n > 3 {
		if r.start, ok = c.int(3); !ok {
			return errNotInteger
		}
	}
	if n == 6 {
		if r.inBits, ok = c.bitUnit(5); !ok {
			return errSyntax
		}
	}
	if n > 4 {
		if r.end, ok = c.int(4); !ok {
			return errNotInteger
		}
		r.ends = true
	}
	return c.onBits(v, func(value []byte) Reply {
		if value == nil {
			return integer(-bit) // zeros without end
		}
		start, end := r.bits(len(value))
		if start >= end {
			return integer(-1)
		}
		at := bitmap.Find(value, byte(bit), start, end)
		if at < 0 && bit == 0 && !r.ends {
			at = end // the zeros that follow on the string
		}
		return integer(at)
	})
}

func bitop(tx *store.Tx, c *call) Reply {
	op := strings.ToLower(c.str(1))
	switch op {
	case "and", "or", "xor":
	case "not":
		if len(c.args) != 4 {
			return errBitopNot
		}
	default:
		return errSyntax
	}
	sources := make([][]byte, len(c.args)-3)
	length, total := 0, 0
	for i, key := range c.args[3:] {
		var err error
		if sources[i], err = tx.View.String(key); err != nil {
			return failure(err)
		}
		length = max(length, len(sources[i]))
		total += len(sources[i])
	}
	if length == 0 {
		if tx.Delete(c.args[2]) {
			c.notify(tx, eventGeneric, "del", c.args[2])
		}
		return replyZero
	}
	made, ok := c.combinedBits(sources)
	switch {
	case ok:
	case total >= bitopApartBytes && c.mayPart:
		for i, key := range c.args[3:] {
			sources[i] = outlasting(&tx.View, key, sources[i])
		}
		c.apart = func() any { return &bitCombination{sources, bitmap.Combine(op, sources)} }
		return replyNone
	default:
		made = bitmap.Combine(op, sources)
	}
	tx.SetStringAs(c.args[2], made, 0, store.Grown)
	c.notify(tx, eventString, "set", c.args[2])
	return integer(length)
}

// outlasting is a string's value for use without the lock. The key was looked up before, and value is what it holds.
func outlasting(v *store.View, key, value []byte) []byte {
	if len(value) < lentBytes {
		return bytes.Clone(value) // nil stays nil: the key that is missing is not looked up twice
	}
	value, _ = v.LendString(key)
	return value
}

// bitCombination is what BITOP has computed without the lock.
type bitCombination struct {
	sources [][]byte
	made    []byte
}

// combinedBits returns what was computed before, if the sources are the same still. A long, lent string is not changed in
// place, and while it is held here no other stands where it stands.
func (c *call) combinedBits(sources [][]byte) (made []byte, ok bool) {
	done, ok := c.resume.(*bitCombination)
	if !ok {
		return nil, false
	}
	for i, s := range sources {
		before := done.sources[i]
		same := unsafe.SliceData(s) == unsafe.SliceData(before) || len(s) < lentBytes && bytes.Equal(s, before)
		if len(s) != len(before) || !same {
			return nil, false
		}
	}
	return done.made, true
}
