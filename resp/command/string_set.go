package command

import (
	"bytes"

	"diskette/expire"
	"diskette/resp/wire"
	"diskette/store"
)

func stringSetRows() []*Row {
	return []*Row{
		{Name: "getex", Arity: -2, Flags: Write | Fast,
			Keys: noted(KeyAt(1, "RW access update"), "RW and UPDATE because it changes the TTL"), Write: getex, Effect: deadlineEffect,
			Group: "string", Since: "6.2.0",
			Args: "key [expiration(EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST)]",
			Doc:  "Returns a string and sets or removes its deadline."},
		{Name: "getset", Arity: 3, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW access update"),
			Write: getset, Effect: renamed("SET", 0),
			Group: "string", Since: "1.0.0", Args: "key value", Doc: "Replaces a string and returns the old one."},
		{Name: "psetex", Arity: 4, Flags: Write | Denyoom, Keys: KeyAt(1, "OW update"),
			Write: setWith(expire.Millis), Effect: setWithEffect(expire.Millis),
			Group: "string", Since: "2.6.0", Args: "key milliseconds value",
			Doc: "Sets a string with a time to live in milliseconds."},
		{Name: "set", Arity: -3, Flags: Write | Denyoom, Keys: setKey(), Write: set, Effect: setEffect,
			Group: "string", Since: "1.0.0",
			Args: "key value [condition(NX|XX)] [GET] [expiration(EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL)]",
			Doc:  "Sets a string, with conditions and a deadline."},
		{Name: "setex", Arity: 4, Flags: Write | Denyoom, Keys: KeyAt(1, "OW update"),
			Write: setWith(expire.Seconds), Effect: setWithEffect(expire.Seconds),
			Group: "string", Since: "2.0.0", Args: "key seconds value",
			Doc: "Sets a string with a time to live in seconds."},
		{Name: "setnx", Arity: 3, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "OW insert"), Write: setnx,
			Group: "string", Since: "1.0.0", Args: "key value", Doc: "Sets a string if the key is not there."},
	}
}

func set(tx *store.Tx, c *Call) Reply {
	key, value := c.Args[1], c.Args[2]
	if len(c.Args) == 3 {
		tx.SetString(key, value, 0)
		c.notify(tx, eventString, "set", key)
		return ReplyOK
	}
	o, ok := c.setOptions()
	if !ok {
		return ErrSyntax
	}
	deadline, refusal := o.expiry.deadline(c)
	if refusal.IsError() {
		return refusal
	}
	done, skipped := ReplyOK, ReplyNull
	if o.get {
		old, err := replacedString(tx, key)
		if err != nil {
			return Failure(err)
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
		c.notify(tx, EventGeneric, "expire", key)
	}
	return done
}

// setOptions are the words after SET's value.
type setOptions struct {
	ifAbsent, ifPresent bool // NX, XX
	get, keepTTL        bool
	expiry              expiry
}

func (c *Call) setOptions() (o setOptions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "nx") && !o.ifPresent:
			o.ifAbsent = true
		case c.Is(i, "xx") && !o.ifAbsent:
			o.ifPresent = true
		case c.Is(i, "get"):
			o.get = true
		case c.Is(i, "keepttl") && o.expiry.at == 0:
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
func (e *expiry) parse(c *Call, i int) bool {
	var unit expire.Unit
	switch {
	case c.Is(i, "ex"):
		unit = expire.Seconds
	case c.Is(i, "px"):
		unit = expire.Millis
	case c.Is(i, "exat"):
		unit = expire.UnixSeconds
	case c.Is(i, "pxat"):
		unit = expire.UnixMillis
	default:
		return false
	}
	if i+1 == len(c.Args) || e.at != 0 && e.unit != unit {
		return false
	}
	*e = expiry{i + 1, unit}
	return true
}

// deadline is the option's deadline in unix ms, 0 = none, or the error to answer.
func (e expiry) deadline(c *Call) (deadline int64, refusal Reply) {
	if e.at == 0 {
		return 0, Reply{}
	}
	n, ok := c.Int(e.at)
	if !ok {
		return 0, ErrNotInteger
	}
	deadline, err := expire.Deadline(n, e.unit, c.Now)
	if err != nil {
		return 0, errInvalidExpire(c)
	}
	return deadline, Reply{}
}

// replacedString replies with a string that the command is about to change: a short one may
// be overwritten in place, so it is copied.
func replacedString(tx *store.Tx, key []byte) (Reply, error) {
	value, err := tx.LendString(key)
	if len(value) < wire.LentBytes {
		value = bytes.Clone(value)
	}
	return lent(value), err
}

// setWith is SETEX and PSETEX.
func setWith(unit expire.Unit) writing {
	return func(tx *store.Tx, c *Call) Reply {
		deadline, refusal := expiry{2, unit}.deadline(c)
		if refusal.IsError() {
			return refusal
		}
		tx.SetString(c.Args[1], c.Args[3], deadline)
		c.notify(tx, eventString, "set", c.Args[1])
		c.notify(tx, EventGeneric, "expire", c.Args[1])
		return ReplyOK
	}
}

func setnx(tx *store.Tx, c *Call) Reply {
	if _, found := tx.Deadline(c.Args[1]); found {
		return ReplyZero
	}
	tx.SetString(c.Args[1], c.Args[2], 0)
	c.notify(tx, eventString, "set", c.Args[1])
	return ReplyOne
}

func getset(tx *store.Tx, c *Call) Reply {
	old, err := replacedString(tx, c.Args[1])
	if err != nil {
		return Failure(err)
	}
	tx.SetString(c.Args[1], c.Args[2], 0)
	c.notify(tx, eventString, "set", c.Args[1])
	return old
}

// getex, like Redis, looks at the key before it judges the number of the option.
func getex(tx *store.Tx, c *Call) Reply {
	var e expiry
	persists := false
	for i := 2; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "persist") && e.at == 0:
			persists = true
		case !persists && e.parse(c, i):
			i++
		default:
			return ErrSyntax
		}
	}
	key := c.Args[1]
	value, err := tx.LendString(key)
	if err != nil {
		return Failure(err)
	}
	if value == nil || !persists && e.at == 0 {
		return lent(value)
	}
	deadline, refusal := e.deadline(c)
	if refusal.IsError() {
		return refusal
	}
	if current, _ := tx.Deadline(key); current != deadline {
		tx.SetDeadline(key, deadline)
	} else if persists {
		return lent(value)
	}
	switch {
	case persists:
		c.notify(tx, EventGeneric, "persist", key)
	case c.hasPassed(deadline):
		c.notify(tx, EventGeneric, "del", key)
	default:
		c.notify(tx, EventGeneric, "expire", key)
	}
	return lent(value)
}
