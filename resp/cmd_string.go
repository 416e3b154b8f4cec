package resp

import (
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
	length, err := v.StringLength(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(length)
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
	return offset > c.maxBulk.Load()-int64(added)
}
