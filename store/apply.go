package store

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// A writer is the one connection that changes the tables, with its statements. It belongs
// to the write-back goroutine (to Open before that starts).
//
// The statements go by key id wherever they can. Measured, CPU us a row with 100-byte values in
// two million keys: UPDATE by id in id order 3-4, INSERT of a new key 7.5, INSERT OR REPLACE by
// name 14; so the store knows which keys are new and write-back never asks.
type writer struct {
	c   *sqlite3.Conn
	dir string
	err error // first failure of the statements under way

	begin, commit, rollback                     *sqlite3.Stmt
	insert, value, deadline, drop, unname, name *sqlite3.Stmt
	long, short, length, toGarbage, dropAny     *sqlite3.Stmt
	whole, chunk, putChunk, dropChunks          *sqlite3.Stmt
	count, expiring, unmap, mapSpace, meta      *sqlite3.Stmt
	recount, unset, undoGarbage                 *sqlite3.Stmt

	put, putMany, remove, reapRows [len(tables)]*sqlite3.Stmt // by table

	spaceOf   map[int]int64   // database -> space, as in the tables
	counts    map[int64]int64 // space -> change of its row count in this transaction
	order     []int32
	breath    breath
	serving   bool         // there are clients: not during recovery
	inSlices  bool         // the disk is full: see applyInSlices
	ahead     uint64       // the tables may hold rows up to this LSN, which is above applied_lsn; 0 = they do not
	freePages atomic.Int64 // in the database file, when maintain last looked
}

func newWriter(c *sqlite3.Conn, dir string) (*writer, error) {
	w := &writer{c: c, dir: dir, spaceOf: map[int]int64{}, counts: map[int64]int64{}}
	statements := map[**sqlite3.Stmt]string{
		&w.begin:    `BEGIN IMMEDIATE`,
		&w.commit:   `COMMIT`,
		&w.rollback: `ROLLBACK`,

		&w.insert:   `INSERT INTO keys (id, space, key, type, expires_ms, chunked, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
		&w.value:    `UPDATE keys SET value = ?2 WHERE id = ?1 AND chunked = 0`,
		&w.deadline: `UPDATE keys SET expires_ms = ?2 WHERE id = ?1`,
		&w.drop:     `DELETE FROM keys WHERE id = ?1 AND chunked = 0 AND type = 1`,
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

		&w.count:       `UPDATE spaces SET keys = keys + ?2 WHERE space = ?1`,
		&w.expiring:    `UPDATE spaces SET expiring = ?2 WHERE space = ?1`,
		&w.unmap:       `UPDATE spaces SET db = NULL WHERE db = ?1`,
		&w.mapSpace:    `INSERT INTO spaces (space, db) VALUES (?1, ?2) ON CONFLICT (space) DO UPDATE SET db = ?2`,
		&w.recount:     `UPDATE spaces SET keys = (SELECT count(*) FROM keys k WHERE k.space = spaces.space)`,
		&w.undoGarbage: `DELETE FROM garbage WHERE id = ?1`,
		&w.unset:       `DELETE FROM meta WHERE name = ?1`,
		&w.meta:        `INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = max(value, ?2)`,
	}
	for t := hashFields; int(t) < len(tables); t++ {
		statements[&w.put[t]], statements[&w.remove[t]] = tables[t].putSQL(1), tables[t].removeSQL()
		statements[&w.putMany[t]] = tables[t].putSQL(putRows)
		statements[&w.reapRows[t]] = tables[t].reapSQL()
	}
	for dst, sql := range statements {
		s, _, err := c.Prepare(sql)
		if err != nil {
			return nil, fmt.Errorf("prepare %q: %w", sql, damaged(dir, err))
		}
		*dst = s
	}
	s, _, err := c.Prepare(`SELECT db, space FROM spaces WHERE db IS NOT NULL`)
	if err != nil {
		return nil, damaged(dir, err)
	}
	defer s.Close()
	for s.Step() {
		w.spaceOf[s.ColumnInt(0)] = s.ColumnInt64(1)
	}
	return w, s.Err()
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
	if w.serving {
		w.breath.step(1)
	}
	for s.Step() {
	}
	w.err = s.Reset()
}

// transaction runs fn's statements and commits them, or rolls back and returns the first error.
func (w *writer) transaction(fn func()) error {
	w.err = nil
	w.run(w.begin)
	if w.err == nil {
		fn()
		w.run(w.commit)
		if w.err != nil && !w.c.GetAutocommit() {
			err := w.err
			w.err = nil
			w.run(w.rollback)
			w.err = err
		}
	}
	return w.err
}

// apply writes a fold into the tables, together with its newest LSN (I4).
func (w *writer) apply(f *fold) error {
	if w.inSlices || w.ahead != 0 {
		return w.applyInSlices(f)
	}
	before := cloneMap(w.spaceOf)
	err := w.transaction(func() {
		clear(w.counts)
		w.databases(f)
		w.drops(f, w.sorted(f, w.goes))
		w.updates(f, w.sorted(f, w.stays))
		if f.renames {
			w.renames(f, w.sorted(f, w.moves))
		}
		w.inserts(f, w.sorted(f, w.comes))
		w.rows(f, w.sortedRows(f, false))
		for space, n := range w.counts {
			if n != 0 {
				w.run(w.count, space, n)
			}
		}
		w.finish(f)
	})
	if err != nil {
		w.spaceOf = before
		return fmt.Errorf("write back %d rows: %w", f.changes(), nameDamage(w.dir, err))
	}
	return nil
}

// sync makes SQLite fsync the transactions before, which may have gone without, by one more.
func (w *writer) sync(applied uint64) error {
	return w.transaction(func() {
		w.run(w.unset, "applied_lsn") // an unchanged row would be no write, and no fsync either
		w.run(w.meta, "applied_lsn", int64(applied))
	})
}

// finish writes what goes with a fold's last rows.
func (w *writer) finish(f *fold) {
	for space, keys := range f.expiring {
		w.run(w.expiring, space, keys)
	}
	w.run(w.meta, "next_id", f.nextID)
	w.run(w.meta, "applied_lsn", int64(f.last))
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
		w.run(w.meta, "next_space", space+1)
		w.spaceOf[db] = space
	}
}

// sorted returns the entries that take part, in id order: neighbours share pages.
func (w *writer) sorted(f *fold, take func(*entry) bool) []int32 {
	w.order = w.order[:0]
	for i := range f.entries {
		if take(&f.entries[i]) {
			w.order = append(w.order, int32(i))
		}
	}
	slices.SortFunc(w.order, func(a, b int32) int {
		if f.entries[a].id < f.entries[b].id {
			return -1
		}
		return 1
	})
	return w.order
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
	for _, i := range order {
		e := &f.entries[i]
		w.bindID(w.drop, e.id)
		w.step(w.drop)
		if w.err == nil && w.c.Changes() == 0 { // a long string or a collection: its rows are reaped later
			w.run(w.toGarbage, e.id)
			w.run(w.dropAny, e.id)
		}
		w.counts[e.from]--
	}
}

// updates change rows that are there.
func (w *writer) updates(f *fold, order []int32) {
	for _, i := range order {
		e := &f.entries[i]
		switch {
		case e.hasValue:
			w.setValue(e)
		case e.patches != nil:
			w.patch(e)
		}
		if e.hasDeadline {
			w.bindID(w.deadline, e.id)
			w.bindInt(w.deadline, 2, e.deadline)
			w.step(w.deadline)
		}
	}
}

// renames take all old names away first, because two keys may have exchanged theirs.
func (w *writer) renames(f *fold, order []int32) {
	for _, i := range order {
		w.run(w.unname, f.entries[i].id)
	}
	for _, i := range order {
		e := &f.entries[i]
		w.run(w.name, e.id, e.space, e.key)
		w.counts[e.from]--
		w.counts[e.space]++
	}
}

func (w *writer) setValue(e *entry) {
	if len(e.value) >= chunkBytes {
		w.run(w.dropChunks, e.id)
		w.run(w.long, e.id, int64(len(e.value)))
		w.chunks(e)
		return
	}
	w.bindID(w.value, e.id)
	w.bindBlob(w.value, 2, e.value)
	w.step(w.value)
	if w.err == nil && w.c.Changes() == 0 { // it was long
		w.run(w.dropChunks, e.id)
		w.run(w.short, e.id, e.value)
	}
}

// inserts are the keys born in this fold. A key whose space is flushed by now never gets a row.
func (w *writer) inserts(f *fold, order []int32) {
	s := w.insert
	for _, i := range order {
		e := &f.entries[i]
		long := len(e.value) >= chunkBytes
		w.bindID(s, e.id)
		w.bindInt(s, 2, e.space)
		w.bindBlob(s, 3, e.key)
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
		w.counts[e.space]++
	}
}

// chunks writes a long value's rows.
func (w *writer) chunks(e *entry) {
	for n := 0; n*chunkBytes < len(e.value); n++ {
		w.run(w.putChunk, e.id, int64(n), e.value[n*chunkBytes:min(len(e.value), (n+1)*chunkBytes)])
	}
}

// patch rewrites a short string, or the chunks of a long one that an entry's patches touch, each once.
func (w *writer) patch(e *entry) {
	if e.length < chunkBytes {
		w.patchWhole(e)
		return
	}
	touched := map[int64][]byte{}
	for _, p := range e.patches {
		for at, data := p.offset, p.data; len(data) > 0; {
			n, off := at/chunkBytes, int(at%chunkBytes)
			chunk, ok := touched[n]
			if !ok {
				chunk = w.readChunk(e.id, n)
			}
			k := min(chunkBytes-off, len(data))
			if len(chunk) < off+k {
				chunk = append(chunk, make([]byte, off+k-len(chunk))...)
			}
			copy(chunk[off:], data[:k])
			touched[n] = chunk
			at, data = at+int64(k), data[k:]
		}
	}
	for n, chunk := range touched {
		w.run(w.putChunk, e.id, n, chunk)
	}
	w.run(w.length, e.id, e.length)
}

func (w *writer) patchWhole(e *entry) {
	w.bindID(w.whole, e.id)
	value := w.readBlob(w.whole)
	value = append(value, make([]byte, max(0, int(e.length)-len(value)))...)
	for _, p := range e.patches {
		copy(value[p.offset:], p.data)
	}
	w.bindID(w.value, e.id)
	w.bindBlob(w.value, 2, value)
	w.step(w.value)
}

func (w *writer) readChunk(id, n int64) []byte {
	w.bindID(w.chunk, id)
	w.bindInt(w.chunk, 2, n)
	return w.readBlob(w.chunk)
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
