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

	SetAsideDamaged bool          // rename a damaged database file and start empty
	AllowNetworkFS  bool          // accept a data directory on NFS, SMB and the like
	ReserveBytes    int64         // kept free for deletions on a full disk; 0 = 32 MiB, < 0 = none
	SegmentBytes    int64         // journal segment size; 0 = its default
	WriteBackDelay  time.Duration // age of the oldest change at which write-back begins; 0 = its default
	WriteBackRows   int           // distinct rows at which it begins; 0 = its default

	Hooks Hooks
	Log   func(event string, err error, fields ...any) // what an operator should know; nil = nothing

	// For tests: faults below SQLite and the journal.
	VFS   string
	Fault func(files.Call) (allow int, err error)
}

// Hooks are called under the keyspace lock. They must be quick, and of the store they may ask EventLSN and no more.
type Hooks struct {
	Touched func(db int, key string) // a key was changed, created or removed
	Created func(db int, key string) // a key was added under a name that nothing had
	Missed  func(db int, key string) // a command looked for a key to read it, and there is none
	Expired func(db int, key string) // a key was removed because its deadline passed
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
	hooks   Hooks
	lock    *os.File // flock on the data directory
	journal *journal.Journal
	readers readers
	started time.Time

	mu                   sync.Mutex // the keyspace lock; the fields up to the blank line are under it
	midway               bool       // a command that is not over lets others look in: see midway.go
	over                 sync.Cond  // it is
	tx                   Tx
	dbs                  []*space // by database number
	flushed              []*space // emptied ones whose objects are still to be let go
	nextID               int64
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

	applied    atomic.Uint64 // newest LSN in the tables
	backlog    atomic.Int64  // journal bytes that are not
	maxBacklog int64
	maxRows    int                         // of the pending fold, past which writers wait
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
	hits, misses, expired, changes, loads, loadNanos, unloaded int64
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
	if o.Log == nil {
		o.Log = func(string, error, ...any) {}
	}
	st := &Store{opts: o, dir: o.Dir, disk: files.Disk{Fault: o.Fault}, hooks: o.Hooks, started: time.Now(), renamed: map[int64]*object{}}
	st.maxMemory.Store(o.MaxMemory)
	st.tx.st = st
	st.over.L = &st.mu
	if err := st.openDir(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			st.release()
		}
	}()
	st.foundFiles()
	st.reserve.discard(st.dir) // recovery may need the room
	if err := st.openFiles(); err != nil {
		if !errors.Is(err, ErrDamaged) || !o.SetAsideDamaged {
			return nil, err
		}
		if err := st.setAside(err); err != nil {
			return nil, err
		}
		if err := st.openFiles(); err != nil {
			return nil, err
		}
	}
	if err := st.openReaders(); err != nil {
		return nil, err
	}
	st.reserve.open(st)
	st.countOpened()
	st.startWriteBack()
	return st, nil
}

// openFiles opens the database and brings it up to the journal's end.
func (st *Store) openFiles() error {
	if err := st.openDatabase(); err != nil {
		return err
	}
	return st.recover()
}

// setAside renames the damaged database and its journal, so that openFiles starts new ones.
func (st *Store) setAside(damage error) error {
	_ = st.closeFiles() // the damage may show again
	st.journal, st.wb.w = nil, nil
	renamed, err := setAside(st.disk, st.dir, time.Now().UTC().Format("20060102-150405"))
	if err != nil {
		return errors.Join(damage, err)
	}
	if err := st.disk.Rename(st.journalDir(), renamed+"-journal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return errors.Join(damage, err)
	}
	st.opts.Log("damaged database set aside, starting empty", damage, "renamed", renamed)
	return nil
}

func (st *Store) journalDir() string { return filepath.Join(st.dir, "journal") }

// openDatabase opens the writing connection and reads what the store keeps in memory of the tables.
func (st *Store) openDatabase() error {
	// A recovery that was killed may have left an applied LSN in the WAL that no fsync has reached: it
	// must, before the journal's segments up to it are dropped.
	if err := syncWAL(st.dir); err != nil {
		return err
	}
	var c *sqlite3.Conn
	err := guarded(func() (err error) {
		c, err = openWriter(st.dir, st.opts.VFS)
		return err
	})
	if err != nil {
		return err
	}
	w, err := newWriter(c, st.dir, st.opts.VFS, &st.readers)
	if err != nil {
		closeConn(c)
		return err
	}
	st.wb.w = w
	err = queryInts(c, `SELECT max(coalesce((SELECT value FROM meta WHERE name = 'next_id'), 1), (SELECT coalesce(max(id), 0) + 1 FROM keys)),
		max(coalesce((SELECT value FROM meta WHERE name = 'next_space'), 1), (SELECT coalesce(max(space), 0) + 1 FROM spaces))`,
		&st.nextID, &st.nextSpace)
	if err != nil {
		closeConn(c)
		return damaged(st.dir, err)
	}
	st.applied.Store(w.applied)
	return nil
}

// recover opens the journal, applies its tail and reads the databases.
func (st *Store) recover() error {
	// The journal drops what the tables hold, but a recovery that was killed has left them without an fsync.
	if err := st.wb.w.sync(st.applied.Load()); err != nil {
		return damaged(st.dir, err)
	}
	j, err := journal.Open(st.journalDir(), st.applied.Load(), journal.Options{
		Policy:       st.opts.Policy,
		SegmentBytes: st.opts.SegmentBytes,
		Committed:    st.committed,
		Torn: func(segment string, offset, dropped int64, reason string) {
			st.opts.Log("journal tail cut off", nil, "segment", segment, "offset", offset, "dropped_bytes", dropped, "reason", reason)
		},
		Full:   st.reserve.release,
		Failed: func(err error) { st.trouble.passed.Store(&err) },
		Disk:   st.disk,
	})
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	st.journal = j
	start := time.Now()
	if err := st.replay(); err != nil {
		return fmt.Errorf("recover from the journal: %w", err)
	}
	st.opened.Recovery = time.Since(start)
	return st.openSpaces()
}

// openSpaces reads which space each database has, giving new databases theirs.
func (st *Store) openSpaces() error {
	w := st.wb.w
	err := w.transaction(func() {
		number := func(db int) {
			if _, ok := w.spaceOf[db]; !ok {
				w.run(w.mapSpace, st.nextSpace, int64(db))
				w.spaceOf[db] = st.nextSpace
				st.nextSpace++
			}
		}
		for db := range st.opts.Databases {
			number(db)
		}
		number(ownNumber)
		w.run(w.meta, "next_space", st.nextSpace)
	})
	if err != nil {
		return fmt.Errorf("create databases: %w", damaged(st.dir, err))
	}
	st.dbs = make([]*space, st.opts.Databases+1)
	s, _, err := w.c.Prepare(`SELECT db, space, keys, expiring FROM spaces WHERE db < ?1 OR db = ?2`)
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

func (st *Store) openReaders() error {
	const n = 3
	st.readers.free = make(chan *reader, n)
	for range n {
		r, err := openReader(st.dir, st.opts.VFS)
		if err != nil {
			return err
		}
		st.readers.all = append(st.readers.all, r)
		st.readers.free <- r
	}
	return nil
}

// Close writes everything back and closes the files. The caller has stopped all commands.
func (st *Store) Close() error {
	if st.closed.Swap(true) {
		return nil
	}
	err := st.stopWriteBack()
	return errors.Join(err, st.release())
}

// release closes what is open, in any state of Open.
func (st *Store) release() error {
	errs := []error{st.closeFiles()}
	st.reserve.close()
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
