package store

import (
	"cmp"
	"slices"
	"time"

	"diskette/expire"
	"diskette/store/order"
	"diskette/store/tally"
)

// Evicting goes on beside the commands, in one goroutine:
//
//	Orders (lock)          name ids that may go
//	rows (no lock)         say which keys they are: many neighbours in one read
//	judge and drop (lock)  what memory knows better is spared; the others go as by DEL, a slice a hold (I1)
//	write-back             deletes before it inserts, so that the pages serve what comes
//
// So B1 holds. It begins a fold's contents before the bound, and goes on until a little more than that is free. Writers
// wait at the bound itself (WaitForRoom), so that a burst can not overtake it.
const (
	evictBatch = 512 // keys that are read at a time
	evictSlice = 128 // of which so many are removed under one hold of the keyspace lock, by one record, if that is
	evictShare = 8   // changes no more than this part of the pages that a write-back may change

	evictPeriod = time.Second // looks at the file system, and for keys where there were none
	evictTries  = 64          // batches in a row of which nothing could go
)

func (st *Store) evictLoop() {
	defer st.wb.done.Done()
	signal(st.room.wake)
	tick := time.NewTicker(evictPeriod)
	defer tick.Stop()
	for {
		select {
		case <-st.wb.stop:
			return
		case <-st.room.wake:
			if st.DiskFull() != (st.room.pagesFull.Load() > 0) {
				st.lookAtDisk()
			}
		case <-tick.C:
			st.lookAtDisk()
		}
		st.followBounds()
		if st.order.by.limited() && st.evict() > 0 {
			st.writeBackEvicted()
		}
		st.noteOrders()
	}
}

// lookAtDisk brings what is free into the newest mark: others use the disk, too.
func (st *Store) lookAtDisk() {
	r, b := &st.room, st.Bounds()
	if b.Free <= 0 && !b.evicts() {
		return
	}
	free := freeBytes(st.dir)
	switch was := r.pagesFull.Load(); {
	case !st.DiskFull() || !b.evicts():
		if r.pagesFull.Store(0); was > 0 {
			st.opts.Log("there is room on the disk again", nil, append(st.diskFigures(), "used_disk", st.usedDisk())...)
		}
	case was == 0:
		r.pagesFull.Store(r.mark.Load().pages)
		st.opts.Log("the disk is full: keys are evicted to make room", ErrDiskFull, append(st.diskFigures(), "used_disk", st.usedDisk())...)
	}
	r.setting.Lock()
	m := *r.mark.Load()
	m.free = free
	r.mark.Store(&m)
	st.setLimitsLocked()
	r.setting.Unlock()
}

// writeBackEvicted has write-back begin where the tables take more than they may: what was evicted frees their pages
// only once it is written back, and the fold that it is in may be far from full.
func (st *Store) writeBackEvicted() {
	if m := st.room.mark.Load(); m.used > st.limit(st.Bounds(), m) {
		st.kickWriteBack()
	}
}

// evict removes keys until the bounds hold, or nothing more can go, and in between tells the Orders of what is on disk.
// It returns how many bytes went.
func (st *Store) evict() (evicted int64) {
	for tries := 0; ; {
		select {
		case <-st.wb.stop:
			return evicted
		default:
		}
		if st.Bounds() != st.order.by {
			st.followBounds()
		}
		if st.journal.Err() != nil && st.journal.Wait(st.journal.Last()) != nil {
			return evicted // nothing can be recorded now
		}
		if time.Since(st.side.noted) >= evictPeriod {
			st.noteOrders()
		}
		st.lookAgain()
		over, any, freed, err := st.evictRound()
		evicted += freed
		if err != nil {
			st.nothingLeft(over)
			return evicted
		}
		scanning, err := st.scanForOrder()
		if err != nil {
			return evicted
		}
		switch {
		case freed > 0:
			tries = 0
			continue
		case any:
			if tries++; tries < evictTries {
				continue
			}
		}
		if scanning {
			continue
		}
		if !any {
			st.nothingLeft(over)
		}
		return evicted
	}
}

// quota is what is to go from a database.
type quota struct {
	db    int
	bytes int64
	own   bool // for its own bound
}

// quotas says what is too much. What the whole store has too much goes from all databases that evict, from each by
// what it has.
func (st *Store) quotas() (qs []quota) {
	r, b := &st.room, st.order.by
	for db := range r.dbs {
		d := &r.dbs[db]
		if over := d.bytes.Load() - d.fullAt.Load(); over > 0 && b.policyOf(db) != NoEviction {
			qs = append(qs, quota{db, over + d.fullAt.Load()/64, true})
		}
	}
	m := r.mark.Load()
	over := r.growth.Load() - r.evictAt.Load()
	if over <= 0 || m.unreaped && m.garbage == 0 { // of garbage that was there at the start nobody knows how much it is
		return qs
	}
	over += (r.fullAt.Load() - r.evictAt.Load()) / 8
	total := int64(0)
	for db := range r.dbs {
		if b.policyOf(db) != NoEviction {
			total += r.dbs[db].bytes.Load()
		}
	}
	for db := range r.dbs {
		if bytes := r.dbs[db].bytes.Load(); b.policyOf(db) != NoEviction && bytes > 0 {
			qs = append(qs, quota{db, int64(float64(over)*float64(bytes)/float64(total)) + 1, false})
		}
	}
	if total == 0 {
		qs = append(qs, quota{-1, over, false})
	}
	return qs
}

// evictRound removes a batch of keys from each database that has too much. over = there is too much somewhere, any =
// there were candidates.
func (st *Store) evictRound() (over []quota, any bool, freed int64, err error) {
	over = st.quotas()
	for _, q := range over {
		if q.db < 0 {
			continue
		}
		some, bytes, err := st.evictFrom(q)
		any, freed = any || some, freed+bytes
		if err != nil {
			return over, any, freed, err
		}
	}
	return over, any, freed, nil
}

// nothingLeft notes where there is too much and nothing can go: commands that need room are refused (Full).
func (st *Store) nothingLeft(over []quota) {
	for _, q := range over {
		if q.own {
			st.room.dbs[q.db].nothing.Store(true)
		} else {
			st.room.nothing.Store(true)
		}
	}
}

// lookAgain takes back nothingLeft where there is room again.
func (st *Store) lookAgain() {
	r := &st.room
	if r.growth.Load() <= r.evictAt.Load() {
		r.nothing.Store(false)
	}
	for db := range r.dbs {
		if d := &r.dbs[db]; d.bytes.Load() <= d.fullAt.Load() && st.order.by.policyOf(db) != NoEviction {
			d.nothing.Store(false)
		}
	}
}

// evictFrom removes a batch of a database's keys; any = there were candidates.
func (st *Store) evictFrom(q quota) (any bool, freed int64, err error) {
	policy := st.order.by.policyOf(q.db)
	if policy == VolatileTTL {
		return st.evictByDeadline(q)
	}
	now := expire.NowMillis()
	st.Lock()
	s := st.dbs[q.db]
	if s.order == nil {
		st.Unlock()
		return false, 0, nil
	}
	s.order.Tick(now)
	n := evictBatch
	if keys := s.order.Keys(); keys > 0 { // few more than are needed: their rows are read
		n = int(min(q.bytes/max(s.order.Bytes()/keys, 1)+8, evictBatch))
	}
	candidates := s.order.Next(nil, n, policy.Volatile())
	eligible := s.order.Keys()
	if policy.Volatile() {
		eligible = s.order.Volatile()
	}
	st.beginReading()
	st.Unlock()
	if len(candidates) == 0 {
		return eligible > 0, 0, nil
	}
	ids := make([]int64, len(candidates))
	for i, c := range candidates {
		ids[i] = c.ID
	}
	slices.Sort(ids)
	rows, err := st.rowHeads(func(r *reader) ([]rowHead, error) { return r.headsOf(ids) })
	if err != nil {
		return true, 0, err
	}
	freed, rest, _ := st.evictRows(q, s, ids, rows, false)
	if len(rest) > 0 {
		st.Lock()
		if s.order != nil {
			s.order.NotNeeded(rest)
		}
		st.Unlock()
	}
	return true, freed, nil
}

// evictRows removes keys, of which the rows were read, until the quota is met: rest are the ids that it did not come
// to. certain = nothing is spared for its uses.
func (st *Store) evictRows(q quota, s *space, ids []int64, rows []rowHead, certain bool) (freed int64, rest []int64, stale bool) {
	at, volatile := 0, st.order.by.policyOf(q.db).Volatile()
	for len(ids) > 0 && freed < q.bytes {
		slice := ids[:min(st.evictSlice(), len(ids))]
		st.awaitFold()
		st.Lock()
		if st.reading.stale || st.dbs[q.db] != s || s.order == nil {
			st.Unlock()
			return freed, ids, true
		}
		tx := st.Begin(q.db, expire.NowMillis())
		for _, id := range slice {
			ids = ids[1:]
			for at < len(rows) && rows[at].id < id {
				at++
			}
			var row *rowHead
			if at < len(rows) && rows[at].id == id {
				row = &rows[at]
			}
			took := tx.evictCandidate(s, id, row, certain, volatile)
			if took > 0 && q.own {
				st.room.dbs[q.db].own.Add(1)
			}
			freed += took
			if freed >= q.bytes {
				break
			}
		}
		seen := tx.End()
		st.Unlock()
		st.commit(seen)
	}
	return freed, ids, false
}

// evictSlice is how many keys go with one record. A fold is not cut within it.
func (st *Store) evictSlice() int {
	return int(min(max(float64(st.onDisk.Load().foldPages)/evictShare/st.room.guess.Load().perGone, 8), evictSlice))
}

// awaitFold keeps B1: deletions change pages, too, so the evictor waits, as writers do, where the fold has as many as a
// write-back may change. It does not where write-back can not go on.
func (st *Store) awaitFold() {
	for st.foldFull() && st.writeError.Load() == nil && st.journal.Err() == nil &&
		st.wb.lockedOut.Load() == nil {
		st.hurry()
		select {
		case <-st.wb.stop:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// evictCandidate removes the key of an id, unless what memory knows says that it is to stay, and returns what it took.
// A key that had a deadline when it was named, or when its row was written, may have none any more.
func (tx *Tx) evictCandidate(s *space, id int64, row *rowHead, certain, volatile bool) (freed int64) {
	st := tx.st
	o := st.objectOf(s, id, row)
	switch {
	case o != nil && volatile && o.deadline == 0:
		return 0
	case o != nil:
		if !certain && !s.order.Judge(id, o.hits, o.sinceUse(tx.now)) {
			o.hits = 0
			return 0
		}
	case row == nil || row.space != s.id: // not there any more, or on its way
		if row == nil && st.applied.Load() == st.reading.applied {
			st.ordered(s, func(r *order.Order) { r.Delete(id) })
		}
		return 0
	default:
		if named := s.keys.get(row.name); named != nil { // another key has the name by now, or it is being loaded
			return 0
		}
		if !s.order.Has(id) {
			return 0
		}
		o = newObject(s, row.name)
		o.id, o.typ, o.deadline = id, row.typ, row.deadline
		if st.knownLocked(id, o) != nil { // another program's row, until write-back has seen to it
			return 0
		}
		st.admit(o)
	}
	return tx.evict(o)
}

// objectOf is what memory has of a key: by the name in its row or, if it has none yet, by its birth.
func (st *Store) objectOf(s *space, id int64, row *rowHead) *object {
	var o *object
	if row != nil {
		o = s.keys.get(row.name)
	} else if at, born := slices.BinarySearchFunc(st.births, id, func(b birth, id int64) int { return cmp.Compare(b.id, id) }); born {
		o = st.births[at].o
	}
	if o == nil || o.id != id || o.space != s || o.unknown() {
		o = st.renamed.of(id)
	}
	if o == nil || o.id != id || o.space != s || o.unknown() {
		return nil
	}
	return o
}

// evict removes a key to make room on the disk.
func (tx *Tx) evict(o *object) (freed int64) {
	st, s, id, typ := tx.st, o.space, o.id, o.typ
	c := &st.stats
	if o.lastUse > 0 {
		c.evictedAgeMillis, c.evictedAgeKnown = o.idle(tx.now), true
	} else if _, idle, known := s.order.Known(id); known {
		c.evictedAgeMillis, c.evictedAgeKnown = idle, true
	}
	freed = -st.ordered(s, func(r *order.Order) { r.Evicted(id, o.name()) })
	st.becomesGarbage(typ, freed)
	tx.remove(o, tally.Evict)
	c.evicted++
	c.evictedBytes += freed
	if s.db >= 0 && s.db < len(st.room.dbs) {
		st.room.dbs[s.db].evicted.Add(1)
	}
	if h := st.hooks.Evicted; h != nil {
		h(s.db, o.name())
	}
	return max(freed, 1)
}
