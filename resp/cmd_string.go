package resp

import (
	"bytes"
	"math"

	"diskette/expire"
	"diskette/store"
)

func get(v *store.View, c *call) Reply {
	value, err := v.LendString(c.args[1])
	if err != nil {
		return failure(err)
	}
	return lent(value)
}

func mget(v *store.View, c *call) Reply {
	values := c.elems(len(c.args) - 1)
	for _, key := range c.args[1:] {
		value, _ := v.LendString(key) // another type counts as absent
		values = append(values, lent(value))
	}
	return array(values...)
}

func strlen(v *store.View, c *call) Reply {
	value, err := v.String(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(len(value))
}

func getrange(v *store.View, c *call) Reply {
	start, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	end, ok := c.int(3)
	if !ok {
		return errNotInteger
	}
	value, err := v.String(c.args[1])
	if err != nil {
		return failure(err)
	}
	from, to := byteRange(start, end, len(value))
	switch {
	case from == to:
		return bulkString("")
	case to-from < lentBytes:
		return bulk(value[from:to])
	}
	if value, err = v.LendString(c.args[1]); err != nil {
		return failure(err)
	}
	return lent(value[from:to])
}

// byteRange turns the places of a first and a last byte, counted from the end where
// negative, into value[from:to].
func byteRange(start, end int64, length int) (from, to int) {
	n := int64(length)
	if start < 0 && end < 0 && start > end {
		return 0, 0 // before they are cut: both may lie before the beginning
	}
	if start < 0 {
		start = max(0, start+n)
	}
	if end < 0 {
		end = max(0, end+n)
	}
	end = min(end, n-1)
	if start > end {
		return 0, 0
	}
	return int(start), int(end) + 1
}

func set(tx *store.Tx, c *call) Reply {
	key, value := c.args[1], c.args[2]
	if len(c.args) == 3 {
		tx.SetString(key, value, 0)
		c.notify(tx, eventString, "set", key)
		return replyOK
	}
	o, ok := c.setOptions()
	if !ok {
		return errSyntax
	}
	deadline, refusal := o.expiry.deadline(c)
	if refusal.isError() {
		return refusal
	}
	done, skipped := replyOK, replyNull
	if o.get {
		old, err := replacedString(tx, key)
		if err != nil {
			return failure(err)
		}
		done, skipped = old, old
	}
	current, found := tx.Deadline(key)
	if o.ifAbsent && found || o.ifPresent && !found {
		return skipped
	}
	if o.keepTTL {
		deadline = current
	}
	tx.SetString(key, value, deadline)
	c.notify(tx, eventString, "set", key)
	if o.expiry.at > 0 {
		c.notify(tx, eventGeneric, "expire", key)
	}
	return done
}

// setOptions are the words after SET's value.
type setOptions struct {
	ifAbsent, ifPresent bool // NX, XX
	get, keepTTL        bool
	expiry              expiry
}

func (c *call) setOptions() (o setOptions, ok bool) {
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "nx") && !o.ifPresent:
			o.ifAbsent = true
		case c.is(i, "xx") && !o.ifAbsent:
			o.ifPresent = true
		case c.is(i, "get"):
			o.get = true
		case c.is(i, "keepttl") && o.expiry.at == 0:
			o.keepTTL = true
		case !o.keepTTL && o.expiry.parse(c, i):
			i++
		default:
			return o, false
		}
	}
	return o, true
}

// expiry is EX, PX, EXAT or PXAT and the place of its number, 0 = none was given.
type expiry struct {
	at   int
	unit expire.Unit
}

// parse takes the option at place i; as in Redis it may be repeated, but not mixed with another.
func (e *expiry) parse(c *call, i int) bool {
	var unit expire.Unit
	switch {
	case c.is(i, "ex"):
		unit = expire.Seconds
	case c.is(i, "px"):
		unit = expire.Millis
	case c.is(i, "exat"):
		unit = expire.UnixSeconds
	case c.is(i, "pxat"):
		unit = expire.UnixMillis
	default:
		return false
	}
	if i+1 == len(c.args) || e.at != 0 && e.unit != unit {
		return false
	}
	*e = expiry{i + 1, unit}
	return true
}

// deadline is the option's deadline in unix ms, 0 = none, or the error to answer.
func (e expiry) deadline(c *call) (deadline int64, refusal Reply) {
	if e.at == 0 {
		return 0, Reply{}
	}
	n, ok := c.int(e.at)
	if !ok {
		return 0, errNotInteger
	}
	deadline, err := expire.Deadline(n, e.unit, c.now)
	if err != nil {
		return 0, errInvalidExpire(c)
	}
	return deadline, Reply{}
}

// replacedString replies with a string that the command is about to change: a short one may
// be overwritten in place, so it is copied.
func replacedString(tx *store.Tx, key []byte) (Reply, error) {
	value, err := tx.LendString(key)
	if len(value) < lentBytes {
		value = bytes.Clone(value)
	}
	return lent(value), err
}

// setWith is SETEX and PSETEX.
func setWith(unit expire.Unit) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		deadline, refusal := expiry{2, unit}.deadline(c)
		if refusal.isError() {
			return refusal
		}
		tx.SetString(c.args[1], c.args[3], deadline)
		c.notify(tx, eventString, "set", c.args[1])
		c.notify(tx, eventGeneric, "expire", c.args[1])
		return replyOK
	}
}

func setnx(tx *store.Tx, c *call) Reply {
	if _, found := tx.Deadline(c.args[1]); found {
		return replyZero
	}
	tx.SetString(c.args[1], c.args[2], 0)
	c.notify(tx, eventString, "set", c.args[1])
	return replyOne
}

func getset(tx *store.Tx, c *call) Reply {
	old, err := replacedString(tx, c.args[1])
	if err != nil {
		return failure(err)
	}
	tx.SetString(c.args[1], c.args[2], 0)
	c.notify(tx, eventString, "set", c.args[1])
	return old
}

func getdel(tx *store.Tx, c *call) Reply {
	value, err := tx.LendString(c.args[1])
	if err != nil {
		return failure(err)
	}
	if value != nil {
		tx.Delete(c.args[1])
		c.notify(tx, eventGeneric, "del", c.args[1])
	}
	return lent(value)
}

// getex, like Redis, looks at the key before it judges the number of the option.
func getex(tx *store.Tx, c *call) Reply {
	var e expiry
	persists := false
	for i := 2; i < len(c.args); i++ {
		switch {
		case c.is(i, "persist") && e.at == 0:
			persists = true
		case !persists && e.parse(c, i):
			i++
		default:
			return errSyntax
		}
	}
	key := c.args[1]
	value, err := tx.LendString(key)
	if err != nil {
		return failure(err)
	}
	if value == nil || !persists && e.at == 0 {
		return lent(value)
	}
	deadline, refusal := e.deadline(c)
	if refusal.isError() {
		return refusal
	}
	if current, _ := tx.Deadline(key); current != deadline {
		tx.SetDeadline(key, deadline)
	} else if persists {
		return lent(value)
	}
	switch {
	case persists:
		c.notify(tx, eventGeneric, "persist", key)
	case deadline <= c.now:
		c.notify(tx, eventGeneric, "del", key)
	default:
		c.notify(tx, eventGeneric, "expire", key)
	}
	return lent(value)
}

func mset(tx *store.Tx, c *call) Reply {
	if len(c.args)%2 == 0 {
		return errArity(c.row)
	}
	for i := 1; i < len(c.args); i += 2 {
		tx.SetString(c.args[i], c.args[i+1], 0)
		c.notify(tx, eventString, "set", c.args[i])
	}
	return replyOK
}

func msetnx(tx *store.Tx, c *call) Reply {
	if len(c.args)%2 == 0 {
		return errArity(c.row)
	}
	for i := 1; i < len(c.args); i += 2 {
		if _, found := tx.Deadline(c.args[i]); found {
			return replyZero
		}
	}
	mset(tx, c)
	return replyOne
}

func appendString(tx *store.Tx, c *call) Reply {
	value, err := tx.String(c.args[1])
	if err != nil {
		return failure(err)
	}
	if c.tooLong(int64(len(value)), len(c.args[2])) {
		return errTooLong
	}
	length, err := tx.Append(c.args[1], c.args[2])
	if err != nil {
		return failure(err)
	}
	c.notify(tx, eventString, "append", c.args[1])
	return integer(length)
}

func setrange(tx *store.Tx, c *call) Reply {
	key, data := c.args[1], c.args[3]
	offset, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	if offset < 0 {
		return errOffset
	}
	value, err := tx.String(key)
	if err != nil {
		return failure(err)
	}
	if len(data) == 0 {
		return integer(len(value))
	}
	if c.tooLong(offset, len(data)) {
		return errTooLong
	}
	length, err := tx.SetRange(key, int(offset), data)
	if err != nil {
		return failure(err)
	}
	c.notify(tx, eventString, "setrange", key)
	return integer(length)
}

// tooLong reports whether bytes written from an offset on would end beyond proto-max-bulk-len.
func (c *call) tooLong(offset int64, added int) bool {
	return offset > c.cl.srv.cfg.ProtoMaxBulkLen.Load()-int64(added)
}

func incr(tx *store.Tx, c *call) Reply { return increment(tx, c, c.args[1], 1) }
func decr(tx *store.Tx, c *call) Reply { return increment(tx, c, c.args[1], -1) }

func incrby(tx *store.Tx, c *call) Reply {
	n, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	return increment(tx, c, c.args[1], n)
}

func decrby(tx *store.Tx, c *call) Reply {
	n, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	if n == math.MinInt64 {
		return errDecrement
	}
	return increment(tx, c, c.args[1], -n)
}

var errDecrement = errorReply("ERR decrement would overflow")

// increment adds to an integer, keeping its deadline; an absent key counts as 0.
func increment(tx *store.Tx, c *call, key []byte, by int64) Reply {
	value, err := tx.String(key)
	if err != nil {
		return failure(err)
	}
	n := int64(0)
	if value != nil {
		var ok bool
		if n, ok = parseInt(value); !ok {
			return errNotInteger
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return errOverflow
	}
	if err := tx.UpdateInt(key, n+by); err != nil {
		return failure(err)
	}
	c.notify(tx, eventString, "incrby", key)
	return integer(n + by)
}

// incrbyfloat adds to a decimal number, keeping its deadline; an absent key counts as 0.
func incrbyfloat(tx *store.Tx, c *call) Reply {
	value, err := tx.String(c.args[1])
	if err != nil {
		return failure(err)
	}
	if value == nil {
		value = []byte("0")
	}
	number, ok := parseLongDouble(value)
	if !ok {
		return errNotFloat
	}
	by, ok := parseLongDouble(c.args[2])
	if !ok {
		return errNotFloat
	}
	sum, ok := addLongDouble(number, by)
	if !ok {
		return errNaN
	}
	text := formatLongDouble(sum)
	if err := tx.UpdateString(c.args[1], text, store.Computed); err != nil {
		return failure(err)
	}
	c.notify(tx, eventString, "incrbyfloat", c.args[1])
	return bulk(text)
}
