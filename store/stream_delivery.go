package store

import "slices"

// This file is what commands do to consumer groups.

// CreateGroup adds a consumer group that has read up to last. read < 0 = nobody knows how many entries that are.
func (s StreamTx) CreateGroup(name []byte, last StreamID, read int64) *StreamGroup {
	s.Create()
	g := s.addGroup(&StreamGroup{n: s.number(), name: string(name), last: last, read: read})
	s.groupChanged(g)
	return g
}

// DestroyGroup removes a group with all that it has.
func (s StreamTx) DestroyGroup(g *StreamGroup) {
	for len(g.consumers) > 0 {
		s.DeleteConsumer(g, g.consumers[0])
	}
	place, _ := groupPlace(s.Stream, g.name)
	s.groups = slices.Delete(s.groups, place, place+1)
	s.groupBytes -= groupBytes + int64(len(g.name))
	s.tx.rec.remove(s.o.id, streamGroups, g.n)
	s.changedQuietly()
}

// SetGroup says how far a group has read.
func (s StreamTx) SetGroup(g *StreamGroup, last StreamID, read int64) {
	g.last, g.read = last, read
	s.groupChanged(g)
}

// ReadOn says that a group has read its next entry, which Deliver has not given it here.
func (s StreamTx) ReadOn(g *StreamGroup, id StreamID) {
	s.readOn(g, id)
	s.groupChanged(g)
}

func (s StreamTx) readOn(g *StreamGroup, id StreamID) {
	switch {
	case g.read >= 0 && !s.deletedSince(id):
		g.read++
	case s.added != 0:
		g.read = s.entriesUpTo(id)
	}
	g.last = id
}

// CreateConsumer adds a consumer, seen now.
func (s StreamTx) CreateConsumer(g *StreamGroup, name []byte) *StreamConsumer {
	c := s.addConsumer(g, &StreamConsumer{n: s.number(), name: string(name), seen: s.tx.now, active: -1})
	s.consumerChanged(g, c)
	return c
}

// DeleteConsumer removes a consumer with what is pending at it, and returns how much that was.
func (s StreamTx) DeleteConsumer(g *StreamGroup, c *StreamConsumer) (pending int) {
	pending = c.PendingLen()
	c.pending.ascend(minStreamID, func(p *pendingEntry) bool {
		g.pending.tree.Delete(p)
		s.tx.rec.remove(s.o.id, streamPending, p.n)
		return true
	})
	place, _ := g.place(c.name)
	g.consumers = slices.Delete(g.consumers, place, place+1)
	s.groupBytes -= consumerBytes + int64(len(c.name)) + int64(pending)*pendingBytes
	s.tx.rec.remove(s.o.id, streamConsumers, c.n)
	s.changedQuietly()
	return pending
}

// See returns the consumer of a name, seen now; it is created if it is not there.
func (s StreamTx) See(g *StreamGroup, name []byte) *StreamConsumer {
	c := g.Consumer(name)
	if c == nil {
		return s.CreateConsumer(g, name)
	}
	c.seen = s.tx.now
	s.consumerChanged(g, c)
	return c
}

// Deliver gives a consumer up to count entries (0 = all) that the group has not read yet, and calls fn for each. They
// are pending at the consumer from now on, unless noAck.
func (s StreamTx) Deliver(g *StreamGroup, c *StreamConsumer, count int64, noAck bool, fn func(StreamID, StreamFields)) {
	from, ok := g.last.Next()
	if !ok {
		return
	}
	n := int64(0)
	s.Range(from, maxStreamID, func(id StreamID, fields StreamFields) bool {
		s.readOn(g, id)
		if !noAck {
			s.pend(g, c, id)
		}
		fn(id, fields)
		n++
		return n != count
	})
	if n == 0 {
		return
	}
	if !noAck {
		c.active = s.tx.now
		s.consumerChanged(g, c)
	}
	s.groupChanged(g)
}

// pend makes an entry pending at a consumer, just delivered. It may have been pending at another: XGROUP SETID can
// take a group back.
func (s StreamTx) pend(g *StreamGroup, c *StreamConsumer, id StreamID) {
	p, rec := g.pending.find(id), &s.tx.rec
	if p == nil {
		rec.insert()
		p = &pendingEntry{id: id, n: s.number(), consumer: c}
		s.addPending(g, p)
	}
	s.hand(p, c)
	p.delivered, p.deliveries = s.tx.now, 1
	p.put(rec, s.o.id, g)
}

// hand makes a pending entry another consumer's.
func (s StreamTx) hand(p *pendingEntry, c *StreamConsumer) {
	if p.consumer != c {
		p.consumer.pending.tree.Delete(p)
		p.consumer = c
		c.pending.tree.Set(p)
	}
}

// Redeliver gives a consumer again what is pending at it from an id on, up to count entries (0 = all). fn is
// called with each; ok is false for an entry that is no longer in the stream, which does not count as a delivery.
func (s StreamTx) Redeliver(
	g *StreamGroup, c *StreamConsumer, from StreamID, count int64, fn func(id StreamID, fields StreamFields, ok bool),
) {
	n := int64(0)
	c.pending.ascend(from, func(p *pendingEntry) bool {
		fields, ok := s.Entry(p.id)
		if ok {
			p.delivered = s.tx.now
			p.deliveries++
			p.put(&s.tx.rec, s.o.id, g)
		}
		fn(p.id, fields, ok)
		n++
		return n != count
	})
	if n > 0 {
		s.changedQuietly()
	}
}

// Acknowledge ends an entry's being pending and reports whether it was.
func (s StreamTx) Acknowledge(g *StreamGroup, id StreamID) bool {
	p := g.pending.find(id)
	if p == nil {
		return false
	}
	g.pending.tree.Delete(p)
	p.consumer.pending.tree.Delete(p)
	s.groupBytes -= pendingBytes
	s.tx.rec.remove(s.o.id, streamPending, p.n)
	s.changedQuietly()
	return true
}

// A Claim says how a consumer takes over what is pending.
type Claim struct {
	MinIdleMs   int64 // only what was delivered at least so long ago
	DeliveredMs int64 // unix: what is to be the time of delivery
	Deliveries  int64 // what is to be their number; < 0 = one more, or as many as before if JustID
	JustID      bool
	Force       bool // what is not pending becomes so
}

// Claimed is how a claim ended.
type Claimed int

const (
	NotClaimed Claimed = iota // not pending, or not idle for long enough
	ClaimedIt
	ClaimGone // it was pending, but the entry is gone from the stream; it is pending no more
)

// Claim makes an entry pending at a consumer.
func (s StreamTx) Claim(g *StreamGroup, c *StreamConsumer, id StreamID, how Claim) Claimed {
	if s.find(id) == nil {
		if s.Acknowledge(g, id) {
			return ClaimGone
		}
		return NotClaimed
	}
	p := g.pending.find(id)
	switch {
	case p == nil && !how.Force:
		return NotClaimed
	case p == nil:
		p = &pendingEntry{id: id, n: s.number(), consumer: c, deliveries: 1}
		s.addPending(g, p)
	case how.MinIdleMs > 0 && s.tx.now-p.delivered < how.MinIdleMs:
		return NotClaimed
	}
	s.hand(p, c)
	p.delivered = how.DeliveredMs
	switch {
	case how.Deliveries >= 0:
		p.deliveries = how.Deliveries
	case !how.JustID:
		p.deliveries++
	}
	p.put(&s.tx.rec, s.o.id, g)
	if c.active != s.tx.now {
		c.active = s.tx.now
		s.consumerChanged(g, c)
	} else {
		s.changedQuietly()
	}
	return ClaimedIt
}

func (s StreamTx) groupChanged(g *StreamGroup) {
	g.put(&s.tx.rec, s.o.id)
	s.changedQuietly()
}

func (s StreamTx) consumerChanged(g *StreamGroup, c *StreamConsumer) {
	c.put(&s.tx.rec, s.o.id, g)
	s.changedQuietly()
}
