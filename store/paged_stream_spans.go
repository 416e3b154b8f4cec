package store

import (
	"cmp"
	"slices"
	"sort"
)

// spans says of which ids a Stream knows the entries.
type spans struct {
	known  []*idSpan // ascending, none over another
	length int       // entries of the whole stream
	grown  int       // entries that the last span has got since it began
	hand   int       // SIEVE's: the next span that is looked at
	size   int       // entries of a new span; 0 = spanEntries

	stuck      uint64 // the applied LSN when nothing more could be let go of, and
	stuckBytes int64  // what the entries took then
}

type idSpan struct {
	from, to StreamID
	lsn      uint64 // all changes in it are of records up to this one
	command  uint64 // the last that has asked for it
	visited  bool
	held     int // loads that have brought it for commands that have not run yet
}

// asked notes that a command needs the span; 0 = none does.
func (sp *idSpan) asked(command uint64) {
	if command != 0 {
		sp.visited, sp.command = true, command
	}
}

const (
	spanEntries = 512
	spanBytes   = 72
	// mostShed is how many spans are let go of at a time.
	mostShed = 64
)

func (s *Stream) spanBytes() int64 {
	if s.spans == nil {
		return 0
	}
	return int64(len(s.spans.known)) * spanBytes
}

// at is the place of the span that has an id, or of the first one behind it.
func (k *spans) at(id StreamID) (place int, known bool) {
	place = sort.Search(len(k.known), func(i int) bool { return k.known[i].to.Compare(id) >= 0 })
	return place, place < len(k.known) && k.known[place].from.Compare(id) <= 0
}

// follows reports whether the span at a place begins where the one before ends.
func (k *spans) follows(place int) bool {
	next, ok := k.known[place-1].to.Next()
	return ok && k.known[place].from == next
}

// missing is what is to be read before the entries of a range are known; none = they are.
func (s *Stream) missing(r EntryRange, command uint64) (read EntryRange, some bool) {
	if r.From.Compare(r.To) > 0 {
		return r, false
	}
	var upTo StreamID
	if r.Back {
		upTo, some = s.missingBack(r, command)
	} else {
		upTo, some = s.missingOn(r, command)
	}
	if !some {
		return r, false
	}
	had := int64(0)
	if r.Count > 0 {
		s.eachKnown(r, func(e *streamEntry) bool {
			if r.Back && e.id.Compare(upTo) <= 0 || !r.Back && e.id.Compare(upTo) >= 0 {
				return false
			}
			had++
			return true
		})
		r.Count -= had
	}
	if r.Back {
		r.To = upTo
	} else {
		r.From = upTo
	}
	return r, true
}

// eachKnown calls fn for entries of a range that memory has, whatever is missing between them.
func (s *Stream) eachKnown(r EntryRange, fn func(*streamEntry) bool) {
	if r.Back {
		s.entries.descend(r.To, func(e *streamEntry) bool { return e.id.Compare(r.From) >= 0 && fn(e) })
	} else {
		s.entries.ascend(r.From, func(e *streamEntry) bool { return e.id.Compare(r.To) <= 0 && fn(e) })
	}
}

// end is the id up to which a range reaches if nothing is missing.
func (s *Stream) end(r EntryRange) (id StreamID) {
	if id = r.To; r.Back {
		id = r.From
	}
	if n := r.Count; n > 0 {
		s.eachKnown(r, func(e *streamEntry) bool {
			if n--; n == 0 {
				id = e.id
			}
			return n > 0
		})
	}
	return id
}

// missingOn returns the first id that is not known.
func (s *Stream) missingOn(r EntryRange, command uint64) (id StreamID, some bool) {
	k, end := s.spans, s.end(r)
	i, ok := k.at(r.From)
	if !ok {
		return r.From, true
	}
	for ; ; i++ {
		k.known[i].asked(command)
		if k.known[i].to.Compare(end) >= 0 {
			return id, false
		}
		if i+1 == len(k.known) || !k.follows(i+1) {
			id, _ = k.known[i].to.Next()
			return id, true
		}
	}
}

// missingBack returns the last id that is not known.
func (s *Stream) missingBack(r EntryRange, command uint64) (id StreamID, some bool) {
	k, end := s.spans, s.end(r)
	i, ok := k.at(r.To)
	if !ok {
		return r.To, true
	}
	for ; ; i-- {
		k.known[i].asked(command)
		if k.known[i].from.Compare(end) <= 0 {
			return id, false
		}
		if i == 0 || !k.follows(i) {
			id, _ = k.known[i].from.Previous()
			return id, true
		}
	}
}

// wants are the ranges of which something is to be read: of those that are short more than is asked for, for the next
// command.
func (s *Stream) wants(st *Store, ranges []EntryRange) (reads []EntryRange) {
	for _, r := range ranges {
		if read, some := s.missing(r, st.tx.begun); some {
			if read.Count > 0 {
				read.Count = max(read.Count, int64(st.endReads()))
			}
			reads = append(reads, read)
		}
	}
	return reads
}

// mustKnow panics if not all entries between two ids, in either order, are known: the command has not asked for them.
func (s *Stream) mustKnow(a, b StreamID) {
	if s.spans != nil {
		if a.Compare(b) > 0 {
			a, b = b, a
		}
		if _, some := s.missing(EntryRange{From: a, To: b}, 0); some {
			panic("entries were not announced")
		}
	}
}

// A foundSpan is all entries between two ids, as the tables have them.
type foundSpan struct {
	from, to StreamID
	entries  []streamEntry
}

// learn takes in what was read, as far as it is not known. The new spans are held, unless held is nil.
func (s *Stream) learn(f foundSpan, held *[]*idSpan) {
	k := s.spans
	for from, more := f.from, true; more && from.Compare(f.to) <= 0; {
		i, known := k.at(from)
		if known {
			from, more = k.known[i].to.Next()
			continue
		}
		to := f.to
		if i < len(k.known) && k.known[i].from.Compare(to) <= 0 {
			to, _ = k.known[i].from.Previous()
		}
		n := 0
		for n < len(f.entries) && f.entries[n].id.Compare(from) < 0 {
			n++
		}
		f.entries, n = f.entries[n:], 0
		for n < len(f.entries) && f.entries[n].id.Compare(to) <= 0 {
			s.entries.insert(f.entries[n])
			n++
		}
		added := k.cut(from, to, f.entries[:n], 0)
		k.known = slices.Insert(k.known, i, added...)
		if k.hand > i {
			k.hand += len(added)
		}
		if held != nil {
			for _, sp := range added {
				sp.held++
			}
			*held = append(*held, added...)
		}
		f.entries = f.entries[n:]
		from, more = to.Next()
	}
}

// cut makes spans of all ids between two, of which these are the entries.
func (k *spans) cut(from, to StreamID, entries []streamEntry, lsn uint64) (made []*idSpan) {
	for size := cmp.Or(k.size, spanEntries); len(entries) > size; {
		entries = entries[size:]
		last, _ := entries[0].id.Previous()
		made = append(made, &idSpan{from: from, to: last, lsn: lsn})
		from = entries[0].id
	}
	return append(made, &idSpan{from: from, to: to, lsn: lsn})
}

// spanned makes a whole stream in memory one that knows all entries and may let go of them.
func (s *Stream) spanned(lsn uint64, size int) {
	s.spans = &spans{length: s.entries.live, size: size}
	all := make([]streamEntry, 0, s.entries.live)
	s.entries.ascend(minStreamID, func(e *streamEntry) bool {
		all = append(all, *e)
		return true
	})
	s.spans.known = s.spans.cut(minStreamID, maxStreamID, all, lsn)
}

// knowsAll reports whether no entry is on disk alone.
func (s *Stream) knowsAll() bool {
	_, some := s.missing(EntryRange{To: maxStreamID}, 0)
	return !some
}

// noteEntry follows a change of an entry of a part.
func (s StreamTx) noteEntry(id StreamID, by int) {
	k := s.spans
	if k == nil {
		return
	}
	i, known := k.at(id)
	if !known {
		panic("an entry was not announced")
	}
	k.known[i].lsn = s.tx.lsn
	k.length += by
	if by < 0 || i+1 < len(k.known) {
		return
	}
	if k.grown++; k.grown >= cmp.Or(k.size, spanEntries) { // the last entry stays in the last span
		last := k.known[i]
		if to, ok := id.Previous(); ok && to.Compare(last.from) >= 0 {
			begun := &idSpan{from: id, to: last.to, lsn: last.lsn, command: last.command, visited: true}
			last.to = to
			k.known, k.grown = append(k.known, begun), 1
		}
	}
}
