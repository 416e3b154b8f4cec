package journal

import (
	"fmt"
	"slices"
	"time"
)

// activeLocked returns the segment to write to: a new one, if there is none or it has its size. The caller holds
// committing.
func (j *Journal) activeLocked() (*segment, error) {
	c := &j.committing
	if s := c.active; s != nil && s.last >= s.first && s.size >= j.segmentBytes.Load() {
		if !s.beside && (s.size-s.synced <= maxSyncInlineBytes || s.size >= 2*j.segmentBytes.Load()) {
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
