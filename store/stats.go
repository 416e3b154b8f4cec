package store

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"diskette/store/journal"
)

// Stats are the store's figures for INFO and metrics. Counters count since the start or
// ResetStats, sizes are bytes.
type Stats struct {
	Hits, Misses       int64 // look-ups of keys
	Expired            int64 // keys removed because their deadline passed
	Changes            int64 // since the start, for rdb_changes_since_last_save see Unapplied
	Loads              int64 // keys read from disk, absent ones included
	LoadNanos          int64
	Unloaded           int64 // objects dropped from memory
	HotBytes           int64 // memory of the hot set
	HotObjects         int64
	MaxMemory          int64
	Unapplied          int64 // journal records that are not in the tables yet
	BacklogBytes       int64 // and their journal bytes
	WriteBacks         int64
	WriteBackRows      int64
	WriteBackNanos     int64
	WriteBackFailures  int64
	LastWriteBackError string
	ReapedRows         int64
	VacuumedPages      int64
	DatabaseBytes      int64 // diskette.db
	WALBytes           int64
	FreeBytes          int64 // free pages inside the database file
	ReserveGone        bool
	Journal            journal.Stats
}

// Stats gathers the figures. The caller does not hold the keyspace lock.
func (st *Store) Stats() Stats {
	st.Lock()
	c := st.stats
	s := Stats{HotBytes: st.hotBytes, HotObjects: st.hotObjects, MaxMemory: st.maxBytes}
	st.Unlock()
	s.Hits, s.Misses, s.Expired, s.Changes = c.hits, c.misses, c.expired, c.changes
	s.Loads, s.LoadNanos, s.Unloaded = c.loads, c.loadNanos, c.unloaded
	s.Unapplied = int64(st.journal.Last() - st.applied.Load())
	s.BacklogBytes = st.backlog.Load()
	st.count(func(c *writeBackCounters) {
		s.WriteBacks, s.WriteBackRows, s.WriteBackNanos = c.transactions, c.rows, c.nanos
		s.WriteBackFailures, s.ReapedRows, s.VacuumedPages = c.failures, c.reaped, c.vacuumed
	})
	if err := st.writeError.Load(); err != nil {
		s.LastWriteBackError = (*err).Error()
	}
	s.DatabaseBytes = fileBytes(filepath.Join(st.dir, databaseFile))
	s.WALBytes = fileBytes(filepath.Join(st.dir, databaseFile+"-wal"))
	_ = st.readers.use(func(r *reader) error {
		var pages, size int64
		err := queryInts(r.c, `SELECT (SELECT freelist_count FROM pragma_freelist_count), (SELECT page_size FROM pragma_page_size)`, &pages, &size)
		s.FreeBytes = pages * size
		return err
	})
	s.ReserveGone = st.DiskFull()
	s.Journal = st.journal.Stats()
	return s
}

// ResetStats zeroes the counters that CONFIG RESETSTAT zeroes.
func (st *Store) ResetStats() {
	st.Lock()
	changes := st.stats.changes
	st.stats = counters{changes: changes}
	st.Unlock()
}

// DatabaseKeys is the number of keys of each database and how many of them in memory have deadlines.
func (st *Store) DatabaseKeys() (keys []int64) {
	st.Lock()
	defer st.Unlock()
	for _, s := range st.dbs {
		keys = append(keys, s.live)
	}
	return keys
}

// LastWriteBack is when the tables last took everything there was, for LASTSAVE.
func (st *Store) LastWriteBack() time.Time {
	if ns := st.wb.lastNanos.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return st.started
}

// WriteError says why commands that write must be refused now, nil if they need not be. It
// costs two atomic loads.
func (st *Store) WriteError() error {
	if err := st.journal.Err(); err != nil {
		if noSpace(err) {
			st.reserve.release()
		}
		return err
	}
	if err := st.writeError.Load(); err != nil {
		return *err
	}
	if st.DiskFull() {
		return errDiskFull
	}
	return nil
}

var errDiskFull = errors.Join(errors.New("the disk is full; free some space, or delete keys"), syscall.ENOSPC)

func fileBytes(path string) int64 {
	if info, err := os.Stat(path); err == nil {
		return info.Size()
	}
	return 0
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
