package store

import (
	"sync/atomic"
	"time"
)

// An idle server's processor time is that of its loops. They look at things from time to time (has the journal given
// something; is a fold old enough; are the files in their places), soon again while something happens, and once every
// restPeriod when nothing has for a while. What must not wait for that wakes them:
//
//	fold       the first batch that the journal commits; a journal or write-back that fails; a full queue
//	apply      the first change that is folded; an errand; whatever else signals applyNow
//	sweeper    the first change, and the next deadline (Rest)
//
// Without any client they woke 86 times a second, which took 0.9 % of a core, and wake 3 times.
const restPeriod = time.Second

const (
	foldCalm  = 5  // turns without anything to do after which a loop rests
	applyCalm = 50 // 5 s: what was written back may be followed by upkeep
)

// A pulse says when a loop looks again.
type pulse struct {
	*time.Timer
	quick time.Duration
	calm  int // turns without anything to do until it rests
	quiet int // there have been so many
}

func newPulse(quick time.Duration, calm int) *pulse {
	return &pulse{Timer: time.NewTimer(quick), quick: quick, calm: calm}
}

// again sets the next turn. busy = there was something to do in this one; rests = the next comes late.
func (p *pulse) again(busy bool) (rests bool) {
	if p.quiet++; busy {
		p.quiet = 0
	}
	if p.quiet > p.calm {
		p.Reset(restPeriod)
		return true
	}
	p.Reset(p.quick)
	return false
}

// turns counts those of the loops, for tests.
type turns struct{ fold, apply, sweep atomic.Int64 }

// unsettledLocked reports whether write-back has anything to look after soon. The caller holds wb.mu.
func (st *Store) unsettledLocked() bool {
	wb := &st.wb
	return !wb.pending.empty() || wb.moments.next.Load() != nil || st.writeError.Load() != nil || st.DiskFull() ||
		st.damage.failing.Load() > 0 || st.journal.Err() != nil || wb.cramped.Load()
}

// restFold sets the next turn of the fold goroutine.
func (st *Store) restFold(tick *pulse, busy bool) {
	q := &st.wb.queue
	q.Lock()
	defer q.Unlock()
	q.resting = tick.again(busy || len(q.batches) > 0)
}

// restApply sets the next turn of the apply goroutine.
func (st *Store) restApply(tick *pulse, busy bool) {
	st.wb.mu.Lock()
	defer st.wb.mu.Unlock()
	st.wb.resting = tick.again(busy || st.unsettledLocked())
}

// Rest is for the sweeper: for how many milliseconds from now (unix ms) there is nothing to sweep, unless stirred is
// told that something has changed.
func (st *Store) Rest(now int64) (millis int64, stirred <-chan struct{}) {
	st.turns.sweep.Add(1)
	q := &st.wb.queue
	q.Lock()
	last := st.journal.Last()
	q.stir = last == q.sweptAt
	q.sweptAt = last
	quiet := q.stir
	q.Unlock()
	if !quiet {
		return 0, st.stirred
	}
	applied := st.applied.Load()
	keys, fields := st.sweep.keys.onDisk.Load(), st.sweep.fields.onDisk.Load()
	if keys == nil || fields == nil || keys.lsn != applied || fields.lsn != applied {
		return 0, st.stirred
	}
	next := min(now+restPeriod.Milliseconds(), keys.next, fields.next)
	st.Lock()
	defer st.Unlock()
	if deadline, _, ok := st.due.First(); ok {
		next = min(next, deadline)
	}
	if deadline, _, ok := st.dueFields.First(); ok {
		next = min(next, deadline)
	}
	if len(st.flushed) > 0 || st.hotBytes > st.maxMemory.Load() {
		next = now
	}
	return max(0, next-now), st.stirred
}
