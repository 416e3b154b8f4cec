package store

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/journal"
)

// Salvage goes on with all that can be read of a damaged directory, after it was set aside:
//
//	1  the rows of the tables, around the pages that can not be read (rescue.go)
//	2  over them the journal's records that can be read, those behind a gap too: a record has its rows' new
//	   state, so most keys that changed behind the gap are as they were, and to stop there would give them up. A
//	   key that was created in the gap is lost with what was changed of it later; a key that was deleted in the
//	   gap comes back.
//	3  what belongs together and is not all there goes: rows of no key, collections without an element, long
//	   strings of which a piece is missing
//
// The new database is built beside, and takes its name when it is complete: a salvage that is interrupted
// begins again. What is lost stands in a file beside what was set aside, and in the log as far as it is short.

const (
	toSalvage  = "salvage"
	salvageDir = "diskette.salvage"
)

// salvage is a salvage under way.
type salvage struct {
	st      *Store
	in      *intent
	c       *sqlite3.Conn // to the new database
	w       *writer
	rescue  *rescue
	facts   map[string]int64 // meta, of the damaged database
	lost    []string         // lines of the report
	keys    int64            // keys that are lost or not whole
	records int64            // of the journal that are known to be missing
	there   int64            // keys that are in the new database
}

// salvage builds the new database from what the intent has set aside.
func (st *Store) salvage(in *intent) error {
	target := filepath.Join(st.dir, databaseFile)
	if _, err := os.Lstat(target); err == nil {
		return nil // it was complete
	}
	dir := filepath.Join(st.dir, salvageDir)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)); err != nil {
		return err
	}
	s := &salvage{st: st, in: in, facts: map[string]int64{}}
	err := s.build(dir)
	if err == nil {
		err = s.report()
	}
	if err == nil {
		err = st.disk.Rename(filepath.Join(dir, databaseFile), target)
	}
	if err == nil {
		err = st.disk.SyncDir(st.dir)
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// build makes a database in dir that holds what can be read, closed in order.
func (s *salvage) build(dir string) error {
	c, err := openWriter(dir, s.st.vfs, 1, s.st.sizes.writerCache) // it gets another identity when it is opened alone
	if err != nil {
		return err
	}
	s.c = c
	// A salvage that is interrupted begins anew: nothing needs a journal or an fsync on the way.
	err = c.Exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF`)
	if err == nil {
		err = s.tables(c)
	}
	if err == nil {
		err = c.Exec(`PRAGMA journal_mode = WAL`) // what the journal brings may be rolled back
	}
	if err != nil {
		return errors.Join(err, closeConn(c))
	}
	if s.w, err = newWriter(c, s.st.disk, dir, s.st.vfs, &readers{}, &ids{}); err != nil {
		return errors.Join(err, closeConn(c))
	}
	if err = s.mapSpaces(); err == nil {
		err = s.replay()
	}
	if err == nil {
		err = s.tidy()
	}
	if err == nil {
		err = c.Exec(`PRAGMA synchronous = FULL`)
	}
	if err == nil {
		err = s.w.disown()
	}
	if err = errors.Join(err, closeConn(c)); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, databaseFile), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(s.st.disk.Sync(f), f.Close())
}

// tables copies the rows.
func (s *salvage) tables(to *sqlite3.Conn) error {
	path := filepath.Join(s.st.dir, s.in.aside(databaseFile))
	if fileBytes(path) == 0 {
		s.note("the database was not there, or empty")
		return nil
	}
	from, err := openTables(path, true)
	if err != nil {
		// Its first page is damaged, or another program has written it, as a copy: the rest may be well.
		first := err
		if from, err = openTables(path, false); err == nil {
			s.note("the database was read without its checksums: " + plain(first).Error())
		}
	}
	if err != nil {
		s.note("nothing of the database can be read: " + err.Error())
		return nil
	}
	defer closeConn(from)
	for _, name := range []string{"identity", "applied_lsn", "next_id", "next_space"} {
		var v int64
		if err := queryInts(from, `SELECT value FROM meta WHERE name = '`+name+`'`, &v); err != nil {
			s.note("the database's " + name + " can not be read: " + err.Error())
		}
		s.facts[name] = v
	}
	if err := copyBeforeBounds(from, to); err != nil {
		return err
	}
	s.rescue = &rescue{from: from, to: to}
	if err := to.Exec(`BEGIN`); err != nil {
		return err
	}
	for _, t := range rescuedTables() {
		if err := s.rescue.table(t); err != nil {
			return err
		}
	}
	if err := to.Exec(`COMMIT`); err != nil {
		return err
	}
	return s.names(from, to)
}

// openTables opens a damaged database of which at least the schema can be read.
func openTables(path string, checksums bool) (*sqlite3.Conn, error) {
	c, err := openRescue(path, checksums)
	if err != nil {
		return nil, err
	}
	version, err := fileVersion(c)
	if err == nil && version < schemaVersion {
		err = fmt.Errorf("it is of version %d, which can be salvaged by the Diskette that wrote it", version)
	}
	if err != nil {
		return nil, errors.Join(err, closeConn(c))
	}
	return c, nil
}

// names finds those of keys whose rows are lost in the index on names, as far as that can be read.
func (s *salvage) names(from, to *sqlite3.Conn) error {
	var holes []hole // of the table of keys, in the order of ids
	for _, h := range s.rescue.holes {
		if h.table == "keys" {
			holes = append(holes, h)
		} else {
			s.note(h.String())
		}
	}
	if len(holes) == 0 {
		return nil
	}
	found, readErr, err := namesIn(from, to, holes)
	if err != nil {
		return err
	}
	for i, h := range holes {
		s.note(h.String() + "; their names, as far as the index on names has them:")
		for _, name := range found[i] {
			s.key(name.space, []byte(name.key), "lost")
		}
	}
	if readErr != nil {
		s.note("the index on names can not be read to its end: " + readErr.Error())
	}
	return nil
}

// indexedName is a name as the index on names has it.
type indexedName struct {
	space int64
	key   string
}

func (n indexedName) compare(other indexedName) int {
	return cmp.Or(cmp.Compare(n.space, other.space), cmp.Compare(n.key, other.key))
}

// namesIn goes once along the index on names, for those of each hole. It ends where that can not be read, or
// is not in order (see rescue): readErr says why.
func namesIn(from, to *sqlite3.Conn, holes []hole) (found [][]indexedName, readErr, err error) {
	found = make([][]indexedName, len(holes))
	q, _, readErr := from.Prepare(`SELECT id, space, key FROM keys INDEXED BY keys_by_name ORDER BY space, key`)
	if readErr != nil {
		return found, readErr, nil
	}
	defer q.Close()
	before := indexedName{space: least}
	for q.Step() {
		id, name := q.ColumnInt64(0), indexedName{q.ColumnInt64(1), string(q.ColumnRawBlob(2))}
		if name.compare(before) <= 0 {
			return found, errOrder, nil
		}
		before = name
		i, _ := slices.BinarySearchFunc(holes, id, func(h hole, id int64) int {
			if h.end || id < h.before.id {
				return 0 // it may be in this one, or in an earlier one
			}
			return -1
		})
		if i == len(holes) || id <= holes[i].after.id {
			continue
		}
		var there int64
		if err := queryInts(to, `SELECT count(*) FROM keys WHERE id = `+itoa(id), &there); err != nil {
			return found, nil, err
		}
		if there == 0 {
			found[i] = append(found[i], name)
		}
	}
	return found, q.Err(), nil
}

func (h *hole) String() string {
	if h.end {
		return fmt.Sprintf("rows of %s behind id %d can not be read: %v", h.table, max(0, h.after.id), h.cause)
	}
	return fmt.Sprintf("rows of %s between id %d and %d can not be read: %v", h.table, max(0, h.after.id), h.before.id,
		h.cause)
}

// replay applies what can be read of the journal.
func (s *salvage) replay() error {
	for dst, sql := range map[**sqlite3.Stmt]string{ // a key whose deletion is in a gap may have the name
		&s.w.insert: `INSERT OR REPLACE INTO keys (id, space, key, type, expires_ms, chunked, value)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
		&s.w.name: `UPDATE OR REPLACE keys SET space = ?2, key = ?3 WHERE id = ?1`,
	} {
		stmt, _, err := s.w.c.Prepare(sql)
		if err != nil {
			return err
		}
		_ = (*dst).Close() // it was not used
		*dst = stmt
	}
	var identities []uint64
	if id := s.facts["identity"]; id != 0 {
		identities = append(identities, uint64(id))
	}
	state, err := journal.ReadState(filepath.Join(s.st.dir, s.in.aside(stateName)))
	if err == nil && (len(identities) == 0 || identities[0] == state.Identity || identities[0] == state.Before) {
		identities = append(identities, state.Identity)
	}
	b := batch{w: s.w, fold: newFold(s.st.sizes.arena)}
	applied := uint64(s.facts["applied_lsn"])
	found, err := journal.Salvage(filepath.Join(s.st.dir, s.in.aside("journal")), applied, identities, b.add)
	if err != nil {
		return err
	}
	b.apply()
	s.journalReport(found, b.refused, applied, &state)
	return s.w.transaction(func() {
		s.w.run(s.w.meta, "applied_lsn", int64(found.Last))
		var top int64
		s.w.query(`SELECT coalesce(max(id), 0) FROM keys`, &top)
		s.w.run(s.w.meta, "next_id", max(s.facts["next_id"], top+1))
		s.w.run(s.w.meta, "next_space", s.facts["next_space"])
	})
}

// batch is records of the journal that are applied together, and if the tables refuse that, one by one.
type batch struct {
	w       *writer
	fold    *fold
	lsns    []uint64
	records [][]byte
	bytes   int
	refused int
}

func (b *batch) add(lsn uint64, payload []byte) {
	b.lsns, b.records, b.bytes = append(b.lsns, lsn), append(b.records, payload), b.bytes+len(payload)
	if len(b.records) == 1000 || b.bytes > 4<<20 {
		b.apply()
	}
}

func (b *batch) apply() {
	lsns, records := b.lsns, b.records
	if len(records) > 0 && b.try(lsns, records) != nil {
		for i := range records {
			if b.try(lsns[i:i+1], records[i:i+1]) != nil {
				b.refused++
			}
		}
	}
	b.lsns, b.records, b.bytes = nil, nil, 0
}

func (b *batch) try(lsns []uint64, records [][]byte) error {
	b.fold.reset()
	for i, rec := range records {
		err := b.fold.add(lsns[i], journal.Record{Head: rec})
		b.fold.drain()
		if err != nil {
			return err
		}
	}
	return b.w.apply(b.fold)
}

func (s *salvage) journalReport(found journal.Salvaged, refused int, applied uint64, state *journal.State) {
	if found.Records == 0 {
		s.note(fmt.Sprintf("of the journal nothing was read; the tables have its records up to %d", applied))
	} else {
		s.note(fmt.Sprintf("of the journal %d records were read, from %d to %d", found.Records, applied+1, found.Last))
	}
	for _, m := range found.Missing {
		s.records += int64(m.Last - m.First + 1)
		s.note(fmt.Sprintf("the journal's records from %d to %d are lost", m.First, m.Last))
	}
	if state.Written > found.Last {
		s.records += int64(state.Written - found.Last)
		s.note(fmt.Sprintf("the journal's records from %d to %d at least are lost", found.Last+1, state.Written))
	}
	if refused > 0 {
		s.note(fmt.Sprintf("%d records of the journal do not go with the tables", refused))
	}
	for _, path := range found.Foreign {
		s.note(path + " is another server's")
	}
}

// note adds a line to the report.
func (s *salvage) note(line string) { s.lost = append(s.lost, line) }

// key adds a key to the report.
func (s *salvage) key(space int64, name []byte, what string) {
	s.keys++
	db := "(flushed)"
	if q, _, err := s.c.Prepare(`SELECT db FROM spaces WHERE db IS NOT NULL AND space = ` + itoa(space)); err == nil {
		if q.Step() {
			db = q.ColumnText(0)
		}
		_ = q.Close() // only read
	}
	s.note("  " + what + ": database " + db + " key " + strconv.Quote(string(name)))
}

// report writes what was lost into a file, and the beginning of it into the log.
func (s *salvage) report() error {
	name := s.in.aside(databaseFile) + "-lost.txt"
	if err := s.st.writeFile(name, strings.Join(s.lost, "\n")+"\n"); err != nil {
		return err
	}
	const lines = 20
	lost := fmt.Sprintf("at least %d keys are lost or not whole", s.keys)
	if s.records > 0 {
		lost += fmt.Sprintf(", and at least %d records of the journal, which were acknowledged, are missing", s.records)
	}
	s.st.opts.Log("salvaged what can be read", Warning(lost+"; all that is known is in "+filepath.Join(s.st.dir, name)),
		"keys", s.there, "lost", strings.Join(s.lost[:min(lines, len(s.lost))], "; "))
	return nil
}
