package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

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
