package journal

import (
	"fmt"
	"time"
)

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
		full := c.active != nil && c.active.size >= j.segmentBytes.Load()
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
	// If the note fails, less is known after a crash, and nothing is wrong.
	_ = j.count(j.state.Note(func(s *State) { s.Written, s.Synced = written, synced }))
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
