package store

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// reserve is disk space kept in a file that holds nothing. When the disk is full it is given
// up, so that the journal and SQLite can still record deletions and expiries, which make room;
// while it is gone, commands that would need more disk are refused. Once the file can
// be made again, they are accepted again: nobody has to do anything.
type reserve struct {
	mu      sync.Mutex
	path    string
	bytes   atomic.Int64 // not above 0 = there is none
	gone    atomic.Bool
	lastTry time.Time
	failed  time.Time // when a refill last gave back what it had got so far
}

const reserveFile = "reserve"

func (r *reserve) open(st *Store) {
	r.path = filepath.Join(st.dir, reserveFile)
	r.bytes.Store(cmp.Or(st.opts.ReserveBytes, st.onDisk.Load().reserve))
	if st.opts.ReserveBytes < 0 {
		return
	}
	r.gone.Store(true)
	r.refill(st)
}

// discard removes what a process that was killed has left.
func (r *reserve) discard(dir string) { os.Remove(filepath.Join(dir, reserveFile)) }

// release gives the space up, and reports whether there is more room now. There is, too, when a refill has just held
// what was left of the disk without getting enough.
func (r *reserve) release() (room bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes.Load() <= 0 {
		return false
	}
	if r.gone.Swap(true) {
		return time.Since(r.failed) < time.Second
	}
	r.lastTry = time.Now()
	return os.Truncate(r.path, 0) == nil
}

// refill takes the space again if it can, at most once a second.
func (r *reserve) refill(st *Store) {
	if !r.gone.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.lastTry) < time.Second {
		return
	}
	r.lastTry = time.Now()
	if err := r.allocate(st); err != nil {
		os.Truncate(r.path, 0)
		r.failed = time.Now()
		return
	}
	r.gone.Store(false)
}

func (r *reserve) allocate(st *Store) error {
	f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(st.disk.Allocate(f, r.bytes.Load(), allocate), f.Close())
}

// missing is how many pages the file system has too few for the reserve, and for a little beside it.
func (r *reserve) missing(st *Store) (pages int64) {
	const beside = 1 << 20
	free := freeBytes(st.dir)
	if free < 0 {
		return 0
	}
	return max(0, r.bytes.Load()+beside-free+pageBytes-1) / pageBytes
}

// follow makes the reserve as large as the bounds say now. A larger one is taken as if it had been given up.
func (r *reserve) follow(st *Store) {
	want := cmp.Or(st.opts.ReserveBytes, st.onDisk.Load().reserve)
	if r.bytes.Load() <= 0 || r.bytes.Load() == want {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.bytes.Swap(want)
	if r.gone.Load() {
		return
	}
	if want < was {
		_ = os.Truncate(r.path, want) // else it is larger than it has to be
	} else if r.allocate(st) != nil {
		os.Truncate(r.path, 0)
		r.gone.Store(true)
	}
}

func (r *reserve) close() {
	if r.path != "" {
		os.Remove(r.path)
	}
}

// DiskFull reports that the disk refused something and deletions alone are accepted.
func (st *Store) DiskFull() bool { return st.reserve.bytes.Load() > 0 && st.reserve.gone.Load() }

// noSpace reports whether an error may say that the disk is full. From SQLite's own VFS a write to a full disk
// comes as an I/O error like any other [measured], and to treat those alike does no harm.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, sqlite3.FULL) ||
		errors.Is(err, sqlite3.IOERR_WRITE) || errors.Is(err, sqlite3.IOERR_SHMSIZE)
}

// IsDiskFull reports whether an error of Wait, Flush or WriteError says that there is no room on the disk.
func IsDiskFull(err error) bool {
	return errors.Is(err, ErrDiskFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, sqlite3.FULL)
}

// explained names the full disk behind an I/O error of SQLite, if it is that, and another program's lock.
func (st *Store) explained(err error) error {
	err = nameLock(err)
	if free := freeBytes(st.dir); noSpace(err) && !IsDiskFull(err) && free >= 0 && free < refusedBelow {
		return fmt.Errorf("%w (%w)", ErrDiskFull, err)
	}
	return err
}

// refusedBelow is how many free bytes make a failed write of SQLite one for want of room: more than it writes at once.
var refusedBelow int64 = 1 << 20 // tests raise it

func writeZeros(f *os.File, n int64) error {
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < n; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), n-at)], at); err != nil {
			return err
		}
	}
	return nil
}
