package store

import "slices"

// A fold has its rows in the order in which they first changed. The tables want them in the order of their primary
// keys, in which each is a cache miss, or three with its columns: 0.25 us a row, as much as writing it over takes. So
// what is compared while they are sorted stands together, and of what comes next some rows are read at a time, whose
// misses overlap.

// rowPlace is where in a fold a row is, by what it is sorted by. A key's own row has table and n 0.
type rowPlace struct {
	id, n int64
	place int32
	table table
}

func (a rowPlace) compare(b rowPlace) int {
	switch {
	case a.table != b.table:
		return int(a.table) - int(b.table)
	case a.id < b.id:
		return -1
	case a.id > b.id:
		return 1
	case a.n < b.n:
		return -1
	case a.n > b.n:
		return 1
	}
	return 0
}

// breathCompared is how many comparisons, of some 10 ns, go by from one breath to the next.
const breathCompared = 8192

// inOrder sorts places, and returns those in the fold. It is good until the next call.
func (w *writer) inOrder() []int32 {
	compared := 0
	slices.SortFunc(w.places, func(a, b rowPlace) int {
		if compared++; compared%breathCompared == 0 && w.serving.Load() {
			w.breath.step(breathSteps)
		}
		return a.compare(b)
	})
	w.order = slices.Grow(w.order[:0], len(w.places))
	for i := range w.places {
		w.order = append(w.order, w.places[i].place)
	}
	return w.order
}

// warmRows is how many rows are read at a time.
const warmRows = 16

// warmEntries reads what will be written of keys' rows.
func (f *fold) warmEntries(order []int32) {
	for _, i := range order {
		e := &f.entries[i]
		f.touched += byte(len(e.key) + len(e.value)) // the ends of it
	}
	for _, i := range order {
		f.touch(f.entries[i].value)
	}
}

// warmRows is warmEntries for collections' rows.
func (f *fold) warmRows(order []int32) {
	for _, i := range order {
		f.touched += byte(len(f.rows.at(i).data))
	}
	for _, i := range order {
		f.touch(f.rows.at(i).data)
	}
}

// touch reads bytes, one of them.
func (f *fold) touch(b []byte) {
	if len(b) > 0 {
		f.touched += b[0]
	}
}
