package store

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

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
	Memory    int64          // what the process may take in all, in bytes; 0 = no bound. See sizes.go
	Policy    journal.Policy // when the journal is fsynced

	// Unverified: the pages' checksums are written and not compared, so that other programs may checkpoint the WAL.
	Unverified bool

	OnDamage       OnDamage      // what Open does with a directory that is not whole
	AllowNetworkFS bool          // accept a data directory on NFS, SMB and the like
	ReserveBytes   int64         // kept free for deletions on a full disk; 0 = 32 MiB, less on a small disk, < 0 = none
	SegmentBytes   int64         // journal segment size; 0 = its default
	WriteBackDelay time.Duration // age of the oldest change at which write-back begins; 0 = its default
	WriteBackRows  int           // distinct rows at which it begins; 0 = its default

	Bounds *Bounds // as by SetBounds, from the start on; nil = none

	Others []string // names in the directory of files that are not this store's, and may have been imported

	Hooks Hooks
	Log   func(event string, err error, fields ...any) // what an operator should know; nil = nothing

	// For tests: what counts as a small value, as a large collection and as a large young generation of a part of one;
	// how far memory may be over its bound before writers wait for an index, and how long; faults below SQLite and the
	// journal.
	small         int64
	pagedElements int
	youngBytes    int64
	growthSlack   int64
	growthWait    time.Duration
	upkeep        upkeep
	VFS           string
	Fault         func(files.Call) (allow int, err error)
}

// OnDamage says what Open does with a data directory that is not whole.
type OnDamage int

const (
	Refuse     OnDamage = iota // changes nothing
	BeginEmpty                 // renames what is there
	// Salvage renames it and goes on with all that can be read; it reads all of the database to look for damage.
	Salvage
)

// Hooks are called under the keyspace lock, but for Rested. They must be quick, and of the store they may ask EventLSN
// and no more.
type Hooks struct {
	Touched func(db int, key string) // a key was changed, created or removed
	Created func(db int, key string) // a key was added under a name that nothing had
	Missed  func(db int, key string) // a command looked for a key to read it, and there is none
	Expired func(db int, key string) // a key was removed because its deadline passed
	Evicted func(db int, key string) // a key was removed to make room on the disk
	Overdue func() bool              // a command that reads came upon an expired key: is the key to be removed at once?
	// FieldExpired: a field of a hash was removed because its deadline passed. FieldsExpired comes when a hash has lost
	// some so; gone: the last, and so the key.
	FieldExpired  func(db int, key, field string)
	FieldsExpired func(db int, key string, gone bool)
	Flushed       func(db int)              // a database is about to be emptied
	Swapped       func(a, b int, now int64) // two databases were exchanged
	Rested        func()                    // much memory was let go of: it waits for the collector
}

// ErrInUse says that another server has the data directory open.
var ErrInUse = errors.New("the data directory is in use by another server")

// Store is the keyspace: hot keys in memory, every key in SQLite, the changes between the
// two in the journal. See the package comment for the way of a command.
type Store struct {
	opts     Options
	sizes    sizes
	dir      string
	disk     files.Disk
	vfs      string // SQLite's file system, of this store
	hooks    Hooks
	lock     *os.File // flock on the data directory
	state    *journal.StateFile
	journal  *journal.Journal
	readers  readers
	passages passages
	places   []placed
	started  time.Time

	mu                   keyspaceLock // the keyspace lock; the fields up to the blank line are under it
	busy                 bool         // a command that is not over lets others look in: see busy.go
	notBusy              sync.Cond    // the command that let others look in is over
	tx                   Tx
	dbs                  []*space // by database number
	flushed              []*space // emptied ones whose objects are still to be let go
	nextSpace            int64
	newest, oldest, hand *object // SIEVE
	hotBytes, hotObjects int64
	filterBytes          int64 // that of hotBytes which filters take
	absent               []*object
	absentNext           int
	due                  expire.Queue[*object]
	dueFields            expire.Queue[*fieldDeadlines] // hashes, by their earliest field deadline
	births               []birth                       // keys created since the applied LSN, by id: not in the tables
	renamed              renamedKeys                   // since the applied LSN
	tombstones           []tombstone                   // deleted names, in LSN order, until applied
	stats                counters
	reading              reading  // the evictor's: see ordering.go
	order                ordering // the same
	tally                tallies

	ids        ids
	applied    atomic.Uint64               // newest LSN in the tables
	backlog    atomic.Int64                // journal bytes that are not
	maxMemory  atomic.Int64                // bound of hotBytes
	over       atomic.Int64                // what they had beyond it when somebody looked last
	parted     atomic.Uint64               // the last LSN that a part of a collection waits for
	countUses  atomic.Pointer[UseCounting] // see uses.go
	luck       luck
	onDisk     atomic.Pointer[diskSizes] // follows the bounds; never nil once the directory is open
	bounds     atomic.Pointer[Bounds]    // see bounds.go; never nil
	before     int64                     // since Open: see before_bounds.go
	closed     atomic.Bool
	writeError atomic.Pointer[error] // why write-back can not go on just now
	wb         writeBack
	reserve    reserve
	room       room
	side       side
	wal        walHeld
	trouble    trouble
	opened     Opened
	imported   Imported
	sweep      sweepState
	stirred    chan struct{} // see Rest
	turns      turns
	names      nameScans
	damage     damage
	paged      paged
	filters    filters
}

// birth and tombstone note an object as it was at one LSN.
type birth struct {
	id int64
	o  *object
}

type tombstone struct {
	o   *object
	lsn uint64
}

type counters struct {
	expired, expiredFields, changes, loads, loadNanos, unloaded int64

	evicted, evictedBytes, evictedAgeMillis int64
	evictedAgeKnown                         bool
}

// Close writes everything back and closes the files. It is an error if not everything could be
// read lately, too. The caller has stopped all commands.
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
