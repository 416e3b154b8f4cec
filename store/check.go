package store

import (
	"bytes"
	"errors"
	"fmt"
)

// checkTries is how often Check writes back what is new, until nothing is.
const checkTries = 10

// Check verifies the whole store: SQLite's own integrity check, the row counts, rows that
// belong to nothing, ids and spaces not given out yet, and memory against the tables. It first
// writes everything back; it is for tests and for an operator with time. It holds the
// keyspace lock while it compares, and reads in one transaction: maintenance goes on meanwhile.
func (st *Store) Check() error {
	for tries := 1; ; tries++ { // eviction may go on with what was just written back
		if err := st.Flush(); err != nil {
			return err
		}
		st.Lock()
		if st.applied.Load() == st.journal.Last() {
			break
		}
		st.Unlock()
		if tries == checkTries {
			return errors.New("check: something was written meanwhile")
		}
	}
	defer st.Unlock()
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	err := st.readers.useAtOneMoment(func(r *reader) error {
		if err := r.integrity(fail); err != nil {
			return err
		}
		given := givenOut{keys: st.ids.next(), spaces: st.nextSpace}
		if err := r.checkRows(given, fail, func(string) error { return nil }); err != nil {
			return err
		}
		if err := r.checkIndex(fail); err != nil {
			return err
		}
		if err := r.checkFilters(&st.filters, fail); err != nil {
			return err
		}
		return st.checkMemoryLocked(r, fail)
	})
	return errors.Join(append(errs, err)...)
}

// givenOut are the first ids that no key and no space has had.
type givenOut struct{ keys, spaces int64 }

// checkRows looks for rows that belong to nothing, for counts that are wrong, and for runs that can not be taken apart.
// step is told what is looked for next; its error ends the look.
func (r *reader) checkRows(next givenOut, fail func(string, ...any), step func(what string) error) error {
	if err := r.checkStray(rowChecks(next), fail, step); err != nil {
		return err
	}
	for _, t := range runTables {
		if err := step("runs of " + tables[t].name); err != nil {
			return err
		}
		if err := r.checkRuns(t, fail); err != nil {
			return err
		}
	}
	return nil
}

// checkStray counts rows that must not be there.
func (r *reader) checkStray(all []stray, fail func(string, ...any), step func(what string) error) error {
	for _, c := range all {
		if err := step("looking for " + c.what); err != nil {
			return err
		}
		var n int64
		if err := queryInts(r.c, `SELECT count(*) FROM (`+c.sql+`)`, &n); err != nil {
			return err
		}
		if n != 0 {
			fail("%d %s", n, c.what)
		}
	}
	return nil
}

// runTables have several elements to a row.
var runTables = []table{listElements, streamEntries}

// rowChecks are the rows that must not be there.
func rowChecks(next givenOut) []stray {
	all := []stray{
		{"keys without a name", `SELECT 1 FROM keys WHERE key IS NULL`},
		{"keys in no space", `SELECT 1 FROM keys WHERE space NOT IN (SELECT space FROM spaces)`},
		{"chunks of no long string",
			`SELECT 1 FROM chunks WHERE id NOT IN (SELECT id FROM keys WHERE chunked > 0
				UNION ALL SELECT id FROM garbage)`},
		{"long strings with a value in their row", `SELECT 1 FROM keys WHERE chunked > 0 AND value IS NOT NULL`},
		{"chunks beyond their string's end",
			fmt.Sprintf(`SELECT 1 FROM chunks c JOIN keys k USING (id) WHERE c.n * %d + length(c.data) > k.chunked`,
				chunkBytes)},
		{"short strings without a value", `SELECT 1 FROM keys WHERE chunked = 0 AND type = 1 AND value IS NULL`},
		{"key ids not given out yet", fmt.Sprintf(`SELECT 1 FROM keys WHERE id >= %d`, next.keys)},
		{"spaces not given out yet", fmt.Sprintf(`SELECT 1 FROM spaces WHERE space >= %d`, next.spaces)},
		{"spaces with a wrong row count",
			`SELECT 1 FROM spaces s WHERE db IS NOT NULL AND keys <>
				(SELECT count(*) FROM keys k WHERE k.space = s.space)`},
		{"spaces with a wrong number of deadlines",
			`SELECT 1 FROM spaces s WHERE db IS NOT NULL AND expiring <>
				(SELECT count(*) FROM keys k WHERE k.space = s.space AND k.expires_ms > 0)`},
	}
	for t := hashFields; int(t) < len(tables); t++ {
		d := &tables[t]
		all = append(all, stray{"rows in " + d.name + " of no such key", fmt.Sprintf(
			`SELECT 1 FROM %s WHERE id NOT IN (SELECT id FROM keys WHERE type = %d UNION ALL SELECT id FROM garbage)`,
			d.name, d.typ)})
		if d.typ == TypeStream && t != streamHeads { // what a stream always has is its head
			continue
		}
		// A copy that comes in has its keys before their elements, in spaces that are no database's yet.
		all = append(all, stray{"empty collections of " + d.name, fmt.Sprintf(
			`SELECT 1 FROM keys WHERE type = %d AND id NOT IN (SELECT id FROM %s)
				AND space IN (SELECT space FROM spaces WHERE db IS NOT NULL)`, d.typ, d.name)})
	}
	return append(all, strayPieces()...)
}

func (r *reader) integrity(fail func(string, ...any)) error {
	s, _, err := r.c.Prepare(`PRAGMA integrity_check`)
	if err != nil {
		return err
	}
	defer s.Close()
	for s.Step() {
		if line := s.ColumnText(0); line != "ok" {
			fail("integrity_check: %s", r.nameTrees(line))
		}
	}
	return s.Err()
}

// checkRuns takes every run apart, and compares where they begin and end.
func (r *reader) checkRuns(t table, fail func(string, ...any)) error {
	d := &tables[t]
	s, _, err := r.c.Prepare(`SELECT id, n, gaps, data FROM ` + d.name + ` ORDER BY id, n`)
	if err != nil {
		return err
	}
	defer s.Close()
	var id int64
	var run runReader
	for s.Step() {
		if run.d == nil || s.ColumnInt64(0) != id {
			id, run = s.ColumnInt64(0), runReader{d: d}
		}
		data := s.ColumnRawBlob(3)
		if len(data) >= chunkBytes {
			if data, err = r.joined(id, s.ColumnInt64(1), dataPart, data); err != nil {
				return err
			}
		}
		run.open(s.ColumnInt64(1), s.ColumnRawBlob(2), data)
		rows := 0
		for run.next() {
			rows++
		}
		if err := run.err(); err != nil {
			fail("key %d: %w", id, err)
		}
		if size := len(s.ColumnRawBlob(2)) + len(data); rows > 1 && size > runBytes {
			fail("key %d: run %d of %s has %d rows in %d bytes", id, s.ColumnInt64(1), d.name, rows, size)
		}
	}
	return s.Err()
}

// checkMemoryLocked compares every resident object with its row, and the hot set's books.
func (st *Store) checkMemoryLocked(r *reader, fail func(string, ...any)) error {
	var bytes, objects int64
	watched := 0
	for db, s := range st.dbs {
		var rows, expiring int64
		if err := queryInts(r.c, `SELECT keys, expiring FROM spaces WHERE space = `+itoa(s.id), &rows,
			&expiring); err != nil {
			return err
		}
		if rows != s.live {
			fail("database %d has %d keys in memory's count and %d rows", db, s.live, rows)
		}
		if expiring != s.expiring {
			fail("database %d has %d keys with deadlines in memory's count and %d rows with them", db, s.expiring,
				expiring)
		}
		for _, o := range s.keys.some(s.keys.len()) {
			name := o.name()
			bytes, objects = bytes+o.bytes(), objects+1
			watched += st.checkFieldsLocked(o, fail)
			if o.load() != nil {
				continue
			}
			var have row
			if err := r.row(s.id, name, NeedValue, &have); err != nil {
				return err
			}
			o.compare(s, name, &have, fail)
		}
	}
	for _, s := range st.flushed {
		for _, o := range s.keys.some(s.keys.len()) {
			bytes, objects = bytes+o.bytes(), objects+1
			watched += st.checkFieldsLocked(o, fail)
		}
	}
	if watched != st.dueFields.Len() {
		fail("%d hashes have field deadlines and %d wait for the sweeper", watched, st.dueFields.Len())
	}
	if bytes += st.filterBytes; bytes != st.hotBytes || objects != st.hotObjects {
		fail("the hot set counts %d bytes in %d objects and has %d in %d", st.hotBytes, st.hotObjects, bytes, objects)
	}
	var listed int64
	for o := st.oldest; o != nil; o = o.newer {
		listed++
	}
	if listed != objects {
		fail("the unload list has %d objects of %d", listed, objects)
	}
	return nil
}

// compare compares what memory has under a name of a space with the key's row. The caller holds the keyspace lock.
func (o *object) compare(s *space, name string, have *row, fail func(string, ...any)) {
	switch {
	case o.space != s || !s.keys.has(o):
		fail("object %q is not found under its name", name)
	case o.id != have.id || o.typ != have.typ || o.deadline != have.deadline:
		fail("key %q is (id %d, %v, deadline %d) in memory and (id %d, %v, deadline %d) on disk",
			name, o.id, o.typ, o.deadline, have.id, have.typ, have.deadline)
	case o.headOnly && (o.str() != nil || o.coll() != nil || !o.outline().fits(have)):
		fail("key %q is a head for %+v, and %d bytes or other elements are on disk", name, o.outline(), len(have.value))
	case o.typ == TypeString && !o.headOnly && string(o.str()) != string(have.value):
		fail("key %q has other values in memory (%d bytes) and on disk (%d bytes)", name, len(o.str()), len(have.value))
	case (o.slot != 0) != (o.deadline != 0):
		fail("key %q has deadline %d and place %d in the deadline queue", name, o.deadline, o.slot)
	case o.coll() != nil && !sameRows(o.coll(), have.coll):
		fail("%v %q has other rows in memory (%d elements) and on disk (%d elements)", o.typ, name, o.coll().length(),
			have.coll.length())
	case o.typ != None && !o.headOnly && (o.coll() != nil) != (o.typ != TypeString):
		fail("%v %q is not held as one", o.typ, name)
	case o.bytes() != o.size():
		fail("key %q counts for %d bytes and takes %d", name, o.bytes(), o.size())
	}
}

// sameRows compares two collections by the rows that they would have.
func sameRows(a, b collection) bool {
	if a == nil || b == nil {
		return a == b
	}
	var x, y recordWriter
	a.rows(&x, 1)
	b.rows(&y, 1)
	if !bytes.Equal(x.head, y.head) || len(x.ext) != len(y.ext) {
		return false
	}
	for i := range x.ext {
		if x.ext[i].At != y.ext[i].At || !bytes.Equal(x.ext[i].Data, y.ext[i].Data) {
			return false
		}
	}
	return true
}
