package store

import (
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

const (
	// reapSlice is how many rows of flushed databases and dropped long values go in a transaction,
	// if they free no more than reapPages before: 16 MiB, which have to be read to be freed.
	reapSlice = 5000
	reapPages = 4096
	// A statement deletes reapStep rows, or reapLong chunks or pieces, which have 64 pages each.
	reapStep = 256
	reapLong = 16
	// vacuumSlice is how many free pages are given back in a transaction.
	vacuumSlice = 2000
	// fullVacuumSlice is the same on a full disk.
	fullVacuumSlice = 100
	// pageBytes is SQLite's page size as the file was made.
	pageBytes = 4096
	// upkeepPause is how long maintain rests when it has met damage, which stays.
	upkeepPause = 10 * time.Second
)

// upkeep says when the files are tidied up, in pages.
type upkeep struct {
	// walPages is the length of the WAL from which write-back checkpoints it. On a full disk the
	// reserve must have room for what a checkpoint adds to the database file, so it can not be much longer.
	walPages int
	// idleWalPages is the length that is checkpointed when there is nothing else to do.
	idleWalPages int
	// freePages is how many may stay free for reuse; more than that and more than an eighth of the file are given back
	// to the file system.
	freePages int64
	packAll   bool // a test: all pages are packed after each write-back
}

const walPages = 4000 // 16 MiB

// usualUpkeep is everybody's but some tests'.
var usualUpkeep = upkeep{walPages: walPages, idleWalPages: 64, freePages: 1024}

// maintain does one slice of what is left to do when nothing waits to be written back:
// reap rows that belong to no key, then give free pages back, then checkpoint. freed = it has done one of the first
// two.
func (st *Store) maintain() (freed bool) {
	w := st.wb.w
	st.probe()
	if time.Since(st.wb.upkeepFailed) < upkeepPause {
		return false
	}
	reaped, err := w.reap()
	if !st.tended(reaping, err) {
		return false
	}
	if reaped > 0 {
		st.count(func(c *writeBackCounters) { c.reaped += reaped })
		st.goOn()
		return true
	}
	if !st.DiskFull() {
		did, err := st.indexElements()
		if err == nil && !did {
			did, err = st.fillFilters(0)
		}
		if !st.tended(indexing, err) {
			return false
		}
		if did {
			st.goOn()
			return false
		}
	}
	slice, missing := int64(vacuumSlice), int64(0)
	if st.DiskFull() {
		// The WAL can not grow: it is written from its start again after each small slice.
		slice = fullVacuumSlice
		st.checkpoint(1)
		missing = st.reserve.missing(st)
	}
	vacuumed, err := w.vacuum(slice, st.opts.upkeep.freePages, missing)
	if !st.tended(vacuuming, err) {
		return false
	}
	if vacuumed > 0 {
		st.count(func(c *writeBackCounters) { c.vacuumed += vacuumed })
		st.goOn()
		return true
	}
	if st.damage.failing.Load() > 0 {
		st.checkpoint(0) // a checkpoint that has failed may be over
	}
	st.checkpoint(st.opts.upkeep.idleWalPages)
	st.reserve.refill(st)
	return false
}

// goOn has maintain do its next slice, once this one's pages are in the database file if they are many.
func (st *Store) goOn() {
	st.checkpoint(st.walPages())
	signal(st.wb.applyNow)
}

// tended notes how a piece of upkeep went; false = it has failed.
func (st *Store) tended(op operation, err error) bool {
	if err != nil {
		st.maintenanceFailed(op, err)
		return false
	}
	st.worked(place{op: op})
	return true
}

func (st *Store) maintenanceFailed(op operation, err error) {
	st.count(func(c *writeBackCounters) { c.failures++ })
	err = st.failed(place{op: op}, err)
	switch {
	case isDamage(err):
		st.wb.upkeepFailed = time.Now()
	case isDiskFailure(err):
	default:
		st.tell(op, string(op)+" failed, trying again", st.explained(err))
	}
}

func (st *Store) count(fn func(*writeBackCounters)) {
	st.wb.stats.Lock()
	fn(&st.wb.stats.writeBackCounters)
	st.wb.stats.Unlock()
}

// reap deletes a slice of the rows of dropped collections and long values, or of flushed spaces.
func (w *writer) reap() (rows int64, err error) {
	err = w.guard(func() error {
		rows, err = w.reapSlice()
		return err
	})
	return rows, err
}

func (w *writer) reapSlice() (rows int64, err error) {
	var space, id int64
	if err := queryInts(w.c, `SELECT coalesce((SELECT space FROM spaces WHERE db IS NULL`+w.butFilling()+` LIMIT 1), 0),
		coalesce((SELECT id FROM garbage LIMIT 1), 0)`, &space, &id); err != nil {
		return 0, err
	}
	if space == 0 && id == 0 {
		return 0, nil
	}
	w.reaped = w.reaped[:0]
	err = w.transaction(func() {
		if id != 0 {
			if rows = w.reapGarbage(); rows > 0 || space == 0 {
				return
			}
		}
		const some = `SELECT id FROM keys INDEXED BY keys_by_name WHERE space = ?1 LIMIT ?2`
		w.exec(`INSERT OR IGNORE INTO garbage (id, type) SELECT id, type FROM keys WHERE (chunked > 0 OR type <> 1 OR length(key) >= `+itoa(longName)+`) AND id IN (`+some+`)`, space, int64(reapSlice))
		n := w.exec(`DELETE FROM keys WHERE id IN (`+some+`)`, space, int64(reapSlice))
		if n < reapSlice {
			w.exec(`DELETE FROM spaces WHERE space = ?1 AND db IS NULL`, space)
			w.packing.forget()
		}
		rows = n + 1
	})
	for _, id := range w.reaped {
		if err == nil {
			delete(w.pieced, id)
			w.letIndexGo(id)
		}
	}
	return rows, err
}

// exec runs a statement that is not kept, and returns how many rows it changed.
func (w *writer) exec(sql string, args ...any) int64 {
	if w.err != nil {
		return 0
	}
	s, _, err := w.c.Prepare(sql)
	if err != nil {
		w.err = err
		return 0
	}
	defer s.Close()
	w.run(s, args...)
	return w.c.Changes()
}

// reapGarbage deletes about reapSlice rows of the keys listed in garbage.
func (w *writer) reapGarbage() (rows int64) {
	type dead struct {
		id  int64
		typ Type
	}
	var keys []dead
	s, _, err := w.c.Prepare(`SELECT id, type FROM garbage LIMIT 1000`)
	if err != nil {
		w.err = err
		return 0
	}
	for s.Step() {
		keys = append(keys, dead{s.ColumnInt64(0), Type(s.ColumnInt64(1))})
	}
	w.err = s.Close()
	enough, look := w.freed()+reapPages, int64(reapStep)
	for _, k := range keys {
		if k.typ == TypeString && len(w.passages.of(k.id)) > 0 { // its chunks are being sent
			continue
		}
		left := false
		reap := func(s *sqlite3.Stmt, limit int64) {
			for n := limit; n == limit && !left && w.err == nil; {
				w.run(s, k.id, limit)
				n = w.c.Changes()
				if rows += n * (reapStep / limit); rows >= look {
					look, left = rows+reapStep, rows >= reapSlice || w.freed() >= enough
				}
			}
		}
		if k.typ == TypeString {
			reap(w.reapChunks, reapLong)
		}
		for _, t := range tablesOf(k.typ) {
			reap(w.reapRows[t], reapStep)
		}
		if w.hasPieces(k.id) {
			reap(w.reapPieces, reapLong)
		}
		if _, indexed := w.indexed[k.id]; indexed {
			reap(w.reapEntries, reapStep)
			if !left {
				w.run(w.dropIndexed, k.id)
			}
		}
		if left {
			break
		}
		w.run(w.undoGarbage, k.id)
		w.reaped = append(w.reaped, k.id)
		rows++
	}
	return rows
}

// freed is the number of the database file's free pages.
func (w *writer) freed() (pages int64) {
	if w.err == nil {
		w.err = queryInts(w.c, `SELECT freelist_count FROM pragma_freelist_count`, &pages)
	}
	return pages
}

// vacuum gives a slice of the free pages back, when there are many more than `keep`, or when the reserve can not be
// made again for want of `missing` pages: those that deletions have freed are its room, however few.
func (w *writer) vacuum(slice, keep, missing int64) (pages int64, err error) {
	err = w.guard(func() error {
		pages, err = w.vacuumSlice(slice, keep, missing)
		return err
	})
	return pages, err
}

func (w *writer) vacuumSlice(slice, keep, missing int64) (pages int64, err error) {
	var free, all int64
	if err := queryInts(w.c, `SELECT (SELECT freelist_count FROM pragma_freelist_count),
		(SELECT page_count FROM pragma_page_count)`, &free, &all); err != nil {
		return 0, err
	}
	w.freePages.Store(free)
	n := min(free-keep/2, slice)
	if free <= keep || free <= all/8 {
		if n = min(free, missing, slice); n <= 0 {
			return 0, nil
		}
	}
	return n, w.c.Exec(`PRAGMA incremental_vacuum(` + itoa(n) + `)`)
}

// walLength is the WAL's length in pages, from its file's size: cheap enough to ask often.
func (st *Store) walLength() int64 {
	info, err := os.Stat(filepath.Join(st.dir, databaseFile+"-wal"))
	if err != nil {
		return 0
	}
	return info.Size() / pageBytes
}
