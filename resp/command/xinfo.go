package command

import (
	"diskette/store"
)

func xinfoRows() []*Row {
	return []*Row{
		{Name: "xinfo", Arity: -2,
			Group: "stream", Since: "5.0.0", Cats: "-stream", Cost: "Depends on subcommand.",
			Doc: "Describes streams.", Subs: []*Row{
				{Name: "stream", Arity: -3, Flags: Readonly, Keys: asksForEntries(KeyAt(2, "RO access")), Read: xinfoStream,
					Since: "5.0.0", Usage: "<key> [FULL [COUNT <count>]]", Args: "key [FULL full{[COUNT count]}]",
					Doc: "Describes a stream, in full with its entries and consumer groups."},
				{Name: "help", Arity: 2, Flags: Loading | Stale, Conn: Help,
					Since: "5.0.0", Doc: "Explains the subcommands."},
				{Name: "consumers", Arity: 4, Flags: Readonly, Keys: asksForEntries(KeyAt(2, "RO access")), Read: xinfoConsumers,
					Since: "5.0.0", Tips: "nondeterministic_output", Usage: "<key> <groupname>", Args: "key groupname",
					Doc: "Describes a group's consumers."},
				{Name: "groups", Arity: 3, Flags: Readonly, Keys: asksForEntries(KeyAt(2, "RO access")), Read: xinfoGroups,
					Since: "5.0.0", Usage: "<key>", Args: "key", Doc: "Describes a stream's consumer groups."},
			}},
	}
}

// streamOf looks up the stream that an XINFO subcommand is about.
func streamOf(v *store.View, c *Call) (s *store.Stream, refusal Reply) {
	s, err := v.StreamPart(c.Args[2])
	switch {
	case err != nil:
		return nil, Failure(err)
	case s == nil:
		return nil, ErrNoSuchKey
	}
	return s, ReplyNone
}

// xinfoStream describes a stream. The radix tree is Redis's: what stands for it here are the blocks of entries.
func xinfoStream(v *store.View, c *Call) Reply {
	s, refusal := streamOf(v, c)
	if refusal.IsError() {
		return refusal
	}
	count := int64(10)
	switch {
	case len(c.Args) == 3:
		count = -1
	case len(c.Args) != 4 && len(c.Args) != 6, !c.Is(3, "full"), len(c.Args) == 6 && !c.Is(4, "count"):
		return ErrSubcommandSyntax(c)
	case len(c.Args) == 6:
		n, ok := c.Int(5)
		if !ok {
			return ErrNotInteger
		}
		if n >= 0 {
			count = n
		}
	}
	m := []Reply{
		BulkString("length"), Integer(s.Len()),
		BulkString("radix-tree-keys"), Integer(s.Blocks()),
		BulkString("radix-tree-nodes"), Integer(s.Blocks() + 1),
		BulkString("last-generated-id"), streamID(s.LastID()),
		BulkString("max-deleted-entry-id"), streamID(s.MaxDeletedID()),
		BulkString("entries-added"), Integer(s.Added()),
		BulkString("recorded-first-entry-id"), streamID(s.FirstID()),
	}
	if count < 0 {
		return MapOf(append(m,
			BulkString("groups"), Integer(len(s.Groups())),
			BulkString("first-entry"), c.entryOrNull(s, s.FirstID()),
			BulkString("last-entry"), c.entryOrNull(s, s.TopID()))...)
	}
	if !c.hasEntries(v, s, store.EntriesFrom(store.StreamID{}, count)) {
		return ReplyLoad
	}
	groups := make([]Reply, len(s.Groups()))
	for i, g := range s.Groups() {
		groups[i] = fullGroup(s, g, count)
	}
	entries := c.streamEntries(s, store.StreamID{}, maxStreamID, count, (*store.Stream).Range)
	return MapOf(append(m, BulkString("entries"), Array(entries...), BulkString("groups"), Array(groups...))...)
}

func (c *Call) entryOrNull(s *store.Stream, id store.StreamID) Reply {
	if s.Len() == 0 {
		return ReplyNull
	}
	fields, _ := s.Entry(id)
	return c.streamEntry(id, fields)
}

// groupProgress is how far a group has read, for both XINFO GROUPS and XINFO STREAM FULL.
func groupProgress(s *store.Stream, g *store.StreamGroup) []Reply {
	read, lag := ReplyNull, ReplyNull
	if n := g.EntriesRead(); n >= 0 {
		read = Integer(n)
	}
	if n, ok := s.Lag(g); ok {
		lag = Integer(n)
	}
	return []Reply{
		BulkString("last-delivered-id"), streamID(g.LastID()),
		BulkString("entries-read"), read,
		BulkString("lag"), lag,
	}
}

// fullGroup is a group in XINFO STREAM FULL, with up to count pending entries (0 = all) of it and of each consumer.
func fullGroup(s *store.Stream, g *store.StreamGroup, count int64) Reply {
	var pending []Reply
	g.EachPending(store.StreamID{}, maxStreamID, func(p store.Pending) bool {
		pending = append(pending,
			Array(streamID(p.ID), BulkString(p.Consumer), Integer(p.DeliveredMs), Integer(p.Deliveries)))
		return int64(len(pending)) != count
	})
	consumers := make([]Reply, len(g.Consumers()))
	for i, consumer := range g.Consumers() {
		var pending []Reply
		consumer.EachPending(store.StreamID{}, maxStreamID, func(p store.Pending) bool {
			pending = append(pending, Array(streamID(p.ID), Integer(p.DeliveredMs), Integer(p.Deliveries)))
			return int64(len(pending)) != count
		})
		consumers[i] = MapOf(
			BulkString("name"), BulkString(consumer.Name()),
			BulkString("seen-time"), Integer(consumer.SeenMs()),
			BulkString("active-time"), Integer(consumer.ActiveMs()),
			BulkString("pel-count"), Integer(consumer.PendingLen()),
			BulkString("pending"), Array(pending...))
	}
	m := append([]Reply{BulkString("name"), BulkString(g.Name())}, groupProgress(s, g)...)
	return MapOf(append(m,
		BulkString("pel-count"), Integer(g.PendingLen()),
		BulkString("pending"), Array(pending...),
		BulkString("consumers"), Array(consumers...))...)
}

func xinfoGroups(v *store.View, c *Call) Reply {
	s, refusal := streamOf(v, c)
	if refusal.IsError() {
		return refusal
	}
	groups := make([]Reply, len(s.Groups()))
	for i, g := range s.Groups() {
		groups[i] = MapOf(append([]Reply{
			BulkString("name"), BulkString(g.Name()),
			BulkString("consumers"), Integer(len(g.Consumers())),
			BulkString("pending"), Integer(g.PendingLen()),
		}, groupProgress(s, g)...)...)
	}
	return Array(groups...)
}

func xinfoConsumers(v *store.View, c *Call) Reply {
	s, refusal := streamOf(v, c)
	if refusal.IsError() {
		return refusal
	}
	g := s.Group(c.Args[3])
	if g == nil {
		return errNoGroup(c.Args[2], c.Args[3])
	}
	consumers := make([]Reply, len(g.Consumers()))
	for i, consumer := range g.Consumers() {
		inactive := int64(-1)
		if consumer.ActiveMs() != -1 {
			inactive = c.Now - consumer.ActiveMs()
		}
		consumers[i] = MapOf(
			BulkString("name"), BulkString(consumer.Name()),
			BulkString("pending"), Integer(consumer.PendingLen()),
			BulkString("idle"), Integer(max(0, c.Now-consumer.SeenMs())),
			BulkString("inactive"), Integer(inactive))
	}
	return Array(consumers...)
}
