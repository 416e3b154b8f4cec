package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/btree"
)

// A StreamGroup is a consumer group: how far it has read, who reads, and what was delivered and not yet
// acknowledged. What is pending stands in two lists by id, the group's and its consumer's.
type StreamGroup struct {
	n         int64
	name      string
	last      StreamID
	read      int64 // entries up to last, counted from the first ever; -1 = unknown
	consumers []*StreamConsumer
	pending   pendingList
}

// A StreamConsumer is one of those who read for a group.
type StreamConsumer struct {
	n            int64
	name         string
	seen, active int64 // unix ms of the last attempt and of the last success, -1 = never
	pending      pendingList
}

// pendingList is pending entries by id.
type pendingList struct{ tree *btree.BTreeG[*pendingEntry] }

type pendingEntry struct {
	id         StreamID
	n          int64
	consumer   *StreamConsumer
	delivered  int64 // unix ms
	deliveries int64
}

const (
	groupBytes    = 400 // a group without its name, consumers and pending entries
	consumerBytes = 300
	pendingBytes  = 110 // a pending entry in two trees
)

func newPendingList() pendingList {
	less := func(a, b *pendingEntry) bool { return a.id.Compare(b.id) < 0 }
	return pendingList{btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})}
}

func (l pendingList) find(id StreamID) *pendingEntry {
	p, _ := l.tree.Get(&pendingEntry{id: id})
	return p
}

// ascend calls fn for what is pending from id on until it returns false.
func (l pendingList) ascend(from StreamID, fn func(*pendingEntry) bool) {
	l.tree.Ascend(&pendingEntry{id: from}, fn)
}

// A Pending is a pending entry as commands see it.
type Pending struct {
	ID          StreamID
	Consumer    string
	DeliveredMs int64 // unix
	Deliveries  int64
}

func (p *pendingEntry) shown() Pending {
	return Pending{p.id, p.consumer.name, p.delivered, p.deliveries}
}

// each calls fn for what is pending between two ids, both included, until it returns false.
func (l pendingList) each(from, to StreamID, fn func(Pending) bool) {
	l.ascend(from, func(p *pendingEntry) bool { return p.id.Compare(to) <= 0 && fn(p.shown()) })
}

// ends returns the lowest and the highest pending id.
func (l pendingList) ends() (first, last StreamID) {
	if p, ok := l.tree.Min(); ok {
		first = p.id
	}
	if p, ok := l.tree.Max(); ok {
		last = p.id
	}
	return first, last
}

func groupPlace(s *Stream, name string) (place int, found bool) {
	return slices.BinarySearchFunc(s.groups, name,
		func(g *StreamGroup, name string) int { return strings.Compare(g.name, name) })
}

func (g *StreamGroup) place(name string) (place int, found bool) {
	return slices.BinarySearchFunc(g.consumers, name,
		func(c *StreamConsumer, name string) int { return strings.Compare(c.name, name) })
}

// Group returns a consumer group, nil when there is none of that name.
func (s *Stream) Group(name []byte) *StreamGroup {
	if s == nil {
		return nil
	}
	if place, found := groupPlace(s, viewString(name)); found {
		return s.groups[place]
	}
	return nil
}

// Groups are the consumer groups, by name.
func (s *Stream) Groups() []*StreamGroup { return s.groups }

func (g *StreamGroup) Name() string     { return g.name }
func (g *StreamGroup) LastID() StreamID { return g.last }

// EntriesRead counts the entries up to LastID from the first one ever; -1 = unknown.
func (g *StreamGroup) EntriesRead() int64 { return g.read }

// Consumers are the group's consumers, by name.
func (g *StreamGroup) Consumers() []*StreamConsumer { return g.consumers }

// Consumer returns a consumer, nil when there is none of that name.
func (g *StreamGroup) Consumer(name []byte) *StreamConsumer {
	if place, found := g.place(viewString(name)); found {
		return g.consumers[place]
	}
	return nil
}

// PendingLen counts what is pending, and PendingEnds tells its lowest and highest id.
func (g *StreamGroup) PendingLen() int                     { return g.pending.tree.Len() }
func (g *StreamGroup) PendingEnds() (first, last StreamID) { return g.pending.ends() }

// EachPending calls fn for what is pending between two ids, both included, until it returns false.
func (g *StreamGroup) EachPending(from, to StreamID, fn func(Pending) bool) {
	g.pending.each(from, to, fn)
}

// NextPending is the first that is pending from an id on.
func (g *StreamGroup) NextPending(from StreamID) (p Pending, ok bool) {
	g.EachPending(from, maxStreamID, func(first Pending) bool {
		p, ok = first, true
		return false
	})
	return p, ok
}

func (c *StreamConsumer) Name() string { return c.name }

// SeenMs and ActiveMs are the unix ms of the consumer's last attempt and of its last success, -1 = never.
func (c *StreamConsumer) SeenMs() int64   { return c.seen }
func (c *StreamConsumer) ActiveMs() int64 { return c.active }

func (c *StreamConsumer) PendingLen() int { return c.pending.tree.Len() }

// EachPending is the group's EachPending for what is pending at the consumer.
func (c *StreamConsumer) EachPending(from, to StreamID, fn func(Pending) bool) {
	c.pending.each(from, to, fn)
}

// Lag counts the entries that a group has not read yet; ok is false when that can not be told without counting them:
// entries were deleted among them, or the group was set to some place in between (Redis: streamReplyWithCGLag).
func (s *Stream) Lag(g *StreamGroup) (lag int64, ok bool) {
	switch {
	case s.added == 0:
		return 0, true
	case g.read >= 0 && !s.deletedSince(g.last):
		return s.added - g.read, true
	}
	read := s.entriesUpTo(g.last)
	return s.added - read, read >= 0
}

// deletedSince reports whether an entry from id on may have been deleted, with others before it still there.
func (s *Stream) deletedSince(id StreamID) bool {
	return s.Len() > 0 && s.deleted != minStreamID && id.Compare(s.deleted) <= 0 &&
		s.FirstID().Compare(s.deleted) <= 0
}

// entriesUpTo counts the entries from the first ever to an id, where that follows from what the stream
// remembers; -1 = it does not (Redis: streamEstimateDistanceFromFirstEverEntry).
func (s *Stream) entriesUpTo(id StreamID) int64 {
	switch last := id.Compare(s.lastID); {
	case s.added == 0:
		return 0
	case s.Len() == 0 && last <= 0, last == 0:
		return s.added
	case last > 0:
		return -1
	}
	first := s.FirstID()
	if s.deleted == minStreamID || s.deleted.Compare(first) < 0 {
		switch id.Compare(first) {
		case -1:
			return s.added - int64(s.Len())
		case 0:
			return s.added - int64(s.Len()) + 1
		}
	}
	return -1
}

func (g *StreamGroup) put(w *recordWriter, key int64) {
	w.put(key, streamGroups, g.n)
	w.colStr(g.name)
	w.colID(g.last)
	w.colInt(g.read)
	w.end()
}

func (c *StreamConsumer) put(w *recordWriter, key int64, g *StreamGroup) {
	w.put(key, streamConsumers, c.n)
	w.colInt(g.n)
	w.colStr(c.name)
	w.colInt(c.seen)
	w.colInt(c.active)
	w.end()
}

func (p *pendingEntry) put(w *recordWriter, key int64, g *StreamGroup) {
	w.put(key, streamPending, p.n)
	w.colInt(g.n)
	w.colInt(p.consumer.n)
	w.colID(p.id)
	w.colInt(p.delivered)
	w.colInt(p.deliveries)
	w.end()
}

// rows are the group's, its consumers' by name and the pending entries' by id.
func (g *StreamGroup) rows(w *recordWriter, key int64) {
	g.put(w, key)
	for _, c := range g.consumers {
		c.put(w, key, g)
	}
	g.pending.ascend(minStreamID, func(p *pendingEntry) bool {
		p.put(w, key, g)
		return true
	})
}

// addGroup, addConsumer and addPending bring what is new into memory.

func (s *Stream) addGroup(g *StreamGroup) *StreamGroup {
	g.pending = newPendingList()
	place, _ := groupPlace(s, g.name)
	s.groups = slices.Insert(s.groups, place, g)
	s.groupBytes += groupBytes + int64(len(g.name))
	return g
}

func (s *Stream) addConsumer(g *StreamGroup, c *StreamConsumer) *StreamConsumer {
	c.pending = newPendingList()
	place, _ := g.place(c.name)
	g.consumers = slices.Insert(g.consumers, place, c)
	s.groupBytes += consumerBytes + int64(len(c.name))
	return c
}

func (s *Stream) addPending(g *StreamGroup, p *pendingEntry) {
	g.pending.tree.Set(p)
	p.consumer.pending.tree.Set(p)
	s.groupBytes += pendingBytes
}

// cloneTo copies the group into another stream.
func (g *StreamGroup) cloneTo(to *Stream) {
	copied := to.addGroup(&StreamGroup{n: g.n, name: g.name, last: g.last, read: g.read})
	for _, c := range g.consumers {
		to.addConsumer(copied, &StreamConsumer{n: c.n, name: c.name, seen: c.seen, active: c.active})
	}
	g.pending.ascend(minStreamID, func(p *pendingEntry) bool {
		place, _ := g.place(p.consumer.name)
		to.addPending(copied, &pendingEntry{p.id, p.n, copied.consumers[place], p.delivered, p.deliveries})
		return true
	})
}

func (s *Stream) restoreGroup(r *tableRow) {
	if s.byNumber == nil {
		s.byNumber, s.consumerBy = map[int64]*StreamGroup{}, map[int64]*StreamConsumer{}
	}
	s.byNumber[r.n] = s.addGroup(&StreamGroup{n: r.n, name: r.str(0), last: r.id(1), read: r.int(3)})
}

func (s *Stream) restoreConsumer(r *tableRow) error {
	g := s.byNumber[r.int(0)]
	if g == nil {
		return fmt.Errorf("%w: consumer %d is of no group", ErrDamaged, r.n)
	}
	s.consumerBy[r.n] = s.addConsumer(g, &StreamConsumer{n: r.n, name: r.str(1), seen: r.int(2), active: r.int(3)})
	return nil
}

func (s *Stream) restorePending(r *tableRow) error {
	g, c := s.byNumber[r.int(0)], s.consumerBy[r.int(1)]
	if g == nil || c == nil {
		return fmt.Errorf("%w: pending entry %d is of no group or consumer", ErrDamaged, r.n)
	}
	s.addPending(g, &pendingEntry{r.id(2), r.n, c, r.int(4), r.int(5)})
	return nil
}
