package resp

import (
	"bytes"

	"diskette/store"
)

// del is DEL and UNLINK.
func del(tx *store.Tx, c *call) Reply {
	n := 0
	for _, key := range c.args[1:] {
		if tx.Delete(key) {
			n++
			c.notify(tx, eventGeneric, "del", key)
		}
	}
	return integer(n)
}

func exists(v *store.View, c *call) Reply {
	n := 0
	for _, key := range c.args[1:] {
		if v.TypeOf(key) != store.None {
			n++
		}
	}
	return integer(n)
}

func touch(v *store.View, c *call) Reply {
	n := 0
	for _, key := range c.args[1:] {
		if v.Touch(key) {
			n++
		}
	}
	return integer(n)
}

func typeOf(v *store.View, c *call) Reply { return simple(v.TypeOf(c.args[1]).String()) }

func rename(tx *store.Tx, c *call) Reply {
	if !tx.Rename(c.args[1], c.args[2]) {
		return errNoSuchKey
	}
	c.notifyRenamed(tx)
	return replyOK
}

func (c *call) notifyRenamed(tx *store.Tx) {
	if !bytes.Equal(c.args[1], c.args[2]) {
		c.notify(tx, eventGeneric, "rename_from", c.args[1])
		c.notify(tx, eventGeneric, "rename_to", c.args[2])
	}
}

func renamenx(tx *store.Tx, c *call) Reply {
	if tx.TypeOf(c.args[1]) == store.None {
		return errNoSuchKey
	}
	if tx.TypeOf(c.args[2]) != store.None {
		return replyZero
	}
	tx.Rename(c.args[1], c.args[2])
	c.notifyRenamed(tx)
	return replyOne
}

func copyKey(tx *store.Tx, c *call) Reply {
	src, dst := c.args[1], c.args[2]
	db, replace := tx.DB(), false
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "replace"):
			replace = true
		case c.is(i, "db") && i+1 < len(c.args):
			i++
			var refusal Reply
			if db, refusal = c.database(tx, i); refusal.isError() {
				return refusal
			}
		default:
			return errSyntax
		}
	}
	if db == tx.DB() && bytes.Equal(src, dst) {
		return errSameObject
	}
	tx.View.TypeOf(src) // a look-up for reading, which may miss
	shape, _ := tx.PeekShape(src)
	apart := c.apartFor(shape.Len, shape.Len) && (replace || !tx.ExistsIn(db, dst))
	var copied *store.Made // nil = Copy makes it
	snapshot := func() { copied = tx.Snapshot(src) }
	made, _ := c.makeOf(&tx.View, c.args[1:2], apart, snapshot, func() (*store.Made, Reply) {
		if copied != nil {
			copied.Complete()
		}
		return copied, replyNone
	})
	if c.apart != nil {
		return replyNone
	}
	if !tx.CopyMade(src, db, dst, replace, made) {
		return replyZero
	}
	c.notify(otherDB(db), eventGeneric, "copy_to", dst)
	return replyOne
}

func move(tx *store.Tx, c *call) Reply {
	db, refusal := c.database(tx, 2)
	if refusal.isError() {
		return refusal
	}
	if db == tx.DB() {
		return errSameObject
	}
	if !tx.Move(c.args[1], db) {
		return replyZero
	}
	c.notify(tx, eventGeneric, "move_from", c.args[1])
	c.notify(otherDB(db), eventGeneric, "move_to", c.args[1])
	return replyOne
}

// otherDB is for events in a database that is not the command's.
type otherDB int

func (db otherDB) DB() int { return int(db) }

// database reads argument i as the number of a database, or returns the error to answer.
func (c *call) database(tx *store.Tx, i int) (db int, refusal Reply) {
	n, ok := c.int(i)
	switch {
	case !ok:
		return 0, errNotInteger
	case n != int64(int32(n)):
		return 0, errInt32Range
	case n < 0 || n >= int64(tx.Databases()):
		return 0, errDBIndex
	}
	return int(n), Reply{}
}

func objectIdletime(v *store.View, c *call) Reply {
	idle, ok := v.IdleMillis(c.args[2])
	switch {
	case !ok:
		return replyNull
	case c.store.CountsUses():
		return errNoIdletime
	}
	return integer(idle / 1000)
}

// One of the two is counted, by maxmemory-policy, which has no other effect: nothing is evicted.
var (
	errNoFrequency = errorReply("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	errNoIdletime  = errorReply("ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
)

func objectFreq(v *store.View, c *call) Reply {
	n, ok := v.Frequency(c.args[2])
	switch {
	case !ok:
		return replyNull
	case !c.store.CountsUses():
		return errNoFrequency
	}
	return integer(n)
}
