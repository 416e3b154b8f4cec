package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Open is Look and Start for a journal that is alone: without a state file, a torn end is
// judged by what stands behind it.
func Open(dir string, applied uint64, o Options) (*Journal, error) {
	f, err := Look(dir, applied, State{}, false)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return Start(f, nil, o)
}

// Start opens the journal that Look found, nothing having changed since. It creates the directory if needed, cuts
// a torn end off and deletes the segments that the database does not need. Records from before stay in their
// files; new ones go to a new segment. The state file may be nil; the journal changes it, its owner closes it.
func Start(f *Found, state *StateFile, o Options) (*Journal, error) {
	if o.FreeBytes == 0 {
		o.FreeBytes = maxFreeBytes
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	j := &Journal{dir: f.dir, o: o, state: state, identity: f.state.Identity,
		kick: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	j.policy.Store(int32(o.Policy))
	j.segmentBytes.Store(o.SegmentBytes)
	j.waiting.changed.L = &j.waiting
	j.pending.batch = &Batch{journal: j}
	if err := j.recover(f); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	go j.tend()
	return j, nil
}

// recover brings the directory in order and sets the LSNs.
func (j *Journal) recover(f *Found) error {
	if err := j.o.Disk.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	if f.tear != nil {
		if err := j.keep(f.tear); err != nil {
			return err
		}
	}
	newest := uint64(0)
	if n := len(f.segments); n > 0 {
		newest = f.segments[n-1].first
		if err := j.mend(f.segments[n-1], f.tear); err != nil {
			return err
		}
	}
	if err := j.syncDir(); err != nil { // before the state says that a segment must be there
		return err
	}
	err := j.setState(func(s *State) {
		s.Floor, s.Newest = max(s.Floor, f.applied), newest
		s.Written, s.Synced, s.Boot = f.Last, f.Last, BootID()
	})
	if err != nil {
		return err
	}
	for _, s := range f.stale {
		if err := j.remove(s.path); err != nil {
			return err
		}
	}
	if len(f.stale) > 0 {
		if err := j.syncDir(); err != nil {
			return err
		}
	}
	for _, s := range f.segments {
		j.counts.bytes.Add(s.size)
		j.counts.segments.Add(1)
	}
	c := &j.committing
	c.sealed, c.written, c.applied = f.segments, f.Last, f.applied
	j.last.Store(f.Last)
	j.committed.Store(f.Last)
	j.synced.Store(f.Last)
	return nil
}

// keep copies what is cut off into a file beside the segment, unless it is zeros, and tells of it.
func (j *Journal) keep(t *Tear) error {
	from, err := os.Open(t.Segment)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // only read
	length, err := withoutZeros(from, t.Offset, t.Offset+t.Bytes)
	if err != nil {
		return err
	}
	if length > 0 {
		t.Kept = fmt.Sprintf("%s.%d.cut", t.Segment, t.Offset)
		err := j.copyTo(t.Kept, io.NewSectionReader(from, t.Offset, length))
		// The records were never known to be safe, and a full disk must not keep those that are from being served.
		if noSpace(err) {
			err, t.Kept = j.o.Disk.Remove(t.Kept), ""
		}
		if err != nil {
			return fmt.Errorf("keep the torn end: %w", err)
		}
	}
	if j.o.Torn != nil {
		j.o.Torn(*t)
	}
	return nil
}

// copyTo makes a file of what from has, fsynced but for its name.
func (j *Journal) copyTo(path string, from *io.SectionReader) error {
	to, err := j.o.Disk.Create(path, 0o600)
	if err != nil {
		return err
	}
	buf := make([]byte, 256<<10)
	for at, n := int64(0), 1; err == nil && n > 0; at += int64(n) {
		if n, err = from.Read(buf); eofIsNil(err) == nil {
			_, err = j.o.Disk.Write(to, buf[:n], at)
		}
	}
	if err == nil {
		err = j.o.Disk.Sync(to)
	}
	return errors.Join(err, to.Close())
}

// withoutZeros returns how many bytes between two offsets there are when the zeros at the end are left out.
func withoutZeros(f io.ReaderAt, from, to int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for to > from {
		n := min(to-from, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], to-n); eofIsNil(err) != nil {
			return 0, err
		}
		for ; n > 0 && buf[n-1] == 0; n-- {
			to--
		}
		if n > 0 {
			break
		}
	}
	return to - from, nil
}

// mend makes the last segment complete on disk, without what a crash left at its end: from here
// on it has a successor, whatever became of earlier fsyncs.
func (j *Journal) mend(s *segment, t *Tear) (err error) {
	if s.file, err = os.OpenFile(s.path, os.O_RDWR, 0); err != nil {
		return err
	}
	if t != nil {
		err = j.truncate(s, s.size)
	}
	if err == nil {
		err = j.count(j.o.Disk.Rewrite(s.file, 0, s.size))
	}
	if err == nil {
		err = j.sync(s.file)
	}
	err = errors.Join(err, s.file.Close())
	s.file = nil
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

// Replay calls fn for the records with LSN >= from, in order, as they stand in the files. It holds
// one record in memory at a time; rec.Head is valid during the call. Call it before the first Append.
func (j *Journal) Replay(from uint64, fn func(lsn uint64, rec Record) error) error {
	j.committing.Lock()
	segments := slices.Clone(j.committing.sealed) // Drop may run beside us; it takes only what has been replayed
	j.committing.Unlock()
	for _, s := range segments {
		if s.last < from {
			continue
		}
		var stop error // fn's own, returned as it is
		last, _, _, err := readSegment(s.path, s.last+1, func(lsn uint64, payload []byte) error {
			if lsn >= from {
				stop = fn(lsn, Record{Head: payload[:len(payload):len(payload)]})
			}
			return stop
		})
		if stop != nil {
			return stop
		}
		if err == nil && last < s.last {
			err = &damage{0, "file is shorter than it was"}
		}
		if err != nil {
			s.last = last
			return fmt.Errorf("replay journal: %w", s.damaged(err))
		}
	}
	return nil
}
