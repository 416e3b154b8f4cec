package store

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ncruces/go-sqlite3"
)

// newSpans reads a stream's head and groups, and its first and last entries, if it is known how many it has; else the
// whole.
func (r *reader) newSpans(dst *row) (err error) {
	length, ok, err := r.indexed(dst.id)
	if err != nil {
		return err
	}
	if !ok {
		dst.coll, dst.outline, err = r.collection(dst.id, dst.typ, NeedValue)
		return err
	}
	s := newStream()
	for _, t := range tablesOf(TypeStream) {
		if t == streamEntries {
			continue
		}
		if err := r.loadTable(s, dst.id, t, NeedValue); err != nil {
			return fmt.Errorf("load %s: %w", tables[t].name, err)
		}
	}
	if err := s.restored(); err != nil {
		return err
	}
	p := &part{stream: s}
	s.part, s.spans = p, &spans{length: int(length)}
	dst.headOnly = true
	for _, end := range theEnds {
		found, err := r.entriesOf(dst.id, end)
		if err != nil {
			return err
		}
		s.learn(found, nil)
	}
	if last := s.entries.last(); last != nil {
		s.next = max(s.next, last.n+1)
	}
	dst.outline = &outline{shape: s.shape(), rough: true, part: p}
	return nil
}

// moreEntries reads entries of a stream of which there is a part.
func (r *reader) moreEntries(dst *row, reads []EntryRange) error {
	for _, read := range reads {
		known := slices.ContainsFunc(dst.entries, func(f foundSpan) bool {
			return f.from.Compare(read.From) <= 0 && f.to.Compare(read.To) >= 0
		})
		if known { // one entry, mostly, of a run that was read for another
			continue
		}
		found, err := r.entriesOf(dst.id, read)
		if err != nil {
			return err
		}
		dst.entries = append(dst.entries, found)
	}
	return nil
}

// entriesOf reads the entries of a range, and what stands in one run with them.
func (r *reader) entriesOf(id int64, read EntryRange) (found foundSpan, err error) {
	seek, sql := read.From, `SELECT n, gaps, data FROM stream_runs WHERE id = ?1 AND n >= ?2 ORDER BY n`
	if read.Back {
		seek, sql = read.To, `SELECT n, gaps, data FROM stream_runs WHERE id = ?1 AND n <= ?2 ORDER BY n DESC`
	}
	n, before, err := r.seekRun(id, seek)
	if err != nil {
		return found, err
	}
	s, err := r.stmt(sql)
	if err != nil {
		return found, err
	}
	defer s.Reset()
	if err := bind(s, id, n); err != nil {
		return found, err
	}
	if found, err = r.readRuns(s, id, read); err != nil {
		return found, fmt.Errorf("load %s: %w", tables[streamEntries].name, err)
	}
	if before && !read.Back { // no run begins at the id or before it
		found.from = minStreamID
	}
	return found, nil
}

// readRuns reads runs until the range's entries are found.
func (r *reader) readRuns(s *sqlite3.Stmt, id int64, read EntryRange) (found foundSpan, err error) {
	row := tableRow{table: streamEntries, key: id, reader: r, stmt: s}
	var runs [][]streamEntry
	var b breath
	done, got := false, int64(0)
	for !done && s.Step() {
		b.step(1)
		run := newStream()
		row.run = &runReader{d: &tables[streamEntries]}
		if err := row.restoreTo(run); err != nil {
			return found, err
		}
		entries := make([]streamEntry, 0, run.entries.live)
		run.entries.ascend(minStreamID, func(e *streamEntry) bool {
			entries = append(entries, *e)
			if e.id.Compare(read.From) >= 0 && e.id.Compare(read.To) <= 0 {
				got++
			}
			return true
		})
		runs = append(runs, entries)
		done = read.Count > 0 && got >= read.Count
		if read.Back {
			done = done || entries[0].id.Compare(read.From) <= 0
		} else {
			done = done || entries[len(entries)-1].id.Compare(read.To) >= 0
		}
	}
	if err := s.Err(); err != nil {
		return found, err
	}
	found.from, found.to = read.From, maxStreamID
	if read.Back {
		slices.Reverse(runs)
		found.from, found.to = minStreamID, read.To
	}
	found.entries = slices.Concat(runs...)
	if len(found.entries) == 0 {
		return found, nil
	}
	first, last := found.entries[0].id, found.entries[len(found.entries)-1].id
	switch {
	case !read.Back && done:
		found.to = last
	case read.Back && done:
		found.from = first
	}
	if !read.Back && first.Compare(found.from) < 0 {
		found.from = first
	}
	if read.Back && last.Compare(found.to) > 0 {
		found.to = last
	}
	return found, nil
}

// seekRun finds the last run that begins at an entry's id or before it; before = there is none, and n is of the first
// run. Runs stand by n, which grows with the ids.
func (r *reader) seekRun(id int64, entry StreamID) (n int64, before bool, err error) {
	s, err := r.stmt(`SELECT (SELECT min(n) FROM stream_runs WHERE id = ?1), (SELECT max(n) FROM stream_runs WHERE id = ?1)`)
	if err != nil {
		return 0, false, err
	}
	if err := bind(s, id); err != nil {
		return 0, false, err
	}
	s.Step()
	first, last := s.ColumnInt64(0), s.ColumnInt64(1)
	none := s.ColumnType(0) == sqlite3.NULL
	if err := s.Reset(); err != nil || none {
		return 0, true, err
	}
	return lastRunBefore(entry, first, last, func(n int64) (int64, StreamID, error) { return r.runAt(id, n) })
}

// runAt is the last run that begins at row n or before it, and its first entry's id.
func (r *reader) runAt(id, n int64) (at int64, first StreamID, err error) {
	s, err := r.stmt(`SELECT n, data FROM stream_runs WHERE id = ?1 AND n <= ?2 ORDER BY n DESC LIMIT 1`)
	if err != nil {
		return 0, first, err
	}
	defer s.Reset()
	if err := bind(s, id, n); err != nil {
		return 0, first, err
	}
	if !s.Step() {
		return 0, first, s.Err()
	}
	at = s.ColumnInt64(0)
	run := runReader{d: &tables[streamEntries], data: s.ColumnRawBlob(1)}
	ms, msErr := strconv.ParseInt(viewString(run.column()), 10, 64)
	seq, seqErr := strconv.ParseInt(viewString(run.column()), 10, 64)
	if run.bad || msErr != nil || seqErr != nil {
		return 0, first, fmt.Errorf("%w: %w: of %s, at row %d", ErrDamaged, errBadRun, run.d.name, at)
	}
	return at, StreamID{uint64(ms), uint64(seq)}, nil
}
