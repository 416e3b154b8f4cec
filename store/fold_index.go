package store

// An index finds places, counted from 1, in pages of neighbours. Key ids, and the rows of a key, are numbered by birth,
// so the hot ones share pages: folding took a third less time than with a Go map of places.
//
// The pages are found in a hash table with open addressing, so that where a change will be looked for is known without
// a look: drain reads the table for the whole block, then the pages, before it needs the first. With a Go map of pages
// half of a fold's time went there.
type index struct {
	slots []indexSlot // a power of two of them, at most half of them taken
	pages []indexPage
	last  indexSlot // of the page that was reached last: a queue's are the same for long
}

const (
	pageBits    = 4
	pagePlaces  = 1 << pageBits // a cache line of them
	fewestSlots = 256
	mostPages   = 1 << 18 // that are kept for the next fold
)

type indexPage [pagePlaces]int32

// indexSlot says where a page is, counted from 1; 0 = the slot is free.
type indexSlot struct {
	rowPage
	page int32
}

// rowPage names a page of a key's rows, or of keys: then id is that of the first key, by pagePlaces, and page is 0.
type rowPage struct{ id, page int64 }

// A way leads to a place: to slot i of a page. What is known of it is filled in by and by.
type way struct {
	rowPage
	i    int32
	home uint32 // where in slots the page is looked for first
	page int32  // where the page is, counted from 1
}

func wayToKey(id int64) way {
	return way{rowPage: rowPage{id / pagePlaces, 0}, i: int32(id % pagePlaces)}
}

// wayToRow is for a row that a change c names.
func wayToRow(c *change) way {
	n := c.n // it may be negative in a list
	if c.table == listElements {
		n = neighbourly(n)
	}
	return way{rowPage: rowPage{c.id, n >> pageBits}, i: int32(n & (pagePlaces - 1))}
}

// findWays finds the pages of a block's changes, making those that are missing.
func (f *fold) findWays(block []change) {
	f.index.reserve(len(block))
	f.rowIndex.reserve(len(block))
	for i := range block {
		switch c, w := &block[i], &f.ways[i]; {
		case c.op.ofKey():
			*w = wayToKey(c.id)
			f.touched += f.index.begin(w)
		case c.op.ofRow():
			*w = wayToRow(c)
			f.touched += f.rowIndex.begin(w)
		}
	}
	for i := range block {
		switch c, w := &block[i], &f.ways[i]; {
		case c.op.ofKey():
			f.touched += f.index.reach(w)
		case c.op.ofRow():
			f.touched += f.rowIndex.reach(w)
		}
	}
}

// reserve makes room for so many more pages: until they are made the slots stay where they are.
func (x *index) reserve(n int) {
	slots := max(fewestSlots, len(x.slots))
	for slots < 2*(len(x.pages)+n) {
		slots *= 2
	}
	if slots == len(x.slots) {
		return
	}
	old := x.slots
	x.slots = make([]indexSlot, slots)
	for _, s := range old {
		if s.page != 0 {
			x.slots[x.slotOf(s.rowPage, x.homeOf(s.rowPage))] = s
		}
	}
}

// homeOf is the slot of a page that is not taken by another.
func (x *index) homeOf(k rowPage) uint32 {
	h := uint64(k.id)*0x9e3779b97f4a7c15 + uint64(k.page)*0xd6e8feb86659fd93
	h ^= h >> 32
	return uint32(h*0x9e3779b97f4a7c15>>32) & uint32(len(x.slots)-1)
}

// slotOf is the slot of a page, or the one that it is to have.
func (x *index) slotOf(k rowPage, home uint32) uint32 {
	for {
		if s := &x.slots[home]; s.page == 0 || s.rowPage == k {
			return home
		}
		home = (home + 1) & uint32(len(x.slots)-1)
	}
}

// begin begins a way, and reads what it comes to.
func (x *index) begin(w *way) byte {
	w.home = x.homeOf(w.rowPage)
	return byte(x.slots[w.home].page)
}

// reach finds the page, and reads it. There is room for it if it is to be made.
func (x *index) reach(w *way) byte {
	if x.last.page == 0 || x.last.rowPage != w.rowPage {
		s := &x.slots[x.slotOf(w.rowPage, w.home)]
		if s.page == 0 {
			x.pages = append(doubled(x.pages), indexPage{})
			*s = indexSlot{w.rowPage, int32(len(x.pages))}
		}
		x.last = *s
	}
	w.page = x.last.page
	return byte(*x.place(w))
}

// place is a place that was reached, to be read or set until another page is made.
func (x *index) place(w *way) *int32 { return &x.pages[w.page-1][w.i] }

// at is the place at the end of a way.
func (x *index) at(w way) *int32 {
	x.reserve(1)
	w.home = x.homeOf(w.rowPage)
	x.reach(&w)
	return x.place(&w)
}

// find returns a place, 0 if there is none.
func (x *index) find(w way) int32 {
	if len(x.pages) == 0 {
		return 0
	}
	s := &x.slots[x.slotOf(w.rowPage, x.homeOf(w.rowPage))]
	if s.page == 0 {
		return 0
	}
	return x.pages[s.page-1][w.i]
}

// reset empties the index, and keeps its memory for the next fold.
func (x *index) reset() {
	if len(x.pages) > mostPages { // give back what an unusual burst took
		*x = index{}
	}
	clear(x.slots)
	x.pages, x.last = x.pages[:0], indexSlot{}
}
