package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/journal"
)

// An Outside is the tables of a directory, read without the help of its server and without a change to any file:
//
//	a server has it open    a read-only connection, as any program may have one, and a read transaction that lasts
//	                        until Close, during which the WAL can not be written from its start again
//	nobody has              a connection that changes nothing (lookvfs.go), and a shared lock on the directory, so
//	                        that a server does not start meanwhile
//
// What the journal has and the tables have not is not in it: Unapplied tells how much that is.
type Outside struct {
	Running bool
	LSN     uint64 // the newest record in the tables
	Newest  uint64 // the newest in the journal when it was looked at, before the tables
	// Half: a part of a fold of records beyond LSN is in the tables: the server was killed while the disk was full.
	Half bool

	dir    string
	file   string // the database file
	format int64
	r      *reader
	lock   *os.File // nil = a server has it, or there is none
	alone  *alone   // nil = it is a directory's

	pagesDamaged bool // Check has found so
}

// Unapplied is how many records of the journal the tables do not have.
func (o *Outside) Unapplied() int64 { return max(0, int64(o.Newest-o.LSN)) }

// ErrNoData says that a directory has no data.
var ErrNoData = errors.New("has no data of Diskette's")

// errServerCame ends a look at a directory without a lock file, of which a server was started meanwhile.
var errServerCame = errors.New("a server was started on the directory meanwhile: what was read may be of two moments; do it again")

const outsideMemory = 1 << 30 // bytes that SQLite may take for somebody's query; a reader needs far less

// OpenOutside opens a directory. patience is how long it waits for a server that is in the middle of a fold.
func OpenOutside(dir string, patience time.Duration) (o *Outside, err error) {
	if Fresh(dir) {
		if _, err := os.Stat(dir); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s %w", dir, ErrNoData)
	}
	o = &Outside{dir: dir, file: filepath.Join(dir, databaseFile)}
	if o.lock, o.Running, err = lockShared(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(nameDamage(dir, err), o.Close())
		}
	}()
	if o.Newest, err = journal.Newest(filepath.Join(dir, "journal")); err != nil {
		return o, fmt.Errorf("read the journal: %w", err)
	}
	o.r = &reader{dir: dir, small: smallBytes, cache: besideCache}
	if err = guarded(o.connect); err != nil {
		return o, err
	}
	return o, o.begin(patience)
}

// lockShared takes a lock on the directory that others who only read it may have, too.
func lockShared(dir string) (lock *os.File, running bool, err error) {
	lock, err = os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if err == nil {
		return lock, false, nil
	}
	lock.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, true, nil
	}
	return nil, false, err
}

func (o *Outside) connect() (err error) {
	if _, err := os.Stat(o.file); err != nil {
		return fmt.Errorf("%w: a start makes the tables from the journal, if that has every record", err)
	}
	var c *sqlite3.Conn
	switch {
	case o.Running:
		c, err = openDB(o.dir, "", outsideMemory, true)
	case o.alone != nil && o.alone.foreign:
		c, err = openLookOn(o.file, lookVFS, outsideMemory)
	default:
		c, err = openLookOn(o.file, pagesOver(lookVFS), outsideMemory)
	}
	if err != nil {
		return err
	}
	return o.use(c)
}

// use makes a connection the one that everything is read with.
func (o *Outside) use(c *sqlite3.Conn) (err error) {
	c.Limit(sqlite3.LIMIT_ATTACHED, 0) // ATTACH and VACUUM INTO would write files
	if err = c.Exec(`PRAGMA temp_store = MEMORY`); err == nil {
		err = o.r.prepare(c)
	}
	if err != nil {
		closeConn(c)
	}
	return err
}

// begin begins the transaction in which everything is read.
func (o *Outside) begin(patience time.Duration) error {
	for end := time.Now().Add(patience); ; time.Sleep(besidePause) {
		s := Snapshot{r: o.r}
		var applied, ahead int64
		err := o.r.guard(func() (err error) {
			if err = o.r.ensureTransaction(0); err == nil {
				o.format, err = fileVersion(o.r.c)
			}
			switch {
			case err != nil:
			case o.format == 0:
				err = fmt.Errorf("%s %w: the database file has no tables", o.dir, ErrNoData)
			case o.format < schemaVersion:
				err = fmt.Errorf("%w: a start of the server brings it up to date", errOlderFile)
			default:
				applied, ahead, err = s.appliedLSN()
			}
			return err
		})
		o.LSN, o.Half = uint64(applied), ahead != 0
		if err != nil || !o.Half || !o.Running || time.Now().After(end) {
			return err
		}
		if err := o.r.endTransaction(); err != nil {
			return err
		}
	}
}

// Close ends it. An error may say that what was read is not to be believed.
func (o *Outside) Close() error {
	var errs []error
	if o.r != nil && o.r.c != nil {
		errs = append(errs, o.r.endTransaction(), o.r.close())
	}
	if o.alone != nil {
		errs = append(errs, o.alone.unchanged(o.file))
	} else if o.lock != nil {
		errs = append(errs, o.lock.Close())
	} else if lock, running, err := lockShared(o.dir); !o.Running && (running || lock != nil) && err == nil {
		lock.Close() // it may be nil
		errs = append(errs, errServerCame)
	}
	return errors.Join(errs...)
}
