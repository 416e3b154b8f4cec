package store

import (
	"cmp"
	"time"
)

// A large collection that is changed all the time can be let go of in parts only once its index is complete (toPart).
// While one that was never indexed grows faster than that is made, the hot set would be over its bound by as much as
// comes meanwhile: 490 MB instead of 64 for a hash of 3.5 million fields on a busy machine. So from growthSlack over
// the bound on write-back's goroutine works on the index for longer between two write-backs, and writers wait for it,
// each time for growthWait at most: rather too much than for ever. So they do for the write-back of parts.
//
// And it is begun early: when the collection takes half of the bound (resized). Most of it is made when the other half
// is there, and who fills it hardly waits.

const (
	growthSlack = 32 << 20 // at most, and
	growthPart  = 8        // this part of the bound, but
	leastGrowth = 8 << 20
	growthWait  = 100 * time.Millisecond
	// growthShare is how long the index is worked on between two write-backs.
	growthShare = time.Second
)

// noteHot tells those without the keyspace lock, which the caller holds, by how much the hot set is over its bound.
func (st *Store) noteHot() {
	owed := st.filters.owed.Swap(0)
	st.hotBytes, st.filterBytes = st.hotBytes+owed, st.filterBytes+owed
	st.over.Store(st.hotBytes - st.maxMemory.Load())
}

// seenOver is by how much the hot set is over its bound, or was when somebody looked last. It does not wait for the
// keyspace lock, which a long script may hold.
func (st *Store) seenOver() int64 {
	if st.mu.TryLock() {
		st.noteHot()
		st.mu.Unlock()
	}
	return st.over.Load()
}

// outgrows reports whether the hot set is far over its bound, and something under way after which it will not be: an
// index, or the write-back of what is held in parts and has to stay until then.
func (st *Store) outgrows() bool {
	slack := cmp.Or(st.opts.growthSlack, min(max(st.maxMemory.Load()/growthPart, leastGrowth), growthSlack))
	return st.over.Load() > slack && (st.paged.isUnfinished() || st.parted.Load() > st.applied.Load()) &&
		st.seenOver() > slack
}

// indexShare is how long an index is worked on between two write-backs, of which the first took so long.
func (st *Store) indexShare(took time.Duration) time.Duration {
	if st.outgrows() {
		return max(took, growthShare)
	}
	return took / 2
}
