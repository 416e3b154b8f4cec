package store

import "cmp"

// merging is what write-back needs to merge changed rows into runs. It is reused.
type merging struct {
	table table
	id    int64 // of the key

	old struct { // the run that holds, or is to hold, the rows
		there      bool
		kept       bool // a new run has its n
		n          int64
		gaps, data []byte
		rows       []oldRow
	}
	built runBuilder

	// ahead: findRun stands at the run behind old, as long as nothing is written. Those that are read on from it are
	// neighbours, and those of them of which nothing is left are removed together: what RPOP costs after its reply,
	// until the tables have it, is 0.17 us instead of 0.23 that way.
	ahead   bool
	emptied struct {
		runs     int
		from, to int64
	}
}

// mostEmptied is how many runs one statement removes: some 2 us each, in which nobody takes a breath.
const mostEmptied = 64

type oldRow struct {
	n   int64
	row []byte // of the run's data
}

// runSQL finds the run that row ?2 belongs to, the first one if all begin above it, and those after it.
func (d *tableDef) runSQL() string {
	return `SELECT n, gaps, data FROM ` + d.name + ` WHERE id = ?1
		AND n >= coalesce((SELECT max(n) FROM ` + d.name + ` WHERE id = ?1 AND n <= ?2), ?2) ORDER BY n`
}

// removeRunsSQL removes the runs from number ?2 to ?3.
func (d *tableDef) removeRunsSQL() string {
	return `DELETE FROM ` + d.name + ` WHERE id = ?1 AND n BETWEEN ?2 AND ?3`
}

// runsFromSQL reads up to ?3 runs from the one on that row ?2 belongs to.
func (d *tableDef) runsFromSQL() string {
	return `SELECT n, gaps, data FROM ` + d.name + ` WHERE id = ?1
		AND n >= coalesce((SELECT max(n) FROM ` + d.name + ` WHERE id = ?1 AND n <= ?2), ?2) ORDER BY n LIMIT ?3`
}

// runs brings changed rows of one table into its runs. They come in the order of the primary key. They are absolute,
// and so may be in the runs already: a row that is put replaces its like, one that is removed need not be there.
func (w *writer) runs(f *fold, order []int32) {
	w.merging.ahead, w.merging.emptied.runs = false, 0 // of an attempt that failed, as what it built
	w.merging.built.clear()
	for len(order) > 0 && w.err == nil {
		if r := f.rows.at(order[0]); w.asides.sifting {
			w.attempt(f, order[0], r.target(), len(r.data),
				func(w *writer, f *fold, i int32) { w.mergeSome(f, []int32{i}) })
			order = order[1:]
		} else {
			w.asides.at, w.asides.bytes = r.target(), len(r.data)
			order = order[w.mergeSome(f, order):]
		}
	}
	w.removeEmptied()
}

// mergeSome merges the rows that belong to the first one's run, and returns how many they are.
func (w *writer) mergeSome(f *fold, order []int32) (k int) {
	m := &w.merging
	r := f.rows.at(order[0])
	if m.id != r.id {
		w.removeEmptied()
	}
	m.table, m.id = r.table, r.id
	bounded, end := w.readRun(f, r.n)
	for k = 1; k < len(order) && f.rows.at(order[k]).id == r.id && (!bounded || f.rows.at(order[k]).n < end); {
		k++
	}
	w.merge(f, order[:k], bounded)
	if w.asides.sifting {
		w.removeEmptied()
	}
	return k
}

// readRun reads the run that row n belongs to. It is bounded if another follows, which begins at end.
func (w *writer) readRun(f *fold, n int64) (bounded bool, end int64) {
	m := &w.merging
	old := &m.old
	old.there, old.kept, old.rows = false, false, old.rows[:0]
	if e := f.find(m.id); e != nil && e.born && w.ahead == 0 && f.lumps[m.id].rows == 0 {
		return false, 0 // the tables do not have the key
	}
	found := m.ahead
	if found {
		bounded, end = w.takeRun()
		found = !bounded || n < end
	}
	if !found {
		w.removeEmptied()
		s := w.findRun[m.table]
		w.bindID(s, m.id)
		w.bindInt(s, 2, n)
		if w.err != nil {
			return false, 0
		}
		if old.there = s.Step(); old.there {
			bounded, end = w.takeRun()
		} else {
			w.err = s.Reset()
		}
	}
	if w.err != nil || !old.there {
		return bounded, end
	}
	if len(old.data) >= chunkBytes { // one long row, which stays as it is unless it is the one that changes
		w.removeEmptied()
		if old.n > n {
			bounded, end = true, old.n
		}
		old.there, old.data = old.n == n, old.data[:0]
		return bounded, end
	}
	rows := runReader{d: &tables[m.table]}
	rows.open(old.n, old.gaps, old.data)
	for rows.next() {
		old.rows = append(old.rows, oldRow{rows.n, rows.row})
	}
	w.err = rows.err()
	return bounded, end
}

// takeRun takes the run at which findRun stands, and goes on to the one behind it.
func (w *writer) takeRun() (bounded bool, end int64) {
	m := &w.merging
	s, old := w.findRun[m.table], &m.old
	old.there, old.n = true, s.ColumnInt64(0)
	old.gaps, old.data = append(old.gaps[:0], s.ColumnRawBlob(1)...), append(old.data[:0], s.ColumnRawBlob(2)...)
	if m.ahead = s.Step(); m.ahead {
		return true, s.ColumnInt64(0)
	}
	w.err = cmp.Or(w.err, s.Reset())
	return false, 0
}

// removeEmptied removes the runs that wait for it. It comes before whatever else is written.
func (w *writer) removeEmptied() {
	m := &w.merging
	if m.ahead {
		m.ahead = false
		w.err = cmp.Or(w.err, w.findRun[m.table].Reset())
	}
	if m.emptied.runs == 0 {
		return
	}
	s := w.removeRuns[m.table]
	w.bindID(s, m.id)
	w.bindInt(s, 2, m.emptied.from)
	w.bindInt(s, 3, m.emptied.to)
	w.step(s)
	w.breath.steps += m.emptied.runs - 1
	m.emptied.runs = 0
}

// merge writes the old run anew, with what has changed of it. At the collection's ends a run that is at least
// half full takes nothing more: otherwise those of a list that grows slowly would be written again and again.
func (w *writer) merge(f *fold, order []int32, bounded bool) {
	if w.err != nil {
		return
	}
	old, b := &w.merging.old, &w.merging.built
	if old.there && len(old.data) >= runBytes/2 &&
		(!bounded && f.rows.at(order[0]).n > old.rows[len(old.rows)-1].n || f.rows.at(order[len(order)-1]).n < old.n) {
		old.there, old.rows = false, old.rows[:0]
		w.removeEmptied() // of those together none stays
	}
	if len(w.indexed) > 0 {
		w.countRuns(f, order)
	}
	b.d = &tables[w.merging.table]
	b.limit = w.evenly(f, order)
	rows := old.rows
	for _, i := range order {
		r := f.rows.at(i)
		for len(rows) > 0 && rows[0].n < r.n {
			b.addEncoded(rows[0].n, rows[0].row)
			rows = rows[1:]
		}
		if len(rows) > 0 && rows[0].n == r.n {
			rows = rows[1:]
		}
		switch {
		case r.removed:
		case builtBytes(b.d, r.data) >= chunkBytes:
			b.endRun()
			w.putLongRun(r)
		default:
			if err := b.add(r.n, r.data); err != nil && w.err == nil {
				w.err = err
			}
		}
	}
	for _, r := range rows {
		b.addEncoded(r.n, r.row)
	}
	b.endRun()
	if old.there && !old.kept {
		w.removeRun()
	}
}

// removeRun removes the old run: later, if nothing came into its place and there are more.
func (w *writer) removeRun() {
	m := &w.merging
	if !m.ahead || w.hasPieces(m.id) {
		w.removeEmptied()
		w.removeRow(m.table, m.id, m.old.n)
		return
	}
	if m.emptied.runs == 0 {
		m.emptied.from = m.old.n
	}
	m.emptied.to = m.old.n
	if m.emptied.runs++; m.emptied.runs == mostEmptied {
		w.removeEmptied()
	}
}

// evenly is a limit for the new runs that makes them about equal, rather than the last one short.
func (w *writer) evenly(f *fold, order []int32) int {
	bytes, rows := 0, len(w.merging.old.rows)+len(order)
	for _, r := range w.merging.old.rows {
		bytes += len(r.row)
	}
	for _, i := range order {
		if !f.rows.at(i).removed {
			bytes += builtBytes(w.merging.built.d, f.rows.at(i).data)
		}
	}
	return min(runBytes, bytes/(bytes/runBytes+1)+bytes/rows+1)
}

// putLongRun writes a run of one long row, without a copy of it.
func (w *writer) putLongRun(r *rowEntry) {
	var data rope
	cols := columnReader{r.data}
	for _, c := range w.merging.built.d.columns {
		if c.kind == intColumn {
			data = append(data, appendInt(nil, cols.int()))
		} else {
			b := cols.blob()
			data = append(data, appendLength(nil, len(b)), b)
		}
		if cols.cols == nil {
			w.err = cmp.Or(w.err, errBadRecord)
			return
		}
	}
	w.putRun(r.n, nil, data.take(chunkBytes))
	w.putPieces(w.merging.id, r.n, dataPart, data)
}

// putRun is given the new runs.
func (w *writer) putRun(n int64, gaps, data []byte) {
	m := &w.merging
	w.removeEmptied()
	m.old.kept = m.old.kept || n == m.old.n
	s := w.put[m.table]
	w.bindID(s, m.id)
	w.bindInt(s, 2, n)
	w.bindBlob(s, 3, gaps)
	w.bindBlob(s, 4, data)
	w.step(s)
	w.dropPieces(m.id, n)
}
