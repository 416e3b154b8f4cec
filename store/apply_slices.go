package store

import (
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

const (
	sliceRows  = 1000
	sliceBytes = 2 << 20
)

// applyInSlices is apply on a full disk, where the WAL has no room for a large transaction. The rows go
// in slices with a checkpoint after each, so that the next one writes over the WAL, and applied_lsn moves with the last.
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
	before := cloneMap(w.spaceOf)
	err := w.transaction(func() {
		w.databases(f)
		w.run(w.meta, "ahead_lsn", int64(f.last))
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
		err = w.transaction(func() { w.renames(f, w.sorted(f, w.moves)) })
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
func (w *writer) slices(f *fold, order []int32, bytesOf func(f *fold, i int32) int, write func(f *fold, order []int32)) error {
	for len(order) > 0 {
		n, bytes := 0, 0
		for n < len(order) && n < sliceRows && bytes < sliceBytes {
			bytes += bytesOf(f, order[n])
			n++
		}
		if err := w.transaction(func() { write(f, order[:n]) }); err != nil {
			return err
		}
		order = order[n:]
		_, _, _ = w.c.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE) // if it can not, the next transaction may say why
	}
	return nil
}

func keyBytes(f *fold, i int32) int {
	e := &f.entries[i]
	bytes := len(e.value)
	for _, p := range e.patches {
		bytes += len(p.data)
	}
	return bytes
}

func rowBytes(f *fold, i int32) int { return len(f.rows[i].data) }

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
