package store

import (
	"time"

	"diskette/expire"
	"diskette/store/journal"
	"diskette/store/tally"
)

// A Tx changes keys. Everything between Begin and End becomes one journal record: all or
// nothing after a crash. A handler that is given a *View can not write; a *Tx reads as a View does.
type Tx struct {
	View
	lsn   uint64 // the LSN that this record will have
	begun uint64 // counts what was begun
	rec   recordWriter

	expiring []*space // whose number of keys with deadlines has changed
	digits   [20]byte // room for UpdateInt

	putOff    bool     // long copies are made without the lock
	rewrite   *Rewrite // the one to be made
	rewritten *Rewrite // the one that was made

	replaced *object // the one whose value was dropped for another: its name is not new

	changes tally.Clock // picks some of the keys that are changed
}

// Begin starts a command on a database at a clock reading in unix ms. The caller holds the
// keyspace lock until End.
func (st *Store) Begin(db int, now int64) *Tx {
	tx := &st.tx
	tx.now, tx.memos, tx.noTouch = now, 0, false
	tx.begun++
	tx.Uncount()
	tx.putOff, tx.rewrite, tx.rewritten, tx.replaced = false, nil, nil, nil
	tx.db, tx.space = db, st.dbs[db]
	tx.seen = tx.space.lsn
	tx.lsn = st.journal.Last() + 1
	return tx
}

// End appends what the command changed to the journal (I1: the caller still holds the
// keyspace lock) and returns the newest LSN that the command saw or made; the reply must wait
// for it (I2).
func (tx *Tx) End() (seen uint64) {
	if len(tx.rec.head) > 0 {
		tx.recordExpiring()
		tx.seen = tx.st.journal.Append(journal.Record{Head: tx.rec.head, Ext: tx.rec.ext})
		tx.st.noteGrowth(tx.seen)
		tx.rec.reset()
		if tx.st.hotBytes > tx.st.maxMemory.Load() {
			tx.st.unloadLocked(8)
		}
	}
	tx.lsn = tx.st.journal.Last() + 1
	tx.memos = 0
	if tx.hits|tx.misses != 0 {
		counts := &tx.space.flows.Counts
		counts[tally.Hit] += tx.hits
		counts[tally.Miss] += tx.misses
		tx.hits, tx.misses = 0, 0
	}
	if tx.aside != 0 {
		tx.settle()
	}
	return tx.seen
}

// LSN is what the record will have that the command makes.
func (tx *Tx) LSN() uint64 { return tx.lsn }

// Changed reports whether the command has changed anything so far.
func (tx *Tx) Changed() bool { return len(tx.rec.head) > 0 }

// Alterations counts what commands have changed since the start; what expires meanwhile is no command's doing.
func (tx *Tx) Alterations() int64 {
	return tx.st.stats.changes - tx.st.stats.expired - tx.st.stats.evicted
}

// ChangeBytes is how much the command's record takes so far, for those who run many commands as one.
func (tx *Tx) ChangeBytes() int { return len(tx.rec.head) + tx.rec.extra }

// MakeRoom unloads a few keys if the hot set is over its bound, between two commands of a long
// script: slices that the store has returned are no longer valid.
func (tx *Tx) MakeRoom() {
	if st := tx.st; st.hotBytes > st.maxMemory.Load() {
		st.unloadLocked(8)
	}
}

// Wait returns when everything up to lsn is committed (I2). An error means that the
// journal could not store it: the reply must say so (I8). Where a full disk is what is in the way and evicting may mend
// that, the record stays in the journal's memory and Wait waits for the room, as WaitForRoom does for what comes next.
func (st *Store) Wait(lsn uint64) error {
	err := st.journal.Wait(lsn)
	for err != nil && st.mends(err) && !st.closed.Load() {
		signal(st.room.wake)
		st.kickWriteBack()
		time.Sleep(mendingPause)
		err = st.journal.Wait(lsn)
	}
	return err
}

// WaitBriefly is Wait for who must not wait for the disk: over = lsn is committed, or is known not to be. It is false
// where a commit takes an fsync, where a full disk is to be mended first, and where the command whose record it is
// may be under way.
func (st *Store) WaitBriefly(lsn uint64) (over bool) {
	if st.journal.Committed() >= lsn {
		return true
	}
	if st.journal.SyncsAlways() || lsn > st.journal.Last() {
		return false
	}
	err := st.journal.Wait(lsn)
	return err == nil || !st.mends(err)
}

// Sync returns when everything up to now is fsynced, whatever the policy. The caller does not
// hold the keyspace lock.
func (st *Store) Sync() error { return st.journal.Sync(st.journal.Last()) }

// Synced reports whether everything up to now is fsynced.
func (st *Store) Synced() bool { return st.journal.Synced() >= st.journal.Last() }

// edit is find for writers: a key whose deadline has passed is removed first.
func (tx *Tx) edit(key []byte) *object { return tx.edited(tx.entry(key)) }

func (tx *Tx) edited(o *object) *object {
	o.visited = true
	if !tx.noTouch {
		tx.st.use(o, tx.now)
	}
	if o.lsn > tx.seen {
		tx.seen = o.lsn
	}
	if o.typ != None && expire.Due(o.deadline, tx.now) {
		tx.expire(o)
	}
	return o
}

// What a writing command looks up for itself is neither hit nor miss (Redis: LOOKUP_WRITE in db.c). What
// GETSET and its kind answer is one: that look-up is LendString.

// TypeOf is View.TypeOf.
func (tx *Tx) TypeOf(key []byte) Type { return tx.PeekType(key) }

// Deadline is View.Deadline.
func (tx *Tx) Deadline(key []byte) (deadline int64, ok bool) {
	if o := tx.peekHead(key); o != nil {
		return o.deadline, true
	}
	return 0, false
}

// String is View.String.
func (tx *Tx) String(key []byte) ([]byte, error) {
	o := tx.peek(key)
	switch {
	case o == nil:
		return nil, nil
	case o.typ != TypeString:
		return nil, ErrWrongType
	}
	return o.value(), nil
}

// touched is called for every key whose value a command changed, stored for one whose whole value is another, retimed
// for one that has another deadline.
func (tx *Tx) touched(o *object) { tx.altered(o, false) }
func (tx *Tx) stored(o *object)  { tx.altered(o, true) }

func (tx *Tx) altered(o *object, stored bool) {
	again := o.lsn == tx.lsn
	picked := !again && tx.count(tally.Set, o)
	tx.touch(o)
	tx.st.orderChanged(o, stored)
	if picked || again || o.units >= largeUnits || o.headOnly {
		tx.st.censusChanged(o, 0)
	}
}

func (tx *Tx) retimed(o *object) {
	tx.touch(o)
	tx.st.orderChanged(o, false)
}

func (tx *Tx) touch(o *object) {
	o.lsn = tx.lsn
	tx.st.stats.changes++
	if h := tx.st.hooks.Touched; h != nil {
		h(o.space.db, o.name())
	}
}

// create makes an absent name's object a key; the caller has set its value.
func (tx *Tx) create(o *object, typ Type, deadline int64) {
	st := tx.st
	o.id = st.ids.take()
	o.typ, o.deadline = typ, deadline
	if tx.replaced != o {
		o.set(counted, false)
	}
	o.space.live++
	if deadline != 0 {
		tx.countExpiring(o.space, 1)
	}
	st.births = append(st.births, birth{o.id, o})
	st.due.Set(o, deadline)
	st.watchFields(o)
	st.resized(o)
	tx.rec.create(o)
	tx.count(tally.Set, o)
	tx.touch(o)
	st.orderBorn(o)
	st.censusChanged(o, tx.now)
	tx.created(o)
}

// created tells of a new name.
func (tx *Tx) created(o *object) {
	if tx.replaced == o {
		tx.replaced = nil
	} else if h := tx.st.hooks.Created; h != nil {
		h(o.space.db, o.name())
	}
}

// replace drops what a key holds: another value follows at once, or none.
func (tx *Tx) replace(o *object) {
	tx.remove(o, tally.NoKind)
	tx.replaced = o
}

// drop is remove for a command that wants the key away.
func (tx *Tx) drop(o *object) { tx.remove(o, tally.Delete) }

// remove makes a key absent. The object stays as the tombstone that keeps a load from bringing
// the key back until the deletion is applied (I5). why is how it is counted.
func (tx *Tx) remove(o *object, why tally.Kind) {
	tx.rec.drop(o.id, o.space)
	tx.st.orderDropped(o)
	tx.censusDropped(o, why)
	if why != tally.NoKind {
		tx.count(why, o)
	}
	tx.vacate(o)
	tx.touch(o)
}

// vacate empties an object whose key is gone from this name, deleted or renamed.
func (tx *Tx) vacate(o *object) {
	st := tx.st
	if o.space.live--; o.space.live == 0 {
		o.space.unloaded, o.space.inParts = false, false
	}
	if o.deadline != 0 {
		tx.countExpiring(o.space, -1)
	}
	st.unwatchFields(o)
	o.typ, o.id, o.deadline = None, 0, 0
	o.empty()
	o.setForm(Whole)
	o.filled()
	st.due.Set(o, 0)
	st.resized(o)
	st.tombstones = append(st.tombstones, tombstone{o, tx.lsn})
}

// expire removes a key whose deadline has passed.
func (tx *Tx) expire(o *object) {
	tx.remove(o, tally.Expire)
	tx.st.stats.expired++
	if h := tx.st.hooks.Expired; h != nil {
		h(o.space.db, o.name())
	}
}

// setDeadline gives a live key a deadline; the caller calls touched. It is recorded even if it is
// the old one: what was touched has an LSN, and readers wait for that.
func (tx *Tx) setDeadline(o *object, deadline int64) {
	switch {
	case o.deadline == 0 && deadline != 0:
		tx.countExpiring(o.space, 1)
	case o.deadline != 0 && deadline == 0:
		tx.countExpiring(o.space, -1)
	}
	o.deadline = deadline
	tx.st.due.Set(o, deadline)
	tx.rec.deadline(o.id, deadline)
}

// countExpiring keeps the number of a space's keys that have a deadline. The record of this
// command will give the new number.
func (tx *Tx) countExpiring(s *space, n int64) {
	s.expiring += n
	if !s.expiringChanged {
		s.expiringChanged = true
		tx.expiring = append(tx.expiring, s)
	}
}

func (tx *Tx) recordExpiring() {
	for _, s := range tx.expiring {
		s.expiringChanged = false
		tx.rec.expiring(s)
	}
	tx.expiring = tx.expiring[:0]
}

// EventLSN is what must be committed before anybody hears of what the command under way has done so far. If
// it has changed something, that is its own record, which the journal has only once the keyspace lock is free
// again. The caller holds the lock.
func (st *Store) EventLSN() uint64 {
	if tx := &st.tx; !tx.Changed() {
		return tx.seen
	}
	return st.tx.lsn
}

// WaitFor is Wait for an EventLSN. ErrBusy = it may be that of a long command, which is under way. The caller does not
// hold the keyspace lock.
func (st *Store) WaitFor(lsn uint64) error {
	if lsn > st.journal.Last() {
		if !st.LockUnlessBusy() {
			return ErrBusy
		}
		// The command has ended.
		lsn = min(lsn, st.journal.Last())
		st.Unlock()
	}
	return st.Wait(lsn)
}

// Abort ends a command whose handler failed half-way: what it changed is recorded, so that
// memory and journal agree. The caller holds the keyspace lock.
func (st *Store) Abort() (seen uint64) {
	if f := st.tx.TakeFetch(); f != nil {
		st.dropLocked(f.missing)
		f.unpinChunks()
	}
	return st.tx.End()
}

// LastLocked is the newest LSN that a command has made. The caller holds the keyspace lock.
func (st *Store) LastLocked() uint64 { return st.journal.Last() }

// Committed is the newest LSN that the journal has stored.
func (st *Store) Committed() uint64 { return st.journal.Committed() }
