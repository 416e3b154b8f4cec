package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/journal"
)

// Write-back brings committed changes into the tables:
//
//	journal commit > queue > fold goroutine > fold > apply goroutine > one SQLite transaction
//
// Two goroutines, so that folding (0.2 us a change) goes on while a transaction is under way and
// the queue of raw batches stays short. See doc.go for the measurements behind the figures.
type writeBack struct {
	w *writer

	queue struct {
		sync.Mutex
		batches []*journal.Batch
		bytes   atomic.Int64 // written under the mutex, but for what is folded, as records; both count until then
		records atomic.Int64
		resting bool   // the fold goroutine waits for the next batch
		stir    bool   // so does the sweeper
		sweptAt uint64 // the newest LSN when it last looked
	}
	foldNow chan struct{} // the queue is long
	handed  atomic.Uint64 // newest LSN that came into the queue

	moments moments
	pace    pace

	mu      sync.Mutex // the folds
	pending *fold      // being filled
	resting bool       // the apply goroutine waits for the next change
	spare   *fold
	urgent  uint64     // somebody waits for this LSN: write back what there is
	broken  error      // a record that does not decode: nothing after it is written back
	applied *sync.Cond // on mu: the applied LSN moved, or an error came

	lockedOut atomic.Pointer[lockedOut] // nil = another program does not keep write-back from writing

	applyNow chan struct{}
	errands  chan *errand // what others want done on the writing connection: see copy.go

	placesSeen   time.Time // the fold goroutine's: when it last looked after the files
	upkeepFailed time.Time // the apply goroutine's: when maintain last met damage
	wroteMany    time.Time // the apply goroutine's: when it last wrote back many rows
	rested       bool      // the buffers were given back since

	rows      atomic.Int64 // the pending fold's weight
	text      atomic.Int64 // the bytes of its contents
	full      atomic.Bool  // it is to change as many pages as it may: see fold_pages.go
	pages     atomic.Int64 // that it is to change, about
	cramped   atomic.Bool  // see noteRoom
	lastNanos atomic.Int64 // unix time at which a write-back last left nothing over, or a Flush ended
	stop      chan struct{}
	done      sync.WaitGroup

	stats struct {
		sync.Mutex
		writeBackCounters
	}
}

type writeBackCounters struct {
	transactions, rows, records, nanos, failures, reaped, vacuumed, repacked int64
}

const (
	// Write-back begins when the oldest change is writeBackDelay old, or when writeBackRows
	// distinct rows or foldBytes of their contents or tailBytes of journal have gathered. A long delay folds more
	// (a hot key set of 100,000 under 80,000 SET/s: 1 s costs 3.5 us a command, 5 s 1 us); the
	// other three bound the time of a recovery (about 4-8 us a row) and memory.
	writeBackDelay = 4 * time.Second
	writeBackRows  = 128_000
	mostBirths     = writeBackRows / 2 // see weight
	foldBytes      = 16 << 20          // half of the reserve: on a full disk it must hold two folds
	tailBytes      = 192 << 20

	queueSignal = 1 << 20 // queued bytes at which the fold goroutine is woken
	foldPeriod  = 20 * time.Millisecond
	applyPeriod = 100 * time.Millisecond
	retryDelay  = 200 * time.Millisecond

	manyRows = 1024
)

func (st *Store) delay() time.Duration {
	if st.opts.WriteBackDelay > 0 {
		return st.opts.WriteBackDelay
	}
	return writeBackDelay
}

// rows follows maxmemory too: recovery applies up to two folds, and each row of five million is a page of its own,
// 20 to 30 us. Start to first GET with maxmemory 128 MB took 1.10 s with 65,536 rows and 0.73 with 32,768; on a
// slower machine 1.08 with 32,768 and 0.4 with 16,384. Uniform SETs take the same time with either: few of a
// fold's rows share a page.
func (st *Store) rows() int {
	if st.opts.WriteBackRows > 0 {
		return st.opts.WriteBackRows
	}
	return int(min(int64(st.sizes.rows), max(8192, st.maxMemory.Load()/8192)))
}

// foldBytes follows maxmemory where that is small: two folds come on top of the hot set.
func (st *Store) foldBytes() int64 {
	return min(st.sizes.fold, st.onDisk.Load().fold, max(4<<20, st.maxMemory.Load()/8))
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (st *Store) startWriteBack() {
	wb := &st.wb
	wb.applied = sync.NewCond(&wb.mu)
	wb.applyNow = make(chan struct{}, 1)
	wb.errands = make(chan *errand)
	st.stirred = make(chan struct{}, 1)
	wb.stop = make(chan struct{})
	_ = wb.w.serve() // else it waits for longer
	wb.done.Add(3)
	go st.foldLoop()
	go st.applyLoop()
	go st.evictLoop()
}

// stopWriteBack brings everything into the tables and ends the goroutines. When the
// tables can not take it, the journal still has it.
func (st *Store) stopWriteBack() error {
	st.wb.w.giveWay(false)
	err := st.Flush()
	close(st.wb.stop)
	st.wb.done.Wait()
	return err
}

// ripe reports whether the pending fold should be written back. The caller holds wb.mu.
func (st *Store) ripe() bool {
	f := st.wb.pending
	if f.empty() || st.wb.broken != nil {
		return false
	}
	return st.wb.urgent > st.applied.Load() || f.pages.full || f.weight() >= st.rows() || f.text.used >= st.foldBytes() ||
		f.bytes >= st.onDisk.Load().tail || time.Since(f.since) >= st.delay() ||
		st.journal.Err() != nil // a failed fsync is over once the tables have the records
}

// hurry has write-back make room for who waits. A fold that is full goes as it is, and nothing of the next one with it.
func (st *Store) hurry() {
	if st.wb.full.Load() {
		signal(st.wb.applyNow)
		return
	}
	st.kickWriteBack()
}

// kickWriteBack makes write-back begin with everything up to now.
func (st *Store) kickWriteBack() {
	st.wb.mu.Lock()
	st.wb.urgent = st.journal.Last()
	st.wb.mu.Unlock()
	signal(st.wb.foldNow)
	signal(st.wb.applyNow)
}

func (st *Store) applyLoop() {
	wb := &st.wb
	defer wb.done.Done()
	st.finishRecovery()
	tick := newPulse(applyPeriod, applyCalm)
	defer tick.Stop()
	busy := true
	for {
		st.restApply(tick, busy)
		busy = false
		select {
		case <-wb.stop:
			return
		case <-tick.C:
			st.hasten()
		case <-wb.applyNow:
		case e := <-wb.errands:
			e.done <- e.run(wb.w)
			busy = true
		}
		st.turns.apply.Add(1)
		st.atMoment()
		wb.mu.Lock()
		var f *fold
		if st.ripe() {
			f = wb.pending
			wb.pending, wb.spare = wb.spare, nil
			st.tellFilledLocked()
			if len(wb.moments.held) > 0 {
				signal(wb.foldNow)
			}
		}
		wb.mu.Unlock()
		if f == nil {
			busy = st.maintain()
			st.keepRoom(busy)
			st.rest()
			continue
		}
		growth, dropped := st.growthOf(f.last)
		counts, start := f.counts(), time.Now()
		wb.pace.begin(start, counts.rows, f.bytes)
		busy = true
		if !st.applyUntilDone(f) {
			return
		}
		st.makeRoom(growth, dropped, counts)
		wb.pace.end(time.Now())
		st.indexBetween(st.indexShare(time.Since(start)))
		st.filtersBetween(time.Since(start))
		st.atMoment()
	}
}

// applyUntilDone writes a fold back, again and again while the disk refuses; false = the
// store was closed first.
func (st *Store) applyUntilDone(f *fold) bool {
	wb := &st.wb
	for attempts := 0; ; {
		start := time.Now()
		err := st.misplaced()
		if err == nil {
			err = st.awaitWAL()
		}
		if err == nil && !wb.w.inSlices && st.tight(f) && st.journal.Sync(f.last) == nil {
			wb.w.inSlices = true
		}
		if err == nil && (wb.w.inSlices || f.heavy()) {
			if err = st.journal.Sync(f.last); err != nil && !wb.w.inSlices {
				err, f.whole = nil, true // the tables are what helps now
			}
		}
		if err == nil {
			f.synced = st.journal.Synced()
			_, _ = wb.w.writtenPages() // countPages is to count what this attempt writes
			err = wb.w.apply(f)
		}
		if err == nil {
			st.tellAsides(f)
			st.tellForeign(wb.w.takeForeignFound(), true)
			st.finish(f, time.Since(start))
			return true
		}
		if wb.w.suspectForeign(err) {
			continue
		}
		if ofARow(err) {
			if attempts++; attempts >= rowAttempts {
				wb.w.asides.sift(err)
			}
		}
		wb.stats.Lock()
		wb.stats.failures++
		wb.stats.Unlock()
		err = st.failed(place{op: writingBack}, err)
		if !errors.Is(err, sqlite3.BUSY) && !errors.Is(err, ErrWALHeld) || st.noteLock(err) {
			wb.mu.Lock()
			st.setWriteErrorLocked(err, wb.w.blame(err)...)
			wb.mu.Unlock()
		}
		if noSpace(err) {
			st.reserve.release()
			wb.w.inSlices = true
		}
		select {
		case <-wb.stop:
			return false
		case <-time.After(retryPause(err)):
		}
	}
}

// noteRoom has writers wait for write-back when the disk has less room than the tables may need for what the
// journal holds: the journal would fill the disk, and then nothing could be written back, and so nothing of it
// dropped, whatever is deleted.
func (st *Store) noteRoom() {
	const everyday = 1 << 20
	backlog := st.backlog.Load()
	if backlog < everyday {
		st.wb.cramped.Store(false)
		return
	}
	free := freeBytes(st.dir)
	st.wb.cramped.Store(free >= 0 && free < 2*backlog)
}

// tight reports whether a fold, written in one transaction, might leave no room for the checkpoint that follows:
// the WAL then holds what the database file has no room for, can not be written from its start again, and not even
// a deletion goes in any more.
func (st *Store) tight(f *fold) bool {
	free := freeBytes(st.dir)
	return free >= 0 && free < 4*f.bytes // once in the WAL, once in the file, and what goes with it
}

// retryPause is how long write-back waits before it tries a fold again. Damage stays, and a fold may be large; but
// a row that can be left out is found after a few attempts.
func retryPause(err error) time.Duration {
	if isDamage(err) && !ofARow(err) {
		return upkeepPause
	}
	return retryDelay
}

// setWriteErrorLocked refuses writes; fields are what write-back was at. The caller holds wb.mu.
func (st *Store) setWriteErrorLocked(err error, fields ...any) {
	err = st.explained(err)
	st.trouble.at.Store(&fields)
	st.writeError.Store(&err)
	st.wb.applied.Broadcast()
	signal(st.wb.foldNow) // it tells of that
}

// Flush returns once everything changed so far is in the tables, or with the reason why
// it can not be.
func (st *Store) Flush() error {
	target := st.journal.Last()
	if err := st.journal.Wait(target); err != nil && st.wb.handed.Load() < target {
		return err // else an fsync failed, and the write-back is what helps
	}
	wb := &st.wb
	for {
		st.kickWriteBack()
		wb.mu.Lock()
		if st.applied.Load() < target && st.writeError.Load() == nil {
			wb.applied.Wait()
		}
		wb.mu.Unlock()
		if st.applied.Load() >= target {
			wb.lastNanos.Store(time.Now().UnixNano())
			return nil
		}
		if err := st.writeError.Load(); err != nil {
			return *err
		}
		if err := st.lockedLong(); err != nil {
			return err
		}
	}
}
