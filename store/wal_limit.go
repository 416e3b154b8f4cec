package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// ErrWALHeld says that the WAL has grown to its limit, because a program that reads the database has not ended its
// transaction: as long as that lasts the WAL can not be written from its start again.
var ErrWALHeld = errors.New("the WAL is at wal-limit, because a program reads the database in a transaction that it does not end: " +
	"let it end, or end it (fuser names the processes that have the file open)")

// SmallestWALLimit is the least that SetWALLimit takes: below it write-back would wait for readers that hold nothing
// up.
const SmallestWALLimit = 4 * walPages * pageBytes // 62.5 MiB: 64mb is taken

// walHeld is what is known of a reader outside that keeps the WAL from being written from its start.
type walHeld struct {
	limit     atomic.Int64 // bytes, 0 = none
	snapshots atomic.Int32 // this process's own, which have a reason to hold the WAL, and end
	since     atomic.Int64 // unix ms, 0 = nobody holds it
	used      int64        // pages of it that are in use, about, in a recovery
	impatient bool         // the apply goroutine's: somebody has held it for long, so it is not waited for
}

// SetWALLimit changes at any time how large the WAL may become, in bytes, before write-back waits for whoever keeps it
// from being written from its start; 0 = as large as it will. It is no less than SmallestWALLimit.
func (st *Store) SetWALLimit(bytes int64) {
	if bytes > 0 {
		bytes = max(bytes, SmallestWALLimit)
	}
	st.wal.limit.Store(bytes)
}

// WALHeldMillis is for how long a reader outside has held the WAL, 0 = nobody does.
func (st *Store) WALHeldMillis() int64 {
	since := st.wal.since.Load()
	if since == 0 {
		return 0
	}
	return max(1, time.Now().UnixMilli()-since)
}

// noteWAL looks, after a checkpoint, whether somebody holds a WAL that has become long: frames of it are not in the
// database file then.
func (st *Store) noteWAL(frames, moved int) {
	long := min(int64(SmallestWALLimit), 4*int64(st.opts.upkeep.walPages)*pageBytes)
	held := frames > moved && int64(frames)*pageBytes >= long && st.wal.snapshots.Load() == 0
	switch since := st.wal.since.Load(); {
	case held && since == 0:
		st.wal.since.Store(time.Now().UnixMilli())
		st.opts.Log("a program reads the database in a transaction that it does not end: until then the WAL grows",
			Warning("let it end, or end it: fuser names the processes that have the file open"), "wal_bytes", st.walBytes(),
			"wal_limit", st.wal.limit.Load())
	case !held && since != 0 && (frames == moved || st.wal.snapshots.Load() > 0):
		st.wal.since.Store(0)
		st.opts.Log("nobody holds the WAL any more", nil, "wal_bytes", st.walBytes(), "seconds",
			float64(time.Now().UnixMilli()-since)/1000)
	}
}

// awaitWAL says ErrWALHeld when the WAL is at its limit and can not be begun anew. It is the apply goroutine's.
func (st *Store) awaitWAL() error {
	limit := st.wal.limit.Load()
	if limit == 0 || st.walBytes() < limit || st.wal.snapshots.Load() > 0 {
		return nil
	}
	st.readers.renew()
	frames, moved, err := st.wb.w.restartWAL()
	st.noteWAL(frames, moved)
	if errors.Is(err, sqlite3.BUSY) {
		return fmt.Errorf("%w: %d bytes of %d", ErrWALHeld, st.walBytes(), limit)
	}
	return err
}

// beginWALAnew keeps B1: a bound leaves the WAL room for one write-back, so the next one must not come behind it. Where
// eviction is to mend a full disk, the disk is the bound. Who reads what is older is waited for, as long as that can be
// this process alone; a program outside may take its time.
func (st *Store) beginWALAnew() {
	const patience = 250 * time.Millisecond
	if b := st.Bounds(); b.Disk <= 0 && !b.evicts() || st.wal.snapshots.Load() > 0 {
		return
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		_, _, err := st.wb.w.restartWAL()
		if !errors.Is(err, sqlite3.BUSY) {
			st.wal.impatient = false // what fails is told by the next write-back
			return
		}
		if st.wal.impatient || time.Now().After(end) {
			st.wal.impatient = true // until it works
			return
		}
		st.readers.renew()
	}
}

// restartWAL moves the WAL into the database file and has the next transaction write it from its start. BUSY: somebody
// reads from it.
func (w *writer) restartWAL() (frames, moved int, err error) {
	err = w.guard(func() error {
		if err := w.c.BusyTimeout(0); err != nil {
			return err
		}
		frames, moved, err = w.c.WALCheckpoint("main", sqlite3.CHECKPOINT_RESTART)
		return errors.Join(err, w.c.BusyTimeout(lockPatience))
	})
	return frames, moved, err
}

func (st *Store) walBytes() int64 { return fileBytes(filepath.Join(st.dir, databaseFile+"-wal")) }

// holdsWAL counts a snapshot of this process's until the returned function is called.
func (st *Store) holdsWAL() (ended func()) {
	st.wal.snapshots.Add(1)
	return func() { st.wal.snapshots.Add(-1) }
}
