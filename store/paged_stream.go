package store

import (
	"cmp"
	"math"
	"slices"
)

// A large stream that is on disk is not loaded whole by commands that say which entries they are about. Its part
// (paged.go) is a Stream that has the head and the groups, and of the entries those of some spans of ids:
//
//	ids      0-0 ........ 17-3           41-0 ..... 44-9                  90-1 ..... the highest
//	span    [ all entries there ]       [ all there, too ]               [ and these, new ones ]
//
// What lies in a span is known: an entry that is not there does not exist. The rest is in the tables as it is now (I5).
// The first entry and the last are always known when a command runs; it asks for others by WantEntries. The last span
// takes in what is added, and is ended every spanEntries. The others are let go of when they are too much, those first
// that were not used lately (SIEVE), and each once its changes are applied (I3) and no read is under way that
// began before them.
//
// Rows go by n, which grows with the ids, so an entry is found by bisection (paged_stream_read.go), without an index.
// How many entries there are stands in indexed_keys, as for lists.
//
// A stream of a million entries of 50 bytes after kill -9 and a start, maxmemory 64mb, on two cores that others used:
// medians, and the server's CPU a command. RSS after all was 45 MB.
//
//	XLEN 0.02 ms, 20 us    XADD 0.03 ms, 40 us    XREAD and XREVRANGE of 10 entries at random 2 ms, 600 us

// An EntryRange is entries of a stream: those from one id to another, both included, or the first Count of them
// (0 or less = all), or the last if it goes Back.
type EntryRange struct {
	From, To StreamID
	Count    int64
	Back     bool
}

// EntriesFrom are all entries from an id on, or count of them.
func EntriesFrom(id StreamID, count int64) EntryRange {
	return EntryRange{From: id, To: maxStreamID, Count: count}
}

// theEnds are what every command on a part finds.
var theEnds = []EntryRange{{To: maxStreamID, Count: 1}, {To: maxStreamID, Count: 1, Back: true}}

// Partial reports whether commands have to ask for the entries that they are about.
func (s *Stream) Partial() bool { return s != nil && s.spans != nil }

// leastFields is what an entry's fields take at least.
const leastFields = 4

// Trimmed are the entries that Trim looks at once so many were added.
func (s *Stream) Trimmed(t Trim, added int) []EntryRange {
	node := int64(1)
	if t.Approximate {
		node = math.MaxInt32
		if t.NodeEntries > 0 {
			node = t.NodeEntries
		}
		if t.NodeBytes > 0 {
			node = min(node, t.NodeBytes/leastFields+1)
		}
	}
	node++
	if t.MaxLen < 0 {
		below := EntryRange{To: t.MinID}
		if t.Limit > 0 {
			below.Count = t.Limit + node
		}
		return []EntryRange{below, EntriesFrom(t.MinID, node)}
	}
	gone := int64(s.Len()+added) - t.MaxLen
	if gone <= 0 {
		return nil
	}
	if t.Limit > 0 {
		gone = min(gone, t.Limit)
	}
	return []EntryRange{EntriesFrom(minStreamID, gone+node)}
}

// shed lets go of spans while the part takes more than it should.
func (p *part) shed(st *Store) (did bool) {
	s, most := p.stream, max(leastYoung, st.maxMemory.Load()/partShare)
	if st.opts.youngBytes != 0 {
		most = st.opts.youngBytes
	}
	return p.shedTo(st, s, most)
}

func (p *part) shedTo(st *Store, s *Stream, most int64) (did bool) {
	k, size, applied := s.spans, s.entries.size(), st.applied.Load()
	if size <= most || p.reading > 0 || p.owner == nil || k.stuck == applied && size < k.stuckBytes+most {
		return false
	}
	for shed, looked := 0, 0; s.entries.size() > most && shed < mostShed; looked++ {
		if looked > 2*len(k.known) {
			k.stuck, k.stuckBytes = applied, s.entries.size()
			break
		}
		if k.hand++; k.hand >= len(k.known)-1 { // the last one stays, and the first one
			k.hand = 1
		}
		if len(k.known) < 3 {
			continue
		}
		switch sp := k.known[k.hand]; {
		case sp.held > 0 || sp.lsn > applied || sp.command == st.tx.begun:
		case sp.visited:
			sp.visited = false
		default:
			s.entries.removeRange(sp.from, sp.to)
			k.known = slices.Delete(k.known, k.hand, k.hand+1)
			k.hand--
			shed, did = shed+1, true
		}
	}
	st.resized(p.owner)
	return did
}

// mergeEntries brings what a part knows into the whole stream, which was loaded while there was the part.
func (s *Stream) mergeEntries(whole *Stream) {
	for _, sp := range s.spans.known {
		whole.entries.removeRange(sp.from, sp.to)
	}
	s.entries.ascend(minStreamID, func(e *streamEntry) bool {
		whole.entries.insert(*e)
		return true
	})
	whole.lastID, whole.deleted, whole.added, whole.next = s.lastID, s.deleted, s.added, s.next
	whole.groups, whole.groupBytes = s.groups, s.groupBytes
}

// fitsWhole reports whether a part tells the same as the whole stream.
func (s *Stream) fitsWhole(whole *Stream) bool {
	fits := s.spans.length == whole.entries.live && s.lastID == whole.lastID && s.deleted == whole.deleted &&
		s.added == whole.added && len(s.groups) == len(whole.groups)
	for _, sp := range s.spans.known {
		var have []streamEntry
		r := EntryRange{From: sp.from, To: sp.to}
		s.eachKnown(r, func(e *streamEntry) bool {
			have = append(have, *e)
			return true
		})
		whole.eachKnown(r, func(e *streamEntry) bool {
			fits = fits && len(have) > 0 && have[0] == *e
			have = have[min(1, len(have)):]
			return true
		})
		fits = fits && len(have) == 0
	}
	return fits
}

// WantStream is Want for a command that says which entries of a stream it is about, with WantEntries.
func (v *View) WantStream(key []byte) bool {
	return v.found(key, v.residentStream(key))
}

// WantAlsoStream is WantStream for a key that a command comes upon while it runs: see WantAlso.
func (v *View) WantAlsoStream(key []byte) bool { return v.residentStream(key) != nil }

// HasStream reports whether WantAlsoStream would find it.
func (v *View) HasStream(key []byte) bool {
	o := v.space.keys.getBytes(key)
	if o == nil {
		return !v.space.unloaded
	}
	return v.st.hasStream(o)
}

func (v *View) residentStream(key []byte) *object {
	o, unknown := v.object(key)
	if !unknown && v.st.hasStream(o) {
		return o
	}
	f := v.fetching()
	if p := o.part(); p != nil {
		f.startEntries(o, p, p.stream.wants(v.st, theEnds))
	} else {
		f.need(o, NeedPart)
	}
	return nil
}

// hasStream reports whether a command can run that then asks for entries.
func (st *Store) hasStream(o *object) bool {
	switch p := o.part(); {
	case o.unknown():
		return false
	case !o.headOnly || o.typ != TypeStream:
		return true
	case p == nil:
		return false
	default:
		p.shed(st)
		return p.stream.wants(st, theEnds) == nil
	}
}

// startEntries reads entries of a part.
func (f *Fetch) startEntries(o *object, p *part, reads []EntryRange) {
	l := f.partLoad(o, p)
	l.entries = append(l.entries, reads...)
}

// WantEntries reports whether a command can go on with these entries of a stream that StreamPart or EditStreamPart has
// returned. If not, their loads are noted: see TakeFetch.
func (v *View) WantEntries(s *Stream, ranges ...EntryRange) bool {
	if s == nil || s.spans == nil {
		return true
	}
	reads := s.wants(v.st, ranges)
	if reads != nil {
		v.fetching().startEntries(s.part.owner, s.part, reads)
	}
	return reads == nil
}

// LoadEntries is WantEntries for a command that can not wait: it reads what is missing.
func (v *View) LoadEntries(s *Stream, ranges ...EntryRange) {
	if s == nil || s.spans == nil {
		return
	}
	for reads := s.wants(v.st, ranges); reads != nil; reads = s.wants(v.st, ranges) {
		v.st.loadPartNow(s.part.owner, s.part, &load{need: NeedPart, entries: reads})
	}
}

// withStream is known for a stream of which entries are asked for later.
func (v *View) withStream(key []byte) *object {
	o := v.wanted(key)
	if o == nil {
		o = v.space.keys.getBytes(key)
	}
	if o != nil && v.st.hasStream(o) {
		return o
	}
	if o == nil || o.part() == nil {
		if o = v.st.loadNow(v.space, key, o, NeedPart); v.st.hasStream(o) {
			return o
		}
	}
	if p := o.part(); p != nil {
		v.LoadEntries(p.stream, theEnds...)
		return o
	}
	return v.known(key, NeedValue)
}

// stream is the object's, whole or a part.
func (o *object) stream() *Stream {
	if p := o.part(); p != nil {
		return p.stream
	}
	s, _ := o.coll().(*Stream)
	return s
}

// StreamPart is Stream for a command that asks for no other entries than the first, the last, and those that
// WantEntries or LoadEntries has found.
func (v *View) StreamPart(key []byte) (*Stream, error) {
	switch o := v.used(v.counted(key, v.withStream(key))); {
	case o == nil:
		return nil, nil
	case o.typ != TypeStream:
		return nil, ErrWrongType
	default:
		return o.stream(), nil
	}
}

// EditStreamPart is EditStream for such a command.
func (tx *Tx) EditStreamPart(key []byte) (StreamTx, error) {
	o := tx.edited(tx.withStream(key))
	switch {
	case o.typ != None && o.typ != TypeStream:
		return StreamTx{}, ErrWrongType
	case o.headOnly:
		return StreamTx{o.stream(), editing{tx, o, o.outline()}}, nil
	}
	s := o.stream()
	if s == nil {
		s = newStream()
	}
	return StreamTx{s, editing{tx: tx, o: o}}, nil
}

// forgetSpans makes a stream that knows everything an ordinary one.
func (s *Stream) forgetSpans() *Stream {
	s.spans, s.part = nil, nil
	return s
}

// loadedEntries gives a part what was read of its entries.
func (p *part) loadedEntries(found []foundSpan, held *[]*idSpan) {
	slices.SortFunc(found, func(a, b foundSpan) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	for _, f := range found {
		p.stream.learn(f, held)
	}
}
