package journal

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Open opens the journal in dir, which it creates if needed, for a database that holds every record up to LSN applied.
// Segments with nothing newer are deleted, all others are read through: a torn tail of the last one is cut off, any
// other damage is an error that names the file. Records from before stay in their files; new ones go to a new segment.
func Open(dir string, applied uint64, o Options) (*Journal, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	j := &Journal{dir: dir, o: o, kick: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	j.policy.Store(int32(o.Policy))
	j.waiting.changed.L = &j.waiting
	j.pending.batch = &Batch{journal: j}
	if err := j.recover(applied); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	go j.tend()
	return j, nil
}

// recover finds the segments, checks them and sets the LSNs.
func (j *Journal) recover(applied uint64) error {
	if err := j.o.Disk.MkdirAll(j.dir, 0o750); err != nil {
		return err
	}
	segments, err := j.list(applied)
	if err != nil {
		return err
	}
	last := applied
	for i, s := range segments {
		if i == 0 && s.first > applied+1 {
			return fmt.Errorf("%s: the database holds the records up to %d, so those from %d to %d are missing; put the segments "+
				"from before it back, or set the database and the journal aside together", s.path, applied, applied+1, s.first-1)
		}
		if i+1 < len(segments) {
			if err := s.check(segments[i+1].first); err != nil {
				return err
			}
		} else if err := j.mend(s); err != nil {
			return err
		}
		last = s.last
	}
	if n := len(segments); n > 0 && (last <= applied || segments[n-1].size == 0) {
		// Only the last can be so; then list has dropped all before it, or it holds no record.
		if segments[n-1].size > 0 {
			if err := j.remove(segments[n-1].path); err != nil {
				return err
			}
		}
		segments = segments[:n-1]
	}
	if err := j.syncDir(); err != nil {
		return err
	}
	for _, s := range segments {
		j.counts.bytes.Add(s.size)
		j.counts.segments.Add(1)
	}
	last = max(last, applied)
	c := &j.committing
	c.sealed, c.written, c.applied = segments, last, applied
	j.last.Store(last)
	j.committed.Store(last)
	j.synced.Store(last)
	return nil
}

// list returns the segments in order, without those that hold nothing newer than applied: it deletes them, unread.
func (j *Journal) list(applied uint64) (segments []*segment, err error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if first, ok := segmentFirst(e.Name()); ok {
			segments = append(segments, &segment{path: filepath.Join(j.dir, e.Name()), first: first, created: time.Now()})
		}
	}
	slices.SortFunc(segments, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
	for len(segments) > 1 && segments[1].first <= applied+1 {
		if err := j.remove(segments[0].path); err != nil {
			return nil, err
		}
		segments = segments[1:]
	}
	return segments, nil
}

// check reads a segment that has a successor, which begins at LSN end. Bytes after end-1 are what a failed
// write left there.
func (s *segment) check(end uint64) (err error) {
	s.last, s.size, _, err = readSegment(s.path, end, nil)
	if err == nil && s.last+1 < end {
		err = &damage{s.size, fmt.Sprintf("records end with %d, the next segment begins with %d", s.last, end)}
	}
	if err != nil {
		return s.damaged(s.last, err)
	}
	return nil
}

// damaged says what the operator can do about a segment that can not be read to its end.
// after the record with LSN last.
func (s *segment) damaged(last uint64, err error) error {
	var d *damage
	if !errors.As(err, &d) {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return fmt.Errorf("%s: %w: the records from %d on can not be read; put a good copy of the file back, or move it and the "+
		"segments after it out of the directory, which gives those records up", s.path, d, last+1)
}

// mend reads the last segment and cuts off what a crash left at its end: all of it, when there is no
// whole record. Then s.size is 0 and the file is gone.
func (j *Journal) mend(s *segment) error {
	last, size, fileSize, err := readSegment(s.path, math.MaxUint64, nil)
	s.last, s.size = last, size
	var d *damage
	switch {
	case errors.As(err, &d) && (size > 0 || fileSize <= segmentHeaderBytes): // create fsyncs the header before there is more
		if j.o.Torn != nil {
			j.o.Torn(s.path, size, fileSize-size, d.reason)
		}
	case err != nil:
		return s.damaged(s.last, err)
	}
	if s.last < s.first {
		s.size = 0
		return j.remove(s.path)
	}
	// From here on it has a successor, so it must be complete on disk first.
	if s.file, err = os.OpenFile(s.path, os.O_WRONLY, 0); err != nil {
		return err
	}
	if size < fileSize {
		err = j.truncate(s, size)
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

// Replay calls fn for the records with LSN >= from, in order, as they stand in the files. It holds one record in memory at a
// time; rec.Head is valid during the call. Call it before the first Append.
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
			return fmt.Errorf("replay journal: %w", s.damaged(last, err))
		}
	}
	return nil
}
