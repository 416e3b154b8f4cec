package rdb

import (
	"encoding/binary"
	"slices"
	"strings"
)

func (w *writer) stream(s *StreamValue) {
	w.b = append(w.b, typeStream2)
	w.nodes(s.Entries)
	w.length(uint64(len(s.Entries)))
	w.id(s.Last)
	first := ID{}
	if len(s.Entries) > 0 {
		first = s.Entries[0].ID
	}
	w.id(first)
	w.id(s.MaxDeleted)
	w.length(uint64(s.Added))
	w.length(uint64(len(s.Groups)))
	groups := slices.Clone(s.Groups)
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	for i := range groups {
		w.group(&groups[i])
	}
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

// nodes fills nodes as XADD does.
func (w *writer) nodes(entries []Entry) {
	limit := w.StreamNodeBytes
	if limit <= 0 || limit > streamNodeLimit {
		limit = streamNodeLimit
	}
	// The number of nodes comes before them.
	rest := w.b
	w.b = nil
	nodes := uint64(0)
	for ; len(entries) > 0; nodes++ {
		entries = entries[w.node(entries, limit):]
	}
	written := w.b
	w.b = rest
	w.length(nodes)
	w.b = append(w.b, written...)
}

// node writes a node with as many entries as fit and returns how many those are.
func (w *writer) node(entries []Entry, limit int) (n int) {
	master := entries[0]
	w.rawNodeID(master.ID)
	w.lp.reset()
	header := w.nodeHeader(1, master.Fields)
	for _, e := range entries {
		if n > 0 {
			size := 0
			for _, s := range e.Fields {
				size += len(s)
			}
			// The count at the front takes a byte more when it is above 127.
			if w.lp.bytes()+size+countGrowth(n) >= limit || w.StreamNodeEntries > 0 && n >= w.StreamNodeEntries {
				break
			}
		}
		w.entry(master, e)
		n++
	}
	w.finishNode(header, n, master.Fields)
	return n
}

// countGrowth is how much longer a count is in a listpack than 1 is.
func countGrowth(n int) int {
	var w listpackWriter
	w.integer(int64(n))
	return len(w.b) - 2
}

func (w *writer) rawNodeID(id ID) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], id.Ms)
	binary.BigEndian.PutUint64(b[8:], id.Seq)
	w.blob(b[:])
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

// finishNode puts the right count in front and writes the listpack.
func (w *writer) finishNode(header, n int, fields []string) {
	body, count := slices.Clone(w.lp.b[header:]), w.lp.count
	w.lp.reset()
	w.nodeHeader(n, fields)
	w.lp.b = append(w.lp.b, body...)
	w.lp.count = count
	w.blob(w.lp.finish())
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

func (w *writer) group(g *Group) {
	w.string(g.Name)
	w.id(g.Last)
	w.length(uint64(g.Read))
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
		w.length(uint64(len(owned[i])))
		for _, id := range owned[i] {
			w.rawID(id)
		}
	}
}
