package command

import (
	"diskette/expire"
	"diskette/store"
)

func expireRows() []*Row {
	return []*Row{
		{Name: "expire", Arity: -3, Flags: Write | Fast, Keys: Heads(KeyAt(1, "RW update")),
			Write: expireBy(expire.Seconds), Effect: deadlineEffect,
			Group: "generic", Since: "1.0.0", Args: "key seconds [condition(NX|XX|GT|LT)]",
			Doc: "Sets a time to live in seconds."},
		{Name: "expireat", Arity: -3, Flags: Write | Fast, Keys: Heads(KeyAt(1, "RW update")),
			Write: expireBy(expire.UnixSeconds), Effect: deadlineEffect,
			Group: "generic", Since: "1.2.0", Args: "key unix-time-seconds [condition(NX|XX|GT|LT)]",
			Doc: "Sets a deadline in unix seconds."},
		{Name: "expiretime", Arity: 2, Flags: Readonly | Fast, Keys: Heads(KeyAt(1, "RO access")),
			Read:  ttlIn(expire.UnixSeconds),
			Group: "generic", Since: "7.0.0", Args: "key", Doc: "Returns the deadline in unix seconds."},
		{Name: "persist", Arity: 2, Flags: Write | Fast, Keys: Heads(KeyAt(1, "RW update")), Write: persist,
			Group: "generic", Since: "2.2.0", Args: "key", Doc: "Removes a key's deadline."},
		{Name: "pexpire", Arity: -3, Flags: Write | Fast, Keys: Heads(KeyAt(1, "RW update")),
			Write: expireBy(expire.Millis), Effect: deadlineEffect,
			Group: "generic", Since: "2.6.0", Args: "key milliseconds [condition(NX|XX|GT|LT)]",
			Doc: "Sets a time to live in milliseconds."},
		{Name: "pexpireat", Arity: -3, Flags: Write | Fast, Keys: Heads(KeyAt(1, "RW update")),
			Write: expireBy(expire.UnixMillis), Effect: deadlineEffect,
			Group: "generic", Since: "2.6.0", Args: "key unix-time-milliseconds [condition(NX|XX|GT|LT)]",
			Doc: "Sets a deadline in unix milliseconds."},
		{Name: "pexpiretime", Arity: 2, Flags: Readonly | Fast, Keys: Heads(KeyAt(1, "RO access")),
			Read:  ttlIn(expire.UnixMillis),
			Group: "generic", Since: "7.0.0", Args: "key", Doc: "Returns the deadline in unix milliseconds."},
		{Name: "pttl", Arity: 2, Flags: Readonly | Fast, Keys: Heads(KeyAt(1, "RO access")),
			Read:  ttlIn(expire.Millis),
			Group: "generic", Since: "2.6.0", Tips: "nondeterministic_output", Args: "key",
			Doc: "Returns the time to live in milliseconds."},
		{Name: "ttl", Arity: 2, Flags: Readonly | Fast, Keys: Heads(KeyAt(1, "RO access")),
			Read:  ttlIn(expire.Seconds),
			Group: "generic", Since: "1.0.0", Tips: "nondeterministic_output", Args: "key",
			Doc: "Returns the time to live in seconds."},
	}
}

var (
	errExpireNX   = ErrorReply("ERR NX and XX, GT or LT options at the same time are not compatible")
	errExpireGTLT = ErrorReply("ERR GT and LT options at the same time are not compatible")
)

// expireBy is EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT. A deadline in the past deletes the key.
func expireBy(unit expire.Unit) writing {
	return func(tx *store.Tx, c *Call) Reply {
		condition, refusal := c.expireCondition()
		if refusal.IsError() {
			return refusal
		}
		n, ok := c.Int(2)
		if !ok {
			return ErrNotInteger
		}
		deadline, err := expire.AnyDeadline(n, unit, c.Now)
		if err != nil {
			return errInvalidExpire(c)
		}
		current, found := tx.Deadline(c.Args[1])
		if !found || !condition.Allows(current, deadline) {
			return ReplyZero
		}
		if c.hasPassed(deadline) { // which may be 0, otherwise the sign for none
			tx.Delete(c.Args[1])
			c.notify(tx, EventGeneric, "del", c.Args[1])
		} else {
			tx.SetDeadline(c.Args[1], deadline)
			c.notify(tx, EventGeneric, "expire", c.Args[1])
		}
		return ReplyOne
	}
}

// expireCondition reads the words after EXPIRE's number.
func (c *Call) expireCondition() (condition expire.Condition, refusal Reply) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "nx"):
			condition |= expire.IfNone
		case c.Is(i, "xx"):
			condition |= expire.IfSome
		case c.Is(i, "gt"):
			condition |= expire.IfGreater
		case c.Is(i, "lt"):
			condition |= expire.IfLess
		default:
			return 0, ErrorReply(OneLine("ERR Unsupported option " + c.Str(i)))
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
func ttlIn(unit expire.Unit) reading {
	return func(v *store.View, c *Call) Reply {
		deadline, found := v.Deadline(c.Args[1])
		if !found {
			return Integer(-2)
		}
		if deadline == 0 {
			return Integer(-1)
		}
		millis := deadline
		if unit == expire.Seconds || unit == expire.Millis {
			millis -= c.Now
		}
		if unit == expire.Seconds || unit == expire.UnixSeconds {
			return Integer(millis/1000 + millis%1000/500) // rounded, as in Redis, and no overflow
		}
		return Integer(millis)
	}
}

func persist(tx *store.Tx, c *Call) Reply {
	deadline, _ := tx.Deadline(c.Args[1])
	if deadline == 0 {
		return ReplyZero
	}
	tx.SetDeadline(c.Args[1], 0)
	c.notify(tx, EventGeneric, "persist", c.Args[1])
	return ReplyOne
}
