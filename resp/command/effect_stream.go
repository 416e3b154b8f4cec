package command

import (
	"strconv"

	"diskette/resp/internal/words"
	"diskette/store"
)

// The effects of commands on streams: ids that the clock gave, trimming that stopped where it was cheap, deliveries.

// addEffect is XADD's.
func addEffect(tx *store.Tx, c *Call, reply *Reply) {
	o, _ := parseAdd(c.Args, true)
	args := exactTrim(tx, c.Args[1], c.Args[:o.fields-1], o.trim)
	if o.auto || o.autoSeq {
		args = append(args, words.ViewBytes(reply.S))
	} else {
		args = append(args, c.Args[o.fields-1])
	}
	c.Effects.Unit.Add(c.DB, append(args, c.Args[o.fields:]...)...)
}

// trimEffect is XTRIM's.
func trimEffect(tx *store.Tx, c *Call, _ *Reply) {
	o, _ := parseAdd(c.Args, false)
	c.Effects.Unit.Add(c.DB, exactTrim(tx, c.Args[1], c.Args, o.trim)...)
}

// exactTrim is arguments in which an approximate trimming, which stops where it would cost more, is exact and comes to
// the same. They end before XADD's id.
func exactTrim(tx *store.Tx, key []byte, args [][]byte, trim store.Trim) (exact [][]byte) {
	exact = append(exact, args[:2]...)
	s, _ := tx.EditStreamPart(key)
	for i := 2; i < len(args); i++ {
		switch {
		case !trim.Approximate:
			exact = append(exact, args[i])
		case words.EqualFold(args[i], "limit"):
			i++
		case string(args[i]) == "~":
			i++
			bound := args[i]
			if trim.MaxLen >= 0 {
				bound = strconv.AppendInt(nil, int64(s.Len()), 10)
			} else if s.Len() > 0 {
				tx.LoadEntries(s.Stream, store.EntriesFrom(store.StreamID{}, 1))
				bound = idBytes(s.FirstID())
			}
			exact = append(exact, []byte("="), bound)
		default:
			exact = append(exact, args[i])
		}
	}
	return exact
}

func idBytes(id store.StreamID) []byte { return words.ViewBytes(streamID(id).S) }

// A groupEffect tells what has happened to a consumer group. nil = nobody is to hear of it.
type groupEffect struct {
	c          *Call
	key, group []byte
	g          *store.StreamGroup
}

func (c *Call) groupEffect(key, group []byte, g *store.StreamGroup) *groupEffect {
	if !c.Effects.On() {
		return nil
	}
	return &groupEffect{c, key, group, g}
}

// claimed tells at whom an entry is pending now, and since when.
func (e *groupEffect) claimed(id store.StreamID, done store.Claimed) {
	switch {
	case e == nil:
	case done == store.ClaimGone:
		e.c.TellReplicas("XACK", e.key, e.group, idBytes(id))
	case done == store.ClaimedIt:
		e.g.EachPending(id, id, func(p store.Pending) bool {
			e.c.TellReplicas("XCLAIM", e.key, e.group, p.Consumer, "0", idBytes(id), "TIME", p.DeliveredMs, "RETRYCOUNT", p.Deliveries,
				"FORCE", "JUSTID", "LASTID", idBytes(e.g.LastID()))
			return false
		})
	}
}

// read tells how far the group has read.
func (e *groupEffect) read() {
	if e != nil {
		e.c.TellReplicas("XGROUP", "SETID", e.key, e.group, idBytes(e.g.LastID()), "ENTRIESREAD", e.g.EntriesRead())
	}
}
