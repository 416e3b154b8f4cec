package command

import "diskette/store"

// Commands that work on many elements do so without the keyspace lock, on snapshots: copying the elements takes a
// twentieth of the time that the rest does. What is made so is given to a key if those it was made of have not changed
// meanwhile; else it is made again, under the lock.
const (
	OffLockElements = 1 << 14 // so many take a millisecond or two
	// Snapshots do not pay when the keys have more than offLockShare elements for each that is walked over.
	offLockShare = 16
)

// Making is what was made without the lock, or why it could not be, and the versions of the keys that it was made of.
type Making struct {
	Made    *store.Made
	refusal Reply
	Of      []store.Version
}

// worksOffLock reports whether a command that walks over so many elements, of keys with so many,
// does that without the lock.
func (c *Call) worksOffLock(walked, elements int) bool {
	return c.MayLeaveLock && walked >= OffLockElements && elements/offLockShare <= walked
}

// makeOf returns what work makes of the keys' values. If offLock it is made without the lock, of what snapshot
// puts in the place of the values: c.OffLock is set then, and the command, which must have changed nothing,
// answers nothing and runs again.
func (c *Call) makeOf(
	v *store.View, keys [][]byte, offLock bool, snapshot func(), work func() (*store.Made, Reply),
) (*store.Made, Reply) {
	if done, ok := c.Resume.(Making); ok && v.Unchanged(keys, done.Of) {
		return done.Made, done.refusal
	}
	if !offLock {
		return work()
	}
	of := v.Versions(keys)
	snapshot()
	c.OffLock = func() any {
		made, refusal := work()
		if made != nil {
			made.Record()
		}
		return Making{made, refusal, of}
	}
	return nil, ReplyNone
}

// replyOf answers what work makes: without the lock, if offLock, of what snapshot puts in the place of the values.
func (c *Call) replyOf(offLock bool, snapshot func(), work func() Reply) Reply {
	if !offLock {
		return work()
	}
	snapshot()
	c.Finish = work
	return ReplyNone
}
