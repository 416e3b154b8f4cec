package command

import (
	"bytes"
	"strings"
	"unsafe"

	"diskette/resp/internal/bitmap"
	"diskette/resp/internal/numbers"
	"diskette/resp/wire"
	"diskette/store"
)

func bitmapRows() []*Row {
	return []*Row{
		{Name: "bitcount", Arity: -2, Flags: Readonly, Keys: longText(KeyAt(1, "RO access")), Read: bitcount,
			Group: "bitmap", Since: "2.6.0", Args: "key [index{start end [index_unit(BYTE|BIT)]}]",
			Cost: "O(N) in the length of the range", Doc: "Counts the bits that are set."},
		{Name: "bitfield", Arity: -2, Flags: Write | Denyoom, Keys: longText(bitfieldKey()), Write: bitfield,
			Group: "bitmap", Since: "3.2.0",
			Args: "key [operation(GET encoding_offset{encoding offset}|write{[OVERFLOW wrap_sat_fail(WRAP|SAT|FAIL)] write_operation(SET encoding_offset_value{encoding offset value=integer}|INCRBY encoding_offset_increment{encoding offset increment})})...]",
			Cost: "O(1) for each subcommand", Doc: "Reads and changes integers of any width within a string."},
		{Name: "bitfield_ro", Arity: -2, Flags: Readonly | Fast, Keys: longText(KeyAt(1, "RO access")), Read: bitfieldRO,
			Group: "bitmap", Since: "6.0.0", Args: "key [GET encoding_offset{encoding offset}...]",
			Cost: "O(1) for each subcommand", Doc: "Reads integers of any width within a string."},
		{Name: "bitop", Arity: -4, Flags: Write | Denyoom,
			Keys: both(KeyAt(2, "OW update"), KeysFrom(3, -1, 1, "RO access")), Write: bitop,
			Group: "bitmap", Since: "2.6.0", Args: "operation destkey key...",
			Cost: "O(N) in the length of the longest string", Doc: "Combines strings bit by bit into another key."},
		{Name: "bitpos", Arity: -3, Flags: Readonly, Keys: longText(KeyAt(1, "RO access")), Read: bitpos,
			Group: "bitmap", Since: "2.8.7", Args: "key bit [index{start [end_index{end [index_unit(BYTE|BIT)]}]}]",
			Cost: "O(N) in the length of the range", Doc: "Finds the first bit that is set or clear."},
		{Name: "getbit", Arity: 3, Flags: Readonly | Fast, Keys: longText(KeyAt(1, "RO access")), Read: getbit,
			Group: "bitmap", Since: "2.2.0", Args: "key offset", Doc: "Returns a bit."},
		{Name: "setbit", Arity: 4, Flags: Write | Denyoom, Keys: longText(KeyAt(1, "RW access update")), Write: setbit,
			Group: "bitmap", Since: "2.2.0", Args: "key offset value=integer",
			Doc: "Sets or clears a bit and returns the old one."},
	}
}

// From these lengths on, BITCOUNT and BITPOS, and BITOP, work without the keyspace lock, which they would
// hold for 2 to 5 ms and more [measured]. The next SETBIT must then copy the string, without the lock, too:
// so they are not less.
const (
	offLockBytes      = 32 << 20
	bitopOffLockBytes = 8 << 20 // of all sources
)

var (
	errBit         = ErrorReply("ERR bit is not an integer or out of range")
	errBitArgument = ErrorReply("ERR The bit argument must be 1 or 0.")
	errBitopNot    = ErrorReply("ERR BITOP NOT must be called with a single source key.")
)

func setbit(tx *store.Tx, c *Call) Reply {
	key := c.Args[1]
	offset, ok := c.bitOffset(c.Args[2])
	if !ok {
		return errBitOffset
	}
	bit, ok := c.Int(3)
	if !ok || bit&^1 != 0 {
		return errBit
	}
	t, err := tx.Text(key)
	if err != nil {
		return Failure(err)
	}
	at, mask := int(offset/8), byte(0x80)>>(offset&7)
	if !t.Editable(at, at+1, c.MayLoad) {
		return ReplyLoad
	}
	grows, was := at >= t.Len(), false
	if !grows {
		part, _ := t.Part(at, at+1, false)
		was = part[0]&mask != 0
	}
	if !grows && was == (bit == 1) && t.Len() > embeddedBytes {
		return OneIf(was) // nothing changes; a short one becomes "raw" all the same
	}
	err = tx.EditPart(key, at+1, at, at+1, func(part []byte) []store.Span {
		if was == (bit == 1) {
			return nil
		}
		part[0] ^= mask
		return []store.Span{{From: 0, To: 1}}
	})
	if err != nil {
		return Failure(err)
	}
	if grows || was != (bit == 1) {
		c.notify(tx, eventString, "setbit", key)
	}
	return OneIf(was)
}

// bitOffset reads a bit's place, which must lie in a string of up to proto-max-bulk-len.
func (c *Call) bitOffset(arg []byte) (offset int64, ok bool) {
	offset, ok = numbers.ParseInt(arg)
	return offset, ok && c.isBitOffset(offset)
}

func (c *Call) isBitOffset(offset int64) bool {
	return offset >= 0 && offset>>3 < c.MaxBulk.Load()
}

func getbit(v *store.View, c *Call) Reply {
	offset, ok := c.bitOffset(c.Args[2])
	if !ok {
		return errBitOffset
	}
	t, err := v.Text(c.Args[1])
	at := int(offset / 8)
	switch {
	case err != nil:
		return Failure(err)
	case at >= t.Len():
		return ReplyZero
	}
	part, ok := t.Part(at, at+1, c.MayLoad)
	if !ok {
		return ReplyLoad
	}
	return OneIf(part[0]&(0x80>>(offset&7)) != 0)
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
	start, end = cut(start, end, total)
	if r.inBits {
		return start, end
	}
	return start * 8, end * 8
}

// bitUnit reads BYTE or BIT.
func (c *Call) bitUnit(i int) (inBits, ok bool) {
	return c.Is(i, "bit"), c.Is(i, "bit") || c.Is(i, "byte")
}

// bitcount, like Redis 7.2, judges its arguments before it looks for the key.
func bitcount(v *store.View, c *Call) Reply {
	var r bitRange
	if n := len(c.Args); n != 2 {
		if n != 4 && n != 5 {
			return ErrSyntax
		}
		var ok bool
		if r.start, ok = c.Int(2); !ok {
			return ErrNotInteger
		}
		if r.end, ok = c.Int(3); !ok {
			return ErrNotInteger
		}
		if n == 5 {
			if r.inBits, ok = c.bitUnit(4); !ok {
				return ErrSyntax
			}
		}
		r.ends = true
	}
	t, err := v.Text(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	if r.start < 0 && r.end < 0 && r.start > r.end {
		return ReplyZero // before they are cut: both may lie before the beginning
	}
	start, end := r.bits(t.Len())
	n := int64(0)
	return c.onBits(t, start, end, func(piece []byte, _, from, to int64) (more bool) {
		n += bitmap.CountIn(piece, from, to)
		return true
	}, func() Reply { return Integer(n) })
}

// onBits calls look with the bytes that have the bits start .. end-1 of a string, at once or piece by piece: the first
// bit of piece is bit at of the string, and those looked for are from .. to-1 of piece. When look has seen all of them,
// or wants no more, answer gives the reply. On a long string it works without the lock.
func (c *Call) onBits(
	t store.Text, start, end int64, look func(piece []byte, at, from, to int64) (more bool), answer func() Reply,
) Reply {
	if start >= end {
		return answer()
	}
	first, last := int(start/8), int((end+7)/8)
	lookIn := func(piece []byte, at int) bool {
		bit := int64(at) * 8
		return look(piece, bit, max(0, start-bit), min(end-bit, int64(len(piece))*8))
	}
	switch {
	case c.MayLeaveLock && t.InPassage(last-first):
		p := t.Passage(first, last)
		c.Finish = func() Reply {
			defer p.Close()
			for at, more := first, true; more; {
				piece, err := p.Next()
				if err != nil {
					return Failure(err)
				}
				more = len(piece) > 0 && lookIn(piece, at)
				at += len(piece)
			}
			return answer()
		}
		return ReplyNone
	case t.OnDisk() || last-first < offLockBytes || !c.MayLeaveLock:
		part, ok := t.Part(first, last, c.MayLoad)
		if !ok {
			return ReplyLoad
		}
		lookIn(part, first)
		return answer()
	}
	part := t.Lend()[first:last]
	c.Finish = func() Reply {
		lookIn(part, first)
		return answer()
	}
	return ReplyNone
}

// bitpos, like Redis 7.2, judges its arguments before it looks for the key.
func bitpos(v *store.View, c *Call) Reply {
	bit, ok := c.Int(2)
	if !ok {
		return ErrNotInteger
	}
	if bit != 0 && bit != 1 {
		return errBitArgument
	}
	var r bitRange
	n := len(c.Args)
	if n > 6 {
		return ErrSyntax
	}
	if n > 3 {
		if r.start, ok = c.Int(3); !ok {
			return ErrNotInteger
		}
	}
	if n == 6 {
		if r.inBits, ok = c.bitUnit(5); !ok {
			return ErrSyntax
		}
	}
	if n > 4 {
		if r.end, ok = c.Int(4); !ok {
			return ErrNotInteger
		}
		r.ends = true
	}
	t, err := v.Text(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case !t.There():
		return Integer(-bit) // zeros without end
	}
	start, end := r.bits(t.Len())
	found := int64(-1)
	return c.onBits(t, start, end, func(piece []byte, at, from, to int64) (more bool) {
		if found = bitmap.Find(piece, byte(bit), from, to); found >= 0 {
			found += at
		}
		return found < 0
	}, func() Reply {
		if found < 0 && bit == 0 && !r.ends && start < end {
			return Integer(end) // the zeros that follow on the string
		}
		return Integer(found)
	})
}

func bitop(tx *store.Tx, c *Call) Reply {
	op := strings.ToLower(c.Str(1))
	switch op {
	case "and", "or", "xor":
	case "not":
		if len(c.Args) != 4 {
			return errBitopNot
		}
	default:
		return ErrSyntax
	}
	sources := make([][]byte, len(c.Args)-3)
	length, total := 0, 0
	for i, key := range c.Args[3:] {
		var err error
		if sources[i], err = tx.View.String(key); err != nil {
			return Failure(err)
		}
		length = max(length, len(sources[i]))
		total += len(sources[i])
	}
	if length == 0 {
		if tx.Delete(c.Args[2]) {
			c.notify(tx, EventGeneric, "del", c.Args[2])
		}
		return ReplyZero
	}
	made, ok := c.combinedBits(sources)
	switch {
	case ok:
	case total >= bitopOffLockBytes && c.MayLeaveLock:
		for i, key := range c.Args[3:] {
			sources[i] = outlasting(&tx.View, key, sources[i])
		}
		c.OffLock = func() any { return &bitCombination{sources, bitmap.Combine(op, sources)} }
		return ReplyNone
	default:
		made = bitmap.Combine(op, sources)
	}
	tx.SetStringAs(c.Args[2], made, 0, store.Grown)
	c.notify(tx, eventString, "set", c.Args[2])
	return Integer(length)
}

// outlasting is a string's value for use without the lock. The key was looked up before, and value is what it holds.
func outlasting(v *store.View, key, value []byte) []byte {
	if len(value) < wire.LentBytes {
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

// combinedBits returns what was computed before, if the sources are the same still. A long, lent
// string is not changed in place, and while it is held here no other stands where it stands.
func (c *Call) combinedBits(sources [][]byte) (made []byte, ok bool) {
	done, ok := c.Resume.(*bitCombination)
	if !ok {
		return nil, false
	}
	for i, s := range sources {
		before := done.sources[i]
		same := unsafe.SliceData(s) == unsafe.SliceData(before) || len(s) < wire.LentBytes && bytes.Equal(s, before)
		if len(s) != len(before) || !same {
			return nil, false
		}
	}
	return done.made, true
}
