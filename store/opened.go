package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Opened is what Open found and did, for the line that an operator reads at the start. Sizes are bytes.
type Opened struct {
	Dir           string // absolute
	New           bool   // there was no database: this one is empty
	LastEnd       string // "clean", "not clean" after a kill, a crash or a power cut, "" where New
	Format        int    // version of the database file's format
	Keys          int64  // in all databases, with those that have expired and are not removed yet
	DatabaseBytes int64  // with the WAL
	JournalBytes  int64
	Records, Rows int64         // recovered from the journal
	Recovery      time.Duration // how long that took
}

// Opened describes the start.
func (st *Store) Opened() Opened { return st.opened }

// foundFiles notes what the process before has left, before anything is opened. A server that
// ends in order leaves neither a WAL nor a reserve.
func (st *Store) foundFiles() {
	o := &st.opened
	o.Dir = st.dir
	if abs, err := filepath.Abs(st.dir); err == nil {
		o.Dir = abs
	}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(st.dir, name))
		return !errors.Is(err, fs.ErrNotExist)
	}
	switch o.New = !exists(databaseFile); {
	case o.New:
	case exists(databaseFile+"-wal") || exists(reserveFile):
		o.LastEnd = "not clean"
	default:
		o.LastEnd = "clean"
	}
}

// countOpened takes the figures of a store that is open.
func (st *Store) countOpened() {
	o := &st.opened
	if o.New && o.Records > 0 { // the journal alone has made it anew
		o.New, o.LastEnd = false, "not clean"
	}
	for _, s := range st.dbs[:st.opts.Databases] {
		o.Keys += s.live
	}
	base := filepath.Join(st.dir, databaseFile)
	o.DatabaseBytes = fileBytes(base) + fileBytes(base+"-wal")
	o.JournalBytes = st.journal.Stats().Bytes
}
