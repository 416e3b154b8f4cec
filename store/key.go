package store

import (
	"diskette/expire"
	"diskette/store/tally"
)

// Delete removes a key of any type and reports whether it was there.
func (tx *Tx) Delete(key []byte) bool {
	o := tx.editHead(key)
	if o.typ == None {
		return false
	}
	tx.drop(o)
	return true
}

// SetDeadline gives a key a deadline in unix ms (0 = none) and reports whether the key is
// there. A deadline that has passed removes the key at once, as EXPIRE does; such a removal is a
// deletion and not counted as an expiry.
func (tx *Tx) SetDeadline(key []byte, deadline int64) bool {
	o := tx.editHead(key)
	switch {
	case o.typ == None:
		return false
	case expire.Due(deadline, tx.now):
		tx.drop(o)
	default:
		tx.setDeadline(o, deadline)
		tx.retimed(o)
	}
	return true
}

// Touch marks a key as used and reports whether it is there.
func (v *View) Touch(key []byte) bool { return v.findHead(key) != nil }

// SetIdle makes a key look as if its last use were so many ms ago. Memory alone knows it.
func (tx *Tx) SetIdle(key []byte, idle int64) {
	if o := tx.head(key); o.typ != None {
		o.setUsed(max(1, tx.now-min(max(idle, 0), longestIdle)))
	}
}

// Rename gives src's value, id and deadline the name dst, whatever was there; ok is false
// when src is no key. It costs one row however large the value is.
func (tx *Tx) Rename(src, dst []byte) (ok bool) {
	from := tx.editHead(src)
	if from.typ == None {
		return false
	}
	to := tx.editHead(dst)
	if from == to {
		return true
	}
	tx.transfer(from, to)
	return true
}

// Move carries a key over to another database; ok is false when it is not here or
// its name is taken there.
func (tx *Tx) Move(key []byte, db int) (ok bool) {
	from := tx.editHead(key)
	if from.typ == None {
		return false
	}
	to := tx.in(db, key)
	if to.typ != None {
		return false
	}
	tx.transfer(from, to)
	return true
}

// Copy gives dst in database db a copy of src's value and deadline. done is false when src is
// no key, or dst is one and replace is false.
func (tx *Tx) Copy(src []byte, db int, dst []byte, replace bool) (done bool) {
	return tx.CopyMade(src, db, dst, replace, nil)
}

// CopyMade is Copy when there is a Snapshot of src that was completed; nil = there is none.
func (tx *Tx) CopyMade(src []byte, db int, dst []byte, replace bool, made *Made) (done bool) {
	if tx.editHead(src).typ == None {
		return false
	}
	to := tx.in(db, dst)
	if to.typ != None && !replace {
		return false
	}
	from := tx.entry(src)
	if to.typ != None {
		tx.drop(to)
	}
	if str := from.str(); len(str) >= shareBytes { // both have it, so either copies it before a change
		from.lend()
		to.shareStr(str[:len(str):len(str)], tx.lsn, true)
	} else {
		to.setStr(append([]byte(nil), str...))
	}
	to.setForm(from.form())
	if from.coll() == nil {
		tx.create(to, from.typ, from.deadline)
		return true
	}
	if made == nil {
		made = (&Made{coll: from.coll().snapshot()}).Complete()
	}
	tx.place(to, made, from.deadline)
	return true
}

// ExistsIn reports whether database db has the key.
func (tx *Tx) ExistsIn(db int, key []byte) bool { return tx.in(db, key).typ != None }

// in returns the object of a name in another database, of which the head is enough.
func (tx *Tx) in(db int, key []byte) *object {
	here := tx.db
	tx.Select(db)
	o := tx.editHead(key)
	tx.Select(here)
	return o
}

// transfer moves the key from one name to another: one row changes.
func (tx *Tx) transfer(from, to *object) {
	if to.typ != None {
		tx.drop(to)
	}
	tx.rec.rename(from.id, from.space, to.space, to.name())
	to.id, to.typ, to.deadline = from.id, from.typ, from.deadline
	to.shareStr(from.str(), from.sharedLSN(), from.lent())
	to.setForm(from.form())
	to.setColl(from.coll())
	if to.headOnly = from.headOnly; to.headOnly {
		to.space.inParts = true
	}
	to.setOutline(from.outline())
	if p := to.part(); p != nil {
		p.owner = to
	}
	to.used(from)
	to.space.live++
	if to.deadline != 0 {
		tx.countExpiring(to.space, 1)
	}
	st := tx.st
	st.due.Set(to, to.deadline)
	st.watchFields(to)
	st.resized(to)
	st.renamed.note(to, tx.lsn)
	st.orderMoved(from, to)
	st.censusMoved(from, to)
	tx.count(tally.Set, to)
	tx.vacate(from)
	tx.touch(from)
	tx.touch(to)
	tx.created(to)
}
