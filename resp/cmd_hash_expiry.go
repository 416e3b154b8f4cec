package resp

import (
	"diskette/expire"
	"diskette/store"
)

// The deadlines of fields are Redis 7.4's; replies and checks follow its t_hash.c and its commands' pages.

// lastFieldDeadline is the latest that Redis accepts: its 48 bits without two.
const lastFieldDeadline = 1<<46 - 1

var (
	errNegativeExpire = errorReply("ERR invalid expire time, must be >= 0")
	errNoFields       = errorReply("ERR Mandatory argument FIELDS is missing or not at the right position")
	errNumFields      = errorReply("ERR Parameter `numFields` should be greater than 0")
	errFieldCount     = errorReply("ERR Number of fields must be a positive integer")
	errFieldsMismatch = errorReply("ERR The `numfields` parameter must match the number of arguments")
)

const (
	noSuchField      = -2 // or no such key
	noDeadline       = -1
	conditionNotMet  = 0
	deadlineChanged  = 1
	fieldGoneAtOnce  = 2 // the deadline given had passed already
	fieldWordsAt     = 2 // where HTTL and its kin have FIELDS
	conditionWordsAt = 3 // where HEXPIRE and its kin have a condition, or FIELDS
)

// hexpireBy is HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT.
func hexpireBy(unit expire.Unit) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		h, err := tx.EditHash(c.args[1])
		if err != nil {
			return failure(err)
		}
		deadline, refusal := c.fieldDeadline(unit)
		if refusal.isError() {
			return refusal
		}
		condition, at := c.fieldCondition()
		fields, refusal := c.fieldNames(at, errNumFields)
		if refusal.isError() {
			return refusal
		}
		replies := c.elems(len(fields))
		event := "" // one that is gone at once is told of as deleted, and so is the whole command then
		for _, field := range fields {
			done := c.setFieldDeadline(h, field, deadline, condition)
			switch {
			case done == fieldGoneAtOnce:
				event = "hdel"
			case done == deadlineChanged && event == "":
				event = "hexpire"
			}
			replies = append(replies, integer(done))
		}
		if event != "" {
			c.notifyGone(tx, eventHash, event, c.args[1], h.Len())
		}
		return array(replies...)
	}
}

func (c *call) setFieldDeadline(h store.HashTx, field []byte, deadline int64, condition expire.Condition) int {
	current, there := h.Deadline(field)
	switch {
	case !there:
		return noSuchField
	case !condition.Allows(current, deadline):
		return conditionNotMet
	case c.hasPassed(deadline): // which may be 0, otherwise the sign for none
		h.Delete(field)
		return fieldGoneAtOnce
	}
	h.SetDeadline(field, deadline)
	return deadlineChanged
}

// fieldDeadline reads the number behind the key.
func (c *call) fieldDeadline(unit expire.Unit) (deadline int64, refusal Reply) {
	n, ok := c.int(2)
	switch {
	case !ok:
		return 0, errNotInteger
	case n < 0:
		return 0, errNegativeExpire
	}
	deadline, err := expire.AnyDeadline(n, unit, c.now)
	if err != nil || deadline > lastFieldDeadline {
		return 0, errInvalidExpire(c)
	}
	return deadline, Reply{}
}

// fieldCondition reads the word behind the number, if it is a condition, and returns the place of what follows.
func (c *call) fieldCondition() (condition expire.Condition, at int) {
	switch i := conditionWordsAt; {
	case c.is(i, "nx"):
		return expire.IfNone, i + 1
	case c.is(i, "xx"):
		return expire.IfSome, i + 1
	case c.is(i, "gt"):
		return expire.IfGreater, i + 1
	case c.is(i, "lt"):
		return expire.IfLess, i + 1
	}
	return 0, conditionWordsAt
}

// fieldNames reads FIELDS numfields field ... from argument i to the end.
func (c *call) fieldNames(i int, badNumber Reply) (fields [][]byte, refusal Reply) {
	if !c.is(i, "fields") {
		return nil, errNoFields
	}
	n, ok := c.int(i + 1)
	switch {
	case !ok || n < 1:
		return nil, badNumber
	case n != int64(len(c.args)-i-2):
		return nil, errFieldsMismatch
	}
	return c.args[i+2:], Reply{}
}

// httlIn is HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME. Seconds are rounded up, unlike TTL's.
func httlIn(unit expire.Unit) func(*store.View, *call) Reply {
	return func(v *store.View, c *call) Reply {
		h, err := v.Hash(c.args[1])
		if err != nil {
			return failure(err)
		}
		fields, refusal := c.fieldNames(fieldWordsAt, errFieldCount)
		if refusal.isError() {
			return refusal
		}
		replies := c.elems(len(fields))
		for _, field := range fields {
			n, there := h.Deadline(field)
			switch {
			case !there:
				n = noSuchField
			case n == 0:
				n = noDeadline
			default:
				if unit == expire.Seconds || unit == expire.Millis {
					n -= c.now
				}
				if unit == expire.Seconds || unit == expire.UnixSeconds {
					n = (n + 999) / 1000
				}
			}
			replies = append(replies, integer(n))
		}
		return array(replies...)
	}
}

func hpersist(tx *store.Tx, c *call) Reply {
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return failure(err)
	}
	fields, refusal := c.fieldNames(fieldWordsAt, errFieldCount)
	if refusal.isError() {
		return refusal
	}
	replies, changed := c.elems(len(fields)), false
	for _, field := range fields {
		reply := deadlineChanged
		switch deadline, there := h.Deadline(field); {
		case !there:
			reply = noSuchField
		case deadline == 0:
			reply = noDeadline
		default:
			h.SetDeadline(field, 0)
			changed = true
		}
		replies = append(replies, integer(reply))
	}
	if changed {
		c.notify(tx, eventHash, "hpersist", c.args[1])
	}
	return array(replies...)
}
