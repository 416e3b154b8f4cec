package journal

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// wait is Wait when lsn is not committed yet: one waiter at a time commits for all, the others sleep until it has.
//
// Measured with 50 goroutines on two cores, processor time a record (BenchmarkCommit): 0.3-0.45 us without fsyncs
// and 2.0-2.3 us with them. Queueing on the committing mutex, where each sleeper wakes the next, took 0.6 and
// 2.6-3.3 us.
func (j *Journal) wait(lsn uint64) error {
	if j.yield(lsn); j.committed.Load() >= lsn {
		return nil
	}
	begun := j.attempts.Load() // attempts after this one take lsn along, for it was appended before
	w := &j.waiting
	w.Lock()
	for w.busy && j.committed.Load() < lsn && w.failedTry <= begun {
		w.changed.Wait()
	}
	if j.committed.Load() < lsn && w.failedTry <= begun {
		w.busy = true
		w.Unlock()
		if Policy(j.policy.Load()) == Always {
			j.gather()
		}
		c := &j.committing
		c.Lock()
		j.commitLocked()
		failedTry := c.failedTry
		c.Unlock()
		w.Lock()
		w.busy, w.failedTry = false, failedTry
		w.changed.Broadcast()
	}
	w.Unlock()
	if j.committed.Load() >= lsn {
		return nil
	}
	if err := j.Err(); err != nil {
		return err // I8
	}
	if j.committed.Load() >= lsn { // a retry or Drop was quicker
		return nil
	}
	return fmt.Errorf("%w: LSN %d was never appended", ErrFailed, lsn)
}

// yield lets goroutines that can run now append first, so that one write serves about twenty commands in
// place of one. Where it brings nothing, as with a single client, it is mostly left out: it took 13 % of the
// server's time there.
func (j *Journal) yield(lsn uint64) {
	const futile, probe = 8, 64
	if n := j.alone.Load(); n >= futile && n%probe != 0 {
		j.alone.Add(1)
		return
	}
	runtime.Gosched()
	if j.last.Load() > lsn || j.committed.Load() >= lsn {
		j.alone.Store(0)
	} else {
		j.alone.Add(1)
	}
}

// gather lets those that the commit before woke append, as long as they do: an fsync costs more than they take.
// Without it, half of 50 clients miss each fsync and wait for the next [measured: 28 records a batch, with it 50].
func (j *Journal) gather() {
	for range 4 {
		last := j.last.Load()
		runtime.Gosched()
		if j.last.Load() == last {
			return
		}
	}
}

// commitLocked writes everything that was appended before the call, if it can; Err says if it could not.
// The caller holds committing.
func (j *Journal) commitLocked() {
	c := &j.committing
	if c.closed {
		return
	}
	try := j.attempts.Add(1) // before take: see wait
	for _, next := range [...]func() *Batch{j.takeStuck, j.take} {
		b := next()
		if b == nil {
			continue
		}
		if err := j.writeBatchLocked(b); err != nil {
			c.stuck, c.failedTry = b, try
			if c.writeErr == nil {
				j.wake() // tend takes over the retries
			}
			c.writeErr = err
			j.publishLocked()
			return
		}
		c.writeErr = nil
		if Policy(j.policy.Load()) == Always {
			j.syncLocked(c.active)
			if c.syncErr != nil {
				c.failedTry = try
			}
		}
		c.written = b.Last
		j.counts.batches.Add(1)
		j.counts.records.Add(int64(b.Last - b.First + 1))
		if j.o.Committed != nil {
			// This comes before publishing: a goroutine that Wait lets through finds the batch in write-back's queue.
			j.o.Committed(b)
		} else {
			b.Release()
		}
		j.publishLocked()
	}
}

func (j *Journal) takeStuck() *Batch {
	b := j.committing.stuck
	j.committing.stuck = nil
	return b
}

// publishLocked lets Wait and Err know how far things are. The caller holds committing.
func (j *Journal) publishLocked() {
	c := &j.committing
	always := Policy(j.policy.Load()) == Always
	if c.syncErr == nil {
		if always {
			j.synced.Store(c.written)
		}
		j.committed.Store(c.written)
	} else if !always {
		j.committed.Store(c.written)
	} // else I8: an fsync of newer records does not make those in doubt safe, and so not these either

	var err error
	switch {
	case c.closed:
		err = ErrClosed
	case c.writeErr != nil && c.syncErr != nil:
		err = &bothFailed{c.writeErr, c.syncErr}
	case c.syncErr != nil:
		err = c.syncErr
	case c.writeErr != nil:
		err = c.writeErr
	}
	if err == nil {
		j.failed.Store(nil)
	} else if j.failed.Swap(&failure{err}) == nil && j.o.Failed != nil {
		j.o.Failed(err)
	}
}

// bothFailed is a write that fails while records before are in doubt, because their fsync has failed.
type bothFailed struct{ write, sync error }

func (e *bothFailed) Error() string { return fmt.Sprintf("%v (and before that: %v)", e.write, e.sync) }

func (e *bothFailed) Unwrap() []error { return []error{e.write, e.sync} }

// writeBatchLocked appends b to the active segment, whole or not at all, a second time if the disk was full and
// Options.Full has made room. The caller holds committing.
func (j *Journal) writeBatchLocked(b *Batch) error {
	err := j.tryBatchLocked(b)
	if err != nil && noSpace(err) && j.o.Full != nil && j.o.Full() {
		err = j.tryBatchLocked(b)
	}
	return err
}

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

func (j *Journal) tryBatchLocked(b *Batch) error {
	s, err := j.activeLocked()
	if err != nil {
		return fmt.Errorf("%w: create a segment in %s: %w", ErrFailed, j.dir, err)
	}
	b.seal(s)
	end, length := s.size, s.length()
	defer func() { j.counts.bytes.Add(s.length() - length) }()
	if err := b.pieces(func(p []byte) error { return j.write(s, p) }); err != nil {
		s.size = end
		if j.truncate(s, end) != nil && !s.beside { // the next try writes the same bytes there
			// The remains stay behind the end. The successor begins with the same LSN, which is
			// where readers leave this one.
			j.sealLocked()
		}
		return fmt.Errorf("%w: write to %s: %w", ErrFailed, s.path, err)
	}
	s.last = b.Last
	if Policy(j.policy.Load()) == Always {
		j.fill(s)
	}
	return nil
}
