package store

import (
	"errors"
	"fmt"
)

// errUndone says that SQLite has undone a transaction and nobody has heard of it.
var errUndone = errors.New("SQLite has undone the transaction before its end")

// apply writes a fold into the tables, together with its newest LSN (I4).
func (w *writer) apply(f *fold) error {
	if w.reopened && w.applied >= f.last { // it was committed, and the panic came after
		w.reopened = false
		return nil
	}
	inSlices := w.inSlices || w.ahead != 0 || f.heavy()
	if inSlices || w.asides.sifting || len(w.asides.gone) > 0 {
		if err := w.takeApart(f); err != nil {
			return fmt.Errorf("write back %d rows: %w", f.changes(), err)
		}
	}
	w.leaveOut(f)
	if inSlices {
		return w.applyInSlices(f)
	}
	before := cloneMap(w.spaceOf)
	err := w.transaction(func() {
		clear(w.counts)
		w.lookForForeign(true)
		w.databases(f)
		w.drops(f, w.sorted(f, w.goes))
		w.updates(f, w.sorted(f, w.stays))
		if f.renames {
			w.renames(f, w.sorted(f, w.moves))
		}
		w.inserts(f, w.sorted(f, w.comes))
		w.lumps(f)
		w.rows(f, w.sortedRows(f, false))
		for space, n := range w.counts {
			if n != 0 {
				w.run(w.count, space, n)
			}
		}
		w.finish(f)
		w.countForeign()
	})
	if err != nil {
		w.spaceOf = before
		return fmt.Errorf("write back %d rows: %w", f.changes(), nameDamage(w.dir, err))
	}
	return nil
}

// finish writes what goes with a fold's last rows.
func (w *writer) finish(f *fold) {
	if w.err == nil && w.c.GetAutocommit() {
		w.err = errUndone // applied_lsn would be all that is written (I4)
	}
	for space, keys := range f.expiring {
		w.run(w.expiring, space, keys)
	}
	w.run(w.meta, "next_id", max(f.nextID, w.foreign.found.above+1))
	if w.err == nil {
		w.err = w.asides.save(f)
	}
	w.run(w.meta, "journal_lsn", int64(min(f.synced, f.last)))
	w.run(w.meta, "applied_lsn", int64(f.last))
	w.run(w.meta, "indexed_lsn", int64(f.last))
}

func cloneMap(m map[int]int64) map[int]int64 {
	c := make(map[int]int64, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// databases gives database numbers their new spaces; what no number names any more is
// left to the reaper.
func (w *writer) databases(f *fold) {
	for db := range f.spaces {
		w.run(w.unmap, int64(db))
	}
	for db, space := range f.spaces {
		w.run(w.mapSpace, space, int64(db))
		w.lacksRows(f, space)
		w.run(w.meta, "next_space", space+1)
		w.spaceOf[db] = space
	}
}

// sorted returns the entries that take part, in id order: neighbours share pages.
func (w *writer) sorted(f *fold, take func(*entry) bool) []int32 {
	w.places = w.places[:0]
	for i := range f.entries {
		if take(&f.entries[i]) && !w.asides.leavesOut(target{id: f.entries[i].id}) {
			w.places = append(doubled(w.places), rowPlace{id: f.entries[i].id, place: int32(i)})
		}
	}
	return w.inOrder()
}

// mapped reports whether a space belongs to a database; if not, it was flushed and what
// would come into it needs no row.
func (w *writer) mapped(space int64) bool {
	for _, s := range w.spaceOf {
		if s == space {
			return true
		}
	}
	return false
}

// goes, stays, moves and comes say what an entry does to the rows: delete one, change one, rename it, insert one.

func (w *writer) goes(e *entry) bool {
	return !e.born && (e.dropped || e.renamed && !w.mapped(e.space))
}

func (w *writer) stays(e *entry) bool { return !e.born && !w.goes(e) }
func (w *writer) moves(e *entry) bool { return e.renamed && w.stays(e) }
func (w *writer) comes(e *entry) bool { return e.born && !e.dropped && w.mapped(e.space) }

// drops come first: a name may be taken by another key in the same fold.
func (w *writer) drops(f *fold, order []int32) {
	w.entries(f, order, func(w *writer, f *fold, i int32) {
		e := &f.entries[i]
		w.bindID(w.drop, e.id)
		w.step(w.drop)
		if w.err == nil && w.c.Changes() == 0 { // a long string or name, or a collection: its rows are reaped later
			w.run(w.toGarbage, e.id)
			w.run(w.dropAny, e.id)
		}
		w.counts[e.from]--
		w.packing.lose(e.id)
	})
}

// entries writes entries one by one.
func (w *writer) entries(f *fold, order []int32, write func(w *writer, f *fold, i int32)) {
	for k, i := range order {
		if k%warmRows == 0 {
			f.warmEntries(order[k:min(k+warmRows, len(order))])
		}
		w.attempt(f, i, target{id: f.entries[i].id}, keyBytes(f, i), write)
	}
}

// updates change rows that are there.
func (w *writer) updates(f *fold, order []int32) {
	over := w.overwrites(len(order))
	w.entries(f, order, func(w *writer, f *fold, i int32) {
		e := &f.entries[i]
		switch {
		case e.hasValue && over && w.overwrite(e):
		case e.hasValue:
			w.setValue(e)
		case e.patched != nil:
			w.patch(e)
		}
		if e.hasDeadline {
			w.bindID(w.deadline, e.id)
			w.bindInt(w.deadline, 2, e.deadline)
			w.step(w.deadline)
		}
	})
	w.over.close()
}

// renames take all old names away first, because two keys may have exchanged theirs.
func (w *writer) renames(f *fold, order []int32) {
	for _, i := range order {
		w.run(w.unname, f.entries[i].id)
	}
	w.entries(f, order, func(w *writer, f *fold, i int32) {
		e := &f.entries[i]
		w.makeWay(e)
		w.counts[e.from]--
		w.run(w.name, e.id, e.space, storedName(e.key))
		w.putName(e.id, e.key)
		w.counted(e.space)
	})
}

// counted counts a row that a space has got, if it has.
func (w *writer) counted(space int64) {
	if w.err == nil {
		w.counts[space]++
	}
}

// inserts are the keys born in this fold. A key whose space is flushed by now never gets a row.
func (w *writer) inserts(f *fold, order []int32) { w.entries(f, order, (*writer).insertKey) }

func (w *writer) insertKey(f *fold, i int32) {
	e, s := &f.entries[i], w.insert
	w.makeWay(e)
	long := len(e.value) >= chunkBytes
	w.bindID(s, e.id)
	w.bindInt(s, 2, e.space)
	w.bindBlob(s, 3, storedName(e.key))
	w.bindInt(s, 4, int64(e.typ))
	w.bindInt(s, 5, e.deadline)
	switch {
	case long:
		w.bindInt(s, 6, int64(len(e.value)))
		w.bindNull(s, 7)
	case e.typ != TypeString:
		w.bindInt(s, 6, 0)
		w.bindNull(s, 7)
	default:
		w.bindInt(s, 6, 0)
		w.bindBlob(s, 7, e.value)
	}
	w.step(s)
	if long {
		w.chunks(e)
	}
	if len(e.key) >= longName {
		w.putName(e.id, e.key)
	}
	w.counted(e.space)
	w.packing.born(e.id)
}
