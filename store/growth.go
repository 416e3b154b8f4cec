package store

import (
	"sort"
	"sync"
)

// growths says what the keys had grown to when a record was made. A write-back's pages are compared with the growth of
// what is in its fold (room.mark): of the commands that have run when it begins, some are in the next fold. Those that
// the evictor had dropped and the fold did not have counted as if they had been deleted in vain, and it dropped as
// much again: of a bound that was lowered to 8 MB nothing was left in two runs of five.
type growths struct {
	growth, dropped int64 // as of the last note; under the keyspace lock
	notes           struct {
		sync.Mutex
		of []growthOf // by LSN; the first is what write-back has asked for last
	}
}

type growthOf struct {
	lsn             uint64
	growth, dropped int64
}

// noteGrowth notes what the keys have grown to with a record. The caller holds the keyspace lock.
func (st *Store) noteGrowth(lsn uint64) {
	r := &st.room
	now := growthOf{lsn, r.growth.Load(), r.dropped.Load()}
	if g := &r.growths; now.growth == g.growth && now.dropped == g.dropped {
		return
	}
	r.growths.growth, r.growths.dropped = now.growth, now.dropped
	near := max(st.onDisk.Load().fold/64, pageBytes) // notes that are nearer to each other are one
	n := &r.growths.notes
	n.Lock()
	defer n.Unlock()
	if last := len(n.of) - 1; last > 0 {
		was := n.of[last-1]
		if max(abs(now.growth-was.growth), abs(now.dropped-was.dropped)) < near {
			n.of[last] = now
			return
		}
	}
	n.of = append(n.of, now)
}

// growthOf is what the keys had grown to with the record of an LSN. Later calls ask for no earlier one.
func (st *Store) growthOf(lsn uint64) (growth, dropped int64) {
	n := &st.room.growths.notes
	n.Lock()
	defer n.Unlock()
	after := sort.Search(len(n.of), func(i int) bool { return n.of[i].lsn > lsn })
	if after == 0 {
		return 0, 0 // nothing has grown until then
	}
	n.of = append(n.of[:0], n.of[after-1:]...)
	return n.of[0].growth, n.of[0].dropped
}
