package store

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"diskette/store/journal"
)

// Stats are the store's figures for INFO and metrics. Counters count since the start or
// ResetStats, sizes are bytes.
type Stats struct {
	Hits, Misses      int64 // look-ups of keys
	Expired           int64 // keys removed because their deadline passed
	ExpiredFields     int64 // fields of hashes that have expired
	EvictedKeys       int64 // keys removed to make room on the disk
	EvictedBytes      int64 // what they took there, about
	EvictedAgeMillis  int64 // since the last use of the one that went last if known; -1 = not
	Changes           int64 // since the start, for rdb_changes_since_last_save see Unapplied
	Loads             int64 // keys read from disk, absent ones included
	LoadNanos         int64
	Unloaded          int64 // objects dropped from memory
	HotBytes          int64 // memory of the hot set
	HotObjects        int64
	FilterBytes       int64 // that of HotBytes which the filters of large collections take
	OrderBytes        int64 // memory for the orders in which keys are evicted: beside the hot set
	PackingBytes      int64 // and for what is known of holes in pages
	Unapplied         int64 // journal records that are not in the tables yet
	BacklogBytes      int64 // journal bytes of the unapplied records
	WriteBacks        int64
	WriteBackRows     int64
	WriteBackNanos    int64
	WriteBackFailures int64
	RowsSetAside      int64  // rows that the tables never took: see aside.go
	WriteBackError    string // why the tables take nothing just now, "" = they do
	JournalError      string // why the journal takes nothing just now, "" = it does
	ReapedRows        int64
	VacuumedPages     int64
	DatabaseBytes     int64 // diskette.db
	WALBytes          int64
	UsedDisk          int64 // what Bounds.Disk bounds
	FreeBytes         int64 // free pages inside the database file, when write-back last looked
	IndexedKeys       int64 // large collections that need not be loaded whole
	ReserveGone       bool
	Journal           journal.Stats
}

// Stats gathers the figures; locked = the caller holds the keyspace lock, which is not held
// otherwise while files are looked at. ErrBusy = a long command holds it.
func (st *Store) Stats(locked bool) (s Stats, err error) {
	if err = st.Look(locked, func() { s = st.memoryStatsLocked() }); err == nil {
		st.addDiskStats(&s)
	}
	return s, err
}

// DiskStats is what Stats says of files. It needs no lock.
func (st *Store) DiskStats() (s Stats) {
	st.addDiskStats(&s)
	return s
}

// HotBytesLocked is Stats' HotBytes for a caller that holds the keyspace lock.
func (st *Store) HotBytesLocked() int64 { return st.hotBytes }

func (st *Store) memoryStatsLocked() Stats {
	c := &st.stats
	evictedAge := int64(-1)
	if c.evictedAgeKnown {
		evictedAge = c.evictedAgeMillis
	}
	hits, misses := st.lookedUp()
	return Stats{
		Hits: hits, Misses: misses, Changes: c.changes,
		Expired: c.expired, ExpiredFields: c.expiredFields,
		EvictedKeys: c.evicted, EvictedBytes: c.evictedBytes, EvictedAgeMillis: evictedAge,
		Loads: c.loads, LoadNanos: c.loadNanos, Unloaded: c.unloaded,
		HotBytes: st.hotBytes, HotObjects: st.hotObjects, FilterBytes: st.filterBytes,
	}
}

// addDiskStats asks neither SQLite nor the keyspace lock.
func (st *Store) addDiskStats(s *Stats) {
	s.Unapplied = int64(st.journal.Last() - st.applied.Load())
	s.BacklogBytes = st.backlog.Load()
	st.count(func(c *writeBackCounters) {
		s.WriteBacks, s.WriteBackRows, s.WriteBackNanos = c.transactions, c.rows, c.nanos
		s.WriteBackFailures, s.ReapedRows, s.VacuumedPages = c.failures, c.reaped, c.vacuumed
	})
	if err := st.writeError.Load(); err != nil {
		s.WriteBackError = (*err).Error()
	}
	if err := st.journal.Err(); err != nil {
		s.JournalError = err.Error()
	}
	s.OrderBytes, s.PackingBytes = st.SideBytes()
	s.IndexedKeys = st.paged.count()
	s.DatabaseBytes = fileBytes(filepath.Join(st.dir, databaseFile))
	s.WALBytes = fileBytes(filepath.Join(st.dir, databaseFile+"-wal"))
	s.UsedDisk = st.usedDisk()
	s.FreeBytes = st.wb.w.freePages.Load() * pageBytes
	s.RowsSetAside = st.wb.w.asides.rows.Load()
	s.ReserveGone = st.DiskFull()
	s.Journal = st.journal.Stats()
}

// ResetStats zeroes the counters that CONFIG RESETSTAT zeroes.
func (st *Store) ResetStats() {
	st.Lock()
	st.ResetStatsLocked()
	st.Unlock()
}

// ResetStatsLocked is ResetStats for a caller that holds the keyspace lock.
func (st *Store) ResetStatsLocked() {
	st.stats = counters{changes: st.stats.changes}
	st.resetTallies()
	for db := range st.room.dbs {
		st.room.dbs[db].evicted.Store(0)
	}
	st.tx.Uncount()
}

// DatabaseStats is what INFO's keyspace section tells of one database.
type DatabaseStats struct {
	Keys      int64 // those included that have expired and are not removed yet
	Expiring  int64 // with a deadline
	TTLMillis int64 // average time to live of a sample of the keys in memory; 0 = none of them has a deadline
	Overhead  int64 // bytes that the names in memory take besides their letters and values

	DiskBytes   int64 // what its keys take in the tables, about; 0 while there are no Bounds
	EvictedKeys int64 // removed to make room on the disk, since the start or ResetStats
}

// DatabaseStatsLocked describes all databases at now (unix ms). The caller holds the keyspace lock.
func (st *Store) DatabaseStatsLocked(now int64) []DatabaseStats {
	all := make([]DatabaseStats, st.opts.Databases)
	for db, s := range st.dbs[:len(all)] {
		all[db] = DatabaseStats{Keys: s.live, Expiring: s.expiring, Overhead: int64(s.keys.len()) * objectBytes,
			DiskBytes: st.room.dbs[db].bytes.Load(), EvictedKeys: st.room.dbs[db].evicted.Load()}
	}
	const sample = 256
	sampled := make([]int64, len(all))
	st.due.Sample(sample, func(deadline int64, o *object) {
		if db := o.space.db; db >= 0 && db < len(all) && deadline > now {
			all[db].TTLMillis += deadline - now
			sampled[db]++
		}
	})
	for db, n := range sampled {
		if n > 0 {
			all[db].TTLMillis /= n
		}
	}
	return all
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
		if st.mends(err) {
			return nil
		}
		return err
	}
	if err := st.writeError.Load(); err != nil {
		if st.mends(*err) {
			return nil
		}
		return *err
	}
	if st.DiskFull() {
		if st.mends(ErrDiskFull) {
			return nil
		}
		return ErrDiskFull
	}
	if st.room.fullSince.Load() != 0 {
		st.room.fullSince.Store(0)
	}
	return nil
}

func fileBytes(path string) int64 {
	if info, err := os.Stat(path); err == nil {
		return info.Size()
	}
	return 0
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Loads is the number of keys read from disk since the start or ResetStats.
func (st *Store) Loads() int64 {
	st.Lock()
	defer st.Unlock()
	return st.stats.loads
}
