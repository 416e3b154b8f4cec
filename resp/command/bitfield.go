package command

import (
	"encoding/binary"
	"math"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

var (
	errBitfieldType     = ErrorReply("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
	errBitfieldOverflow = ErrorReply("ERR Invalid OVERFLOW type specified")
	errBitfieldReadOnly = ErrorReply("ERR BITFIELD_RO only supports the GET subcommand")
)

// bitfieldOp is one of BITFIELD's subcommands.
type bitfieldOp struct {
	verb   byte  // 'g'et, 's'et or 'i'ncrby
	onOver byte  // 'w'rap, 's'at or 'f'ail
	field  field // where
	by     int64 // the value or the increment
}

// A field is an integer of 1 to 64 bits within a string of bits.
type field struct {
	offset int64 // of its highest bit
	bits   uint
	signed bool
}

func (f field) firstByte() int { return int(f.offset / 8) }
func (f field) endByte() int   { return int((f.offset + int64(f.bits) + 7) / 8) }

// bitfieldOps reads BITFIELD's subcommands; writes reports whether one of them is no GET.
func (c *Call) bitfieldOps() (ops []bitfieldOp, writes bool, refusal Reply) {
	onOver := byte('w')
	for i := 2; i < len(c.Args); {
		op := bitfieldOp{onOver: onOver}
		left := len(c.Args) - i - 1
		switch {
		case c.Is(i, "get") && left >= 2:
			op.verb = 'g'
		case c.Is(i, "set") && left >= 3:
			op.verb = 's'
		case c.Is(i, "incrby") && left >= 3:
			op.verb = 'i'
		case c.Is(i, "overflow") && left >= 1:
			switch {
			case c.Is(i+1, "wrap"):
				onOver = 'w'
			case c.Is(i+1, "sat"):
				onOver = 's'
			case c.Is(i+1, "fail"):
				onOver = 'f'
			default:
				return nil, false, errBitfieldOverflow
			}
			i += 2
			continue
		default:
			return nil, false, ErrSyntax
		}
		var ok bool
		if op.field, ok = parseFieldType(c.Args[i+1]); !ok {
			return nil, false, errBitfieldType
		}
		if !c.fieldOffset(i+2, &op.field) {
			return nil, false, errBitOffset
		}
		i += 3
		if op.verb != 'g' {
			if op.by, ok = c.Int(i); !ok {
				return nil, false, ErrNotInteger
			}
			i++
			writes = true
		}
		ops = append(ops, op)
	}
	return ops, writes, Reply{}
}

// parseFieldType reads i1 to i64 and u1 to u63.
func parseFieldType(arg []byte) (f field, ok bool) {
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return f, false
	}
	f.signed = arg[0] == 'i'
	n, ok := numbers.ParseInt([]byte(UpToNUL(arg[1:], len(arg))))
	f.bits = uint(n)
	return f, ok && n >= 1 && (n <= 63 || n == 64 && f.signed)
}

// fieldOffset reads a field's place, in bits or, behind a #, in fields of its size.
func (c *Call) fieldOffset(i int, f *field) (ok bool) {
	arg, unit := c.Args[i], int64(1)
	if len(arg) > 0 && arg[0] == '#' {
		arg, unit = arg[1:], int64(f.bits)
	}
	n, ok := numbers.ParseInt(arg)
	f.offset = n * unit // it may wrap, as in Redis
	return ok && c.isBitOffset(f.offset)
}

func bitfield(tx *store.Tx, c *Call) Reply {
	ops, writes, refusal := c.bitfieldOps()
	if refusal.IsError() {
		return refusal
	}
	if !writes {
		return readFields(&tx.View, c, ops)
	}
	length := 0
	for _, op := range ops {
		if op.verb != 'g' {
			length = max(length, op.field.endByte())
		}
	}
	replies, applied := make([]Reply, len(ops)), false
	t, err := tx.Text(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	from, to := extent(ops)
	if !t.Editable(from, to, c.MayLoad) {
		return ReplyLoad
	}
	grows := length > t.Len()
	err = tx.EditPart(c.Args[1], length, from, to, func(part []byte) (changed []store.Span) {
		for i, op := range ops {
			op.field.offset -= int64(from) * 8
			var wrote bool
			if replies[i], wrote = op.run(part); wrote {
				changed = append(changed, store.Span{From: op.field.firstByte(), To: op.field.endByte()})
			}
			applied = applied || wrote || grows && op.verb != 'g' && replies[i].Kind != ReplyNull.Kind
		}
		return changed
	})
	if err != nil {
		return Failure(err)
	}
	if applied {
		c.notify(tx, eventString, "setbit", c.Args[1])
	}
	return Array(replies...)
}

func bitfieldRO(v *store.View, c *Call) Reply {
	ops, writes, refusal := c.bitfieldOps()
	switch {
	case refusal.IsError():
		return refusal
	case writes:
		return errBitfieldReadOnly
	}
	return readFields(v, c, ops)
}

func readFields(v *store.View, c *Call, ops []bitfieldOp) Reply {
	t, err := v.Text(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	from, to := extent(ops)
	to = min(to, t.Len())
	from = min(from, to)
	part, ok := t.Part(from, to, c.MayLoad)
	if !ok {
		return ReplyLoad
	}
	replies := make([]Reply, len(ops))
	for i, op := range ops {
		op.field.offset -= int64(from) * 8
		replies[i] = Integer(op.field.get(part))
	}
	return Array(replies...)
}

// extent is which bytes the fields are in; none = 0, 0.
func extent(ops []bitfieldOp) (from, to int) {
	for i, op := range ops {
		if i == 0 {
			from = op.field.firstByte()
		}
		from, to = min(from, op.field.firstByte()), max(to, op.field.endByte())
	}
	return from, to
}

// run does what the subcommand asks for and reports whether value has changed.
func (op *bitfieldOp) run(value []byte) (reply Reply, changed bool) {
	was := op.field.get(value)
	if op.verb == 'g' {
		return Integer(was), false
	}
	result, fits := op.result(was)
	if !fits && op.onOver == 'f' {
		return ReplyNull, false
	}
	op.field.set(value, result)
	if op.verb == 's' {
		return Integer(was), was != result
	}
	return Integer(result), was != result
}

// result is the field's new value; fits is false if that is not what was asked for.
func (op *bitfieldOp) result(was int64) (result int64, fits bool) {
	base, by := was, op.by
	if op.verb == 's' {
		base, by = op.by, 0
	}
	over, under := op.field.exceeded(base, by)
	lowest, highest := op.field.limits()
	switch {
	case !over && !under:
		return base + by, true
	case op.onOver == 'w':
		return op.field.wrap(base + by), false
	case over:
		return highest, false
	}
	return lowest, false
}

func (f field) limits() (lowest, highest int64) {
	if !f.signed {
		return 0, int64(uint64(1)<<f.bits - 1)
	}
	highest = int64(uint64(math.MaxUint64) >> (65 - f.bits))
	return -highest - 1, highest
}

// exceeded reports whether base + by lies above or below what the field can hold. For values that are themselves far
// outside it is as Redis computes it, in 64 bits: BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775808 sets 127.
func (f field) exceeded(base, by int64) (over, under bool) {
	lowest, highest := f.limits()
	if !f.signed {
		over = uint64(base) > uint64(highest) || by > 0 && by > highest-base
		return over, !over && by < -base
	}
	up, down := highest-base, lowest-base
	narrow := f.bits != 64
	over = base > highest || narrow && by > up || base >= 0 && by > up
	under = !over && (base < lowest || narrow && by < down || base < 0 && by < down)
	return over, under
}

// wrap keeps the field's bits of n.
func (f field) wrap(n int64) int64 {
	if f.signed {
		return n << (64 - f.bits) >> (64 - f.bits)
	}
	return int64(uint64(n) << (64 - f.bits) >> (64 - f.bits))
}

// get reads the field; what lies behind the value's end is zero.
func (f field) get(value []byte) int64 {
	var b [9]byte
	if at := f.firstByte(); at < len(value) {
		copy(b[:], value[at:])
	}
	shift := uint(f.offset & 7)
	n := binary.BigEndian.Uint64(b[:])<<shift | uint64(b[8])>>(8-shift)
	if f.signed {
		return int64(n) >> (64 - f.bits)
	}
	return int64(n >> (64 - f.bits))
}

// set writes the lower bits of n into a value that is long enough.
func (f field) set(value []byte, n int64) {
	var b [9]byte
	part := value[f.firstByte():f.endByte()]
	copy(b[:], part)
	shift := uint(f.offset & 7)
	mask, bits := uint64(math.MaxUint64)<<(64-f.bits), uint64(n)<<(64-f.bits)
	head := binary.BigEndian.Uint64(b[:])
	binary.BigEndian.PutUint64(b[:], head&^(mask>>shift)|bits>>shift)
	b[8] = b[8]&^byte(mask<<(8-shift)) | byte(bits<<(8-shift))
	copy(part, b[:])
}
