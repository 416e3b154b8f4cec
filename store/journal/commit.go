package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
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

// yield lets whoever can run now append first, so that one write serves about twenty commands in place of one. Where it
// brings nothing, as with a single client, it is mostly left out: it took 13 % of the server's time there.
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
			j.o.Committed(b) // before publishing: whoever Wait lets through finds the batch in write-back's queue
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
			// The remains stay behind the end. The successor begins with the same LSN, which is where readers leave this one.
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

// activeLocked returns the segment to write to: a new one, if there is none or it has its size. The caller holds
// committing.
func (j *Journal) activeLocked() (*segment, error) {
	c := &j.committing
	if s := c.active; s != nil && s.last >= s.first && s.size >= j.o.SegmentBytes {
		if !s.beside && (s.size-s.synced <= maxSyncInlineBytes || s.size >= 2*j.o.SegmentBytes) {
			j.sealLocked()
		} else {
			j.wake() // tend fsyncs it; the commit after that finds little left to do
		}
	}
	if c.active == nil {
		s, err := j.create(c.written + 1)
		if err != nil {
			return nil, err
		}
		c.active = s
	}
	return c.active, nil
}

// sealLocked ends the active segment, if it can be made complete on disk: what has a successor is never torn. The
// caller holds committing.
func (j *Journal) sealLocked() {
	s := j.committing.active
	if length := s.length(); length > s.size && j.truncate(s, s.size) == nil {
		j.counts.bytes.Add(s.size - length)
	}
	if j.syncLocked(s) {
		j.retireLocked()
	}
}

// syncLocked fsyncs what a segment holds, if anything is not, and reports success. The caller holds committing.
func (j *Journal) syncLocked(s *segment) bool {
	if s.synced == s.size {
		return true
	}
	if s.doubt {
		if err := j.rewrite(s); err != nil {
			j.failSyncLocked(s, err)
			return false
		}
	}
	if err := j.sync(s.file); err != nil {
		j.failSyncLocked(s, err)
		return false
	}
	s.synced, s.upTo, s.doubt = s.size, s.last, false
	if c := &j.committing; c.syncErr != nil && c.unsynced >= s.first {
		c.syncErr, c.unsynced = nil, 0
		j.publishLocked()
	}
	return true
}

// rewrite makes the next fsync write everything that none has covered, if the kernel still has it.
func (j *Journal) rewrite(s *segment) error {
	in := io.NewSectionReader(s.file, s.synced, s.size-s.synced)
	r := &reader{in: bufio.NewReaderSize(in, readBufferBytes), size: s.size, offset: s.synced,
		version: formatVersion, seed: s.seed, lsn: s.upTo + 1}
	for {
		if _, err := r.next(false); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("what was written can not be read back: %w", err)
		}
	}
	return j.count(j.o.Disk.Rewrite(s.file, s.synced, s.size))
}

// retireLocked moves the active segment to the sealed ones. The caller holds committing.
func (j *Journal) retireLocked() {
	c := &j.committing
	s := c.active
	c.active = nil
	_ = s.file.Close() // whatever fsync said stands
	s.file = nil
	if s.last >= s.first {
		c.sealed = append(c.sealed, s)
		return
	}
	// Nothing in it. The next segment has the same name, and create empties what is left of this one.
	j.counts.segments.Add(-1)
	j.counts.bytes.Add(-s.length())
}

// failSyncLocked notes that what s holds is in doubt. The kernel may have dropped the dirty pages and call the
// next fsync of them a success, so none is made before they are written again. Until that works s has no
// successor, and SQLite's copy of its records ends the failure as well, in Drop. The caller holds committing.
func (j *Journal) failSyncLocked(s *segment, err error) {
	c := &j.committing
	s.doubt = true
	if s.last <= c.applied { // SQLite holds it all
		if s == c.active {
			j.retireLocked()
		}
		return
	}
	if c.syncErr == nil {
		j.wake() // tend takes over the retries
	}
	c.syncErr = fmt.Errorf("%w %s: %w", ErrSync, s.path, err)
	c.unsynced = max(c.unsynced, s.last)
	j.publishLocked()
}

// Sync returns nil when everything up to lsn is written and fsynced, whatever the policy. Writers go on meanwhile.
func (j *Journal) Sync(lsn uint64) error {
	if err := j.Wait(lsn); err != nil {
		return err
	}
	if j.synced.Load() >= lsn {
		return nil
	}
	j.syncActive()
	if j.synced.Load() >= lsn {
		return nil
	}
	return j.Err()
}

// Synced returns the newest LSN that is known to be fsynced.
func (j *Journal) Synced() uint64 { return j.synced.Load() }

// syncActive fsyncs what is written, without the lock that writers need. Under Always they must be told of an
// error, and of two fsyncs at the same time the kernel tells one: then, and where the bytes are written again, it
// holds the lock.
func (j *Journal) syncActive() {
	j.syncing.Lock() // I9: syncing -> committing
	defer j.syncing.Unlock()
	c := &j.committing
	c.Lock()
	s, written := c.active, c.written
	if s == nil || s.size == s.synced || s.doubt || Policy(j.policy.Load()) == Always {
		if s == nil || j.syncLocked(s) {
			j.syncedLocked(written) // segments with a successor are fsynced
		}
		c.Unlock()
		return
	}
	size, last, file := s.size, s.last, s.file
	s.beside = true
	c.Unlock()

	err := j.sync(file) // retireLocked may close it meanwhile: os.File waits with that

	c.Lock()
	defer c.Unlock()
	s.beside = false
	switch {
	case errors.Is(err, os.ErrClosed): // retired before we began, after an fsync or with everything applied
	case err != nil:
		j.failSyncLocked(s, err)
	default:
		s.synced, s.upTo = size, last
		j.syncedLocked(written)
	}
}

// syncedLocked moves synced, unless records before are in doubt. The caller holds committing.
func (j *Journal) syncedLocked(lsn uint64) {
	if j.committing.syncErr == nil && lsn > j.synced.Load() {
		j.synced.Store(lsn)
	}
}

// Drop says that SQLite holds, fsynced, every record up to applied: segments with nothing newer are deleted. The
// active one is ended first when it is worth it.
func (j *Journal) Drop(applied uint64) {
	c := &j.committing
	c.Lock()
	s := c.active
	part := s != nil && s.first <= applied && s.last > applied && s.size >= dropPartBytes
	late := part && s.size-s.synced > maxSyncInlineBytes
	c.Unlock()
	if late {
		j.syncActive() // so that sealing it holds nobody up
	}

	c.Lock()
	c.applied = max(c.applied, applied)
	switch {
	case s == nil || s != c.active || s.last < s.first: // nothing to end
	case s.last <= applied && (s.doubt || s.size >= dropAllBytes || time.Since(s.created) >= dropAllAge):
		j.retireLocked() // not fsynced: nobody needs it any more
	case part && !s.beside:
		j.sealLocked()
	}
	if c.syncErr != nil && c.applied >= c.unsynced {
		c.syncErr, c.unsynced = nil, 0
		j.publishLocked()
	}
	keep := slices.IndexFunc(c.sealed, func(s *segment) bool { return s.last > applied })
	if keep < 0 {
		keep = len(c.sealed)
	}
	gone := c.sealed[:keep]
	c.sealed = slices.Clone(c.sealed[keep:])
	c.Unlock()

	if len(gone) == 0 {
		return
	}
	err := j.setState(func(s *State) { // before anything is deleted
		s.Floor = max(s.Floor, applied)
		if s.Newest <= gone[len(gone)-1].first {
			s.Newest = 0
		}
	})
	if err != nil {
		c.Lock() // the next Drop tries again
		c.sealed = append(slices.Clone(gone), c.sealed...)
		c.Unlock()
		return
	}
	for i, s := range gone {
		if j.remove(s.path) != nil {
			c.Lock() // the next Drop tries again
			c.sealed = append(slices.Clone(gone[i:]), c.sealed...)
			c.Unlock()
			break
		}
		j.counts.segments.Add(-1)
		j.counts.bytes.Add(-s.length())
	}
	_ = j.syncDir() // a segment that comes back after a power cut is dropped again by Open
}

// tend is the background goroutine: the fsync of EverySec, and retries of failed writes.
func (j *Journal) tend() {
	defer close(j.stopped)
	tick := time.NewTimer(syncEvery)
	for {
		select {
		case <-j.stop:
			return
		case <-tick.C:
		case <-j.kick:
		}
		c := &j.committing
		c.Lock()
		j.lookAfterActiveLocked()
		if c.writeErr != nil {
			j.commitLocked()
		}
		failing := c.writeErr != nil || c.syncErr != nil
		full := c.active != nil && c.active.size >= j.o.SegmentBytes
		c.Unlock()
		if Policy(j.policy.Load()) != No || full || failing {
			j.syncActive()
		}
		j.Note()
		if failing {
			tick.Reset(retryEvery)
		} else {
			tick.Reset(syncEvery)
		}
	}
}

// lookAfterActiveLocked gives up the active segment if it was deleted, renamed or replaced: what it holds is in
// doubt until SQLite has it, as after an fsync that failed, and what comes goes to a new one. The caller holds
// committing.
func (j *Journal) lookAfterActiveLocked() {
	c := &j.committing
	s := c.active
	if s == nil || s.inPlace() {
		return
	}
	if s.last > c.applied {
		c.syncErr = fmt.Errorf("%w: %s was deleted, renamed or replaced", ErrSync, s.path)
		c.unsynced = max(c.unsynced, s.last)
	}
	j.retireLocked()
	j.publishLocked()
}

// Note lets the next start know how far the records went. Those that a failed fsync has put in doubt are not among
// them.
func (j *Journal) Note() {
	if j.state == nil {
		return
	}
	c := &j.committing
	c.Lock()
	written, synced := j.committed.Load(), j.synced.Load()
	if c.syncErr != nil {
		written = synced
	}
	c.Unlock()
	_ = j.count(j.state.Note(func(s *State) { s.Written, s.Synced = written, synced })) // less is known, and nothing wrong
}

// Close commits and fsyncs what was appended and closes the files. It returns nil when all of it is safe.
func (j *Journal) Close() error {
	j.closing.Do(func() { j.closeErr = j.close() })
	return j.closeErr
}

func (j *Journal) close() error {
	close(j.stop)
	<-j.stopped
	c := &j.committing
	c.Lock()
	defer c.Unlock()
	j.commitLocked()
	if c.active != nil {
		j.sealLocked()
	}
	if c.active != nil { // it could not be fsynced, which Err says
		j.retireLocked()
	}
	err := j.Err()
	if err == nil {
		last := c.written
		err = j.setState(func(s *State) { s.Written, s.Synced = last, last })
	}
	c.closed = true
	j.publishLocked()
	if err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}
