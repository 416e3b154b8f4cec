package moveout

import (
	"strings"

	"diskette/resp/rdb"
	"diskette/store"
)

// stream writes a stream. A writer of parts keeps entries of those before, so nothing of a part is used again.
func (w *writer) stream(h rdb.KeyHeader, k *store.SnapshotKey) error {
	last, deleted, added, err := k.StreamHead()
	if err != nil {
		return err
	}
	head := rdb.StreamValue{Last: rdb.ID(last), MaxDeleted: rdb.ID(deleted), Added: added}
	whole := head
	count, bytes := int64(0), 0
	err = k.Entries(func(id store.StreamID, fields store.StreamFields) error {
		if count++; bytes <= wholeBytes {
			bytes += addEntry(&whole, id, fields)
		}
		return nil
	})
	pending := 0
	if err == nil && bytes <= wholeBytes {
		err = k.Groups(func(g *store.SnapshotGroup) error {
			if pending += len(g.Pending); pending > wholePending {
				return errEnough
			}
			whole.Groups = append(whole.Groups, group(g))
			return nil
		})
	}
	if bytes <= wholeBytes && pending <= wholePending {
		if err != nil {
			return err
		}
		return w.f.Key(h, &rdb.Value{Kind: rdb.Stream, Stream: &whole})
	}
	if err != nil && pending <= wholePending {
		return err
	}
	return w.f.Parts(h, rdb.Stream, count, func(yield func(*rdb.Value, error) bool) {
		tell(streamParts(k, head, func(s *rdb.StreamValue) error {
			if !yield(&rdb.Value{Kind: rdb.Stream, Stream: s}, nil) {
				return errEnough
			}
			return nil
		}), yield)
	})
}

// streamParts calls fn with a stream's entries, many at a time, and then with its groups, one by one.
func streamParts(k *store.SnapshotKey, head rdb.StreamValue, fn func(*rdb.StreamValue) error) error {
	part, bytes := head, 0
	err := k.Entries(func(id store.StreamID, fields store.StreamFields) error {
		if bytes += addEntry(&part, id, fields); bytes <= wholeBytes {
			return nil
		}
		full := part
		part, bytes = head, 0
		return fn(&full)
	})
	if err == nil {
		err = fn(&part)
	}
	if err != nil {
		return err
	}
	return k.Groups(func(g *store.SnapshotGroup) error {
		one := head
		one.Groups = []rdb.Group{group(g)}
		return fn(&one)
	})
}

// addEntry adds a copy of an entry, and returns about what it takes.
func addEntry(s *rdb.StreamValue, id store.StreamID, fields store.StreamFields) (bytes int) {
	e := rdb.Entry{ID: rdb.ID(id), Fields: make([]string, 0, fields.Len())}
	store.StreamFields(strings.Clone(string(fields))).Each(func(element string) {
		e.Fields = append(e.Fields, element)
	})
	s.Entries = append(s.Entries, e)
	return len(fields) + elementBytes*(1+len(e.Fields))
}

func group(g *store.SnapshotGroup) rdb.Group {
	to := rdb.Group{Name: g.Name, Last: rdb.ID(g.Last), Read: g.Read}
	for _, c := range g.Consumers {
		to.Consumers = append(to.Consumers, rdb.Consumer{Name: c.Name, SeenMs: c.SeenMs, ActiveMs: c.ActiveMs})
	}
	for _, p := range g.Pending {
		to.Pending = append(to.Pending, rdb.Pending{ID: rdb.ID(p.ID), Consumer: p.Consumer, DeliveredMs: p.DeliveredMs,
			Deliveries: p.Deliveries})
	}
	return to
}
