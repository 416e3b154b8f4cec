package store

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"diskette/store/tally"
)

// A census hears of every change, and so has to be told once of the keys that are there before it hears of anything:
// the seeding reads their rows, slice by slice, beside the commands.
//
//	a data directory without statistics, or a copy of a master's data   all rows
//	after a restart      the rows of the keys that it had, since a kill loses up to a minute, and all rows that are
//	                     younger than what was kept; none if nothing has happened since
//	most keys are gone   all rows: those that it was thinned for are many no more
type seed struct {
	wake  chan struct{}
	under bool  // it is going on, or about to
	from  int64 // id behind which the scan goes on
	begun int   // counts its beginnings

	verify map[*space][]int64 // ids that a census had before a restart, and that are to be looked for; the seeding's

	hurries bool // for tests: it does not rest between two slices, so that it takes a quarter of a processor
}

// What is kept of the tallies, by name: flows/DB, census/DB with census/DB/PART, and the state of them all.
const (
	keptFlows  = "flows/"
	keptCensus = "census/"
	keptState  = "state"
)

// BeginTallies takes in what TallyChanges has returned before the last end, and begins to tell the censuses of what
// they do not know. The caller then asks TallyChanges from time to time. What can not be read is left out.
func (st *Store) BeginTallies(kept map[string]string) error {
	var failed error
	st.Lock()
	seed := &st.tally.seed
	seed.wake, seed.verify = make(chan struct{}, 1), map[*space][]int64{}
	var lsn, next int64
	if _, err := fmt.Sscan(kept[keptState], &lsn, &next); err != nil {
		lsn, next = -1, 0
	}
	known := true
	keys := int64(0)
	for db, s := range st.dbs[:st.opts.Databases] {
		keys += s.live
		number := strconv.Itoa(db)
		if text, there := kept[keptFlows+number]; there {
			if err := s.flows.Restore(text); err != nil {
				failed = err
			}
		}
		c, err := restoredCensus(kept, db, st.tally.most)
		if c == nil || err != nil {
			failed, known = cmp.Or(err, failed), known && s.live == 0
			continue
		}
		s.census = c
		if ids := c.Sample(); c.Len() > 0 {
			seed.verify[s] = ids.IDs()
		}
	}
	switch {
	case keys == 0 && len(seed.verify) == 0:
		seed.from = st.ids.next() - 1
	case known && lsn == int64(st.journal.Last()):
		seed.verify = nil
		fallthrough
	case known:
		seed.from = next - 1
	}
	seed.under = len(seed.verify) > 0 || seed.from < st.ids.next()-1
	st.Unlock()
	signal(seed.wake)
	st.wb.done.Add(1)
	go st.seedLoop()
	return failed
}

// TallyNext is what a round of TallyChanges of all databases is given, from before the first of them. The caller holds
// the keyspace lock.
func (st *Store) TallyNext() (next int64) {
	if seed := &st.tally.seed; seed.under {
		return min(st.ids.next(), seed.from+1)
	}
	return st.ids.next()
}

// TallyChanges is what has changed of a database since its last call, by name, to be kept for BeginTallies; none if
// nothing has. An empty value is kept, too. lsn is what the record that keeps them will have. The caller holds the
// keyspace lock.
func (st *Store) TallyChanges(db int, lsn uint64, next int64) map[string][]byte {
	s, number := st.dbs[db], strconv.Itoa(db)
	values := map[string][]byte{}
	if b, changed := s.flows.Encode(); changed {
		values[keptFlows+number] = b
	}
	if s.census.Sparse() {
		st.widen(s)
	}
	if head, parts := s.census.Changes(); head != nil {
		values[keptCensus+number] = head
		for part, b := range parts {
			values[keptCensus+number+"/"+strconv.Itoa(part)] = b
		}
	}
	if len(values) > 0 {
		values[keptState] = fmt.Appendf(nil, "%d %d", lsn, next)
	}
	return values
}

// widen makes a census that has become sparse one of more of the keys.
func (st *Store) widen(s *space) {
	if s.live == 0 {
		s.census = tally.NewCensus(st.tally.most)
		return
	}
	s.census.Widen(s.live)
	st.seedFrom(0)
}

// seedFrom begins the seeding with the rows behind an id. The caller holds the keyspace lock.
func (st *Store) seedFrom(id int64) {
	seed := &st.tally.seed
	if seed.wake == nil { // nobody keeps statistics
		return
	}
	if seed.begun++; !seed.under || id < seed.from {
		seed.from = id
	}
	seed.under = true
	tell := func(id int64, o *object) {
		if o.id == id && o.space.db >= 0 {
			st.censusChanged(o, 0)
		}
	}
	for _, b := range st.births { // which the tables may not have
		tell(b.id, b.o)
	}
	for id, n := range st.renamed.byID {
		tell(id, n.o)
	}
	signal(seed.wake)
}

// seedLoop ends with the store.
func (st *Store) seedLoop() {
	defer st.wb.done.Done()
	for {
		select {
		case <-st.wb.stop:
			return
		case <-st.tally.seed.wake:
		}
		for more := true; more; {
			start := time.Now()
			var err error
			if more, err = st.seedSlice(); err != nil {
				break // a later one goes on; what the tables lack others tell of
			}
			if rest := 3 * time.Since(start); more && !st.tally.seed.hurries {
				select {
				case <-st.wb.stop:
					return
				case <-time.After(min(rest, 50*time.Millisecond)):
				}
			}
		}
	}
}

// seedSlice reads a slice of rows and tells the censuses of them.
func (st *Store) seedSlice() (more bool, err error) {
	seed := &st.tally.seed
	st.Lock()
	begun, from, under := seed.begun, seed.from, seed.under
	st.tally.reading = reading{applied: st.applied.Load()}
	st.Unlock()
	if !under {
		return false, nil
	}
	if len(seed.verify) > 0 {
		return true, st.verifySlice()
	}
	var rows []rowHead
	err = st.readers.load(func(r *reader) error {
		rows, err = r.headsFrom(from, orderSlice)
		return err
	})
	if err != nil {
		return false, err
	}
	st.Lock()
	defer st.Unlock()
	if begun != seed.begun || st.tally.reading.stale {
		return true, nil
	}
	spaces := st.spacesLocked()
	for i := range rows {
		st.tellCensus(spaces[rows[i].space], &rows[i])
	}
	if seed.under = len(rows) == orderSlice; seed.under {
		seed.from = rows[len(rows)-1].id
	}
	return seed.under, nil
}

// tellCensus tells a space's census of a row, unless memory knows better.
func (st *Store) tellCensus(s *space, r *rowHead) {
	if s == nil || s.db < 0 || s.db >= st.opts.Databases || r.bytes < tally.Large && !s.census.Concerns(r.id) {
		return
	}
	if o := s.keys.get(r.name); o != nil && !o.unknown() {
		if o.id == r.id {
			bytes := o.bytesOnDisk()
			if bytes < 0 {
				bytes = r.bytes
			}
			s.census.Put(r.id, bytes, 0, r.name)
		}
		return
	}
	s.census.Put(r.id, r.bytes, 0, r.name)
}

// verifySlice looks for keys that a census had before the restart.
func (st *Store) verifySlice() error {
	var s *space
	var ids []int64
	verify := st.tally.seed.verify
	for s, ids = range verify {
		break
	}
	ids = ids[:min(len(ids), orderSlice/2)]
	var rows []rowHead
	err := st.readers.load(func(r *reader) (err error) {
		rows, err = r.headsOf(ids)
		return err
	})
	if err != nil {
		return err
	}
	st.Lock()
	defer st.Unlock()
	if st.tally.reading.stale || st.applied.Load() != st.tally.reading.applied {
		return nil // again
	}
	byID := make(map[int64]*rowHead, len(rows))
	for i := range rows {
		byID[rows[i].id] = &rows[i]
	}
	spaces := st.spacesLocked()
	for _, id := range ids {
		r := byID[id]
		o := st.renamed.of(id)
		switch {
		case o != nil && o.space == s: // another name since, of which the census has heard
		case r == nil:
			s.census.Delete(id)
		case r.space != s.id:
			s.census.Delete(id)
			st.tellCensus(spaces[r.space], r)
		default:
			s.census.Rename(id, r.name)
			if r.typ == TypeString { // of others the row does not say how large they are
				st.tellCensus(s, r)
			}
		}
	}
	if rest := verify[s][len(ids):]; len(rest) > 0 {
		verify[s] = rest
	} else {
		delete(verify, s)
	}
	return nil
}

// TalliesSeeded reports whether the censuses know of all keys.
func (st *Store) TalliesSeeded() bool {
	st.Lock()
	defer st.Unlock()
	return !st.tally.seed.under
}
