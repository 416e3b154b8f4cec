package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// streamPlay is what a random command does to a stream of which there may be a part.
type streamPlay struct {
	what  int
	r     EntryRange
	trim  Trim
	group int
}

func (g *game) newStreamPlay() streamPlay {
	id := func() StreamID { return StreamID{uint64(g.r.IntN(3)), uint64(g.r.IntN(150))} }
	p := streamPlay{what: g.r.IntN(9), group: g.r.IntN(4)}
	p.r = EntryRange{From: id(), To: id(), Count: int64(g.r.IntN(6) - 1), Back: g.r.IntN(2) == 0}
	switch g.r.IntN(4) {
	case 0:
		p.r.From = minStreamID
	case 1:
		p.r.To = maxStreamID
	}
	p.trim = Trim{MaxLen: int64(1 + g.r.IntN(60))}
	if g.r.IntN(2) == 0 {
		p.trim.MaxLen, p.trim.MinID = -1, id()
	}
	if g.r.IntN(2) == 0 {
		p.trim.Approximate, p.trim.NodeEntries, p.trim.Limit = true, int64(1+g.r.IntN(8)), int64(g.r.IntN(30))
		if g.r.IntN(3) == 0 {
			p.trim.NodeEntries, p.trim.NodeBytes = 0, 40
		}
	}
	return p
}

// ranges are the entries that the command is about.
func (p streamPlay) ranges(s *Stream) []EntryRange {
	switch p.what {
	case 0, 1:
		return []EntryRange{p.r}
	case 2, 3:
		return []EntryRange{{From: p.r.From, To: p.r.From}}
	case 4:
		return s.Trimmed(p.trim, 0)
	case 5:
		g := s.Group(p.groupName())
		if g == nil {
			return nil
		}
		var ranges []EntryRange
		if from, ok := g.last.Next(); ok { // the last one itself may be the only one of its span
			ranges = append(ranges, EntriesFrom(from, p.r.Count))
		}
		if first, ok := g.NextPending(minStreamID); ok {
			ranges = append(ranges, EntryRange{From: first.ID, To: first.ID})
		}
		return ranges
	}
	return nil
}

func (p streamPlay) groupName() []byte { return fmt.Append(nil, "g", p.group) }

// want announces the command.
func (p streamPlay) want(tx *Tx, key []byte) bool {
	if !tx.WantStream(key) {
		return false
	}
	s, err := tx.StreamPart(key)
	return err != nil || tx.WantEntries(s, p.ranges(s)...)
}

func (g *game) playStream(tx *Tx, key string, k []byte, p streamPlay, many int) {
	e, ok := g.live(0, key)
	if !ok {
		g.gone(0, key)
		g.births++
		e = entryModel{typ: TypeStream, birth: g.births, content: content{named: map[string]string{}}}
	}
	s, err := tx.EditStreamPart(k)
	if err != nil || s.Len() != len(e.content.named) {
		g.fail("stream %s has %d entries, %v; want %d", key, s.Len(), err, len(e.content.named))
	}
	named := maps.Clone(e.content.named)
	names := slices.Sorted(maps.Keys(named))
	if len(names) > 0 && (s.FirstID() != streamIDOf(names[0]) || s.TopID() != streamIDOf(names[len(names)-1])) {
		g.fail("stream %s goes from %v to %v; want %s to %s", key, s.FirstID(), s.TopID(), names[0], names[len(names)-1])
	}
	tx.LoadEntries(s.Stream, p.ranges(s.Stream)...)
	g.note("%s of %d entries: %+v", key, s.Len(), p)
	switch {
	case !ok || p.what > 5:
		if p.what == 8 {
			many = g.r.IntN(60)
		}
		for range 1 + many {
			id, ok := s.NextID(int64(g.r.IntN(3)))
			if !ok {
				g.fail("no id after %v", s.LastID())
			}
			value := fmt.Sprint("v", g.r.IntN(1_000_000), strings.Repeat("-", g.r.IntN(80)))
			if g.r.IntN(200) == 0 {
				value = strings.Repeat("l", chunkBytes+5)
			}
			s.Add(id, PackFields([][]byte{[]byte("f"), []byte(value)}))
			named[streamName(id)] = value
		}
	case p.what < 2:
		g.compareRange(s.Stream, key, p.r, names, named)
	case p.what < 4:
		if _, there := named[streamName(p.r.From)]; there && len(named) == 1 {
			return
		}
		_, there := named[streamName(p.r.From)]
		if s.Delete(p.r.From) != there {
			g.fail("xdel %v of %s: want %v", p.r.From, key, there)
		}
		delete(named, streamName(p.r.From))
	case p.what == 4:
		if p.trim.MaxLen < 0 && p.trim.MinID.Compare(s.TopID()) > 0 {
			return // it would be empty
		}
		n := s.Trim(p.trim)
		if p.trim.MaxLen > 0 && !p.trim.Approximate && n != max(0, int64(len(names))-p.trim.MaxLen) {
			g.fail("xtrim %+v of %s: %d of %d", p.trim, key, n, len(names))
		}
		for _, name := range names[:n] {
			delete(named, name)
		}
	case p.what == 5:
		g.playGroupPart(tx, s, p)
	}
	e.content.named = named
	g.dbs[0][key] = e
}

// compareRange compares what a stream tells of a range.
func (g *game) compareRange(s *Stream, key string, r EntryRange, names []string, named map[string]string) {
	var got, want []string
	collect := func(id StreamID, fields StreamFields) bool {
		value := ""
		fields.Each(func(e string) { value = e })
		got = append(got, streamName(id)+" "+value)
		return int64(len(got)) != r.Count
	}
	names = slices.Clone(names)
	if r.Back {
		slices.Reverse(names)
		s.RangeBack(r.From, r.To, collect)
	} else {
		s.Range(r.From, r.To, collect)
	}
	for _, name := range names {
		if name >= streamName(r.From) && name <= streamName(r.To) && (r.Count <= 0 || int64(len(want)) < r.Count) {
			want = append(want, name+" "+named[name])
		}
	}
	if !slices.Equal(got, want) {
		g.fail("range %+v of %s = %.200q; want %.200q", r, key, got, want)
	}
}

// playGroupPart is playGroup for a part.
func (g *game) playGroupPart(tx *Tx, s StreamTx, p streamPlay) {
	group := s.Group(p.groupName())
	if group == nil {
		s.CreateGroup(p.groupName(), minStreamID, 0)
		return
	}
	consumer := s.See(group, fmt.Append(nil, "c", g.r.IntN(3)))
	first, pending := group.NextPending(minStreamID)
	switch what := g.r.IntN(8); {
	case what == 0:
		s.DeleteConsumer(group, consumer)
	case what == 1 && pending:
		s.Acknowledge(group, first.ID)
	case what == 2 && pending:
		s.Claim(group, consumer, first.ID, Claim{DeliveredMs: tx.now, Deliveries: -1})
	default:
		s.Deliver(group, consumer, max(0, p.r.Count), g.r.IntN(4) == 0, func(StreamID, StreamFields) {})
	}
}
