package command

import (
	"diskette/expire"
	"diskette/store"
)

func hashExpiryRows() []*Row {
	return []*Row{
		{Name: "hexpire", Arity: -6, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW update"),
			Write: hexpireBy(expire.Seconds), Effect: hexpireEffect(expire.Seconds),
			Group: "hash", Since: "7.4.0",
			Args: "key seconds [condition(NX|XX|GT|LT)] FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Gives fields a time to live in seconds."},
		{Name: "hexpireat", Arity: -6, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW update"),
			Write: hexpireBy(expire.UnixSeconds), Effect: hexpireEffect(expire.UnixSeconds),
			Group: "hash", Since: "7.4.0",
			Args: "key unix-time-seconds [condition(NX|XX|GT|LT)] FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Gives fields a deadline in unix seconds."},
		{Name: "hexpiretime", Arity: -5, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"),
			Read:  httlIn(expire.UnixSeconds),
			Group: "hash", Since: "7.4.0", Args: "key FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Returns the deadlines of fields in unix seconds."},
		{Name: "hpersist", Arity: -5, Flags: Write | Fast, Keys: KeyAt(1, "RW update"), Write: editHash(hpersist),
			Group: "hash", Since: "7.4.0", Args: "key FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Removes the deadlines of fields."},
		{Name: "hpexpire", Arity: -6, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW update"),
			Write: hexpireBy(expire.Millis), Effect: hexpireEffect(expire.Millis),
			Group: "hash", Since: "7.4.0",
			Args: "key milliseconds [condition(NX|XX|GT|LT)] FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Gives fields a time to live in milliseconds."},
		{Name: "hpexpireat", Arity: -6, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW update"),
			Write: hexpireBy(expire.UnixMillis), Effect: hexpireEffect(expire.UnixMillis),
			Group: "hash", Since: "7.4.0",
			Args: "key unix-time-milliseconds [condition(NX|XX|GT|LT)] FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Gives fields a deadline in unix milliseconds."},
		{Name: "hpexpiretime", Arity: -5, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"),
			Read:  httlIn(expire.UnixMillis),
			Group: "hash", Since: "7.4.0", Args: "key FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Returns the deadlines of fields in unix milliseconds."},
		{Name: "hpttl", Arity: -5, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"), Read: httlIn(expire.Millis),
			Group: "hash", Since: "7.4.0", Args: "key FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Returns the time that fields have to live, in milliseconds."},
		{Name: "httl", Arity: -5, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"), Read: httlIn(expire.Seconds),
			Group: "hash", Since: "7.4.0", Args: "key FIELDS fields{numfields field...}",
			Cost: "O(N) in the number of fields", Doc: "Returns the time that fields have to live, in seconds."},
	}
}

// The deadlines of fields are Redis 7.4's; replies and checks follow its t_hash.c and its commands' pages.

// lastFieldDeadline is the latest that Redis accepts: its 48 bits without two.
const lastFieldDeadline = 1<<46 - 1

var (
	errNegativeExpire = ErrorReply("ERR invalid expire time, must be >= 0")
	errNoFields       = ErrorReply("ERR Mandatory argument FIELDS is missing or not at the right position")
	errNumFields      = ErrorReply("ERR Parameter `numFields` should be greater than 0")
	errFieldCount     = ErrorReply("ERR Number of fields must be a positive integer")
	errFieldsMismatch = ErrorReply("ERR The `numfields` parameter must match the number of arguments")
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
func hexpireBy(unit expire.Unit) writing {
	return editHash(func(h store.HashTx, tx *store.Tx, c *Call) Reply {
		deadline, refusal := c.fieldDeadline(unit)
		if refusal.IsError() {
			return refusal
		}
		condition, at := c.fieldCondition()
		fields, refusal := c.fieldNames(at, errNumFields)
		if refusal.IsError() {
			return refusal
		}
		replies := c.Elems(len(fields))
		event := "" // one that is gone at once is told of as deleted, and so is the whole command then
		for _, field := range fields {
			done := c.setFieldDeadline(h, field, deadline, condition)
			switch {
			case done == fieldGoneAtOnce:
				event = "hdel"
			case done == deadlineChanged && event == "":
				event = "hexpire"
			}
			replies = append(replies, Integer(done))
		}
		if event != "" {
			c.notifyGone(tx, EventHash, event, c.Args[1], h.Len())
		}
		return Array(replies...)
	})
}

func (c *Call) setFieldDeadline(h store.HashTx, field []byte, deadline int64, condition expire.Condition) int {
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
func (c *Call) fieldDeadline(unit expire.Unit) (deadline int64, refusal Reply) {
	n, ok := c.Int(2)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < 0:
		return 0, errNegativeExpire
	}
	deadline, err := expire.AnyDeadline(n, unit, c.Now)
	if err != nil || deadline > lastFieldDeadline {
		return 0, errInvalidExpire(c)
	}
	return deadline, Reply{}
}

// fieldCondition reads the word behind the number, if it is a condition, and returns the place of what follows.
func (c *Call) fieldCondition() (condition expire.Condition, at int) {
	switch i := conditionWordsAt; {
	case c.Is(i, "nx"):
		return expire.IfNone, i + 1
	case c.Is(i, "xx"):
		return expire.IfSome, i + 1
	case c.Is(i, "gt"):
		return expire.IfGreater, i + 1
	case c.Is(i, "lt"):
		return expire.IfLess, i + 1
	}
	return 0, conditionWordsAt
}

// fieldNames reads FIELDS numfields field ... from argument i to the end.
func (c *Call) fieldNames(i int, badNumber Reply) (fields [][]byte, refusal Reply) {
	if !c.Is(i, "fields") {
		return nil, errNoFields
	}
	n, ok := c.Int(i + 1)
	switch {
	case !ok || n < 1:
		return nil, badNumber
	case n != int64(len(c.Args)-i-2):
		return nil, errFieldsMismatch
	}
	return c.Args[i+2:], Reply{}
}

// httlIn is HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME. Seconds are rounded up, unlike TTL's.
func httlIn(unit expire.Unit) reading {
	return onHash(func(h *store.Hash, c *Call) Reply {
		fields, refusal := c.fieldNames(fieldWordsAt, errFieldCount)
		if refusal.IsError() {
			return refusal
		}
		replies := c.Elems(len(fields))
		for _, field := range fields {
			n, there := h.Deadline(field)
			switch {
			case !there:
				n = noSuchField
			case n == 0:
				n = noDeadline
			default:
				if unit == expire.Seconds || unit == expire.Millis {
					n -= c.Now
				}
				if unit == expire.Seconds || unit == expire.UnixSeconds {
					n = (n + 999) / 1000
				}
			}
			replies = append(replies, Integer(n))
		}
		return Array(replies...)
	})
}

func hpersist(h store.HashTx, tx *store.Tx, c *Call) Reply {
	fields, refusal := c.fieldNames(fieldWordsAt, errFieldCount)
	if refusal.IsError() {
		return refusal
	}
	replies, changed := c.Elems(len(fields)), false
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
		replies = append(replies, Integer(reply))
	}
	if changed {
		c.notify(tx, EventHash, "hpersist", c.Args[1])
	}
	return Array(replies...)
}
