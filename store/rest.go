package store

import "time"

// restDelay is how long the buffers of many rows are kept for the next many. They are most of the memory of a server
// with 100,000 small keys, and 35 MB beside the 220 of a million new ones, 60 where they were there before: two folds
// with room for 64,000 births or 128,000 other rows, and what notes the keys born since the last.
var restDelay = 2 * time.Second // tests shorten it

// rest gives the buffers back once there was little to do for long.
func (st *Store) rest() {
	wb := &st.wb
	if wb.rested || time.Since(wb.wroteMany) < restDelay {
		return
	}
	wb.mu.Lock()
	if wb.pending.empty() {
		wb.pending, wb.spare, wb.rested = newFold(st.sizes.arena), newFold(st.sizes.arena), true
	}
	wb.mu.Unlock()
	if !wb.rested {
		return
	}
	wb.w.places, wb.w.order = nil, nil
	st.journal.Rest()
	st.restNames()
	if h := st.hooks.Rested; h != nil {
		h()
	}
}

// restNames gives back what notes the keys born and dropped since the last write-back. It waits for nobody: a long
// script would keep the next write-back from beginning.
func (st *Store) restNames() {
	if !st.mu.TryLock() {
		return
	}
	defer st.mu.Unlock()
	if st.busy {
		return
	}
	if len(st.births) == 0 {
		st.births = nil
	}
	if len(st.tombstones) == 0 {
		st.tombstones = nil
	}
	st.renamed.rest()
}
