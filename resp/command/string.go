package command

import (
	"diskette/resp/wire"
	"diskette/store"
)

func stringRows() []*Row {
	return []*Row{
		{Name: "append", Arity: 3, Flags: Write | Denyoom | Fast, Keys: longText(KeyAt(1, "RW insert")), Write: appendString,
			Group: "string", Since: "2.0.0", Args: "key value", Cost: "O(N) in the length of the value",
			Doc: "Adds to the end of a string, creating it."},
		{Name: "get", Arity: 2, Flags: Readonly | Fast, Keys: longText(KeyAt(1, "RO access")), Read: get,
			Group: "string", Since: "1.0.0", Args: "key", Doc: "Returns a string."},
		{Name: "getdel", Arity: 2, Flags: Write | Fast, Keys: KeyAt(1, "RW access delete"),
			Write: getdel, Effect: deadlineEffect,
			Group: "string", Since: "6.2.0", Args: "key", Doc: "Returns a string and deletes it."},
		{Name: "getrange", Arity: 4, Flags: Readonly, Keys: longText(KeyAt(1, "RO access")), Read: getrange,
			Group: "string", Since: "2.4.0", Args: "key start end", Cost: "O(N) in the length of the result",
			Doc: "Returns part of a string."},
		{Name: "lcs", Arity: -3, Flags: Readonly, Keys: KeysFrom(1, 2, 1, "RO access"), Read: lcs,
			Group: "string", Since: "7.0.0", Args: "key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]",
			Cost: "O(N*M) in the lengths of the strings",
			Doc:  "Finds the longest common subsequence of two strings."},
		{Name: "mget", Arity: -2, Flags: Readonly | Fast, Keys: KeysFrom(1, -1, 1, "RO access"), Read: mget,
			Group: "string", Since: "1.0.0", Tips: "request_policy:multi_shard", Args: "key...",
			Cost: "O(N) in the number of keys", Doc: "Returns several strings."},
		{Name: "mset", Arity: -3, Flags: Write | Denyoom, Keys: KeysFrom(1, -1, 2, "OW update"), Write: mset,
			Group: "string", Since: "1.0.1", Tips: "request_policy:multi_shard response_policy:all_succeeded",
			Args: "key_value{key value}...", Cost: "O(N) in the number of keys", Doc: "Sets several strings."},
		{Name: "msetnx", Arity: -3, Flags: Write | Denyoom, Keys: KeysFrom(1, -1, 2, "OW insert"), Write: msetnx,
			Group: "string", Since: "1.0.1", Args: "key_value{key value}...", Cost: "O(N) in the number of keys",
			Doc: "Sets several strings if none of the keys is there."},
		{Name: "setrange", Arity: 4, Flags: Write | Denyoom, Keys: longText(KeyAt(1, "RW update")), Write: setrange,
			Group: "string", Since: "2.2.0", Args: "key offset value", Cost: "O(N) in the length of the value",
			Doc: "Overwrites part of a string."},
		{Name: "strlen", Arity: 2, Flags: Readonly | Fast, Keys: Heads(KeyAt(1, "RO")), Read: strlen,
			Group: "string", Since: "2.2.0", Args: "key", Doc: "Returns a string's length."},
		{Name: "substr", Arity: 4, Flags: Readonly, Keys: longText(KeyAt(1, "RO access")), Read: getrange,
			Group: "string", Since: "1.0.0", Args: "key start end", Cost: "O(N) in the length of the result",
			Doc: "Returns part of a string; GETRANGE's old name."},
	}
}

func get(v *store.View, c *Call) Reply {
	t, err := v.Text(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case t.OnDisk():
		return c.onDisk(t, 0, t.Len())
	}
	return lent(t.Lend())
}

func mget(v *store.View, c *Call) Reply {
	values := c.Elems(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		value, _ := v.LendString(key) // another type counts as absent
		values = append(values, lent(value))
	}
	return Array(values...)
}

func strlen(v *store.View, c *Call) Reply {
	length, err := v.StringLength(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	return Integer(length)
}

func getrange(v *store.View, c *Call) Reply {
	start, ok := c.Int(2)
	if !ok {
		return ErrNotInteger
	}
	end, ok := c.Int(3)
	if !ok {
		return ErrNotInteger
	}
	t, err := v.Text(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	from, to := byteRange(start, end, t.Len())
	switch {
	case from == to:
		return BulkString("")
	case t.OnDisk():
		return c.onDisk(t, from, to)
	case to-from < wire.LentBytes:
		return Bulk(t.Bytes()[from:to])
	}
	return lent(t.Lend()[from:to])
}

// byteRange turns the places of a first and a last byte, counted from the end where
// negative, into value[from:to].
func byteRange(start, end int64, length int) (from, to int) {
	if start < 0 && end < 0 && start > end {
		return 0, 0 // before they are cut: both may lie before the beginning
	}
	start, end = cut(start, end, int64(length))
	return int(start), int(end)
}

// cut turns the places of the first and the last of n bytes or bits, counted from the end where negative, into those
// from .. to-1. What lies before the beginning is at it.
func cut(first, last, n int64) (from, to int64) {
	if first < 0 {
		first = max(0, first+n)
	}
	if last < 0 {
		last = max(0, last+n)
	}
	if last = min(last, n-1); first > last {
		return 0, 0
	}
	return first, last + 1
}

func getdel(tx *store.Tx, c *Call) Reply {
	value, err := tx.LendString(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	if value != nil {
		tx.Delete(c.Args[1])
		c.notify(tx, EventGeneric, "del", c.Args[1])
	}
	return lent(value)
}

func mset(tx *store.Tx, c *Call) Reply {
	if len(c.Args)%2 == 0 {
		return ErrArity(c.Row)
	}
	for i := 1; i < len(c.Args); i += 2 {
		tx.SetString(c.Args[i], c.Args[i+1], 0)
		c.notify(tx, eventString, "set", c.Args[i])
	}
	return ReplyOK
}

func msetnx(tx *store.Tx, c *Call) Reply {
	if len(c.Args)%2 == 0 {
		return ErrArity(c.Row)
	}
	for i := 1; i < len(c.Args); i += 2 {
		if _, found := tx.Deadline(c.Args[i]); found {
			return ReplyZero
		}
	}
	mset(tx, c)
	return ReplyOne
}

func appendString(tx *store.Tx, c *Call) Reply {
	t, err := tx.Text(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	was := t.Len()
	if c.tooLong(int64(was), len(c.Args[2])) {
		return ErrTooLong
	}
	if !t.Overwritable(was, was+len(c.Args[2]), c.MayLoad) {
		return ReplyLoad
	}
	length, err := tx.Append(c.Args[1], c.Args[2])
	if err != nil {
		return Failure(err)
	}
	c.notify(tx, eventString, "append", c.Args[1])
	return Integer(length)
}

func setrange(tx *store.Tx, c *Call) Reply {
	key, data := c.Args[1], c.Args[3]
	offset, ok := c.Int(2)
	if !ok {
		return ErrNotInteger
	}
	if offset < 0 {
		return errOffset
	}
	t, err := tx.Text(key)
	if err != nil {
		return Failure(err)
	}
	if len(data) == 0 {
		return Integer(t.Len())
	}
	if c.tooLong(offset, len(data)) {
		return ErrTooLong
	}
	if !t.Overwritable(int(offset), int(offset)+len(data), c.MayLoad) {
		return ReplyLoad
	}
	length, err := tx.SetRange(key, int(offset), data)
	if err != nil {
		return Failure(err)
	}
	c.notify(tx, eventString, "setrange", key)
	return Integer(length)
}

// tooLong reports whether bytes written from an offset on would end beyond proto-max-bulk-len.
func (c *Call) tooLong(offset int64, added int) bool {
	return offset > c.MaxBulk.Load()-int64(added)
}
