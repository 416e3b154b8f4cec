package command

import (
	"math"
	"strconv"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

func hashRows() []*Row {
	return []*Row{
		{Name: "hdel", Arity: -3, Flags: Write | Fast, Keys: Named(KeyAt(1, "RW delete"), 2, 1, -1), Write: editHashPart(hdel),
			Group: "hash", Since: "2.0.0", Args: "key field...", Cost: "O(N) in the number of fields",
			Doc: "Removes fields of a hash."},
		{Name: "hexists", Arity: 3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO"), 2, 1, 2), Read: onHashPart(hexists),
			Group: "hash", Since: "2.0.0", Args: "key field", Doc: "Tells whether a hash has a field."},
		{Name: "hget", Arity: 3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO access"), 2, 1, 2), Read: onHashPart(hget),
			Group: "hash", Since: "2.0.0", Args: "key field", Doc: "Returns a field's value."},
		{Name: "hgetall", Arity: 2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onHash(hgetall),
			Group: "hash", Since: "2.0.0", Tips: "nondeterministic_output_order", Args: "key",
			Cost: "O(N) in the number of fields", Doc: "Returns all fields and values of a hash."},
		{Name: "hincrby", Arity: 4, Flags: Write | Denyoom | Fast, Keys: Named(KeyAt(1, "RW access update"), 2, 1, 2), Write: hincrby,
			Group: "hash", Since: "2.0.0", Args: "key field increment", Doc: "Adds a number to a field's integer."},
		{Name: "hincrbyfloat", Arity: 4, Flags: Write | Denyoom | Fast, Keys: Named(KeyAt(1, "RW access update"), 2, 1, 2),
			Write: hincrbyfloat, Effect: hincrbyfloatEffect,
			Group: "hash", Since: "2.6.0", Args: "key field float",
			Doc: "Adds a number to a field's floating-point value."},
		{Name: "hkeys", Arity: 2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onHash(hkeys),
			Group: "hash", Since: "2.0.0", Tips: "nondeterministic_output_order", Args: "key",
			Cost: "O(N) in the number of fields", Doc: "Returns all fields of a hash."},
		{Name: "hlen", Arity: 2, Flags: Readonly | Fast, Keys: Lengths(KeyAt(1, "RO")), Read: lengthOf(store.TypeHash),
			Group: "hash", Since: "2.0.0", Args: "key", Doc: "Counts the fields of a hash."},
		{Name: "hmget", Arity: -3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO access"), 2, 1, -1), Read: onHashPart(hmget),
			Group: "hash", Since: "2.0.0", Args: "key field...", Cost: "O(N) in the number of fields",
			Doc: "Returns the values of several fields."},
		{Name: "hmset", Arity: -4, Flags: Write | Denyoom | Fast, Keys: Named(KeyAt(1, "RW update"), 2, 2, -1), Write: hmset,
			Group: "hash", Since: "2.0.0", Args: "key field_value{field value}...",
			Cost: "O(N) in the number of fields", Doc: "Sets fields of a hash; HSET's old form."},
		{Name: "hrandfield", Arity: -2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: hrandfield,
			Group: "hash", Since: "6.2.0", Tips: "nondeterministic_output", Args: "key [options{count [WITHVALUES]}]",
			Cost: "O(N) in the number of fields returned", Doc: "Returns random fields of a hash."},
		{Name: "hscan", Arity: -3, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: scanning((*store.View).Hash, hscan),
			Group: "hash", Since: "2.8.0", Tips: "nondeterministic_output",
			Args: "key cursor [MATCH pattern] [COUNT count]", Cost: "O(1) a call, O(N) for a complete iteration",
			Doc: "Walks through the fields and values of a hash."},
		{Name: "hset", Arity: -4, Flags: Write | Denyoom | Fast, Keys: Named(KeyAt(1, "RW update"), 2, 2, -1), Write: hset,
			Group: "hash", Since: "2.0.0", Args: "key field_value{field value}...",
			Cost: "O(N) in the number of fields", Doc: "Sets fields of a hash."},
		{Name: "hsetnx", Arity: 4, Flags: Write | Denyoom | Fast, Keys: Named(KeyAt(1, "RW insert"), 2, 1, 2), Write: editHashPart(hsetnx),
			Group: "hash", Since: "2.0.0", Args: "key field value", Doc: "Sets a field if it is not there."},
		{Name: "hstrlen", Arity: 3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO"), 2, 1, 2), Read: onHashPart(hstrlen),
			Group: "hash", Since: "3.2.0", Args: "key field", Doc: "Returns the length of a field's value."},
		{Name: "hvals", Arity: 2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onHash(hvals),
			Group: "hash", Since: "2.0.0", Tips: "nondeterministic_output_order", Args: "key",
			Cost: "O(N) in the number of fields", Doc: "Returns all values of a hash."},
	}
}

var (
	errHashNotInteger = ErrorReply("ERR hash value is not an integer")
	errHashNotFloat   = ErrorReply("ERR hash value is not a float")
	errFloatInfinite  = ErrorReply("ERR value is NaN or Infinity")
)

func hset(tx *store.Tx, c *Call) Reply {
	created, refusal := c.setFields(tx)
	if refusal.IsError() {
		return refusal
	}
	return Integer(created)
}

func hmset(tx *store.Tx, c *Call) Reply {
	if _, refusal := c.setFields(tx); refusal.IsError() {
		return refusal
	}
	return ReplyOK
}

func (c *Call) setFields(tx *store.Tx) (created int, refusal Reply) {
	if len(c.Args)%2 != 0 {
		return 0, ErrArity(c.Row)
	}
	h, err := tx.EditHashPart(c.Args[1], c.names())
	if err != nil {
		return 0, Failure(err)
	}
	for i := 2; i < len(c.Args); i += 2 {
		if h.Set(c.Args[i], c.Args[i+1]) {
			created++
		}
	}
	c.notify(tx, EventHash, "hset", c.Args[1])
	return created, Reply{}
}

func hsetnx(h store.HashTx, tx *store.Tx, c *Call) Reply {
	if _, there := h.Get(c.Args[2]); there {
		return ReplyZero
	}
	h.Set(c.Args[2], c.Args[3])
	c.notify(tx, EventHash, "hset", c.Args[1])
	return ReplyOne
}

func hget(h *store.Hash, c *Call) Reply {
	return fieldOf(h, c.Args[2])
}

func hmget(h *store.Hash, c *Call) Reply {
	values := c.Elems(len(c.Args) - 2)
	for _, field := range c.Args[2:] {
		values = append(values, fieldOf(h, field))
	}
	return Array(values...)
}

func fieldOf(h *store.Hash, field []byte) Reply {
	value, ok := h.Get(field)
	if !ok {
		return ReplyNull
	}
	return BulkString(value)
}

func hexists(h *store.Hash, c *Call) Reply {
	_, ok := h.Get(c.Args[2])
	return OneIf(ok)
}

func hstrlen(h *store.Hash, c *Call) Reply {
	value, _ := h.Get(c.Args[2])
	return Integer(len(value))
}

func hdel(h store.HashTx, tx *store.Tx, c *Call) Reply {
	n := 0
	for _, field := range c.Args[2:] {
		if h.Delete(field) {
			n++
		}
	}
	if n > 0 {
		c.notifyGone(tx, EventHash, "hdel", c.Args[1], h.Len())
	}
	return Integer(n)
}

func hgetall(h *store.Hash, c *Call) Reply {
	if c.worksOffLock(h.Len(), h.Len()) {
		texts := make([]string, 0, 2*h.Len())
		h.Each(func(field, value string) bool {
			texts = append(texts, field, value)
			return true
		})
		return c.eachText(KindMap, texts)
	}
	elems := c.Elems(2 * h.Len())
	h.Each(func(field, value string) bool {
		elems = append(elems, BulkString(field), BulkString(value))
		return true
	})
	return MapOf(elems...)
}

func hkeys(h *store.Hash, c *Call) Reply {
	if c.worksOffLock(h.Len(), h.Len()) {
		texts := make([]string, 0, h.Len())
		h.Each(func(field, _ string) bool {
			texts = append(texts, field)
			return true
		})
		return c.eachText(KindArray, texts)
	}
	fields := c.Elems(h.Len())
	h.Each(func(field, _ string) bool {
		fields = append(fields, BulkString(field))
		return true
	})
	return Array(fields...)
}

func hvals(h *store.Hash, c *Call) Reply {
	if c.worksOffLock(h.Len(), h.Len()) {
		texts := make([]string, 0, h.Len())
		h.Each(func(_, value string) bool {
			texts = append(texts, value)
			return true
		})
		return c.eachText(KindArray, texts)
	}
	values := c.Elems(h.Len())
	h.Each(func(_, value string) bool {
		values = append(values, BulkString(value))
		return true
	})
	return Array(values...)
}

// hincrby adds to an integer; the field keeps its deadline, and an absent one counts as 0.
func hincrby(tx *store.Tx, c *Call) Reply {
	by, ok := c.Int(3)
	if !ok {
		return ErrNotInteger
	}
	h, err := tx.EditHashPart(c.Args[1], c.names())
	if err != nil {
		return Failure(err)
	}
	n := int64(0)
	if value, there := h.Get(c.Args[2]); there {
		if n, ok = numbers.ParseInt(words.ViewBytes(value)); !ok {
			return errHashNotInteger
		}
	}
	sum, ok := plus(n, by)
	if !ok {
		return errOverflow
	}
	h.Update(c.Args[2], strconv.AppendInt(nil, sum, 10))
	c.notify(tx, EventHash, "hincrby", c.Args[1])
	return Integer(sum)
}

// hincrbyfloat is hincrby for decimal numbers.
func hincrbyfloat(tx *store.Tx, c *Call) Reply {
	by, ok := numbers.ParseLongDouble(c.Args[3])
	switch {
	case !ok:
		return errNotFloat
	case by.IsInf():
		return errFloatInfinite
	}
	h, err := tx.EditHashPart(c.Args[1], c.names())
	if err != nil {
		return Failure(err)
	}
	value, there := h.Get(c.Args[2])
	if !there {
		value = "0"
	}
	number, ok := numbers.ParseLongDouble(words.ViewBytes(value))
	if !ok {
		return errHashNotFloat
	}
	sum, ok := numbers.AddLongDouble(number, by)
	if !ok {
		return errNaN
	}
	text := numbers.FormatLongDouble(sum)
	h.Update(c.Args[2], text)
	c.notify(tx, EventHash, "hincrbyfloat", c.Args[1])
	return Bulk(text)
}

func hrandfield(v *store.View, c *Call) Reply {
	if len(c.Args) == 2 {
		h, err := v.Hash(c.Args[1])
		if err != nil {
			return Failure(err)
		}
		reply := ReplyNull
		h.Random(1, func(field, _ string) { reply = BulkString(field) })
		return reply
	}
	count, ok := c.Int(2)
	withValues := len(c.Args) == 4
	switch {
	case !ok:
		return ErrNotInteger
	case count == math.MinInt64:
		return errInt64Range
	case len(c.Args) > 4 || withValues && !c.Is(3, "withvalues"):
		return ErrSyntax
	case withValues && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		return errOutOfRange
	}
	h, err := v.Hash(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	n := min(max(count, -count), max(int64(h.Len()), mostDrawn/(h.AverageBytes()+2*drawBytes)))
	if count > 0 {
		n = min(n, int64(h.Len()))
	} else if n < -count && h.Len() > 0 {
		return errRandomLength
	}
	picked := c.pickedFields(int(n), withValues)
	if count > 0 {
		h.Sample(int(n), picked.add)
	} else {
		h.Random(int(n), picked.add)
	}
	return Array(picked.elems...)
}

// pickedFields is HRANDFIELD's reply under construction. With values it is pairs in RESP3, flat in RESP2.
type pickedFields struct {
	elems             []Reply
	withValues, pairs bool
}

func (c *Call) pickedFields(n int, withValues bool) *pickedFields {
	return &pickedFields{make([]Reply, 0, n), withValues, withValues && c.RESP3}
}

func (p *pickedFields) add(field, value string) {
	switch {
	case p.pairs:
		p.elems = append(p.elems, Array(BulkString(field), BulkString(value)))
	case p.withValues:
		p.elems = append(p.elems, BulkString(field), BulkString(value))
	default:
		p.elems = append(p.elems, BulkString(field))
	}
}

// hscan answers with the whole of a hash that Redis would hold compactly, if the scan has just begun: otherwise it
// returned some of it when it was larger, and goes on.
func hscan(h *store.Hash, o elementScan, c *Call) Reply {
	if encodingOf(c.Settings, h.Shape()) != "hashtable" {
		o.unbounded()
	}
	var elems []Reply
	h.After(o.cursor, func(n int64, field, value string) bool {
		if !o.step(n) {
			return false
		}
		if o.matches(field) {
			elems = append(elems, BulkString(field), BulkString(value))
		}
		return true
	})
	return o.reply(elems)
}
