package resp

import (
	"math"
	"strconv"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

var (
	errHashNotInteger = errorReply("ERR hash value is not an integer")
	errHashNotFloat   = errorReply("ERR hash value is not a float")
	errFloatInfinite  = errorReply("ERR value is NaN or Infinity")
)

func hset(tx *store.Tx, c *call) Reply {
	created, refusal := c.setFields(tx)
	if refusal.isError() {
		return refusal
	}
	return integer(created)
}

func hmset(tx *store.Tx, c *call) Reply {
	if _, refusal := c.setFields(tx); refusal.isError() {
		return refusal
	}
	return replyOK
}

func (c *call) setFields(tx *store.Tx) (created int, refusal Reply) {
	if len(c.args)%2 != 0 {
		return 0, errArity(c.row)
	}
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return 0, failure(err)
	}
	for i := 2; i < len(c.args); i += 2 {
		if h.Set(c.args[i], c.args[i+1]) {
			created++
		}
	}
	c.notify(tx, eventHash, "hset", c.args[1])
	return created, Reply{}
}

func hsetnx(tx *store.Tx, c *call) Reply {
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return failure(err)
	}
	if _, there := h.Get(c.args[2]); there {
		return replyZero
	}
	h.Set(c.args[2], c.args[3])
	c.notify(tx, eventHash, "hset", c.args[1])
	return replyOne
}

func hget(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	return fieldOf(h, c.args[2])
}

func hmget(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	values := c.elems(len(c.args) - 2)
	for _, field := range c.args[2:] {
		values = append(values, fieldOf(h, field))
	}
	return array(values...)
}

func fieldOf(h *store.Hash, field []byte) Reply {
	value, ok := h.Get(field)
	if !ok {
		return replyNull
	}
	return bulkString(value)
}

func hexists(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	_, ok := h.Get(c.args[2])
	return oneIf(ok)
}

func hstrlen(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	value, _ := h.Get(c.args[2])
	return integer(len(value))
}

func hlen(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(h.Len())
}

func hdel(tx *store.Tx, c *call) Reply {
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return failure(err)
	}
	n := 0
	for _, field := range c.args[2:] {
		if h.Delete(field) {
			n++
		}
	}
	if n > 0 {
		c.notifyGone(tx, eventHash, "hdel", c.args[1], h.Len())
	}
	return integer(n)
}

func hgetall(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	if c.apartFor(h.Len(), h.Len()) {
		texts := make([]string, 0, 2*h.Len())
		h.Each(func(field, value string) bool {
			texts = append(texts, field, value)
			return true
		})
		c.finish = func() Reply { return mapOf(bulkStrings(texts).elems...) }
		return replyNone
	}
	elems := c.elems(2 * h.Len())
	h.Each(func(field, value string) bool {
		elems = append(elems, bulkString(field), bulkString(value))
		return true
	})
	return mapOf(elems...)
}

func hkeys(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	fields := c.elems(h.Len())
	h.Each(func(field, _ string) bool {
		fields = append(fields, bulkString(field))
		return true
	})
	return array(fields...)
}

func hvals(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	values := c.elems(h.Len())
	h.Each(func(_, value string) bool {
		values = append(values, bulkString(value))
		return true
	})
	return array(values...)
}

// hincrby adds to an integer; the field keeps its deadline, and an absent one counts as 0.
func hincrby(tx *store.Tx, c *call) Reply {
	by, ok := c.int(3)
	if !ok {
		return errNotInteger
	}
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return failure(err)
	}
	n := int64(0)
	if value, there := h.Get(c.args[2]); there {
		if n, ok = numbers.ParseInt(words.ViewBytes(value)); !ok {
			return errHashNotInteger
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return errOverflow
	}
	h.Update(c.args[2], strconv.AppendInt(nil, n+by, 10))
	c.notify(tx, eventHash, "hincrby", c.args[1])
	return integer(n + by)
}

// hincrbyfloat is hincrby for decimal numbers.
func hincrbyfloat(tx *store.Tx, c *call) Reply {
	by, ok := numbers.ParseLongDouble(c.args[3])
	switch {
	case !ok:
		return errNotFloat
	case by.IsInf():
		return errFloatInfinite
	}
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return failure(err)
	}
	value, there := h.Get(c.args[2])
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
	h.Update(c.args[2], text)
	c.notify(tx, eventHash, "hincrbyfloat", c.args[1])
	return bulk(text)
}

func hrandfield(v *store.View, c *call) Reply {
	if len(c.args) == 2 {
		h, err := v.Hash(c.args[1])
		if err != nil {
			return failure(err)
		}
		reply := replyNull
		h.Random(1, func(field, _ string) { reply = bulkString(field) })
		return reply
	}
	count, ok := c.int(2)
	withValues := len(c.args) == 4
	switch {
	case !ok:
		return errNotInteger
	case count == math.MinInt64:
		return errInt64Range
	case len(c.args) > 4 || withValues && !c.is(3, "withvalues"):
		return errSyntax
	case withValues && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		return errOutOfRange
	}
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
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
	return array(picked.elems...)
}

// pickedFields is HRANDFIELD's reply under construction. With values it is pairs in RESP3, flat in RESP2.
type pickedFields struct {
	elems             []Reply
	withValues, pairs bool
}

func (c *call) pickedFields(n int, withValues bool) *pickedFields {
	return &pickedFields{make([]Reply, 0, n), withValues, withValues && c.resp3}
}

func (p *pickedFields) add(field, value string) {
	switch {
	case p.pairs:
		p.elems = append(p.elems, array(bulkString(field), bulkString(value)))
	case p.withValues:
		p.elems = append(p.elems, bulkString(field), bulkString(value))
	default:
		p.elems = append(p.elems, bulkString(field))
	}
}

// hscan answers with the whole of a hash that Redis would hold compactly, if the scan has just begun: otherwise it
// returned some of it when it was larger, and goes on.
func hscan(v *store.View, c *call) Reply {
	cursor, refusal := c.scanCursor()
	if refusal.isError() {
		return refusal
	}
	h, err := v.Hash(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case h == nil:
		return scanned(0, nil)
	}
	o, refusal := c.elementScan(cursor)
	if refusal.isError() {
		return refusal
	}
	if encodingOf(c.settings, h.Shape()) != "hashtable" {
		o.unbounded()
	}
	var elems []Reply
	h.After(o.cursor, func(n int64, field, value string) bool {
		if !o.step(n) {
			return false
		}
		if o.matches(field) {
			elems = append(elems, bulkString(field), bulkString(value))
		}
		return true
	})
	return o.reply(elems)
}
