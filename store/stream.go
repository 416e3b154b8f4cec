package store

import (
	"fmt"
	"iter"
)

// A Stream is entries by id, with what it remembers of those that are gone, and consumer groups. Commands that read get
// it from View.Stream; a nil *Stream is that of an absent key and is empty. It is the one collection that may be
// empty and still be a key (I7). Its rows are numbered together, whatever their table; the head's number is 0.
type Stream struct {
	entries entryBlocks
	lastID  StreamID // the highest id that it has had, or was told of: new ones are above it
	deleted StreamID // the highest id that was deleted, not trimmed
	added   int64    // entries ever added
	groups  []*StreamGroup
	next    int64 // number of the next row

	spans *spans // of a part: which entries it knows (paged_stream.go); nil = all
	part  *part  // whose it is then

	groupBytes int64                  // what the groups take in memory
	byNumber   map[int64]*StreamGroup // while rows are loaded
	consumerBy map[int64]*StreamConsumer
}

const streamBytes = 200 // a stream without entries and groups

func newStream() *Stream { return &Stream{next: 1} }

// Stream returns the key's stream, nil when the key is not there.
func (v *View) Stream(key []byte) (*Stream, error) {
	c, err := v.collectionOf(key, TypeStream)
	s, _ := c.(*Stream)
	return s, err
}

// Len is the number of entries.
func (s *Stream) Len() int {
	switch {
	case s == nil:
		return 0
	case s.spans != nil:
		return s.spans.length
	}
	return s.entries.live
}

// Blocks is the number of pieces in which memory holds the entries, or would if it had all.
func (s *Stream) Blocks() int {
	if s.spans != nil {
		return (s.spans.length + blockEntries - 1) / blockEntries
	}
	return len(s.entries.blocks)
}

// LastID is the highest id that the stream has had, whether or not the entry is still there.
func (s *Stream) LastID() StreamID {
	if s == nil {
		return StreamID{}
	}
	return s.lastID
}

// MaxDeletedID is the highest id that was deleted.
func (s *Stream) MaxDeletedID() StreamID { return s.deleted }

// Added counts the entries that were ever added.
func (s *Stream) Added() int64 { return s.added }

// FirstID is the first entry's id, zero if there is none.
func (s *Stream) FirstID() StreamID {
	if e := s.entries.first(); e != nil {
		s.mustKnow(minStreamID, e.id)
		return e.id
	}
	return StreamID{}
}

// TopID is the last entry's id, zero if there is none.
func (s *Stream) TopID() StreamID {
	if s.Len() == 0 {
		return StreamID{}
	}
	last := s.entries.last().id
	s.mustKnow(last, maxStreamID)
	return last
}

// Entry returns an entry's fields.
func (s *Stream) Entry(id StreamID) (fields StreamFields, ok bool) {
	if e := s.find(id); e != nil {
		return e.fields, true
	}
	return "", false
}

func (s *Stream) find(id StreamID) *streamEntry {
	s.mustKnow(id, id)
	return s.entries.find(id)
}

// Range calls fn for the entries from one id to another, both included, until it returns false.
func (s *Stream) Range(from, to StreamID, fn func(id StreamID, fields StreamFields) bool) {
	s.each(EntryRange{From: from, To: to}, fn)
}

// RangeBack is Range from the last entry to the first.
func (s *Stream) RangeBack(from, to StreamID, fn func(id StreamID, fields StreamFields) bool) {
	s.each(EntryRange{From: from, To: to, Back: true}, fn)
}

func (s *Stream) each(r EntryRange, fn func(id StreamID, fields StreamFields) bool) {
	if s == nil || r.From.Compare(r.To) > 0 {
		return
	}
	at, end := r.From, r.To
	if r.Back {
		at, end = end, at
	}
	s.eachKnown(r, func(e *streamEntry) bool {
		s.mustKnow(at, e.id)
		at = e.id
		goesOn := fn(e.id, e.fields)
		if !goesOn {
			end = at
		}
		return goesOn
	})
	s.mustKnow(at, end)
}

// NextID is the id for an entry that is added now (unix ms): the clock's, or the one after the last if the clock is
// not past it. ok is false when there are no more ids.
func (s *Stream) NextID(now int64) (id StreamID, ok bool) {
	if now > 0 && uint64(now) > s.lastID.Ms {
		return StreamID{Ms: uint64(now)}, true
	}
	return s.lastID.Next()
}

// A StreamTx is a stream that a command changes. The key comes to be with the first change.
type StreamTx struct {
	*Stream
	editing
}

// EditStream returns the key's stream for changing it; an empty one when the key is not there.
func (tx *Tx) EditStream(key []byte) (StreamTx, error) {
	e, c, err := tx.editOf(key, TypeStream)
	if err != nil {
		return StreamTx{}, err
	}
	s, ok := c.(*Stream)
	if !ok {
		s = newStream()
	}
	return StreamTx{s, e}, nil
}

// Exists reports whether the key is there.
func (s StreamTx) Exists() bool { return s.o.typ != None }

// Create makes the key, if it is not there: an empty stream.
func (s StreamTx) Create() {
	if !s.Exists() {
		s.ensureKey(s.Stream)
		s.headChanged()
		s.changed()
	}
}

// Add appends an entry, whose id must be above LastID.
func (s StreamTx) Add(id StreamID, fields StreamFields) {
	s.append(s.ensureKey(s.Stream), id, fields)
	s.headChanged()
	s.changed()
}

// AddAll is Add for entries whose ids ascend, and one change: the head is recorded once, behind them.
func (s StreamTx) AddAll(entries iter.Seq2[StreamID, StreamFields]) {
	key := s.ensureKey(s.Stream)
	for id, fields := range entries {
		s.append(key, id, fields)
	}
	s.headChanged()
	s.changed()
}

func (s StreamTx) append(key int64, id StreamID, fields StreamFields) {
	e := streamEntry{id: id, n: s.number(), fields: fields}
	s.entries.append(e)
	s.noteEntry(id, 1)
	s.lastID = id
	s.added++
	e.put(s.tx.rec.insert(), key)
}

// Delete removes an entry and reports whether it was there.
func (s StreamTx) Delete(id StreamID) bool {
	if s.find(id) == nil {
		return false
	}
	s.take(id)
	if id.Compare(s.deleted) > 0 {
		s.deleted = id
		s.headChanged()
	}
	s.changed()
	return true
}

// take removes an entry that is there.
func (s StreamTx) take(id StreamID) {
	e, _ := s.entries.remove(id)
	s.noteEntry(id, -1)
	s.tx.rec.remove(s.o.id, streamEntries, e.n)
}

// takeFirst removes the first n entries, which are there, one after the other: to find each again took most of the
// time.
func (s StreamTx) takeFirst(n int64) {
	if s.spans != nil {
		for range n {
			s.take(s.FirstID())
		}
		return
	}
	head := s.tx.rec.head // and not stored for each: see appendText
	s.entries.removeFirst(int(n), func(e *streamEntry) { head = appendRemove(head, s.o.id, streamEntries, e.n) })
	s.tx.rec.head = head
}

// SetLastID changes what the stream remembers; added < 0 and a zero deleted id leave these as they are.
func (s StreamTx) SetLastID(id StreamID, added int64, deleted StreamID) {
	s.lastID = id
	if added >= 0 {
		s.added = added
	}
	if deleted != minStreamID {
		s.deleted = deleted
	}
	s.headChanged()
	s.changedQuietly()
}

// A Trim says which entries at a stream's beginning are to go.
type Trim struct {
	MaxLen int64    // how many may stay; < 0 = MinID decides
	MinID  StreamID // those below it go
	// Approximate takes away whole nodes only, as Redis does: up to NodeEntries entries or NodeBytes bytes of
	// fields each (0 = no such bound). Redis's nodes begin where its radix tree has them, ours at the first
	// entry, so the two may stop at different places: never below the bound, and less than a node above it.
	Approximate            bool
	NodeEntries, NodeBytes int64
	Limit                  int64 // the most to take away; 0 = any number
}

// Trim removes entries from the beginning and returns how many.
func (s StreamTx) Trim(t Trim) (removed int64) {
	if t.MaxLen >= 0 && int64(s.Len()) <= t.MaxLen {
		return 0
	}
	switch {
	case !t.Approximate && s.spans == nil:
		removed = s.below(t)
		s.takeFirst(removed)
	case !t.Approximate:
		for s.Len() > 0 && s.trimmable(t, 1, s.FirstID()) {
			s.take(s.FirstID())
			removed++
		}
	default:
		for s.Len() > 0 {
			n, last := s.node(t)
			if t.Limit > 0 && removed+n > t.Limit || !s.trimmable(t, n, last) {
				break
			}
			s.takeFirst(n)
			removed += n
		}
	}
	if removed > 0 {
		s.changed()
	}
	return removed
}

// below counts the entries that are to go, of a stream whose entries are all known.
func (s StreamTx) below(t Trim) (n int64) {
	if t.MaxLen >= 0 {
		return int64(s.Len()) - t.MaxLen
	}
	s.entries.ascend(minStreamID, func(e *streamEntry) bool {
		if e.id.Compare(t.MinID) >= 0 {
			return false
		}
		n++
		return true
	})
	return n
}

// trimmable reports whether the first n entries, of which last is the last, are to go.
func (s StreamTx) trimmable(t Trim, n int64, last StreamID) bool {
	if t.MaxLen >= 0 {
		return int64(s.Len())-n >= t.MaxLen
	}
	return last.Compare(t.MinID) < 0
}

// node measures the first node.
func (s StreamTx) node(t Trim) (n int64, last StreamID) {
	bytes := int64(0)
	s.Range(minStreamID, maxStreamID, func(id StreamID, fields StreamFields) bool {
		bytes += int64(len(fields))
		if n > 0 && (t.NodeEntries > 0 && n >= t.NodeEntries || t.NodeBytes > 0 && bytes > t.NodeBytes) {
			return false
		}
		n, last = n+1, id
		return true
	})
	return n, last
}

// number gives the next row its number.
func (s *Stream) number() int64 {
	s.next++
	return s.next - 1
}

func (s StreamTx) headChanged() { s.putHead(&s.tx.rec, s.o.id) }

// changedQuietly is changed for what nobody watches or waits for: groups, their consumers and pending entries. Redis
// does not count these as changes of the key, either: XACK breaks no WATCH.
func (s StreamTx) changedQuietly() {
	s.tx.st.resized(s.o)
	s.o.lsn = s.tx.lsn
	s.tx.st.stats.changes++
}

func (s *Stream) putHead(w *recordWriter, key int64) {
	w.put(key, streamHeads, 0)
	w.colID(s.lastID)
	w.colID(s.deleted)
	w.colInt(s.added)
	w.end()
}

func (e *streamEntry) put(w *recordWriter, key int64) {
	if w.lump != nil && len(e.fields) < shareBytes/2 {
		w.lump.addEntry(e)
		return
	}
	w.put(key, streamEntries, e.n)
	w.colID(e.id)
	w.colStr(string(e.fields))
	w.end()
}

func (s *Stream) kind() Type   { return TypeStream }
func (s *Stream) length() int  { return s.Len() }
func (s *Stream) size() int64  { return streamBytes + s.entries.size() + s.groupBytes + s.spanBytes() }
func (s *Stream) shape() Shape { return Shape{Type: TypeStream, Len: s.Len()} }

func (s *Stream) snapshot() collection {
	c := &Stream{entries: s.entries.clone(), lastID: s.lastID, deleted: s.deleted, added: s.added, next: s.next}
	for _, g := range s.groups {
		g.cloneTo(c)
	}
	return c
}

func (s *Stream) rows(w *recordWriter, key int64) {
	s.putHead(w, key)
	s.entries.ascend(minStreamID, func(e *streamEntry) bool {
		e.put(w, key)
		return true
	})
	for _, g := range s.groups {
		g.rows(w, key)
	}
}

func (s *Stream) restore(r *tableRow) error {
	s.next = max(s.next, r.n+1)
	switch r.table {
	case streamHeads:
		s.lastID, s.deleted, s.added = r.id(0), r.id(2), r.int(4)
	case streamEntries:
		e := streamEntry{id: r.id(0), n: r.n, fields: StreamFields(r.str(2))}
		if last := s.entries.last(); !e.fields.valid() || last != nil && last.id.Compare(e.id) >= 0 {
			return fmt.Errorf("%w: entry %d-%d is out of order or its fields do not decode", ErrDamaged, e.id.Ms,
				e.id.Seq)
		}
		s.entries.append(e)
	case streamGroups:
		s.restoreGroup(r)
	case streamConsumers:
		return s.restoreConsumer(r)
	case streamPending:
		return s.restorePending(r)
	}
	return nil
}

func (s *Stream) restored() error {
	s.byNumber, s.consumerBy = nil, nil
	return nil
}
