package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/journal"
)

// The start compares what database, journal and state file say of each other before it changes anything:
//
//	state file    identity, the LSN that the journal was cut to, the newest segment that must be there
//	database      identity, the LSN that its tables have, that which the journal had then, and whether it was
//	              closed in order (schema.sql: meta)
//	journal       identity in each segment, LSNs
//
// A crash leaves them consistent, because each fact is fsynced before the step that makes it necessary. Whatever
// else is seen ends the start: a part was lost, damaged, or is an older one or another server's, and to go on
// would lose acknowledged changes in silence. A database that was closed in order needs nothing beside it, and is
// given a new identity when it comes alone: it may be a copy, and two servers with one identity could not tell
// their journals apart.
//
// A database that is lost, or whose WAL is, is made anew from the journal as long as that still begins with record 1.

const stateName = "diskette.state"

// ErrNotWhole says that the data directory is not what a crash can have left.
var ErrNotWhole = errors.New("the data directory is not whole")

// seen is what a data directory has.
type seen struct {
	stated  bool // there is a state file
	state   journal.State
	db      tablesSeen
	journal *journal.Found
}

// tablesSeen is what the database says of itself.
type tablesSeen struct {
	there    bool  // there are tables
	anew     error // why the tables can not be used: their WAL is lost or damaged
	identity uint64
	applied  uint64
	ahead    uint64
	journal  uint64 // the journal has records up to this LSN, fsynced, or was cut behind it
	running  bool   // the database was not closed in order
}

// look reads the data directory and changes nothing. The error says why a server must not be started on it.
func (st *Store) look() (*seen, error) {
	s := &seen{}
	var broken error
	var err error
	switch s.state, err = journal.ReadState(st.statePath()); {
	case err == nil:
		s.stated = true
	case errors.Is(err, journal.ErrNoState):
		broken = err
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if s.db, err = lookAtTables(st.dir, s.state.SameBoot(), st.opts.OnDamage == Salvage,
		st.opts.Unverified); err != nil {
		return nil, err
	}
	if s.stated {
		err = s.fits(st.dir)
	} else {
		err = s.alone(st, broken)
	}
	if err != nil {
		return nil, err
	}
	s.journal, err = journal.Look(st.journalDir(), s.db.applied, s.state, s.db.there && !s.db.running)
	if err != nil {
		return nil, err
	}
	if err := s.ageOf(st.journalDir()); err != nil {
		return nil, err
	}
	switch {
	case s.journal.Last < s.db.ahead:
		return nil, &journal.Damage{File: st.journalDir(),
			Expected: fmt.Sprintf("the records up to %d, part of which is in the tables", s.db.ahead),
			Found:    fmt.Sprintf("them up to %d", s.journal.Last)}
	case !s.stated && s.db.identity != 0 && s.journal.Last > s.db.applied:
		return nil, &journal.Damage{File: st.statePath(), Found: "none",
			Expected: fmt.Sprintf("the state that goes with the journal's records from %d on", s.db.applied+1)}
	}
	return s, nil
}

func (st *Store) statePath() string { return filepath.Join(st.dir, stateName) }

// fits compares the database with the state.
func (s *seen) fits(dir string) error {
	path := filepath.Join(dir, databaseFile)
	db, state := &s.db, &s.state
	switch {
	case !db.there && state.Floor > 0:
		return &journal.Damage{File: path, Expected: fmt.Sprintf("the tables with the records up to %d", state.Floor),
			Found: "no tables"}
	case !db.there:
	case db.anew != nil && state.Floor > 0:
		return db.anew
	case db.anew != nil:
		*db = tablesSeen{anew: db.anew}
	case db.identity != state.Identity && (db.identity != state.Before || state.Newest != 0):
		return &journal.Damage{File: path, Expected: fmt.Sprintf("the database with identity %016x", state.Identity),
			Found: fmt.Sprintf("that with %016x", db.identity)}
	case db.applied < state.Floor:
		return &journal.Damage{File: path,
			Expected: fmt.Sprintf("the tables with the records up to %d, to where the journal was cut", state.Floor),
			Found: fmt.Sprintf("them up to %d: an older copy, or the end of %s-wal is lost", db.applied,
				databaseFile)}
	}
	return nil
}

// ageOf compares the journal and the state with what a database that was not closed says of them. What the tables
// have the journal had before, and has until the state says that it was cut: but for what a power cut may take,
// which was not fsynced.
func (s *seen) ageOf(dir string) error {
	if !s.stated || !s.db.there || !s.db.running {
		return nil
	}
	must := s.db.journal
	if s.state.SameBoot() {
		must = s.db.applied
	}
	if has := max(s.journal.Records, s.state.Floor); has < must {
		return &journal.Damage{File: dir,
			Expected: fmt.Sprintf("the records up to %d, which the database knows of", must),
			Found: fmt.Sprintf("the end of journal and %s behind record %d: they are an older copy than %s, and what the "+
				"server did after that copy and did not bring into the tables is missing", stateName, has,
				databaseFile)}
	}
	return nil
}

// alone judges a directory without a state file: a new one, that of an older version, or a copied database.
func (s *seen) alone(st *Store, broken error) error {
	found := "none"
	if broken != nil {
		found = broken.Error()
	}
	switch {
	case s.db.there && s.db.running:
		return &journal.Damage{File: st.statePath(), Expected: "the state of the server that ran on " + databaseFile,
			Found: found}
	case !s.db.there && (broken != nil || journal.There(st.journalDir())):
		return &journal.Damage{File: filepath.Join(st.dir, databaseFile),
			Expected: "the database that is missing beside its journal or state",
			Found:    "no tables"}
	}
	s.state = journal.State{Identity: 1 + rand.Uint64N(1<<63-1), Before: s.db.identity, Floor: s.db.applied}
	return nil
}

// lookAtTables reads what the start needs of the database, and all of it if it is to be thorough: that takes a
// second or more for each gigabyte. unverified: the pages' checksums are not compared, and another program may have
// checkpointed the WAL.
func lookAtTables(dir string, sameBoot, thorough, unverified bool) (t tablesSeen, err error) {
	path := filepath.Join(dir, databaseFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("open %s: %w", path, err)
	}
	if hot, err := rollsBack(path + "-journal"); err != nil || hot {
		return t, err
	}
	w, err := readWAL(path+"-wal", info.Size())
	if err != nil {
		return t, fmt.Errorf("read the WAL: %w", err)
	}
	var index walIndex
	if sameBoot {
		index = indexed(path + "-shm")
	}
	if w.size > 0 && index.frames > 0 && (!w.header || index.salts == w.salts && index.frames > w.frames) {
		return tablesSeen{there: true, running: true, anew: &journal.Damage{File: path + "-wal",
			Expected: fmt.Sprintf("the %d frames that its index counts", index.frames),
			Found:    fmt.Sprintf("%d that are whole", w.frames)}}, nil
	}
	c, err := openLook(path, unverified)
	if err != nil {
		return t, damaged(dir, err)
	}
	defer closeConn(c)
	version, err := fileVersion(c)
	if err != nil || version == 0 {
		return t, nameFile(dir, err)
	}
	t, pages, err := readMeta(c)
	if err != nil {
		return tablesSeen{}, damaged(dir, err)
	}
	if there := info.Size()/pageBytes + int64(len(w.pages)); there < pages {
		return tablesSeen{}, &journal.Damage{File: path, Expected: fmt.Sprintf("%d pages", pages),
			Found: fmt.Sprintf("%d", there)}
	}
	if thorough {
		if err := wholePages(c, path); err != nil {
			return tablesSeen{}, err
		}
	}
	if err := opens(c, version); err != nil {
		return tablesSeen{}, damaged(dir, err)
	}
	// A server that was killed while it began the WAL anew may have left a torn header: nothing behind it was
	// needed any more.
	begun := index.whole && index.frames == 0 && w.size > 0
	// Who may checkpoint may also make the WAL empty. That one is lost shows by the LSN then, or not at all.
	var raw int64
	if err := queryInts(c, `SELECT user_version FROM pragma_user_version`, &raw); err != nil {
		return tablesSeen{}, damaged(dir, err)
	}
	emptied := w.size == 0 && (unverified || raw == unverifiedVersion)
	if t.running && !w.header && !begun && !emptied {
		t.anew = &journal.Damage{File: path + "-wal", Expected: "the WAL of a database that was not closed",
			Found: "none that is whole"}
	}
	return t, nil
}

// readMeta reads what the database says of itself, and how many pages it has.
func readMeta(c *sqlite3.Conn) (t tablesSeen, pages int64, err error) {
	var identity, applied, ahead, journaled, running, lastKey, lastSpace int64
	// openDatabase reads the largest ids, too, when something was changed.
	err = queryInts(c, `SELECT coalesce((SELECT value FROM meta WHERE name = 'identity'), 0),
		coalesce((SELECT value FROM meta WHERE name = 'applied_lsn'), 0),
		coalesce((SELECT value FROM meta WHERE name = 'ahead_lsn'), 0),
		coalesce((SELECT value FROM meta WHERE name = 'journal_lsn'), 0),
		coalesce((SELECT value FROM meta WHERE name = 'running'), 0), (SELECT page_count FROM pragma_page_count),
		(SELECT max(id) FROM keys), (SELECT max(space) FROM spaces)`,
		&identity, &applied, &ahead, &journaled, &running, &pages, &lastKey, &lastSpace)
	t = tablesSeen{there: true, identity: uint64(identity), applied: uint64(applied), ahead: uint64(ahead),
		journal: uint64(journaled), running: running != 0}
	return t, pages, err
}

// opens reads what will be read when the database is opened to be changed: pages that are damaged there end the
// start before that.
func opens(c *sqlite3.Conn, version int64) error {
	var ignored int64
	err := queryInts(c, `SELECT (SELECT max(id) FROM keys) + (SELECT sum(keys) FROM spaces) +
		(SELECT total(value) FROM meta)`, &ignored)
	if err == nil && version >= schemaVersion {
		_, err = pieced(c)
	}
	return err
}

// rollsBack reports whether SQLite will undo what is in the database file first: it was stopped when it created
// the file, before that had tables. From then on there is a WAL in place of such a journal.
func rollsBack(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	var first [1]byte // zero in one that ended in order
	n, err := f.ReadAt(first[:], 0)
	return n > 0 && first[0] != 0, eofIsNil(err)
}

// wholePages reads every page.
func wholePages(c *sqlite3.Conn, path string) error {
	s, _, err := c.Prepare(`PRAGMA quick_check(1)`)
	if err != nil {
		return err
	}
	defer s.Close()
	first := "ok"
	if s.Step() {
		first = s.ColumnText(0)
	}
	if err := s.Err(); err != nil {
		first = err.Error()
	}
	if first != "ok" {
		return &journal.Damage{File: path, Expected: "pages that go together", Found: first}
	}
	return nil
}

// refusal is what the operator reads when the start ends here.
func refusal(err error) error {
	var d *journal.Damage
	if !errors.As(err, &d) {
		return err
	}
	return fmt.Errorf("%w: %w; nothing was changed: put the right file in its place, or start with --set-aside-damaged salvage, which renames "+
		"what is here and goes on with all that can be read of it, or with --set-aside-damaged yes, which begins empty",
		ErrNotWhole, d)
}

// nameOthers says that Redis's own files in the directory are not read. served is when the store was last written to:
// files that are newer come from somebody else who has served this directory meanwhile.
func (st *Store) nameOthers(served time.Time) {
	there := present(st.dir, st.opts.Others)
	if len(there) == 0 {
		return
	}
	fields := []any{"files", strings.Join(there, " ")}
	if i := st.imported; i.Source != "" {
		fields = append(fields, "imported_from", i.Source, "imported_at", i.Time.UTC().Format(time.RFC3339),
			"imported_keys", i.Keys)
	}
	var warning error
	if newest := newestOf(st.dir, there); !served.IsZero() && newest.After(served) {
		fields = append(fields, "written", newest.UTC().Format(time.RFC3339), "served_until", served.UTC().Format(time.RFC3339))
		warning = Warning("they were written after this server's last change: what a Redis has stored here since then is " +
			"in them alone; `diskette import` brings it into another directory")
	}
	st.opts.Log("Redis's files in the data directory are no longer read: the data is in "+databaseFile+" and journal",
		warning, fields...)
}

// lastWritten is when the store's files were last changed; zero = there are none.
func (st *Store) lastWritten() time.Time {
	return newestOf(st.dir, []string{databaseFile, databaseFile + "-wal", stateName, filepath.Base(st.journalDir())})
}

// newestOf is when the newest of the named files, and of those in directories of these names, was written.
func newestOf(dir string, names []string) (newest time.Time) {
	for _, name := range names {
		_ = filepath.WalkDir(filepath.Join(dir, name), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if info, err := d.Info(); err == nil && info.ModTime().After(newest) {
					newest = info.ModTime()
				}
			}
			return nil
		})
	}
	return newest
}

// nameUnreachable says how many keys are in databases whose numbers are not below Options.Databases.
func (st *Store) nameUnreachable() error {
	var keys, last int64
	err := queryInts(st.wb.w.c, `SELECT coalesce(sum(keys), 0), coalesce(max(db), 0) FROM spaces
		WHERE keys > 0 AND db <> `+itoa(ownNumber)+` AND db >= `+itoa(int64(st.opts.Databases)), &keys, &last)
	if err == nil && keys > 0 {
		st.opts.Log("there are keys in databases that no client reaches", Warning(fmt.Sprintf("start with databases %d "+
			"to reach them", last+1)), "keys", keys, "last_database", last, "databases", st.opts.Databases)
	}
	return err
}

// present are those of the names that a directory has.
func present(dir string, names []string) (there []string) {
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			there = append(there, name)
		}
	}
	return there
}

// Warning is an error for Options.Log that ended nothing.
type Warning string

func (w Warning) Error() string { return string(w) }
