package command

import (
	"diskette/resp/internal/words"
	"diskette/resp/rdb"
	"diskette/store"
)

// dumpedStream is a stream as rdb knows it.
func dumpedStream(s *store.Stream) *rdb.StreamValue {
	v := &rdb.StreamValue{Last: rdb.ID(s.LastID()), MaxDeleted: rdb.ID(s.MaxDeletedID()), Added: s.Added()}
	s.Range(store.StreamID{}, s.LastID(), func(id store.StreamID, fields store.StreamFields) bool {
		e := rdb.Entry{ID: rdb.ID(id)}
		fields.Each(func(element string) { e.Fields = append(e.Fields, element) })
		v.Entries = append(v.Entries, e)
		return true
	})
	for _, g := range s.Groups() {
		v.Groups = append(v.Groups, dumpedGroup(g))
	}
	return v
}

func dumpedGroup(g *store.StreamGroup) rdb.Group {
	v := rdb.Group{Name: g.Name(), Last: rdb.ID(g.LastID()), Read: g.EntriesRead()}
	place := make(map[string]int)
	for i, c := range g.Consumers() {
		place[c.Name()] = i
		v.Consumers = append(v.Consumers, rdb.Consumer{Name: c.Name(), SeenMs: c.SeenMs(), ActiveMs: c.ActiveMs()})
	}
	_, last := g.PendingEnds()
	g.EachPending(store.StreamID{}, last, func(p store.Pending) bool {
		v.Pending = append(v.Pending,
			rdb.Pending{ID: rdb.ID(p.ID), Consumer: place[p.Consumer], DeliveredMs: p.DeliveredMs,
				Deliveries: p.Deliveries})
		return true
	})
	return v
}

// restoreStream makes an absent key a stream.
func restoreStream(tx *store.Tx, key []byte, v *rdb.StreamValue) {
	s, _ := tx.EditStream(key) // does not fail: the key is absent
	s.Create()
	var elements [][]byte
	for _, e := range v.Entries {
		elements = elements[:0]
		for _, element := range e.Fields {
			elements = append(elements, words.ViewBytes(element))
		}
		s.Add(store.StreamID(e.ID), store.PackFields(elements))
	}
	s.SetLastID(store.StreamID(v.Last), v.Added, store.StreamID(v.MaxDeleted))
	for _, g := range v.Groups {
		group := s.CreateGroup([]byte(g.Name), store.StreamID(g.Last), g.Read)
		consumers := make([]*store.StreamConsumer, len(g.Consumers))
		for i, c := range g.Consumers {
			consumers[i] = s.AddConsumer(group, []byte(c.Name), c.SeenMs, c.ActiveMs)
		}
		for _, p := range g.Pending {
			s.AddPending(group, consumers[p.Consumer],
				store.Pending{ID: store.StreamID(p.ID), DeliveredMs: p.DeliveredMs, Deliveries: p.Deliveries})
		}
	}
}
