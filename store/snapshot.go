package store

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"diskette/store/journal"
)

// A Snapshot is all keys as they were at one moment, read from the tables while writes go on:
//
//	Snapshot    (keyspace lock) the moment is the journal's newest LSN; what happens from here on is not in it
//	fold        the fold goroutine folds records up to that LSN and leaves the later ones in the queue
//	apply       brings that fold into the tables, which then hold the state of that LSN and nothing newer
//	open        a read transaction of the snapshot's own connection begins; later records are folded again
//	Keys        reads the tables as they were then, in key order, and takes as long as it likes
//
// A fold is made of journal records, whose long values nobody changes before they are applied (object.owned), so what
// ends at an LSN has the state of that LSN. A fold that goes in slices is whole when its last slice is in.
//
// It costs a write-back at its beginning, the memory of one connection, and room on the disk: as long as the read
// transaction is open the WAL can not be written from its start again, so it grows by all that write-back writes: to
// 110 MB in 6.7 s, while 15,000 keys a second at random among a million were set; it is 16 MB otherwise [measured].
type Snapshot struct {
	LSN    uint64 // the newest record in it
	TimeMs int64  // the clock at its moment: what has expired by then is left out
	// Changes counts them since the start, as Stats does.
	Changes int64
	// SetAside is how many rows the tables have never taken (aside.go), and so are not in it.
	SetAside  int64
	Databases []SnapshotDatabase // that have keys, in the order of their numbers

	r     *reader
	ended func() // nil, or called when it is closed
	step  breath
	at    SnapshotKey // the key that Keys has come to
}

// Time is its moment.
func (s *Snapshot) Time() time.Time { return time.UnixMilli(s.TimeMs) }

// A SnapshotDatabase is a database of a snapshot. The counts include keys that have expired.
type SnapshotDatabase struct {
	Number         int
	Keys, Expiring int64
	space          int64
}

// moments are where write-back stops until a snapshot is open.
type moments struct {
	one  sync.Mutex // there is one at a time
	next atomic.Pointer[moment]

	// The following belong to foldQueue.
	held   []*journal.Batch // batches that were taken from the queue and are not folded
	folded uint64           // records of the first of them up to here are
	part   int64            // bytes of these records
}

type moment struct {
	lsn  uint64
	open func() error // the snapshot's transaction
	done chan error   // what open returned
}

// errGivenUp is wrapped by Snapshot's error when the tables can not be brought to its moment.
var errGivenUp = errors.New("the tables can not take what the journal holds")

// Snapshot takes one. atMoment, which may be nil, is called under the keyspace lock: what commands have done before is
// in the snapshot, and what they do after it is not. The caller does not hold that lock, and closes the snapshot before
// the store.
func (st *Store) Snapshot(atMoment func()) (*Snapshot, error) {
	r, err := openReader(st.dir, st.vfs, smallBytes, st.sizes.readerCache)
	if err != nil {
		return nil, fmt.Errorf("open the database for a snapshot: %w", nameDamage(st.dir, err))
	}
	s := &Snapshot{r: r, ended: st.holdsWAL()}
	ms := &st.wb.moments
	ms.one.Lock()
	st.Lock()
	m := &moment{lsn: st.journal.Last(), done: make(chan error, 1)}
	m.open = func() error { return s.open(m.lsn) }
	s.LSN, s.TimeMs, s.Changes = m.lsn, time.Now().UnixMilli(), st.stats.changes
	ms.next.Store(m) // before anything newer is appended
	if atMoment != nil {
		atMoment()
	}
	st.Unlock()
	err = st.reach(m)
	ms.one.Unlock()
	if err == nil {
		s.SetAside = st.wb.w.asides.rows.Load()
		err = s.readDatabases()
	}
	if err != nil {
		return nil, errors.Join(nameDamage(st.dir, err), s.Close())
	}
	return s, nil
}

// reach has write-back bring the tables to the moment, and returns when the snapshot is open.
func (st *Store) reach(m *moment) (err error) {
	wb := &st.wb
	if err = st.journal.Wait(m.lsn); wb.handed.Load() >= m.lsn {
		err = nil // an fsync may have failed: the tables are what helps
	}
	for err == nil {
		st.kickWriteBack()
		wb.mu.Lock()
		if wb.moments.next.Load() == m && st.writeError.Load() == nil {
			wb.applied.Wait()
		}
		wb.mu.Unlock()
		if wb.moments.next.Load() != m {
			return <-m.done
		}
		if failed := st.writeError.Load(); failed != nil {
			err = *failed
		} else {
			err = st.lockedLong()
		}
	}
	if !wb.moments.next.CompareAndSwap(m, nil) {
		return <-m.done // it is being opened all the same
	}
	st.kickWriteBack()
	return fmt.Errorf("%w: %w", errGivenUp, err)
}

// atMoment opens the snapshot that waits, if the tables are at its moment. It is called by the apply goroutine, and
// nothing newer is applied while it runs.
func (st *Store) atMoment() {
	wb := &st.wb
	m := wb.moments.next.Load()
	if m == nil || st.applied.Load() < m.lsn || !wb.moments.next.CompareAndSwap(m, nil) {
		return
	}
	m.done <- m.open()
	wb.mu.Lock()
	wb.applied.Broadcast()
	wb.mu.Unlock()
	signal(wb.foldNow)
}

// foldHeldLocked folds the batches that are held, as far as the next moment, or until the fold may change no more pages
// (fold_pages.go). It returns how many it has let go, and what they had. The caller holds wb.mu, and has taken the
// batches from the queue before: records after a moment are appended after it is set, so who has such a record finds
// the moment.
func (st *Store) foldHeldLocked() (n int, bytes, records int64, err error) {
	ms := &st.wb.moments
	end := uint64(math.MaxUint64)
	if m := ms.next.Load(); m != nil {
		end = m.lsn
	}
	for _, b := range ms.held {
		whole, err := st.foldBatchLocked(b, end)
		if err != nil || !whole {
			return n, bytes, records, err
		}
		bytes, records = bytes+b.Bytes(), records+int64(b.Last-b.First+1)
		b.Release()
		n++
	}
	return n, bytes, records, nil
}

// foldBatchLocked folds the records of a batch up to an LSN, or until the fold is full.
func (st *Store) foldBatchLocked(b *journal.Batch, end uint64) (whole bool, err error) {
	ms, f := &st.wb.moments, st.wb.pending
	if b.First > end || f.pages.full {
		return false, nil
	}
	if whole = b.Last <= end && ms.folded < b.First && f.pages.most == 0; whole {
		err = b.Each(f.add)
	} else {
		err = b.Each(func(lsn uint64, rec journal.Record) error {
			if lsn <= ms.folded || lsn > end || f.pages.full {
				return nil
			}
			ms.folded = lsn
			ms.part += recordBytes(rec)
			f.bytes += recordBytes(rec)
			return f.add(lsn, rec)
		})
		whole = ms.folded == b.Last
	}
	f.drain()
	if err != nil || !whole {
		return false, err
	}
	f.bytes += b.Bytes() - ms.part
	ms.part = 0
	return true, nil
}

func recordBytes(rec journal.Record) int64 {
	n := len(rec.Head)
	for _, x := range rec.Ext {
		n += len(x.Data)
	}
	return int64(n)
}

// open begins the read transaction, at which the tables must be at an LSN.
func (s *Snapshot) open(lsn uint64) error {
	return s.r.guard(func() error {
		if err := s.r.ensureTransaction(0); err != nil {
			return err
		}
		applied, ahead, err := s.appliedLSN()
		if err == nil && (uint64(applied) != lsn || ahead != 0) {
			err = fmt.Errorf("a snapshot of record %d found the tables at %d (and %d)", lsn, applied, ahead)
		}
		return err
	})
}

// appliedLSN is which record the tables are of; ahead is not 0 while a part of a fold is in them.
func (s *Snapshot) appliedLSN() (applied, ahead int64, err error) {
	err = queryInts(s.r.c, `SELECT coalesce((SELECT value FROM meta WHERE name = 'applied_lsn'), 0),
		coalesce((SELECT value FROM meta WHERE name = 'ahead_lsn'), 0)`, &applied, &ahead)
	return applied, ahead, err
}

// Close ends the snapshot.
func (s *Snapshot) Close() error {
	if s.ended != nil {
		s.ended()
		s.ended = nil
	}
	return errors.Join(s.r.endTransaction(), s.r.close())
}

func (s *Snapshot) readDatabases() error {
	return s.r.guard(func() error {
		q, err := s.r.stmt(`SELECT db, space, keys, expiring FROM spaces s WHERE db IS NOT NULL AND db <> ?1
			AND EXISTS (SELECT 1 FROM keys k WHERE k.space = s.space) ORDER BY db`)
		if err != nil {
			return err
		}
		defer q.Reset()
		if err := bind(q, ownNumber); err != nil {
			return err
		}
		for q.Step() {
			s.Databases = append(s.Databases, SnapshotDatabase{
				Number: q.ColumnInt(0), Keys: q.ColumnInt64(2), Expiring: q.ColumnInt64(3), space: q.ColumnInt64(1)})
		}
		return q.Err()
	})
}
