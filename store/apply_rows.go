package store

import "github.com/ncruces/go-sqlite3"

// sortedRows returns the places of the collections' rows that are to be written or deleted, in the order of the
// tables' primary keys. Those of a key that is dropped are left to the reaper, and a key that gets no row must have
// none here. What was born and removed is not in the tables, unless an earlier attempt has put it there: again.
func (w *writer) sortedRows(f *fold, again bool) []int32 {
	w.places = w.places[:0]
	id, wanted := int64(0), false
	for i := range int32(f.rows.n) {
		if r := f.rows.at(i); r.id != id {
			id = r.id
			e := f.find(id)
			wanted = (e == nil || w.stays(e) || w.comes(e)) && !w.asides.leavesOut(target{id: id})
		}
		if wanted && (again || !f.rows.at(i).born || !f.rows.at(i).removed) {
			if r := f.rows.at(i); !w.asides.leavesOut(target{r.id, r.n, r.table}) {
				w.places = append(doubled(w.places), rowPlace{r.id, r.n, i, r.table})
			}
		}
	}
	return w.inOrder()
}

func (w *writer) rows(f *fold, order []int32) {
	for len(order) > 0 {
		t, n := f.rows.at(order[0]).table, 1
		for n < len(order) && f.rows.at(order[n]).table == t {
			n++
		}
		if tables[t].step != 0 {
			w.runs(f, order[:n])
		} else {
			w.ownRows(f, order[:n])
		}
		order = order[n:]
	}
}

// ownRows writes those of a table that is not kept in runs.
func (w *writer) ownRows(f *fold, order []int32) {
	if len(w.indexed) > 0 && !w.asides.sifting {
		w.indexOwnRows(f, order)
	}
	warm := 0 // of the rows in order, so many
	for len(order) > 0 {
		if warm == 0 {
			warm = min(warmRows, len(order))
			f.warmRows(order[:warm])
		}
		n := w.together(f, order)
		switch some, r := order[:n], f.rows.at(order[0]); {
		case r.removed && n >= maskRows:
			w.asides.at, w.asides.bytes = r.target(), 0
			w.removeAll(f, some)
			w.breath.steps += n - 1
		case n == putRows && !r.removed:
			w.asides.at, w.asides.bytes = r.target(), len(r.data)
			w.putAll(f, w.putMany[r.table], some)
			w.breath.steps += n - 1
		default:
			for _, i := range some {
				r := f.rows.at(i)
				w.attempt(f, i, r.target(), len(r.data), (*writer).ownRow)
			}
		}
		order, warm = order[n:], max(warm-n, 0)
	}
}

// together is how many rows from the first one on are put, or removed, one after the other, as far as a statement can
// do that.
func (w *writer) together(f *fold, order []int32) int {
	if w.asides.sifting {
		return 1
	}
	n, first := 1, f.rows.at(order[0])
	for ; n < len(order); n++ {
		r := f.rows.at(order[n])
		if r.removed != first.removed || !r.removed && n == putRows ||
			r.removed && (r.id != first.id || uint64(r.n-first.n) >= maskBits) {
			break
		}
	}
	return n
}

func (r *rowEntry) target() target { return target{r.id, r.n, r.table} }

func (w *writer) ownRow(f *fold, i int32) {
	if len(w.indexed) > 0 && w.asides.sifting {
		w.indexRows(f, []int32{i})
	}
	if r := f.rows.at(i); r.removed {
		w.removeRow(r.table, r.id, r.n)
	} else {
		w.putAll(f, w.put[r.table], []int32{i})
	}
}

// putAll runs a put statement with the rows that it is for.
func (w *writer) putAll(f *fold, s *sqlite3.Stmt, order []int32) {
	for k, i := range order {
		r := f.rows.at(i)
		d := &tables[r.table]
		at := 1 + k*d.params()
		w.bindInt(s, at, r.id)
		w.bindInt(s, at+1, r.n)
		if w.err == nil {
			w.err = d.bindColumns(s, at+2, r.data)
		}
	}
	w.step(s)
	for _, i := range order {
		r := f.rows.at(i)
		w.dropPieces(r.id, r.n)
		if len(r.data) >= chunkBytes {
			w.putRowPieces(&tables[r.table], r.id, r.n, r.data)
		}
	}
}

// removeAll removes neighbours of one key by one statement.
func (w *writer) removeAll(f *fold, order []int32) {
	first, last := f.rows.at(order[0]), f.rows.at(order[len(order)-1])
	var mask uint64
	for _, i := range order {
		mask |= 1 << (f.rows.at(i).n - first.n)
	}
	s := w.removeMany[first.table]
	w.bindID(s, first.id)
	w.bindInt(s, 2, first.n)
	w.bindInt(s, 3, last.n)
	w.bindInt(s, 4, int64(mask))
	w.step(s)
	if w.hasPieces(first.id) {
		for _, i := range order {
			w.dropPieces(first.id, f.rows.at(i).n)
		}
	}
}

func (w *writer) removeRow(t table, id, n int64) {
	w.bindID(w.remove[t], id)
	w.bindInt(w.remove[t], 2, n)
	w.step(w.remove[t])
	w.dropPieces(id, n)
}
