package command

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

func counterRows() []*Row {
	return []*Row{
		{Name: "decr", Arity: 2, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW access update"), Write: decr,
			Group: "string", Since: "1.0.0", Args: "key", Doc: "Subtracts one from an integer."},
		{Name: "decrby", Arity: 3, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW access update"), Write: decrby,
			Group: "string", Since: "1.0.0", Args: "key decrement", Doc: "Subtracts a number from an integer."},
		{Name: "incr", Arity: 2, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW access update"), Write: incr,
			Group: "string", Since: "1.0.0", Args: "key", Doc: "Adds one to an integer."},
		{Name: "incrby", Arity: 3, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW access update"), Write: incrby,
			Group: "string", Since: "1.0.0", Args: "key increment", Doc: "Adds a number to an integer."},
		{Name: "incrbyfloat", Arity: 3, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW access update"),
			Write: incrbyfloat, Effect: incrbyfloatEffect,
			Group: "string", Since: "2.6.0", Args: "key float", Doc: "Adds a number to a floating-point value."},
	}
}

func incr(tx *store.Tx, c *Call) Reply { return increment(tx, c, c.Args[1], 1) }
func decr(tx *store.Tx, c *Call) Reply { return increment(tx, c, c.Args[1], -1) }

func incrby(tx *store.Tx, c *Call) Reply {
	n, ok := c.Int(2)
	if !ok {
		return ErrNotInteger
	}
	return increment(tx, c, c.Args[1], n)
}

func decrby(tx *store.Tx, c *Call) Reply {
	n, ok := c.Int(2)
	if !ok {
		return ErrNotInteger
	}
	if n == math.MinInt64 {
		return errDecrement
	}
	return increment(tx, c, c.Args[1], -n)
}

var errDecrement = ErrorReply("ERR decrement would overflow")

// increment adds to an integer, keeping its deadline; an absent key counts as 0.
func increment(tx *store.Tx, c *Call, key []byte, by int64) Reply {
	value, err := tx.String(key)
	if err != nil {
		return Failure(err)
	}
	n := int64(0)
	if value != nil {
		var ok bool
		if n, ok = numbers.ParseInt(value); !ok {
			return ErrNotInteger
		}
	}
	sum, ok := plus(n, by)
	if !ok {
		return errOverflow
	}
	if err := tx.UpdateInt(key, sum); err != nil {
		return Failure(err)
	}
	c.notify(tx, eventString, "incrby", key)
	return Integer(sum)
}

// plus is a sum, unless it overflows.
func plus(n, by int64) (sum int64, ok bool) {
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return 0, false
	}
	return n + by, true
}

// incrbyfloat adds to a decimal number, keeping its deadline; an absent key counts as 0.
func incrbyfloat(tx *store.Tx, c *Call) Reply {
	value, err := tx.String(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	if value == nil {
		value = []byte("0")
	}
	number, ok := numbers.ParseLongDouble(value)
	if !ok {
		return errNotFloat
	}
	by, ok := numbers.ParseLongDouble(c.Args[2])
	if !ok {
		return errNotFloat
	}
	sum, ok := numbers.AddLongDouble(number, by)
	if !ok {
		return errNaN
	}
	text := numbers.FormatLongDouble(sum)
	if err := tx.UpdateString(c.Args[1], text, store.Computed); err != nil {
		return Failure(err)
	}
	c.notify(tx, eventString, "incrbyfloat", c.Args[1])
	return Bulk(text)
}
