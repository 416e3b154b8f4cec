package resp

import (
	"diskette/expire"
	"diskette/store"
)

var (
	errExpireNX   = errorReply("ERR NX and XX, GT or LT options at the same time are not compatible")
	errExpireGTLT = errorReply("ERR GT and LT options at the same time are not compatible")
)

// expireBy is EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT. A deadline in the past deletes the key.
func expireBy(unit expire.Unit) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		condition, refusal := c.expireCondition()
		if refusal.isError() {
			return refusal
		}
		n, ok := c.int(2)
		if !ok {
			return errNotInteger
		}
		deadline, err := expire.AnyDeadline(n, unit, c.now)
		if err != nil {
			return errInvalidExpire(c)
		}
		current, found := tx.Deadline(c.args[1])
		if !found || !condition.Allows(current, deadline) {
			return replyZero
		}
		if c.hasPassed(deadline) { // which may be 0, otherwise the sign for none
			tx.Delete(c.args[1])
			c.notify(tx, eventGeneric, "del", c.args[1])
		} else {
			tx.SetDeadline(c.args[1], deadline)
			c.notify(tx, eventGeneric, "expire", c.args[1])
		}
		return replyOne
	}
}

// expireCondition reads the words after EXPIRE's number.
func (c *call) expireCondition() (condition expire.Condition, refusal Reply) {
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "nx"):
			condition |= expire.IfNone
		case c.is(i, "xx"):
			condition |= expire.IfSome
		case c.is(i, "gt"):
			condition |= expire.IfGreater
		case c.is(i, "lt"):
			condition |= expire.IfLess
		default:
			return 0, errorReply(oneLine("ERR Unsupported option " + c.str(i)))
		}
	}
	if condition&expire.IfNone != 0 && condition != expire.IfNone {
		return 0, errExpireNX
	}
	if condition&expire.IfGreater != 0 && condition&expire.IfLess != 0 {
		return 0, errExpireGTLT
	}
	return condition, Reply{}
}

// ttlIn is TTL, PTTL, EXPIRETIME and PEXPIRETIME: -2 = no such key, -1 = no deadline.
func ttlIn(unit expire.Unit) func(*store.View, *call) Reply {
	return func(v *store.View, c *call) Reply {
		deadline, found := v.Deadline(c.args[1])
		if !found {
			return integer(-2)
		}
		if deadline == 0 {
			return integer(-1)
		}
		millis := deadline
		if unit == expire.Seconds || unit == expire.Millis {
			millis -= c.now
		}
		if unit == expire.Seconds || unit == expire.UnixSeconds {
			return integer(millis/1000 + millis%1000/500) // rounded, as in Redis, and no overflow
		}
		return integer(millis)
	}
}

func persist(tx *store.Tx, c *call) Reply {
	deadline, _ := tx.Deadline(c.args[1])
	if deadline == 0 {
		return replyZero
	}
	tx.SetDeadline(c.args[1], 0)
	c.notify(tx, eventGeneric, "persist", c.args[1])
	return replyOne
}
