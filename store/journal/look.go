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

// Damage says what is wrong with a file of the data directory: what a crash can not have left.
type Damage struct{ File, Expected, Found string }

func (d *Damage) Error() string {
	return fmt.Sprintf("%s: expected %s, found %s", d.File, d.Expected, d.Found)
}

// Found is what Look saw in a journal's directory.
type Found struct {
	Last    uint64 // newest LSN in the journal or the database
	Records uint64 // up to which LSN the segments go, 0 = there are none

	dir           string
	applied       uint64
	state         State
	closedInOrder bool
	sameBoot      bool
	segments      []*segment // to be kept, oldest first
	stale         []*segment // nothing newer than applied is in them
	tear          *Tear      // of the last segment in either list, which is cut off
}

// Tear is the end of the last segment that a crash has left torn.
type Tear struct {
	Segment string // path
	Offset  int64
	Bytes   int64  // cut off, zeros at the end included
	First   uint64 // the first LSN that is not there
	Whole   int    // whole records behind the first that is not: of a write that no fsync had covered
	Reason  string
	Kept    string // the file that has the bytes now; empty if they were zeros
}

// Look reads the journal in dir for a database that holds every record up to LSN applied, and changes nothing.
// closedInOrder says that the database was closed in order, when it held all that there was. An error is a *Damage, or
// from reading: then the journal is not what a crash can have left, and nobody should write to it.
func Look(dir string, applied uint64, state State, closedInOrder bool) (*Found, error) {
	f := &Found{Last: applied, dir: dir, applied: applied, state: state, closedInOrder: closedInOrder}
	f.sameBoot = state.SameBoot()
	segments, err := list(dir)
	if err != nil {
		return nil, err
	}
	if err := f.belong(segments); err != nil {
		return nil, err
	}
	for len(segments) > 1 && segments[1].first <= applied+1 {
		f.stale, segments = append(f.stale, segments[0]), segments[1:]
	}
	for i, s := range segments {
		if i == 0 && s.first > applied+1 {
			return nil, &Damage{s.path,
				fmt.Sprintf("the records from %d on, which follow those in the database", applied+1),
				fmt.Sprintf("the first segment to begin with record %d", s.first)}
		}
		if i+1 < len(segments) {
			err = s.check(segments[i+1].first)
		} else {
			err = f.end(s)
		}
		if err != nil {
			return nil, err
		}
		f.Last = max(f.Last, s.last)
	}
	if n := len(segments); n > 0 {
		f.Records = segments[n-1].last
	}
	if n := len(segments); n > 0 && segments[n-1].last <= max(applied, segments[n-1].first-1) {
		f.stale, segments = append(f.stale, segments[n-1]), segments[:n-1] // or it holds no record
	}
	f.segments = segments
	if len(f.segments)+len(f.stale) == 0 {
		err = f.short(filepath.Join(dir, segmentName(applied+1)), applied)
	}
	return f, err
}

// There reports whether dir has segments.
func There(dir string) bool {
	segments, err := list(dir)
	return err != nil || len(segments) > 0
}

// list returns the segments in order.
func list(dir string) (segments []*segment, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if first, ok := segmentFirst(e.Name()); ok {
			segments = append(segments,
				&segment{path: filepath.Join(dir, e.Name()), first: first, last: first - 1, created: time.Now()})
		}
	}
	slices.SortFunc(segments, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
	return segments, nil
}

// belong looks at all headers: a segment of another server is refused even if it would not be read, and the
// newest that the state knows of, or one after it, must be there. Version 1 has no identity.
func (f *Found) belong(segments []*segment) error {
	there := f.state.Newest == 0 || f.closedInOrder && f.applied >= f.state.Newest
	for _, s := range segments {
		r, err := s.header()
		var d *damage
		if errors.As(err, &d) {
			continue // the reader of its records says what that means
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		if f.state.Identity != 0 && r.version > 1 && r.identity != f.state.Identity && r.identity != f.state.Before {
			return &Damage{s.path, fmt.Sprintf("a segment of the server with identity %016x", f.state.Identity),
				fmt.Sprintf("one of %016x", r.identity)}
		}
		there = there || s.first >= f.state.Newest
	}
	if !there {
		return &Damage{filepath.Join(f.dir, segmentName(f.state.Newest)),
			fmt.Sprintf("the segment that begins with record %d, or a newer one", f.state.Newest),
			"none whose header is whole"}
	}
	return nil
}

// header reads the segment's header.
func (s *segment) header() (*reader, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return newReader(file, info.Size())
}

// check reads a segment that has a successor, which begins at LSN end. Bytes after end-1 are what a failed
// write left there.
func (s *segment) check(end uint64) (err error) {
	s.last, s.size, _, err = readSegment(s.path, end, nil)
	if err == nil && s.last+1 < end {
		err = &damage{s.size, fmt.Sprintf("records end with %d, the next segment begins with %d", s.last, end)}
	}
	return s.damaged(err)
}

// damaged names the file in an error, and what is missing if that is damage.
func (s *segment) damaged(err error) error {
	var d *damage
	switch {
	case err == nil:
		return nil
	case errors.As(err, &d):
		return &Damage{s.path, fmt.Sprintf("record %d", s.last+1), d.Error()}
	}
	return fmt.Errorf("%s: %w", s.path, err)
}

// end reads the last segment and judges how it ends: see doc.go for what a crash can leave.
func (f *Found) end(s *segment) error {
	last, size, fileSize, err := readSegment(s.path, math.MaxUint64, nil)
	s.last, s.size = last, size
	var d *damage
	switch {
	case err == nil:
		return f.short(s.path, last)
	case !errors.As(err, &d):
		return s.damaged(err)
	case size == 0 && fileSize <= segmentHeaderBytes: // create fsyncs the header before there is more
		f.tear = &Tear{Segment: s.path, Bytes: fileSize, First: s.first, Reason: d.reason}
		return f.short(s.path, last)
	case size == 0 && f.unneeded(s.first, f.state.Newest):
		return nil
	case size == 0:
		return s.damaged(err)
	}
	behind, err := s.behind(fileSize)
	if err != nil {
		return s.damaged(err)
	}
	verdict := f.short(s.path, last)
	switch {
	case verdict != nil:
	case behind.whole > 0 && (behind.marked || f.sameBoot):
		verdict = &Damage{s.path, fmt.Sprintf("record %d", last+1),
			fmt.Sprintf("%s, and %d whole records up to %d behind it, so this is no torn end", d, behind.whole,
				behind.last)}
	case f.sameBoot && behind.complete:
		verdict = &Damage{s.path, fmt.Sprintf("record %d", last+1),
			d.Error() + ", though all of its bytes were written"}
	}
	if verdict != nil {
		if f.unneeded(last+1, behind.last) {
			return nil
		}
		return verdict
	}
	f.tear = &Tear{Segment: s.path, Offset: size, Bytes: fileSize - size, First: last + 1, Whole: behind.whole,
		Reason: d.reason}
	return nil
}

// unneeded reports whether damage from an LSN on, with whole records up to another behind it, harms nobody: the
// database was closed with all of them.
func (f *Found) unneeded(from, whole uint64) bool {
	return f.closedInOrder && max(from, whole, f.must()) <= f.applied
}

// must is the LSN up to which the state says that records were there for good.
func (f *Found) must() uint64 {
	if f.sameBoot {
		return f.state.Written
	}
	return f.state.Synced
}

// short is the damage of a journal that ends with LSN last, if more was known to be there.
func (f *Found) short(path string, last uint64) error {
	if must := f.must(); max(last, f.applied) < must {
		return &Damage{path, fmt.Sprintf("the records up to %d at least", must),
			fmt.Sprintf("the end of the journal behind record %d", last)}
	}
	return nil
}
