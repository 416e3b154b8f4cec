package rdb

import (
	"encoding/binary"
	"slices"
	"strings"
)

// stream writes a stream as one of the types that Redis 5, 7.0 and 7.2 began with.
func (w *writer) stream(t byte, s *StreamValue) {
	w.b = append(w.b, t)
	// The number of nodes comes before them.
	rest := w.b
	w.b = nil
	nodes := nodeWriter{writer: w}
	first, entries := ID{}, 0
	for e := range s.all() {
		if entries == 0 {
			first = e.ID
		}
		entries++
		nodes.add(e)
	}
	nodes.finish()
	written := w.b
	w.b = rest
	w.length(uint64(nodes.nodes))
	w.b = append(w.b, written...)
	w.streamNumbers(t, s, entries, first, len(s.Groups))
	groups := slices.Clone(s.Groups)
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	for i := range groups {
		w.group(t, &groups[i])
	}
}

// streamNumbers writes what stands between the entries and the groups.
func (w *writer) streamNumbers(t byte, s *StreamValue, entries int, first ID, groups int) {
	w.length(uint64(entries))
	w.id(s.Last)
	if t >= typeStream2 {
		w.id(first)
		w.id(s.MaxDeleted)
		w.length(uint64(s.Added))
	}
	w.length(uint64(groups))
}

func (w *writer) id(id ID) {
	w.length(id.Ms)
	w.length(id.Seq)
}

func (w *writer) rawID(id ID) {
	w.b = binary.BigEndian.AppendUint64(w.b, id.Ms)
	w.b = binary.BigEndian.AppendUint64(w.b, id.Seq)
}

func (w *writer) millis(ms int64) {
	w.b = binary.LittleEndian.AppendUint64(w.b, uint64(ms))
}

// A nodeWriter fills nodes as XADD does. The node under way is in the writer's listpack.
type nodeWriter struct {
	*writer
	nodes  int // begun
	master Entry
	header int // where the master's part of the listpack ends
	n      int // entries in the node
}

// add writes an entry, to a new node when it does not fit into the one under way.
func (n *nodeWriter) add(e Entry) {
	if n.n > 0 && !n.fits(e) {
		n.finish()
	}
	if n.n == 0 {
		n.nodes++
		n.master.ID, n.master.Fields = e.ID, append(n.master.Fields[:0], e.Fields...)
		n.lp.reset()
		n.header = n.nodeHeader(1, e.Fields)
	}
	n.entry(n.master, e)
	n.n++
}

func (n *nodeWriter) fits(e Entry) bool {
	limit := n.StreamNodeBytes
	if limit <= 0 || limit > streamNodeLimit {
		limit = streamNodeLimit
	}
	size := 0
	for _, s := range e.Fields {
		size += len(s)
	}
	return n.lp.bytes()+size+countGrowth(n.n) < limit && (n.StreamNodeEntries <= 0 || n.n < n.StreamNodeEntries)
}

// countGrowth is how much longer a count, which stands at the front, is in a listpack than 1 is.
func countGrowth(n int) int {
	switch {
	case n < 1<<7:
		return 0
	case n < 1<<12:
		return 1
	case n < 1<<15:
		return 2
	}
	return 3
}

// finish puts the right count in front and writes the node, if there is one.
func (n *nodeWriter) finish() {
	if n.n == 0 {
		return
	}
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], n.master.ID.Ms)
	binary.BigEndian.PutUint64(id[8:], n.master.ID.Seq)
	n.blob(id[:])
	switch {
	case n.n == 1:
	case countGrowth(n.n) == 0:
		n.lp.b[listpackHeader] = byte(n.n)
	default:
		body, count := slices.Clone(n.lp.b[n.header:]), n.lp.count
		n.lp.reset()
		n.nodeHeader(n.n, n.master.Fields)
		n.lp.b = append(n.lp.b, body...)
		n.lp.count = count
	}
	n.blob(n.lp.finish())
	n.n = 0
}

// nodeHeader writes the master's part and returns where it ends.
func (w *writer) nodeHeader(count int, fields []string) (end int) {
	w.lp.integer(int64(count))
	w.lp.integer(0)
	w.lp.integer(int64(len(fields) / 2))
	for i := 0; i < len(fields); i += 2 {
		w.lp.string(fields[i])
	}
	w.lp.integer(0)
	return len(w.lp.b)
}

func (w *writer) entry(master, e Entry) {
	same := len(e.Fields) == len(master.Fields)
	for i := 0; same && i < len(e.Fields); i += 2 {
		same = e.Fields[i] == master.Fields[i]
	}
	before := w.lp.count
	flags := int64(0)
	if same {
		flags = entrySameFields
	}
	w.lp.integer(flags)
	w.lp.integer(int64(e.ID.Ms - master.ID.Ms))
	w.lp.integer(int64(e.ID.Seq - master.ID.Seq))
	if !same {
		w.lp.integer(int64(len(e.Fields) / 2))
	}
	for i, s := range e.Fields {
		if !same || i%2 == 1 {
			w.lp.string(s)
		}
	}
	w.lp.integer(int64(w.lp.count - before))
}

func (w *writer) group(t byte, g *Group) {
	w.string(g.Name)
	w.id(g.Last)
	if t >= typeStream2 {
		w.length(uint64(g.Read))
	}
	w.length(uint64(len(g.Pending)))
	owned := make([][]ID, len(g.Consumers))
	for _, p := range g.Pending {
		w.rawID(p.ID)
		w.millis(p.DeliveredMs)
		w.length(uint64(p.Deliveries))
		owned[p.Consumer] = append(owned[p.Consumer], p.ID)
	}
	w.length(uint64(len(g.Consumers)))
	order := make([]int, len(g.Consumers))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(g.Consumers[a].Name, g.Consumers[b].Name) })
	for _, i := range order {
		w.string(g.Consumers[i].Name)
		w.millis(g.Consumers[i].SeenMs)
		if t >= typeStream3 {
			w.millis(g.Consumers[i].ActiveMs)
		}
		w.length(uint64(len(owned[i])))
		for _, id := range owned[i] {
			w.rawID(id)
		}
	}
}
