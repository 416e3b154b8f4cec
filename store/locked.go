package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// ErrLocked says that another program is in a transaction that writes to the database file, and that the tables
// take nothing meanwhile.
var ErrLocked = errors.New("another program holds the write lock of the database file: let it end its transaction, " +
	"or end it (fuser names the processes that have the file open)")

// lockPatience is how long a transaction of write-back waits for another program's lock, before it is told of.
const lockPatience = time.Second

// flushPatience is how long Flush waits for another program's lock.
const flushPatience = 5 * time.Second

// lockedOut is that another program's lock keeps write-back from the tables. The journal takes writes meanwhile:
// they are refused only once there is no more room for what waits.
type lockedOut struct {
	since time.Time
	err   error
}

// nameLock names another program's lock as what it is.
func nameLock(err error) error {
	if errors.Is(err, sqlite3.BUSY) && !errors.Is(err, ErrLocked) {
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return err
}

// serve makes transactions wait for no more than lockPatience, and long work give way to clients.
func (w *writer) serve() error {
	w.giveWay(true)
	return w.c.BusyTimeout(lockPatience)
}

// giveWay says whether long work gives way to clients. Any goroutine may.
func (w *writer) giveWay(to bool) {
	w.serving.Store(to)
	if d, ok := vfs.Find(w.vfs).(*doubtVFS); ok {
		d.serving.Store(to)
	}
}

// noteLock takes note of an attempt that another program's lock has kept from writing, and reports whether writes
// are to be refused.
func (st *Store) noteLock(err error) (refuse bool) {
	wb := &st.wb
	if wb.lockedOut.Load() == nil {
		wb.lockedOut.Store(&lockedOut{time.Now().Add(-lockPatience), nameLock(err)})
		event, why := "write-back waits for another program's lock: writes go on as long as the journal has room", ErrLocked
		if errors.Is(err, ErrWALHeld) {
			event, why = "write-back waits for a program that reads: writes go on as long as the journal has room", ErrWALHeld
		}
		st.opts.Log(event, Warning(why.Error()), st.diskFigures()...)
	}
	wb.mu.Lock()
	wb.applied.Broadcast()
	wb.mu.Unlock()
	return st.noRoom()
}

// lockIsGone notes that write-back has written.
func (st *Store) lockIsGone() {
	if l := st.wb.lockedOut.Swap(nil); l != nil { // or the WAL is let go: see wal_limit.go
		took := time.Since(l.since).Round(time.Millisecond)
		st.opts.Log("the other program's lock is gone: write-back goes on", nil, "seconds", took.Seconds())
	}
}

// lockedLong returns what Flush answers when it has waited long enough for another program.
func (st *Store) lockedLong() error {
	if l := st.wb.lockedOut.Load(); l != nil && time.Since(l.since) >= flushPatience {
		return l.err
	}
	return nil
}
