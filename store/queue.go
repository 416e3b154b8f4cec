package store

import (
	"fmt"
	"slices"
	"time"

	"diskette/store/journal"
)

// committed takes a batch from the journal. It is called by the client that committed it.
func (st *Store) committed(b *journal.Batch) {
	n := b.Bytes()
	st.backlog.Add(n)
	st.wb.handed.Store(b.Last)
	q := &st.wb.queue
	q.Lock()
	q.batches = append(q.batches, b)
	records := int64(b.Last - b.First + 1)
	queued, count := q.bytes.Add(n), q.records.Add(records)
	signalAt, many := min(queueSignal, st.sizes.fold/2, st.onDisk.Load().fold/2), min(int64(st.rows()), st.recordsInPages())/4
	long := queued > signalAt && queued-n <= signalAt || count > many && count-records <= many
	wake, stir := long || q.resting, q.stir
	q.resting, q.stir = false, false
	q.Unlock()
	if wake {
		signal(st.wb.foldNow)
	}
	if stir {
		signal(st.stirred)
	}
}

func (st *Store) foldLoop() {
	wb := &st.wb
	defer wb.done.Done()
	tick := newPulse(foldPeriod, foldCalm)
	defer tick.Stop()
	var batches []*journal.Batch
	var handed uint64
	var looked time.Time
	for {
		busy := wb.handed.Load() != handed || !st.trouble.begun.IsZero() || wb.cramped.Load() || len(wb.moments.held) > 0
		handed = wb.handed.Load()
		st.restFold(tick, busy)
		select {
		case <-wb.stop:
			return
		case <-tick.C:
		case <-wb.foldNow:
		}
		st.turns.fold.Add(1)
		if now := time.Now(); now.Sub(looked) >= foldPeriod {
			looked = now
			st.watchPlaces(now)
			st.noteTrouble(now)
			st.noteRoom()
		}
		batches = st.foldQueue(batches)
	}
}

// foldQueue folds what the journal has committed; batches is a buffer to reuse.
func (st *Store) foldQueue(batches []*journal.Batch) []*journal.Batch {
	wb := &st.wb
	wb.mu.Lock() // before taking the queue: batches are folded in order
	defer wb.mu.Unlock()
	if wb.broken != nil {
		return batches
	}
	q := &wb.queue
	q.Lock()
	q.batches, batches = batches[:0], q.batches
	q.Unlock()
	ms := &wb.moments
	ms.held = append(ms.held, batches...)
	st.planLocked()
	last := wb.pending.last
	n, bytes, records, err := st.foldHeldLocked()
	ms.held = slices.Delete(ms.held, 0, n)
	if err != nil { // our own encoding: a defect, and the journal keeps the data
		wb.broken = fmt.Errorf("fold: %w", err)
		st.setWriteErrorLocked(wb.broken)
		return batches
	}
	st.tellFilledLocked()
	q.bytes.Add(-bytes)
	q.records.Add(-records)
	clear(batches)
	if moved := wb.pending.last != last; (moved || n+len(batches) > 0 || wb.full.Load()) && (wb.resting || st.ripe()) {
		signal(wb.applyNow)
	}
	return batches
}

// forgetQueue lets go of what is not folded. Nothing is committed meanwhile.
func (wb *writeBack) forgetQueue() {
	q, ms := &wb.queue, &wb.moments
	q.batches = nil
	q.bytes.Store(0)
	q.records.Store(0)
	ms.held, ms.folded, ms.part = nil, 0, 0
}
