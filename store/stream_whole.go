package store

// This file is what RESTORE needs of streams beyond what other commands do: groups come with times of their own, and
// entries may be pending that are no longer there.

// AddConsumer adds a consumer with the unix ms of its last attempt and of its last success, -1 = never.
func (s StreamTx) AddConsumer(g *StreamGroup, name []byte, seen, active int64) *StreamConsumer {
	c := s.addConsumer(g, &StreamConsumer{n: s.number(), name: string(name), seen: seen, active: active})
	s.consumerChanged(g, c)
	return c
}

// AddPending makes an entry pending that is not yet, whether or not it is in the stream. p.Consumer is c's name.
func (s StreamTx) AddPending(g *StreamGroup, c *StreamConsumer, p Pending) {
	e := &pendingEntry{id: p.ID, n: s.number(), consumer: c, delivered: p.DeliveredMs, deliveries: p.Deliveries}
	s.addPending(g, e)
	e.put(&s.tx.rec, s.o.id, g)
	s.changedQuietly()
}
