package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A file that is deleted, renamed or replaced while the server has it open takes everything that is written to it
// away when the server ends, and nothing fails before that. So the names are compared with the open files: each
// second, before the journal lets go of what the tables have, and at the end. Until the file is back under its
// name writes are refused (I8), reads go on, and the journal keeps every record from then on.

// ErrMisplaced says that a file of the data directory is not under its name any more.
var ErrMisplaced = errors.New("a file that the server has open was deleted, renamed or replaced")

// placed is a file that is open and must stay where it is.
type placed struct {
	path string
	info os.FileInfo
}

const placesEvery = time.Second

// notePlaces notes where the open files are: once they all are.
func (st *Store) notePlaces() error {
	for _, name := range []string{databaseFile, databaseFile + "-wal", stateName, lockFile} {
		path := filepath.Join(st.dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMisplaced, err)
		}
		st.places = append(st.places, placed{path, info})
	}
	return nil
}

// misplaced says which file is not where it was.
func (st *Store) misplaced() error {
	for _, p := range st.places {
		switch info, err := os.Stat(p.path); {
		case err == nil && os.SameFile(info, p.info):
		case err == nil:
			return fmt.Errorf("%w: another file is now at %s; "+putBack, ErrMisplaced, p.path, os.Getpid())
		case errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("%w: %s is not there; "+putBack, ErrMisplaced, p.path, os.Getpid())
		default: // nothing is known
		}
	}
	return nil
}

// putBack is what an operator can do.
const putBack = "move it back under that name, and writes are accepted again; if it was deleted, do not stop the server before " +
	"what it holds is copied: /proc/%d/fd has the file while the server runs, and clients can read every key"

// watchPlaces refuses writes while a file is misplaced, and accepts them again when it is back. The fold goroutine
// calls it.
func (st *Store) watchPlaces(now time.Time) {
	wb := &st.wb
	if now.Sub(wb.placesSeen) < placesEvery {
		return
	}
	wb.placesSeen = now
	err := st.misplaced()
	wb.mu.Lock()
	defer wb.mu.Unlock()
	switch was := st.writeError.Load(); {
	case err != nil && was == nil:
		st.setWriteErrorLocked(err)
	case err == nil && was != nil && errors.Is(*was, ErrMisplaced):
		st.writeError.Store(nil)
	}
}

// drop lets the journal go of what the tables have, if these are in the file that the next start will find.
func (st *Store) drop(applied uint64) {
	if st.misplaced() == nil {
		st.journal.Drop(applied)
	}
}
