package store

import (
	"bytes"
	"errors"
)

// putOffBytes is the length from which a string that SETRANGE, APPEND or SETBIT must make anew (there is none; a reply
// or write-back still reads it; it has no room) is made without the keyspace lock: 512 MB take 0.3 s and more.
const putOffBytes = 2 << 20

// ErrPutOff says that a command must wait for a Rewrite: it has changed nothing so far.
var ErrPutOff = errors.New("the value has to be copied first")

// A Rewrite is the copy that a command waits for, with the command's change in it.
type Rewrite struct {
	o      *object
	id     int64
	lsn    uint64 // of the value that is copied
	old    []byte // nobody changes it: it is lent; nil = there is none
	offset int
	data   []byte
	made   []byte
}

// PutOffCopies lets the command under way end with ErrPutOff instead of copying a long value under the lock.
// The caller then takes the Rewrite, and, without the lock, calls Make; with the lock again it calls Release,
// begins the command anew and gives it the Rewrite by Use. In a MULTI block, whose commands before this one
// stand, copies are made at once.
func (tx *Tx) PutOffCopies() { tx.putOff = true }

// CopyAtOnce undoes PutOffCopies, for a script, whose commands are such a block.
func (tx *Tx) CopyAtOnce() { tx.putOff = false }

// TakeRewrite returns what the command waits for, nil if it does not.
func (tx *Tx) TakeRewrite() *Rewrite {
	rw := tx.rewrite
	tx.rewrite = nil
	return rw
}

// Use lets the command find its Rewrite, if the value is still the one that was copied.
func (tx *Tx) Use(rw *Rewrite) { tx.rewritten = rw }

// mayPutOff reports whether making a value of n bytes is to wait. It is not when the command has removed
// an expired key before: then there is something to record.
func (tx *Tx) mayPutOff(n int) bool { return tx.putOff && n >= putOffBytes && !tx.Changed() }

// newRewrite is of an object that is absent, or whose value is lent if it is to be pinned.
func newRewrite(o *object, offset int, data []byte) *Rewrite {
	return &Rewrite{o: o, id: o.id, lsn: o.lsn, old: o.str(), offset: offset, data: data}
}

// pinned keeps the object in memory until Release.
func (rw *Rewrite) pinned() *Rewrite {
	rw.o.pin()
	return rw
}

// Make makes the copy. The caller does not hold the keyspace lock.
func (rw *Rewrite) Make() {
	end := max(len(rw.old), rw.offset+len(rw.data))
	room := end
	if len(rw.old) > 0 {
		room = roomFor(end, len(rw.old))
	}
	rw.made = make([]byte, end, room)
	copyLong(rw.made, rw.old)
	copyLong(rw.made[rw.offset:], rw.data)
}

// copyLong is copy in pieces. The Go scheduler can not interrupt a copy, and when the garbage
// collector wants the world to stop, everybody waits for its end: up to 0.8 s for 512 MB [measured].
func copyLong(dst, src []byte) {
	for len(src) > 0 {
		n := copy(dst, src[:min(len(src), copyBytes)])
		dst, src = dst[n:], src[n:]
	}
}

const copyBytes = 256 << 10

// Release unpins the object. The caller holds the keyspace lock.
func (rw *Rewrite) Release() { rw.o.unpin() }

// fits reports whether the copy is that of o as it is now, with this change.
func (rw *Rewrite) fits(o *object, offset int, data []byte) bool {
	return rw != nil && rw.o == o && rw.id == o.id && rw.lsn == o.lsn && rw.offset == offset &&
		bytes.Equal(rw.data, data) // at once for the same slice, which a long one is
}
