package store

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/journal"
)

// replay folds and applies the journal's tail: write-back, run to the end.
//
// Its transactions are not fsynced, which is most of their time when many pages change: the journal has
// the records still, and keeps them until finishRecovery.
func (st *Store) replay() error {
	wb := &st.wb
	if err := wb.w.c.Exec(`PRAGMA synchronous = NORMAL`); err != nil {
		return err
	}
	wb.pending, wb.spare = newFold(st.sizes.arena), newFold(st.sizes.arena)
	wb.forgetQueue() // of files that were opened before, and given up
	f, most := wb.pending, 4*st.rows()
	if st.Bounds().Disk > 0 {
		most = st.rows() // B1
	}
	st.planLocked()
	st.wal.used = st.walLength()
	err := st.journal.Replay(st.applied.Load()+1, func(lsn uint64, rec journal.Record) error {
		err := f.add(lsn, rec)
		f.drain()
		if err != nil {
			return fmt.Errorf("record %d: %w", lsn, err)
		}
		f.bytes += int64(len(rec.Head))
		if lsn < wb.w.ahead { // the tables hold part of what follows
			return nil
		}
		if f.weight() >= most || f.pages.full || f.text.used > 4*min(st.sizes.fold, st.onDisk.Load().fold) {
			return st.applyReplayed(f)
		}
		return nil
	})
	if err == nil {
		err = st.applyReplayed(f)
	}
	if err == nil {
		err = wb.w.c.Exec(`PRAGMA synchronous = FULL`)
	}
	return err
}

// applyReplayed brings a fold of replayed records into the tables, and empties it.
func (st *Store) applyReplayed(f *fold) error {
	wb := &st.wb
	if f.empty() {
		return nil
	}
	st.ids.above(f.nextID - 1)
	for _, space := range f.spaces {
		st.nextSpace = max(st.nextSpace, space+1)
	}
	if err := st.keepWALShort(int64(f.pages.guess.of(f))); err != nil {
		return err
	}
	err := wb.w.apply(f)
	if noSpace(err) { // the journal's end is fsynced: Open saw to it
		wb.w.inSlices = true
		err = wb.w.apply(f)
	}
	if wb.w.suspectForeign(err) {
		err = wb.w.apply(f)
	}
	for attempts := 1; ofARow(err); attempts++ {
		if attempts >= rowAttempts {
			wb.w.asides.sift(err)
		}
		before := len(wb.w.asides.out)
		if err = wb.w.apply(f); attempts > rowAttempts && len(wb.w.asides.out) == before {
			break
		}
	}
	if err != nil {
		return err
	}
	st.tellAsides(f)
	st.tellForeign(wb.w.takeForeignFound(), false)
	st.applied.Store(f.last)
	st.opened.Records += f.records
	st.opened.Rows += int64(f.changes())
	f.reset()
	return nil
}

// keepWALShort keeps B1 in a recovery: the WAL is begun anew before a fold that would make it longer than its part. How
// much of the file is in use is counted, since it gets no shorter. Where there is no room for it the fold tells.
func (st *Store) keepWALShort(pages int64) error {
	written, err := st.wb.w.writtenPages()
	if err != nil || st.Bounds().Disk <= 0 {
		return err
	}
	st.wal.used += written
	if d := st.onDisk.Load(); st.wal.used+pages <= int64(d.walPages)+d.foldPages {
		return nil
	}
	switch _, _, err = st.wb.w.restartWAL(); {
	case err == nil:
		st.wal.used = 0
	case !errors.Is(err, sqlite3.BUSY) && !noSpace(err):
		return err
	}
	return nil
}

// finishRecovery fsyncs what replay applied, by a transaction that is fsynced, and lets go of the
// journal that it came from.
func (st *Store) finishRecovery() {
	applied := st.applied.Load()
	if err := st.wb.w.sync(applied); err != nil {
		err = st.failed(place{op: writingBack}, err)
		st.opts.Log("fsync after recovery failed, the journal is kept until the next write-back", err)
		return
	}
	st.drop(applied)
	// The file itself says from now on that it is in use, so that a copy of it alone is refused.
	// If that can not be now, the next checkpoint brings it there, and tells of what fails.
	_, _, _ = st.wb.w.checkpoint()
	st.beginWALAnew()
}
