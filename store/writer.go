package store

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/files"
)

// A writer is the one connection that changes the tables, with its statements. It belongs
// to the write-back goroutine (to Open before that starts).
//
// The statements go by key id wherever they can. Measured, CPU us a row with 100-byte values in
// two million keys: UPDATE by id in id order 3-4, INSERT of a new key 7.5, INSERT OR REPLACE by
// name 14; so the store knows which keys are new and write-back never asks.
type writer struct {
	c        *sqlite3.Conn // nil after a panic, until the next use
	dir, vfs string
	cache    int64    // the most that the connection holds of the file, in bytes
	readers  *readers // are told of each commit
	passages *passages
	ids      *ids   // of keys
	reopened bool   // after a write-back that may have come to its end all the same
	applied  uint64 // applied_lsn when the connection was opened
	err      error  // first failure of the statements under way

	statements

	spaceOf   map[int]int64      // database -> space, as in the tables
	filling   map[int64]bool     // spaces of no database that are being filled: see copy.go
	counts    map[int64]int64    // space -> change of its row count in this transaction
	pieced    map[int64]struct{} // ids of keys that may have rows in pieces
	reaped    []int64            // ids of which nothing is left, in this transaction
	places    []rowPlace         // reused, as order is
	order     []int32
	merging   merging
	packing   packing
	over      overwriting
	breath    breath
	asides    *asides
	foreign   foreign
	serving   atomic.Bool  // there are clients: not during recovery, and not while the store is closed
	inSlices  bool         // the disk is full: see applyInSlices
	slice     int          // bytes in a transaction while a fold goes in slices, else 0
	sliced    int          // of a long value, in the transaction under way
	ahead     uint64       // the tables may hold rows up to this LSN, which is above applied_lsn; 0 = they do not
	walLimit  int64        // what SQLite cuts the WAL to; 0 = as setUp says
	freePages atomic.Int64 // in the database file, when maintain last looked

	indexed  map[int64]int64 // keys whose elements are indexed, and to what bound: see paged_index.go
	indexing []indexChange   // reused
	build    *indexBuild     // an index that is being made
	filters  keptFilters     // of indexes that are complete
	distrust bool            // the next transaction is to say that no index is to be trusted
	paged    *paged          // is told of indexes that are complete; nil = nobody serves from them
}

// statements are the writer's, prepared on its connection.
type statements struct {
	begin, commit, rollback                     *sqlite3.Stmt
	insert, value, deadline, drop, unname, name *sqlite3.Stmt
	long, short, length, toGarbage, dropAny     *sqlite3.Stmt
	whole, chunk, putChunk, dropChunks          *sqlite3.Stmt
	count, expiring, unmap, mapSpace, meta      *sqlite3.Stmt
	recount, unset, undoGarbage                 *sqlite3.Stmt
	packable, wall, dropWall                    *sqlite3.Stmt
	putPiece, dropRow, dropName                 *sqlite3.Stmt
	reapChunks, reapPieces                      *sqlite3.Stmt
	savepoint, rollbackTo, release              *sqlite3.Stmt
	putEntry, dropEntry, reapEntries            *sqlite3.Stmt
	hashesFrom                                  *sqlite3.Stmt
	countEntries, dropIndexed, distrustAll      *sqlite3.Stmt
	put, putMany, remove, removeMany, reapRows  [len(tables)]*sqlite3.Stmt // by table
	findRun, runsFrom                           [len(tables)]*sqlite3.Stmt // of those with runs
	rowName, rowNames                           [len(tables)]*sqlite3.Stmt // of those with named elements
}

func newWriter(c *sqlite3.Conn, disk files.Disk, dir, vfs string, readers *readers, ids *ids) (*writer, error) {
	w := &writer{dir: dir, vfs: vfs, readers: readers, ids: ids, counts: map[int64]int64{}}
	w.merging.built.write = w.putRun
	var err error
	if w.asides, err = readAsides(disk, dir); err != nil {
		return nil, err
	}
	return w, w.use(c)
}

// sql is the text of each statement.
func (w *writer) sql() map[**sqlite3.Stmt]string {
	kept := map[**sqlite3.Stmt]string{
		&w.begin:    `BEGIN IMMEDIATE`,
		&w.commit:   `COMMIT`,
		&w.rollback: `ROLLBACK`,

		&w.savepoint:  `SAVEPOINT sift`,
		&w.rollbackTo: `ROLLBACK TO sift`,
		&w.release:    `RELEASE sift`,

		&w.insert: `INSERT INTO keys (id, space, key, type, expires_ms, chunked, value)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
		&w.value:    `UPDATE keys SET value = ?2 WHERE id = ?1 AND chunked = 0`,
		&w.deadline: `UPDATE keys SET expires_ms = ?2 WHERE id = ?1`,
		&w.drop:     `DELETE FROM keys WHERE id = ?1 AND chunked = 0 AND type = 1 AND length(key) < ` + itoa(longName),
		&w.unname:   `UPDATE keys SET key = NULL WHERE id = ?1`,
		&w.name:     `UPDATE keys SET space = ?2, key = ?3 WHERE id = ?1`,

		&w.long:       `UPDATE keys SET chunked = ?2, value = NULL WHERE id = ?1`,
		&w.short:      `UPDATE keys SET chunked = 0, value = ?2 WHERE id = ?1`,
		&w.length:     `UPDATE keys SET chunked = ?2 WHERE id = ?1`,
		&w.toGarbage:  `INSERT OR IGNORE INTO garbage (id, type) SELECT id, type FROM keys WHERE id = ?1`,
		&w.dropAny:    `DELETE FROM keys WHERE id = ?1`,
		&w.whole:      `SELECT value FROM keys WHERE id = ?1`,
		&w.chunk:      `SELECT data FROM chunks WHERE id = ?1 AND n = ?2`,
		&w.putChunk:   `INSERT OR REPLACE INTO chunks (id, n, data) VALUES (?1, ?2, ?3)`,
		&w.dropChunks: `DELETE FROM chunks WHERE id = ?1`,

		&w.putPiece: `INSERT OR REPLACE INTO pieces (id, n, part, piece, data) VALUES (?1, ?2, ?3, ?4, ?5)`,
		&w.dropRow:  `DELETE FROM pieces WHERE id = ?1 AND n = ?2 AND part > ` + itoa(namePart),
		&w.dropName: `DELETE FROM pieces WHERE id = ?1 AND n = 0 AND part = ` + itoa(namePart),

		&w.reapChunks: `DELETE FROM chunks WHERE id = ?1 AND n IN (SELECT n FROM chunks WHERE id = ?1 LIMIT ?2)`,
		&w.reapPieces: `DELETE FROM pieces WHERE id = ?1 AND (n, part, piece) IN
			(SELECT n, part, piece FROM pieces WHERE id = ?1 LIMIT ?2)`,

		&w.count:        `UPDATE spaces SET keys = keys + ?2 WHERE space = ?1`,
		&w.expiring:     `UPDATE spaces SET expiring = ?2 WHERE space = ?1`,
		&w.unmap:        `UPDATE spaces SET db = NULL WHERE db = ?1`,
		&w.mapSpace:     `INSERT INTO spaces (space, db) VALUES (?1, ?2) ON CONFLICT (space) DO UPDATE SET db = ?2`,
		&w.recount:      `UPDATE spaces SET keys = (SELECT count(*) FROM keys k WHERE k.space = spaces.space)`,
		&w.undoGarbage:  `DELETE FROM garbage WHERE id = ?1`,
		&w.unset:        `DELETE FROM meta WHERE name = ?1`,
		&w.putEntry:     `INSERT OR IGNORE INTO element_index (id, hash, n) VALUES (?1, ?2, ?3)`,
		&w.dropEntry:    `DELETE FROM element_index WHERE id = ?1 AND hash = ?2 AND n = ?3`,
		&w.countEntries: `UPDATE indexed_keys SET elements = elements + ?2 WHERE id = ?1`,
		&w.distrustAll:  `UPDATE indexed_keys SET below = ` + itoa(toClear),
		&w.dropIndexed:  `DELETE FROM indexed_keys WHERE id = ?1`,
		&w.hashesFrom:   `SELECT DISTINCT hash FROM element_index WHERE id = ?1 AND hash > ?2 ORDER BY hash LIMIT ?3`,
		&w.reapEntries: `DELETE FROM element_index WHERE id = ?1 AND (hash, n) IN
			(SELECT hash, n FROM element_index WHERE id = ?1 LIMIT ?2)`,
		&w.packable: `SELECT id, space, length(key), type, expires_ms, chunked, length(value) FROM keys
			WHERE id >= ?1 ORDER BY id LIMIT ` + itoa(repackRows),
		&w.wall: `INSERT INTO keys (id, space, key, type, expires_ms, chunked, value)
			VALUES (?1, 0, NULL, 0, 0, 0, zeroblob(` + itoa(wallBytes) + `))`,
		&w.dropWall: `DELETE FROM keys WHERE id = ?1 AND type = 0`, // no key's
		&w.meta: `INSERT INTO meta (name, value) VALUES (?1, ?2)
			ON CONFLICT (name) DO UPDATE SET value = max(value, ?2)`,
	}
	for t := hashFields; int(t) < len(tables); t++ {
		kept[&w.put[t]], kept[&w.remove[t]] = tables[t].putSQL(1), tables[t].removeSQL()
		kept[&w.putMany[t]], kept[&w.removeMany[t]] = tables[t].putSQL(putRows), tables[t].removeManySQL()
		kept[&w.reapRows[t]] = tables[t].reapSQL()
		if tables[t].step != 0 {
			kept[&w.findRun[t]] = tables[t].runSQL()
			kept[&w.runsFrom[t]] = tables[t].runsFromSQL()
		}
		if hasNames(tables[t].typ) {
			name, from := tables[t].columns[0].name, ` FROM `+tables[t].name+` WHERE id = ?1 AND n `
			kept[&w.rowName[t]] = `SELECT ` + name + from + `= ?2`
			kept[&w.rowNames[t]] = `SELECT n, ` + name + from + `> ?2 ORDER BY n LIMIT ?3`
		}
	}
	return kept
}

// use prepares the statements on a connection, and reads what the writer knows of the tables.
func (w *writer) use(c *sqlite3.Conn) (err error) {
	for dst, sql := range w.sql() {
		s, _, err := c.Prepare(sql)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", sql, damaged(w.dir, err))
		}
		*dst = s
	}
	var applied, ahead int64
	err = queryInts(c, `SELECT coalesce((SELECT value FROM meta WHERE name = 'applied_lsn'), 0),
		coalesce((SELECT value FROM meta WHERE name = 'ahead_lsn'), 0), (SELECT data_version FROM pragma_data_version)`,
		&applied, &ahead, &w.foreign.version)
	w.applied, w.ahead, w.walLimit = uint64(applied), uint64(ahead), 0
	if err == nil {
		w.spaceOf, err = spaceOf(c)
	}
	if err == nil {
		w.pieced, err = pieced(c)
	}
	if err == nil {
		err = w.readIndexed(c)
	}
	if err != nil {
		return damaged(w.dir, err)
	}
	w.c = c
	return nil
}

func spaceOf(c *sqlite3.Conn) (map[int]int64, error) {
	s, _, err := c.Prepare(`SELECT db, space FROM spaces WHERE db IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	spaces := map[int]int64{}
	for s.Step() {
		spaces[s.ColumnInt(0)] = s.ColumnInt64(1)
	}
	return spaces, s.Err()
}

// guard runs what uses the connection. After a panic it is abandoned, and the next use opens another.
func (w *writer) guard(fn func() error) error {
	if w.c == nil {
		if err := w.reopen(); err != nil {
			return err
		}
	}
	err := guarded(fn)
	if c := w.c; errors.Is(err, ErrPanic) && c != nil {
		w.c, w.statements, w.over = nil, statements{}, overwriting{} // nothing may hold on to the connection
		abandon(c)
	}
	return err
}

func (w *writer) reopen() error {
	if err := tooManyAbandoned(); err != nil {
		return err
	}
	var c *sqlite3.Conn
	err := guarded(func() (err error) {
		if c, err = openDB(w.dir, w.vfs, writerMemory.Load(), false); err == nil {
			err = setUp(c, w.cache)
		}
		if err == nil {
			err = w.use(c)
		}
		return err
	})
	w.reopened = true
	if err == nil && w.serving.Load() {
		err = w.serve()
	}
	if err == nil {
		return nil
	}
	w.c, w.statements = nil, statements{}
	if errors.Is(err, ErrPanic) {
		abandon(c)
	} else {
		closeConn(c)
	}
	return fmt.Errorf("open the database again after a panic: %w", err)
}

// run executes a statement with integer, string and blob arguments; after a failure it does nothing, so
// that a transaction is written as a list and checked once.
func (w *writer) run(s *sqlite3.Stmt, args ...any) {
	if w.err != nil {
		return
	}
	for i, a := range args {
		var err error
		switch a := a.(type) {
		case int64:
			err = s.BindInt64(i+1, a)
		case string:
			err = s.BindText(i+1, a)
		case []byte:
			err = s.BindBlob(i+1, notNil(a))
		case nil:
			err = s.BindNull(i + 1)
		}
		if err != nil {
			w.err = err
			return
		}
	}
	w.step(s)
}

func (w *writer) step(s *sqlite3.Stmt) {
	if w.err != nil {
		return
	}
	if w.serving.Load() {
		w.breath.step(1)
	}
	for s.Step() {
	}
	w.err = s.Reset()
}

// transaction runs fn's statements and commits them, or rolls back and returns the first error.
func (w *writer) transaction(fn func()) error {
	err := w.guard(func() error {
		w.err, w.asides.at = nil, target{}
		w.run(w.begin)
		if w.err == nil {
			if w.distrust {
				w.run(w.distrustAll)
			}
			fn()
			if w.err == nil {
				w.asides.at = target{}
			}
			w.run(w.commit)
			if w.err != nil && !w.c.GetAutocommit() {
				err := w.err
				w.err = nil
				w.run(w.rollback)
				w.err = err
			}
		}
		return w.err
	})
	w.distrust = w.distrust && err != nil
	if err != nil && w.build != nil {
		w.build.begin() // it has noted what was not done
	}
	w.readers.renew()
	if w.foreign.moving {
		w.foreign.moving = false
		w.foreign.moves.Add(1)
	}
	return err
}

// sync makes SQLite fsync the transactions before, which may have gone without, by one more.
func (w *writer) sync(applied uint64) error {
	return w.transaction(func() {
		w.run(w.unset, "applied_lsn") // an unchanged row would be no write, and no fsync either
		w.run(w.meta, "applied_lsn", int64(applied))
	})
}

// checkpoint moves what it can of the WAL into the database file.
func (w *writer) checkpoint() (frames, moved int, err error) {
	err = w.guard(func() error {
		frames, moved, err = w.c.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
		return err
	})
	return frames, moved, err
}

// own notes that a server has the database open, and its identity; sync comes with it.
func (w *writer) own(identity, applied uint64) error {
	before := DataBytes(w.dir)
	return w.transaction(func() {
		w.noteBeforeBounds(before)
		w.run(w.unset, "identity")
		w.run(w.meta, "identity", int64(identity))
		w.run(w.meta, "running", int64(1))
		w.run(w.unset, "applied_lsn")
		w.run(w.meta, "applied_lsn", int64(applied))
	})
}

// disown notes that the tables hold all there is: the database needs nothing beside it, and
// closing the connection may take the WAL away. A database that is running must have one.
func (w *writer) disown() error {
	err := w.transaction(func() { w.run(w.unset, "running") })
	if err == nil {
		_, err = w.c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, false)
	}
	return err
}

// readBlob returns the first column of a bound statement's only row, nil if there is none.
func (w *writer) readBlob(s *sqlite3.Stmt) (blob []byte) {
	if w.err != nil {
		return nil
	}
	if s.Step() {
		blob = append(blob, s.ColumnRawBlob(0)...)
	}
	w.err = s.Reset()
	return blob
}

// query runs a statement that is not kept and reads its first row's first column.
func (w *writer) query(sql string, dst *int64, args ...any) {
	if w.err != nil {
		return
	}
	s, _, err := w.c.Prepare(sql)
	if err == nil {
		err = bind(s, args...)
	}
	if err == nil && s.Step() {
		*dst = s.ColumnInt64(0)
	}
	w.err = errors.Join(err, s.Close())
}

// ints returns the first column of all rows of a statement that is not kept.
func (w *writer) ints(sql string) (all []int64) {
	if w.err != nil {
		return nil
	}
	s, _, err := w.c.Prepare(sql)
	if err != nil {
		w.err = err
		return nil
	}
	for s.Step() {
		all = append(all, s.ColumnInt64(0))
	}
	w.err = s.Close()
	return all
}

// The bind calls below are run's without boxing the arguments: they serve the three
// statements that run a hundred thousand times a transaction.

func (w *writer) bindID(s *sqlite3.Stmt, id int64) { w.bindInt(s, 1, id) }

func (w *writer) bindInt(s *sqlite3.Stmt, i int, v int64) {
	if w.err == nil {
		w.err = s.BindInt64(i, v)
	}
}

func (w *writer) bindBlob(s *sqlite3.Stmt, i int, v []byte) {
	if w.err == nil {
		w.err = s.BindBlob(i, notNil(v))
	}
}

func (w *writer) bindNull(s *sqlite3.Stmt, i int) {
	if w.err == nil {
		w.err = s.BindNull(i)
	}
}

// notNil keeps an empty value from being stored as NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return emptyString
	}
	return b
}
