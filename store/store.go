package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"diskette/expire"
	"diskette/store/files"
	"diskette/store/journal"
)

// Options says where and how a Store keeps its data.
type Options struct {
	Dir       string         // the data directory, created if needed
	Databases int            // how many SELECT knows; 0 = 16
	MaxMemory int64          // bound of the hot set in bytes; 0 = 128 MiB
	Policy    journal.Policy // when the journal is fsynced

	OnDamage       OnDamage      // what Open does with a directory that is not whole
	AllowNetworkFS bool          // accept a data directory on NFS, SMB and the like
	ReserveBytes   int64         // kept free for deletions on a full disk; 0 = 32 MiB, < 0 = none
	SegmentBytes   int64         // journal segment size; 0 = its default
	WriteBackDelay time.Duration // age of the oldest change at which write-back begins; 0 = its default
	WriteBackRows  int           // distinct rows at which it begins; 0 = its default

	Hooks Hooks
	Log   func(event string, err error, fields ...any) // what an operator should know; nil = nothing

	// For tests: faults below SQLite and the journal.
	upkeep upkeep
	VFS    string
	Fault  func(files.Call) (allow int, err error)
}

// OnDamage says what Open does with a data directory that is not whole.
type OnDamage int

const (
	Refuse     OnDamage = iota // changes nothing
	BeginEmpty                 // renames what is there
	Salvage                    // renames it and goes on with all that can be read; it reads all of the database to look for damage
)

// Hooks are called under the keyspace lock. They must be quick, and of the store they may ask EventLSN and no more.
type Hooks struct {
	Touched func(db int, key string) // a key was changed, created or removed
	Created func(db int, key string) // a key was added under a name that nothing had
	Missed  func(db int, key string) // a command looked for a key to read it, and there is none
	Expired func(db int, key string) // a key was removed because its deadline passed
	Overdue func() bool              // a command that reads came upon such a key: is it to be removed at once?
	// FieldsExpired: fields of a hash were removed because their deadline passed; gone: the last, and so the key.
	FieldsExpired func(db int, key string, gone bool)
	Flushed       func(db int)              // a database is about to be emptied
	Swapped       func(a, b int, now int64) // two databases were exchanged
}

// ErrInUse says that another server has the data directory open.
var ErrInUse = errors.New("the data directory is in use by another server")

// Store is the keyspace: hot keys in memory, every key in SQLite, the changes between the
// two in the journal. See the package comment for the way of a command.
type Store struct {
	opts    Options
	dir     string
	disk    files.Disk
	vfs     string // SQLite's file system, of this store
	hooks   Hooks
	lock    *os.File // flock on the data directory
	state   *journal.StateFile
	journal *journal.Journal
	readers readers
	places  []placed
	started time.Time

	mu                   sync.Mutex // the keyspace lock; the fields up to the blank line are under it
	midway               bool       // a command that is not over lets others look in: see midway.go
	over                 sync.Cond  // it is
	tx                   Tx
	dbs                  []*space // by database number
	flushed              []*space // emptied ones whose objects are still to be let go
	nextSpace            int64
	newest, oldest, hand *object // SIEVE
	hotBytes, hotObjects int64
	absent               []*object
	absentNext           int
	due                  expire.Queue[*object]
	dueFields            expire.Queue[*fieldDeadlines] // hashes, by their earliest field deadline
	births               []birth                       // keys created since the applied LSN, in id order: not yet in the tables
	renamed              map[int64]*object             // keys renamed since then, by id
	tombs                []tomb                        // deleted names, in LSN order, until applied
	stats                counters

	ids        ids
	applied    atomic.Uint64               // newest LSN in the tables
	backlog    atomic.Int64                // journal bytes that are not
	maxMemory  atomic.Int64                // bound of hotBytes
	countUses  atomic.Pointer[UseCounting] // see uses.go
	closed     atomic.Bool
	writeError atomic.Pointer[error] // why write-back can not go on just now
	wb         writeBack
	reserve    reserve
	trouble    trouble
	opened     Opened
	sweep      sweepState
	lists      scanLists
	damage     damage
}

// birth and tomb note an object as it was at one LSN.
type birth struct {
	id int64
	o  *object
}

type tomb struct {
	o   *object
	lsn uint64
}

type counters struct {
	hits, misses, expired, expiredFields, changes, loads, loadNanos, unloaded int64
}

// Open opens the data directory, creating it if it is not there, and brings the tables up to
// the journal's end: recovery is write-back run to the end before anybody is served.
func Open(o Options) (_ *Store, err error) {
	if o.Databases == 0 {
		o.Databases = 16
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = 128 << 20
	}
	if o.upkeep == (upkeep{}) {
		o.upkeep = usualUpkeep
	}
	if o.Log == nil {
		o.Log = func(string, error, ...any) {}
	}
	st := &Store{opts: o, dir: o.Dir, disk: files.Disk{Fault: o.Fault}, hooks: o.Hooks, started: time.Now(), renamed: map[int64]*object{}}
	st.maxMemory.Store(o.MaxMemory)
	st.tx.st = st
	st.over.L = &st.mu
	if err := st.openDir(); err != nil {
		return nil, st.hindered(err)
	}
	defer func() {
		if err != nil {
			st.release()
			err = st.hindered(err)
		}
	}()
	st.vfs = registerVFS(o.VFS, st.disk)
	if err := st.resume(); err != nil {
		return nil, err
	}
	st.foundFiles()
	if err := st.openFiles(); err != nil {
		if o.OnDamage == Refuse || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotWhole) {
			return nil, err
		}
		if err := st.afterDamage(err); err != nil {
			return nil, err
		}
	}
	st.nameOthers()
	if err := st.openReaders(); err != nil {
		return nil, nameDamage(st.dir, err)
	}
	st.reserve.open(st)
	st.countOpened()
	if err := st.notePlaces(); err != nil {
		return nil, err
	}
	st.startWriteBack()
	return st, nil
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
		c, err = openWriter(st.dir, st.vfs, st.state.Get().Identity)
		return err
	})
	if err != nil {
		return err
	}
	if err := st.noteVersion(c); err != nil {
		closeConn(c)
		return damaged(st.dir, err)
	}
	w, err := newWriter(c, st.disk, st.dir, st.vfs, &st.readers, &st.ids)
	if err != nil {
		closeConn(c)
		return err
	}
	st.wb.w = w
	var nextID int64
	err = queryInts(c, `SELECT max(coalesce((SELECT value FROM meta WHERE name = 'next_id'), 1),
			(SELECT coalesce(max(id), 0) + 1 FROM keys WHERE id < `+itoa(mostID)+`)),
		max(coalesce((SELECT value FROM meta WHERE name = 'next_space'), 1), (SELECT coalesce(max(space), 0) + 1 FROM spaces))`,
		&nextID, &st.nextSpace)
	if err != nil {
		closeConn(c)
		return damaged(st.dir, err)
	}
	st.ids.above(nextID - 1)
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
	err := st.disk.SyncDir(st.dir) // SQLite does not make its files' names last, and a WAL that is lost is taken for damage
	if s := st.state.Get(); err == nil && s.Before != s.Identity {
		err = st.state.Set(func(s *journal.State) { s.Before = s.Identity })
	}
	if err != nil {
		return err
	}
	j, err := journal.Start(found, st.state, journal.Options{
		Policy:       st.opts.Policy,
		SegmentBytes: st.opts.SegmentBytes,
		Committed:    st.committed,
		Torn:         st.tornEnd,
		Full:         st.reserve.release,
		Failed:       func(err error) { st.trouble.passed.Store(&err) },
		Disk:         st.disk,
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

// openSpaces reads which space each database has. A database that has none gets one as by FLUSHDB, by a record in the journal: from
// a journal that begins with record 1 everything can be made anew.
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
	const n = 3
	st.readers.free = make(chan *reader, n)
	for range n {
		r, err := openReader(st.dir, st.vfs)
		if err != nil {
			return err
		}
		st.readers.all = append(st.readers.all, r)
		st.readers.free <- r
	}
	return nil
}

// Close writes everything back and closes the files. It is an error if not everything could be read lately, too. The caller has stopped all commands.
func (st *Store) Close() error {
	if st.closed.Swap(true) {
		return nil
	}
	err := st.stopWriteBack()
	if err == nil {
		err = st.misplaced() // what the tables have ends with the process
	}
	if err == nil && !st.damage.met.Load() {
		if err = st.wb.w.disown(); err == nil {
			st.workedWriting()
		}
	}
	if err == nil {
		err = st.DamageError()
	}
	switch released := st.release(); {
	case err == nil:
		return released
	case released != nil:
		return fmt.Errorf("%w (and when the files were closed: %w)", err, released)
	}
	return err
}

// release closes what is open, in any state of Open.
func (st *Store) release() error {
	errs := []error{st.closeFiles()}
	st.reserve.close()
	vfs.Unregister(st.vfs)
	vfs.Unregister("pages:" + st.vfs)
	if st.lock != nil {
		errs = append(errs, st.lock.Close())
	}
	return errors.Join(errs...)
}

// closeFiles closes the journal and the database.
func (st *Store) closeFiles() error {
	var errs []error
	if st.journal != nil {
		errs = append(errs, st.journal.Close())
	}
	if len(st.readers.all) > 0 {
		errs = append(errs, st.readers.close())
	}
	if st.wb.w != nil {
		errs = append(errs, closeConn(st.wb.w.c))
	}
	if st.state != nil {
		errs = append(errs, st.state.Close())
	}
	return errors.Join(errs...)
}

// SetMaxMemory changes the hot set's bound in bytes. Commands and the sweeper then unload what
// is over it, a slice at a time.
func (st *Store) SetMaxMemory(bytes int64) { st.maxMemory.Store(bytes) }

// MaxMemory is the hot set's bound in bytes.
func (st *Store) MaxMemory() int64 { return st.maxMemory.Load() }

// SetPolicy changes when the journal is fsynced.
func (st *Store) SetPolicy(p journal.Policy) { st.journal.SetPolicy(p) }

// bytesOf views a string as bytes, never nil; they must not be changed.
func bytesOf(s string) []byte {
	if s == "" {
		return emptyString
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}

// viewString views bytes as a string that lives no longer than they do.
func viewString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
