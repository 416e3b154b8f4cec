package command

import (
	"diskette/resp/rdb"
	"diskette/store"
)

// storedEntry is an entry as the store has it. It is good without the lock.
type storedEntry struct {
	id     store.StreamID
	fields store.StreamFields
}

// dumpedStream is a stream as rdb knows it.
func dumpedStream(s *store.Stream) *rdb.StreamValue {
	v := &rdb.StreamValue{Last: rdb.ID(s.LastID()), MaxDeleted: rdb.ID(s.MaxDeletedID()), Added: s.Added()}
	entries := make([]storedEntry, 0, s.Len())
	s.Range(store.StreamID{}, s.LastID(), func(id store.StreamID, fields store.StreamFields) bool {
		entries = append(entries, storedEntry{id, fields})
		return true
	})
	v.Each = func(yield func(rdb.Entry) bool) {
		var elements []string
		for _, e := range entries {
			elements = elements[:0]
			e.fields.Each(func(element string) { elements = append(elements, element) })
			if !yield(rdb.Entry{ID: rdb.ID(e.id), Fields: elements}) {
				return
			}
		}
	}
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

// madeStream is a stream without its groups.
func madeStream(v *rdb.StreamValue) *store.Made {
	var packer store.FieldsPacker
	return store.MakeStream(store.StreamID(v.Last), store.StreamID(v.MaxDeleted), v.Added,
		func(yield func(store.StreamID, store.StreamFields) bool) {
			for _, e := range v.Entries {
				if !yield(store.StreamID(e.ID), packer.Pack(e.Fields)) {
					return
				}
			}
		})
}

// restoreGroups gives a stream its groups.
func restoreGroups(tx *store.Tx, key []byte, groups []rdb.Group) {
	s, _ := tx.EditStream(key) // does not fail: it is one
	for _, g := range groups {
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
