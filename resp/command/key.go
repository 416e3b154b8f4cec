package command

import (
	"bytes"

	"diskette/store"
)

func genericRows() []*Row {
	return []*Row{
		{Name: "copy", Arity: -3, Flags: Write | Denyoom,
			Keys:  both(AtFirst(store.NeedSmall, KeyAt(1, "RO access")), KeyAt(2, "OW update")),
			Write: copyKey,
			Group: "generic", Since: "6.2.0", Args: "source destination [DB destination-db] [REPLACE]",
			Cost: "O(N) in the size of the value", Doc: "Copies a key's value and deadline to another key."},
		{Name: "del", Arity: -2, Flags: Write, Keys: KeysFrom(1, -1, 1, "RM delete"), Write: del,
			Group: "generic", Since: "1.0.0", Tips: "request_policy:multi_shard response_policy:agg_sum",
			Args: "key...", Cost: "O(N) in the number of keys", Doc: "Deletes keys."},
		{Name: "exists", Arity: -2, Flags: Readonly | Fast, Keys: Heads(KeysFrom(1, -1, 1, "RO")), Read: exists,
			Group: "generic", Since: "1.0.0", Tips: "request_policy:multi_shard response_policy:agg_sum",
			Args: "key...", Cost: "O(N) in the number of keys", Doc: "Counts how many of the keys are there."},
		{Name: "move", Arity: 3, Flags: Write | Fast, Keys: Heads(KeyAt(1, "RW access update")), Write: move,
			Group: "generic", Since: "1.0.0", Args: "key db", Doc: "Moves a key to another database."},
		{Name: "object", Arity: -2,
			Group: "generic", Since: "2.2.3", Cats: "-keyspace", Doc: "Tells how a value is held.", Subs: []*Row{
				{Name: "encoding", Arity: 3, Flags: Readonly, Keys: AtFirst(store.NeedHead, Shapes(KeyAt(2, "RO"))),
					Read:  ObjectEncoding,
					Since: "2.2.3", Tips: "nondeterministic_output", Usage: "<key>", Args: "key",
					Doc: "Names the representation that Redis would give the value."},
				{Name: "help", Arity: 2, Flags: Loading | Stale, Conn: Help,
					Since: "6.2.0", Doc: "Explains the subcommands."},
				{Name: "freq", Arity: 3, Flags: Readonly, Keys: Heads(KeyAt(2, "RO")), Read: objectFreq,
					Since: "4.0.0", Tips: "nondeterministic_output", Usage: "<key>", Args: "key",
					Doc: "Returns the access frequency; needs an LFU policy."},
				{Name: "idletime", Arity: 3, Flags: Readonly, Keys: Heads(KeyAt(2, "RO")), Read: objectIdletime,
					Since: "2.2.3", Tips: "nondeterministic_output", Usage: "<key>", Args: "key",
					Doc: "Returns the seconds since the key was last used."},
				{Name: "refcount", Arity: 3, Flags: Readonly, Keys: Heads(KeyAt(2, "RO")), Read: objectRefcount,
					Since: "2.2.3", Tips: "nondeterministic_output", Usage: "<key>", Args: "key",
					Doc: "Returns 1 for a key that is there."},
			}},
		{Name: "rename", Arity: 3, Flags: Write,
			Keys: both(Heads(KeyAt(1, "RW access delete")), KeyAt(2, "OW update")), Write: rename,
			Group: "generic", Since: "1.0.0", Args: "key newkey", Doc: "Renames a key, replacing what had the name."},
		{Name: "renamenx", Arity: 3, Flags: Write | Fast,
			Keys: both(Heads(KeyAt(1, "RW access delete")), KeyAt(2, "OW insert")), Write: renamenx,
			Group: "generic", Since: "1.0.0", Args: "key newkey", Doc: "Renames a key if the new name is free."},
		{Name: "touch", Arity: -2, Flags: Readonly | Fast, Keys: Heads(KeysFrom(1, -1, 1, "RO")), Read: touch,
			Group: "generic", Since: "3.2.1", Tips: "request_policy:multi_shard response_policy:agg_sum",
			Args: "key...", Cost: "O(N) in the number of keys",
			Doc: "Marks keys as used and counts those that are there."},
		{Name: "type", Arity: 2, Flags: Readonly | Fast, Keys: Heads(KeyAt(1, "RO")), Read: typeOf,
			Group: "generic", Since: "1.0.0", Args: "key", Doc: "Names the type of a key's value."},
		{Name: "unlink", Arity: -2, Flags: Write | Fast, Keys: KeysFrom(1, -1, 1, "RM delete"), Write: del,
			Group: "generic", Since: "4.0.0", Tips: "request_policy:multi_shard response_policy:agg_sum",
			Args: "key...", Cost: "O(N) in the number of keys",
			Doc: "Deletes keys; large values are reaped in the background, as with DEL."},
	}
}

// del is DEL and UNLINK.
func del(tx *store.Tx, c *Call) Reply {
	n := 0
	for _, key := range c.Args[1:] {
		if tx.Delete(key) {
			n++
			c.notify(tx, EventGeneric, "del", key)
		}
	}
	return Integer(n)
}

func exists(v *store.View, c *Call) Reply {
	n := 0
	for _, key := range c.Args[1:] {
		if v.TypeOf(key) != store.None {
			n++
		}
	}
	return Integer(n)
}

func touch(v *store.View, c *Call) Reply {
	n := 0
	for _, key := range c.Args[1:] {
		if v.Touch(key) {
			n++
		}
	}
	return Integer(n)
}

func typeOf(v *store.View, c *Call) Reply { return Simple(v.TypeOf(c.Args[1]).String()) }

// lengthOf is HLEN, LLEN, SCARD, ZCARD and XLEN.
func lengthOf(t store.Type) reading {
	return func(v *store.View, c *Call) Reply {
		n, err := v.Length(c.Args[1], t)
		if err != nil {
			return Failure(err)
		}
		return Integer(n)
	}
}

func rename(tx *store.Tx, c *Call) Reply {
	if !tx.Rename(c.Args[1], c.Args[2]) {
		return ErrNoSuchKey
	}
	c.notifyRenamed(tx)
	return ReplyOK
}

func (c *Call) notifyRenamed(tx *store.Tx) {
	if !bytes.Equal(c.Args[1], c.Args[2]) {
		c.notify(tx, EventGeneric, "rename_from", c.Args[1])
		c.notify(tx, EventGeneric, "rename_to", c.Args[2])
	}
}

func renamenx(tx *store.Tx, c *Call) Reply {
	if tx.TypeOf(c.Args[1]) == store.None {
		return ErrNoSuchKey
	}
	if tx.TypeOf(c.Args[2]) != store.None {
		return ReplyZero
	}
	tx.Rename(c.Args[1], c.Args[2])
	c.notifyRenamed(tx)
	return ReplyOne
}

func copyKey(tx *store.Tx, c *Call) Reply {
	src, dst := c.Args[1], c.Args[2]
	db, replace := tx.DB(), false
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "replace"):
			replace = true
		case c.Is(i, "db") && i+1 < len(c.Args):
			i++
			var refusal Reply
			if db, refusal = c.database(tx, i); refusal.IsError() {
				return refusal
			}
		default:
			return ErrSyntax
		}
	}
	if db == tx.DB() && bytes.Equal(src, dst) {
		return errSameObject
	}
	var shape store.Shape
	// TypeOf is a look-up for reading: the key may be missing, and counts as a miss then.
	if tx.View.TypeOf(src) != store.None && (replace || !tx.ExistsIn(db, dst)) {
		if !c.Has(&tx.View, src, store.NeedValue) {
			return ReplyLoad
		}
		shape, _ = tx.PeekShape(src)
	}
	offLock := c.worksOffLock(shape.Len, shape.Len)
	var copied *store.Made // nil = Copy makes it
	snapshot := func() { copied = tx.Snapshot(src) }
	made, _ := c.makeOf(&tx.View, c.Args[1:2], offLock, snapshot, func() (*store.Made, Reply) {
		if copied != nil {
			copied.Complete()
		}
		return copied, ReplyNone
	})
	if c.OffLock != nil {
		return ReplyNone
	}
	if !tx.CopyMade(src, db, dst, replace, made) {
		return ReplyZero
	}
	c.notify(otherDB(db), EventGeneric, "copy_to", dst)
	return ReplyOne
}

func move(tx *store.Tx, c *Call) Reply {
	db, refusal := c.database(tx, 2)
	if refusal.IsError() {
		return refusal
	}
	if db == tx.DB() {
		return errSameObject
	}
	if !tx.Move(c.Args[1], db) {
		return ReplyZero
	}
	c.notify(tx, EventGeneric, "move_from", c.Args[1])
	c.notify(otherDB(db), EventGeneric, "move_to", c.Args[1])
	return ReplyOne
}

// otherDB is for events in a database that is not the command's.
type otherDB int

func (db otherDB) DB() int { return int(db) }

// database reads argument i as the number of a database, or returns the error to answer.
func (c *Call) database(tx *store.Tx, i int) (db int, refusal Reply) {
	n, ok := c.Int(i)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n != int64(int32(n)):
		return 0, ErrInt32Range
	case n < 0 || n >= int64(tx.Databases()):
		return 0, ErrDBIndex
	}
	return int(n), Reply{}
}

func objectIdletime(v *store.View, c *Call) Reply {
	idle, ok := v.IdleMillis(c.Args[2])
	switch {
	case !ok:
		return ReplyNull
	case c.Store.CountsUses():
		return errNoIdletime
	}
	return Integer(idle / 1000)
}

// One of the two is told, by maxmemory-policy.
var (
	errNoFrequency = ErrorReply("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	errNoIdletime  = ErrorReply("ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
)

func objectFreq(v *store.View, c *Call) Reply {
	n, ok := v.Frequency(c.Args[2])
	switch {
	case !ok:
		return ReplyNull
	case !c.Store.CountsUses():
		return errNoFrequency
	}
	return Integer(n)
}
