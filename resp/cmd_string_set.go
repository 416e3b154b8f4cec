package resp

import (
	"bytes"

	"diskette/expire"
	"diskette/store"
)

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
	case c.hasPassed(deadline):
		c.notify(tx, eventGeneric, "del", key)
	default:
		c.notify(tx, eventGeneric, "expire", key)
	}
	return lent(value)
}
