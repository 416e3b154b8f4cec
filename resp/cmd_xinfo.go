package resp

import (
	"diskette/store"
)

// streamOf looks up the stream that an XINFO subcommand is about.
func streamOf(v *store.View, c *call) (s *store.Stream, refusal Reply) {
	s, err := v.Stream(c.args[2])
	switch {
	case err != nil:
		return nil, failure(err)
	case s == nil:
		return nil, errNoSuchKey
	}
	return s, replyNone
}

// xinfoStream describes a stream. The radix tree is Redis's: what stands for it here are the blocks of entries.
func xinfoStream(v *store.View, c *call) Reply {
	s, refusal := streamOf(v, c)
	if refusal.isError() {
		return refusal
	}
	count := int64(10)
	switch {
	case len(c.args) == 3:
		count = -1
	case len(c.args) != 4 && len(c.args) != 6, !c.is(3, "full"), len(c.args) == 6 && !c.is(4, "count"):
		return errSubcommandSyntax(c)
	case len(c.args) == 6:
		n, ok := c.int(5)
		if !ok {
			return errNotInteger
		}
		if n >= 0 {
			count = n
		}
	}
	m := []Reply{
		bulkString("length"), integer(s.Len()),
		bulkString("radix-tree-keys"), integer(s.Blocks()),
		bulkString("radix-tree-nodes"), integer(s.Blocks() + 1),
		bulkString("last-generated-id"), streamID(s.LastID()),
		bulkString("max-deleted-entry-id"), streamID(s.MaxDeletedID()),
		bulkString("entries-added"), integer(s.Added()),
		bulkString("recorded-first-entry-id"), streamID(s.FirstID()),
	}
	if count < 0 {
		return mapOf(append(m,
			bulkString("groups"), integer(len(s.Groups())),
			bulkString("first-entry"), c.entryOrNull(s, s.FirstID()),
			bulkString("last-entry"), c.entryOrNull(s, s.TopID()))...)
	}
	groups := make([]Reply, len(s.Groups()))
	for i, g := range s.Groups() {
		groups[i] = fullGroup(s, g, count)
	}
	entries := c.streamEntries(s, store.StreamID{}, maxStreamID, count, (*store.Stream).Range)
	return mapOf(append(m, bulkString("entries"), array(entries...), bulkString("groups"), array(groups...))...)
}

func (c *call) entryOrNull(s *store.Stream, id store.StreamID) Reply {
	if s.Len() == 0 {
		return replyNull
	}
	fields, _ := s.Entry(id)
	return c.streamEntry(id, fields)
}

// groupProgress is how far a group has read, for both XINFO GROUPS and XINFO STREAM FULL.
func groupProgress(s *store.Stream, g *store.StreamGroup) []Reply {
	read, lag := replyNull, replyNull
	if n := g.EntriesRead(); n >= 0 {
		read = integer(n)
	}
	if n, ok := s.Lag(g); ok {
		lag = integer(n)
	}
	return []Reply{
		bulkString("last-delivered-id"), streamID(g.LastID()),
		bulkString("entries-read"), read,
		bulkString("lag"), lag,
	}
}

// fullGroup is a group in XINFO STREAM FULL, with up to count pending entries (0 = all) of it and of each consumer.
func fullGroup(s *store.Stream, g *store.StreamGroup, count int64) Reply {
	var pending []Reply
	g.EachPending(store.StreamID{}, maxStreamID, func(p store.Pending) bool {
		pending = append(pending, array(streamID(p.ID), bulkString(p.Consumer), integer(p.DeliveredMs), integer(p.Deliveries)))
		return int64(len(pending)) != count
	})
	consumers := make([]Reply, len(g.Consumers()))
	for i, consumer := range g.Consumers() {
		var pending []Reply
		consumer.EachPending(store.StreamID{}, maxStreamID, func(p store.Pending) bool {
			pending = append(pending, array(streamID(p.ID), integer(p.DeliveredMs), integer(p.Deliveries)))
			return int64(len(pending)) != count
		})
		consumers[i] = mapOf(
			bulkString("name"), bulkString(consumer.Name()),
			bulkString("seen-time"), integer(consumer.SeenMs()),
			bulkString("active-time"), integer(consumer.ActiveMs()),
			bulkString("pel-count"), integer(consumer.PendingLen()),
			bulkString("pending"), array(pending...))
	}
	m := append([]Reply{bulkString("name"), bulkString(g.Name())}, groupProgress(s, g)...)
	return mapOf(append(m,
		bulkString("pel-count"), integer(g.PendingLen()),
		bulkString("pending"), array(pending...),
		bulkString("consumers"), array(consumers...))...)
}

func xinfoGroups(v *store.View, c *call) Reply {
	s, refusal := streamOf(v, c)
	if refusal.isError() {
		return refusal
	}
	groups := make([]Reply, len(s.Groups()))
	for i, g := range s.Groups() {
		groups[i] = mapOf(append([]Reply{
			bulkString("name"), bulkString(g.Name()),
			bulkString("consumers"), integer(len(g.Consumers())),
			bulkString("pending"), integer(g.PendingLen()),
		}, groupProgress(s, g)...)...)
	}
	return array(groups...)
}

func xinfoConsumers(v *store.View, c *call) Reply {
	s, refusal := streamOf(v, c)
	if refusal.isError() {
		return refusal
	}
	g := s.Group(c.args[3])
	if g == nil {
		return errNoGroup(c.args[2], c.args[3])
	}
	consumers := make([]Reply, len(g.Consumers()))
	for i, consumer := range g.Consumers() {
		inactive := int64(-1)
		if consumer.ActiveMs() != -1 {
			inactive = c.now - consumer.ActiveMs()
		}
		consumers[i] = mapOf(
			bulkString("name"), bulkString(consumer.Name()),
			bulkString("pending"), integer(consumer.PendingLen()),
			bulkString("idle"), integer(max(0, c.now-consumer.SeenMs())),
			bulkString("inactive"), integer(inactive))
	}
	return array(consumers...)
}
