package store

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/files"
	"diskette/store/journal"
)

// Open opens the data directory, creating it if it is not there, and brings the tables up to
// the journal's end: recovery is write-back run to the end before anybody is served.
func Open(o Options) (_ *Store, err error) {
	sizes := sizesFor(o.Memory)
	o.complete(sizes)
	st := &Store{opts: o, sizes: sizes, dir: o.Dir, disk: files.Disk{Fault: o.Fault}, hooks: o.Hooks, started: time.Now(),
		renamed: newRenamedKeys()}
	st.maxMemory.Store(o.MaxMemory)
	st.bounds.Store(cmp.Or(o.Bounds, &Bounds{}))
	st.order.by = &Bounds{} // the evictor follows
	st.room.wake, st.room.dbs = make(chan struct{}, 1), make([]roomOfDB, o.Databases)
	st.room.mark.Store(&mark{free: -1})
	st.tx.st = st
	st.notBusy.L = &st.mu
	if err := st.openDir(); err != nil {
		return nil, st.hindered(err)
	}
	st.wb.foldNow = make(chan struct{}, 1)
	st.shareDisk(st.Bounds())
	defer func() {
		if err != nil {
			st.release()
			err = st.hindered(err)
		}
	}()
	if err := removeImport(st.disk, st.dir); err != nil {
		return nil, fmt.Errorf("remove what an interrupted import has left: %w", err)
	}
	st.vfs = registerVFS(o.VFS, st.disk, o.Unverified, sizes.gathered)
	if err := st.resume(); err != nil {
		return nil, err
	}
	st.foundFiles()
	served := st.lastWritten()
	if err := st.openFiles(); err != nil {
		if o.OnDamage == Refuse || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotWhole) {
			return nil, err
		}
		if err := st.afterDamage(err); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(st.readImported(), st.readBeforeBounds()); err != nil {
		return nil, nameDamage(st.dir, err)
	}
	st.nameOthers(served)
	if err := st.nameUnreachable(); err != nil {
		return nil, nameDamage(st.dir, err)
	}
	if err := st.openReaders(); err != nil {
		return nil, nameDamage(st.dir, err)
	}
	// SQLite has created it for everybody to read; it holds page numbers, and goes with the last connection.
	_ = os.Chmod(filepath.Join(st.dir, databaseFile+"-shm"), 0o600)
	st.reserve.open(st)
	st.countOpened()
	if err := st.notePlaces(); err != nil {
		return nil, err
	}
	if err := st.measure(0, 0, false); err != nil {
		return nil, nameDamage(st.dir, err)
	}
	st.startWriteBack()
	return st, nil
}

// complete fills in what was not given.
func (o *Options) complete(sizes sizes) {
	if o.Databases == 0 {
		o.Databases = 16
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = 128 << 20
	}
	if o.upkeep == (upkeep{}) {
		o.upkeep = usualUpkeep
		o.upkeep.walPages = sizes.walPages
	}
	if o.Log == nil {
		o.Log = func(string, error, ...any) {}
	}
}

// openFiles looks at the files, and if they fit opens the database and brings it up to the journal's end.
func (st *Store) openFiles() error {
	s, err := st.look()
	if err != nil {
		return refusal(err)
	}
	st.reserve.discard(st.dir) // recovery may need the room
	if s.db.anew != nil {
		st.opts.Log("the tables are made anew from the journal, which has every record", s.db.anew)
		if err := st.setAside(toReplay, tableFiles...); err != nil {
			return err
		}
	}
	if !s.stated {
		if err := journal.CreateState(st.disk, st.statePath(), s.state); err != nil {
			return fmt.Errorf("create %s: %w", stateName, err)
		}
	}
	if st.state, err = journal.OpenState(st.disk, st.statePath()); err != nil {
		return fmt.Errorf("open %s: %w", stateName, err)
	}
	if err = st.openDatabase(); err == nil {
		err = st.recover(s.journal)
	}
	return nameLock(nameDamage(st.dir, err)) // wherever it was met
}

// afterDamage sets aside what is damaged and opens the files that follow.
func (st *Store) afterDamage(damage error) error {
	_ = st.closeFiles() // the damage may show again
	st.journal, st.wb.w, st.state = nil, nil, nil
	purpose := toBeginEmpty
	if st.opts.OnDamage == Salvage {
		purpose = toSalvage
	}
	cause := damage
	var found *journal.Damage
	if errors.As(damage, &found) {
		cause = found // without what a start that ends here says to do
	}
	st.opts.Log("the data is damaged", cause, "set_aside_to", purpose)
	if err := st.setAside(purpose, allFiles...); err != nil {
		return errors.Join(damage, err)
	}
	return st.openFiles()
}

func (st *Store) journalDir() string { return filepath.Join(st.dir, "journal") }

// openDatabase opens the writing connection and reads what the store keeps in memory of the tables.
func (st *Store) openDatabase() error {
	// A recovery that was killed may have left an applied LSN in the WAL that no fsync has reached: it
	// must, before the journal's segments up to it are dropped.
	if err := syncWAL(st.disk, st.dir); err != nil {
		return err
	}
	var c *sqlite3.Conn
	err := guarded(func() (err error) {
		c, err = openWriter(st.dir, st.vfs, st.state.Get().Identity, st.sizes.writerCache)
		return err
	})
	if err != nil {
		return err
	}
	if err := errors.Join(st.noteVerified(c), st.noteVersion(c)); err != nil {
		closeConn(c)
		return damaged(st.dir, err)
	}
	w, err := newWriter(c, st.disk, st.dir, st.vfs, &st.readers, &st.ids)
	if err != nil {
		closeConn(c)
		return err
	}
	w.cache, w.passages = st.sizes.writerCache, &st.passages
	w.serveParts(&st.paged, &st.filters)
	st.wb.w = w
	var nextID int64
	guess := unknownPages
	err = queryInts(c, `SELECT max(coalesce((SELECT value FROM meta WHERE name = 'next_id'), 1),
			(SELECT coalesce(max(id), 0) + 1 FROM keys WHERE id < `+itoa(mostID)+`)),
		max(coalesce((SELECT value FROM meta WHERE name = 'next_space'), 1), (SELECT coalesce(max(space), 0) + 1 FROM spaces)),
		(SELECT coalesce(sum(keys), 0) FROM spaces)`, &nextID, &st.nextSpace, &guess.keys)
	if err != nil {
		closeConn(c)
		return damaged(st.dir, err)
	}
	st.ids.above(nextID - 1)
	st.room.guess.Store(&guess)
	st.applied.Store(w.applied)
	return nil
}

// recover takes the database for this server, opens the journal, applies its tail and reads the databases.
func (st *Store) recover(found *journal.Found) error {
	// The journal drops what the tables hold, but a recovery that was killed has left them without an fsync.
	if err := st.wb.w.own(st.state.Get().Identity, st.applied.Load()); err != nil {
		return damaged(st.dir, err)
	}
	if err := st.foreignAtStart(); err != nil {
		return err
	}
	// SQLite does not make its files' names last, and a WAL that is lost is taken for damage.
	err := st.disk.SyncDir(st.dir)
	if s := st.state.Get(); err == nil && s.Before != s.Identity {
		err = st.state.Set(func(s *journal.State) { s.Before = s.Identity })
	}
	if err != nil {
		return err
	}
	j, err := journal.Start(found, st.state, journal.Options{
		Policy:       st.opts.Policy,
		SegmentBytes: cmp.Or(st.opts.SegmentBytes, st.onDisk.Load().segment),
		FreeBytes:    st.sizes.free,
		Committed:    st.committed,
		Torn:         st.tornEnd,
		Full:         st.reserve.release,
		Failed: func(err error) {
			st.trouble.passed.Store(&err)
			signal(st.wb.foldNow) // it tells of that; nil: nobody does yet
		},
		Disk: st.disk,
	})
	if err != nil {
		return err
	}
	st.journal = j
	start := time.Now()
	if err := st.replay(); err != nil {
		return fmt.Errorf("recover from the journal: %w", err)
	}
	st.opened.Recovery = time.Since(start)
	return st.openSpaces()
}

// tornEnd tells what a crash has left at the journal's end. Zeros were written ahead of the records and are nobody's.
func (st *Store) tornEnd(t journal.Tear) {
	var warning error
	if t.Kept != "" || t.Whole > 0 {
		warning = Warning(fmt.Sprintf("records from %d on were not fsynced before a power cut, or not written before a kill: their writers "+
			"were promised nothing that appendfsync does not; the bytes are kept", t.First))
	}
	st.opts.Log("journal tail cut off", warning, "segment", t.Segment, "offset", t.Offset, "dropped_bytes", t.Bytes, "reason", t.Reason,
		"first_lsn", t.First, "whole_records_behind", t.Whole, "kept", t.Kept)
}

// openSpaces reads which space each database has. A database that has none gets one as by FLUSHDB,
// by a record in the journal: from a journal that begins with record 1 everything can be made anew.
func (st *Store) openSpaces() error {
	var rec recordWriter
	number := func(db int) {
		if _, ok := st.wb.w.spaceOf[db]; !ok {
			rec.database(db, newSpace(st.nextSpace, db, 0, 0))
			st.nextSpace++
		}
	}
	for db := range st.opts.Databases {
		number(db)
	}
	number(ownNumber)
	if len(rec.head) > 0 {
		if err := st.applyNow(journal.Record{Head: rec.head}); err != nil {
			return fmt.Errorf("create databases: %w", err)
		}
	}
	st.dbs = make([]*space, st.opts.Databases+1)
	s, _, err := st.wb.w.c.Prepare(`SELECT db, space, keys, expiring FROM spaces WHERE db < ?1 OR db = ?2`)
	if err != nil {
		return damaged(st.dir, err)
	}
	defer s.Close()
	if err := bind(s, int64(st.opts.Databases), ownNumber); err != nil {
		return err
	}
	for s.Step() {
		db := min(s.ColumnInt(0), st.opts.Databases)
		st.dbs[db] = newSpace(s.ColumnInt64(1), db, s.ColumnInt64(2), s.ColumnInt64(3))
	}
	st.openTallies()
	return s.Err()
}

// applyNow appends a record and brings it into the tables. It is for Open, before write-back begins.
func (st *Store) applyNow(rec journal.Record) error {
	lsn := st.journal.Append(rec)
	if err := st.journal.Wait(lsn); err != nil {
		return err
	}
	st.foldQueue(nil)
	f := st.wb.pending
	if err := st.wb.w.apply(f); err != nil {
		return err
	}
	st.applied.Store(f.last)
	st.backlog.Add(-f.bytes)
	f.reset()
	return nil
}

func (st *Store) openReaders() error {
	st.readers.free = make(chan *reader, st.sizes.readers)
	for range st.sizes.readers {
		r, err := openReader(st.dir, st.vfs, cmp.Or(st.opts.small, smallBytes), st.sizes.readerCache)
		if err != nil {
			return err
		}
		st.readers.all = append(st.readers.all, r)
		st.readers.free <- r
	}
	return nil
}
