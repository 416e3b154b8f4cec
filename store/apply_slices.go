package store

import "fmt"

const (
	sliceRows  = 1000
	sliceBytes = 2 << 20
)

// heavySlice is sliceBytes where the disk is not full.
var heavySlice = walPages * pageBytes // tests lower it

// applyInSlices is apply on a full disk, where the WAL has no room for a large transaction, or of a fold that
// is large by itself. The rows go in slices with a checkpoint after each, so that the next one writes over
// the WAL, and applied_lsn moves with the last. A long value is cut into slices itself.
//
// In between, rows are newer than applied_lsn. Nobody reads them: these names are dirty and so in memory. Only
// a crash shows them, and meta's ahead_lsn is for that: recovery folds the journal at least up to there and comes here
// again. Rows are absolute, so writing them once more does no harm, but for three things: keys
// that were born since are taken out and inserted anew, renames are all made in one transaction, and
// the spaces' keys are counted at the end.
//
// The caller has fsynced the journal up to f.last: it must not end before ahead_lsn.
func (w *writer) applyInSlices(f *fold) error {
	again := w.ahead != 0
	w.slice = heavySlice
	if w.inSlices {
		w.slice = sliceBytes
	}
	defer func() { w.slice = 0 }()
	before := cloneMap(w.spaceOf)
	err := w.transaction(func() {
		w.lookForForeign(false)
		w.databases(f)
		w.run(w.meta, "ahead_lsn", int64(f.last))
		w.run(w.meta, "indexed_lsn", int64(f.last))
	})
	if err != nil {
		w.spaceOf = before
		return fmt.Errorf("begin to write back %d rows in slices: %w", f.changes(), nameDamage(w.dir, err))
	}
	w.ahead = f.last
	if again {
		err = w.slices(f, w.sorted(f, func(e *entry) bool { return e.born }), keyBytes, w.takeOut)
	}
	if err == nil {
		err = w.slices(f, w.sorted(f, w.goes), keyBytes, w.drops)
	}
	if err == nil {
		err = w.slices(f, w.sorted(f, w.stays), keyBytes, w.updates)
	}
	if err == nil && f.renames {
		slice := w.slice
		w.slice = 0
		err = w.transaction(func() { w.renames(f, w.sorted(f, w.moves)) })
		w.slice = slice
	}
	if err == nil {
		err = w.slices(f, w.sorted(f, w.comes), keyBytes, w.inserts)
	}
	if err == nil {
		err = w.slices(f, w.sortedRows(f, again), rowBytes, w.rows)
	}
	if err == nil {
		err = w.transaction(func() {
			w.run(w.recount)
			w.finish(f)
			w.run(w.unset, "ahead_lsn")
		})
	}
	if err != nil {
		return fmt.Errorf("write back %d rows in slices: %w", f.changes(), nameDamage(w.dir, err))
	}
	w.ahead, w.inSlices = 0, false
	return nil
}

// slices writes the entries in order, a transaction for so many rows or bytes of them.
func (w *writer) slices(
	f *fold, order []int32, bytesOf func(f *fold, i int32) int, write func(f *fold, order []int32),
) error {
	for len(order) > 0 {
		n, bytes := 0, 0
		for n < len(order) && n < sliceRows && bytes < w.slice {
			bytes += bytesOf(f, order[n])
			n++
		}
		w.sliced = 0
		if err := w.transaction(func() { write(f, order[:n]) }); err != nil {
			return err
		}
		order = order[n:]
		w.moveSlice()
	}
	return nil
}

// wrote counts what a long value has written. In slices it ends the transaction when that is
// enough, and begins another.
func (w *writer) wrote(bytes int) {
	if w.slice == 0 || w.asides.sifting || w.err != nil {
		return
	}
	if w.sliced += bytes; w.sliced >= w.slice {
		w.sliced = 0
		w.run(w.commit)
		if w.err == nil {
			w.moveSlice()
		}
		w.run(w.begin)
	}
}

// moveSlice has the next slice write over the WAL. If it can not, the next transaction may say why.
func (w *writer) moveSlice() {
	w.readers.renew() // an older transaction needs the WAL
	_, _, _ = w.checkpoint()
	w.readers.renew()
}

func keyBytes(f *fold, i int32) int {
	e := &f.entries[i]
	bytes := len(e.key) + len(e.value)
	if e.patched != nil {
		for _, p := range e.patched.patches {
			bytes += len(p.data)
		}
	}
	return bytes
}

func rowBytes(f *fold, i int32) int { return len(f.rows.at(i).data) }

// takeOut deletes the rows of keys that an earlier attempt has inserted. A collection's own rows are written over, or
// reaped if the key is not to come back.
func (w *writer) takeOut(f *fold, order []int32) {
	for _, i := range order {
		e := &f.entries[i]
		w.run(w.dropChunks, e.id)
		if !w.comes(e) {
			w.run(w.toGarbage, e.id)
		}
		w.run(w.dropAny, e.id)
	}
}
