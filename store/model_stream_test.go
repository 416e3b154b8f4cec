package store

import (
	"fmt"
	"maps"
	"slices"
)

// The random commands' streams hold their entries under names that sort as the ids do. They never get empty: a stream
// without entries is still a key, which the model does not know.
func init() {
	collectionModels[TypeStream] = collectionModel{
		change: func(g *game, tx *Tx, key []byte, c *content) {
			s, err := tx.EditStream(key)
			if err != nil {
				g.fail("stream: %v", err)
			}
			ids := slices.Sorted(maps.Keys(c.named))
			switch what := g.r.IntN(8); {
			case what == 0 && len(ids) > 1:
				id := ids[g.r.IntN(len(ids))]
				if !s.Delete(streamIDOf(id)) {
					g.fail("xdel %s: it is not there", id)
				}
				delete(c.named, id)
			case what == 1 && len(ids) > 1:
				stay := 1 + g.r.IntN(len(ids))
				if n := s.Trim(Trim{MaxLen: int64(stay)}); n != int64(len(ids)-stay) {
					g.fail("xtrim to %d of %d removed %d", stay, len(ids), n)
				}
				for _, id := range ids[:len(ids)-stay] {
					delete(c.named, id)
				}
			case what == 2 && len(ids) > 0:
				playGroup(g, tx, s)
			default:
				id, ok := s.NextID(int64(g.r.IntN(3)))
				if !ok {
					g.fail("no id after %v", s.LastID())
				}
				value := g.element()
				s.Add(id, PackFields([][]byte{[]byte("f"), []byte(value)}))
				if c.named == nil {
					c.named = map[string]string{}
				}
				c.named[streamName(id)] = value
			}
		},
		read: func(g *game, tx *Tx, key []byte) content {
			s, err := tx.Stream(key)
			if err != nil {
				g.fail("stream: %v", err)
			}
			c := content{named: map[string]string{}}
			s.Range(minStreamID, maxStreamID, func(id StreamID, fields StreamFields) bool {
				fields.Each(func(e string) { c.named[streamName(id)] = e }) // the last is the value
				return true
			})
			return c
		},
	}
}

// playGroup reads, acknowledges and claims for one of a few groups. What becomes of it is for Check to compare.
func playGroup(g *game, tx *Tx, s StreamTx) {
	name := fmt.Append(nil, "g", g.r.IntN(3))
	group := s.Group(name)
	if group == nil {
		s.CreateGroup(name, minStreamID, 0)
		return
	}
	consumer := s.See(group, fmt.Append(nil, "c", g.r.IntN(3)))
	switch g.r.IntN(10) {
	case 0:
		s.DestroyGroup(group)
	case 1:
		s.DeleteConsumer(group, consumer)
	case 2, 3:
		if p, ok := group.NextPending(minStreamID); ok {
			s.Acknowledge(group, p.ID)
		}
	case 4:
		if p, ok := group.NextPending(minStreamID); ok {
			s.Claim(group, consumer, p.ID, Claim{DeliveredMs: tx.now, Deliveries: -1})
		}
	default:
		s.Deliver(group, consumer, int64(g.r.IntN(5)), g.r.IntN(4) == 0, func(StreamID, StreamFields) {})
	}
}

func streamName(id StreamID) string { return fmt.Sprintf("%020d-%020d", id.Ms, id.Seq) }

func streamIDOf(name string) (id StreamID) {
	if _, err := fmt.Sscanf(name, "%d-%d", &id.Ms, &id.Seq); err != nil {
		panic(err)
	}
	return id
}
