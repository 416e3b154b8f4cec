package store

import (
	"sync/atomic"
	"time"
)

// What is known of keys on disk takes memory, too: whose turn it is to go (package order), and which pages have holes
// (repack.go). It is no part of the hot set, whose bound is lower by it (resp/memory_bound.go); the filters of large
// collections are (paged_filter.go).

// side is what that takes, in bytes, as of the last look: about a second ago, or after the last write-back.
type side struct {
	orders, packing atomic.Int64
	noted           time.Time // the evictor's: when it last looked
}

// SideBytes is the memory for what is known of keys that are on disk: the orders in which they go, and holes in their
// pages. It takes no lock.
func (st *Store) SideBytes() (orders, packing int64) {
	return st.side.orders.Load(), st.side.packing.Load()
}

// noteOrders notes what the Orders take. It is the evictor's.
func (st *Store) noteOrders() {
	st.side.noted = time.Now()
	if st.side.orders.Load() == 0 && !st.order.by.limited() {
		return
	}
	bytes := int64(0)
	st.Lock()
	for _, s := range st.dbs {
		if s.order != nil {
			bytes += s.order.Memory()
		}
	}
	st.Unlock()
	st.side.orders.Store(bytes)
}
