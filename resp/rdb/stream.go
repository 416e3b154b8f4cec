package rdb

import (
	"encoding/binary"
	"math"
	"slices"
)

// A stream is nodes, then numbers about the whole, then groups. A node is an id, the master, and a listpack:
//
//	entries, deleted entries, number of fields, field ..., 0        the master's fields
//	flags, ms, seq, value ..., number of elements of this entry     an entry with the master's fields
//	flags, ms, seq, number of fields, field, value ..., number      an entry with others
//
// Ids are differences to the master's. A group has pending entries, and consumers with the ids of those that are theirs.
const (
	entryDeleted    = 1 << 0
	entrySameFields = 1 << 1

	streamNodeLimit = 1 << 30 // bytes of a node, when the configuration sets no limit
	readUnknown     = math.MaxUint64
)

// stream reads a stream of one of the three types.
func (r *reader) stream(t byte) *StreamValue {
	s := &StreamValue{}
	for n := r.length(); n > 0 && r.err == nil; n-- {
		r.node(s)
	}
	if n := r.length(); n != uint64(len(s.Entries)) {
		r.fail("%d entries are %d", n, len(s.Entries))
	}
	s.Last = r.id()
	s.Added = int64(len(s.Entries))
	if t >= typeStream2 {
		r.id() // the first id
		s.MaxDeleted = r.id()
		s.Added = r.number()
	}
	if n := len(s.Entries); n > 0 && s.Last.less(s.Entries[n-1].ID) || s.Last.less(s.MaxDeleted) {
		r.fail("the last id is below another")
	}
	groups := make(map[string]struct{})
	for n := r.length(); n > 0 && r.err == nil; n-- {
		g := r.group(s, t)
		if _, twice := groups[g.Name]; twice {
			r.fail("a group is there twice")
		}
		groups[g.Name] = struct{}{}
		s.Groups = append(s.Groups, g)
	}
	return s
}

func (r *reader) id() ID { return ID{r.length(), r.length()} }

func (r *reader) rawID() ID {
	b := r.take(16)
	if b == nil {
		return ID{}
	}
	return ID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (r *reader) millis() int64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// number reads a count that is kept as a signed number.
func (r *reader) number() int64 {
	n := r.length()
	if n > math.MaxInt64 {
		r.fail("count %d", n)
		return 0
	}
	return int64(n)
}

// node reads a node's entries.
func (r *reader) node(s *StreamValue) {
	key := r.blob()
	b := r.blob()
	if r.err != nil {
		return
	}
	l, ok := readListpack(b)
	if !ok || len(key) != 16 {
		r.fail("damaged node")
		return
	}
	n := nodeReader{reader: r, l: l, master: ID{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}}
	live, deleted := n.number(), n.number()
	n.fields = n.texts(n.number())
	if n.number() != 0 || live > int64(len(b)) || deleted > int64(len(b)) {
		r.fail("damaged node")
	}
	for live+deleted > 0 && r.err == nil {
		e, gone := n.entry()
		if gone {
			deleted--
			continue
		}
		live--
		if k := len(s.Entries); k > 0 && !s.Entries[k-1].ID.less(e.ID) {
			r.fail("entries without order")
		}
		s.Entries = append(s.Entries, e)
	}
	if _, more := l.next(); more || l.damaged || live != 0 || deleted != 0 {
		r.fail("damaged node")
	}
}

// A nodeReader reads the listpack of a node.
type nodeReader struct {
	*reader
	l      *listpackReader
	master ID
	fields []string
	read   int64 // elements of this entry
}

func (n *nodeReader) next() element {
	e, ok := n.l.next()
	if !ok {
		n.fail("damaged node")
	}
	n.read++
	return e
}

func (n *nodeReader) integer() int64 {
	v, ok := n.next().integer()
	if !ok {
		n.fail("damaged node")
	}
	return v
}

// number is an integer that counts something.
func (n *nodeReader) number() int64 {
	v := n.integer()
	if v < 0 {
		n.fail("damaged node")
		return 0
	}
	return v
}

func (n *nodeReader) texts(count int64) []string {
	if count <= 0 || count > int64(len(n.l.b)) {
		n.fail("entry with %d fields", count)
		return nil
	}
	ss := make([]string, 0, min(count, 64))
	for ; count > 0 && n.err == nil; count-- {
		ss = append(ss, n.text(n.next()))
	}
	return ss
}

// entryBytes is what an entry takes beside its strings.
const entryBytes = 40

// entry reads an entry; gone when it is one that was deleted.
func (n *nodeReader) entry() (e Entry, gone bool) {
	n.read = 0
	n.spend(entryBytes)
	flags := n.integer()
	e.ID.Ms = n.master.Ms + uint64(n.integer())
	e.ID.Seq = n.master.Seq + uint64(n.integer())
	if flags&entrySameFields != 0 {
		e.Fields = make([]string, 0, 2*min(len(n.fields), 64))
		for _, field := range n.fields {
			if !n.spend(headerBytes) {
				break
			}
			e.Fields = append(e.Fields, field, n.text(n.next()))
		}
	} else if count := n.number(); count > math.MaxInt32 {
		n.fail("entry with %d fields", count)
	} else {
		e.Fields = n.texts(2 * count)
	}
	if size := n.read; n.integer() != size {
		n.fail("damaged node")
	}
	return e, flags&entryDeleted != 0
}

// group reads a consumer group.
func (r *reader) group(s *StreamValue, t byte) (g Group) {
	r.spend(groupBytes)
	g.Name = r.string()
	g.Last = r.id()
	if t == typeStream1 {
		g.Read = s.entriesRead(g.Last)
	} else if read := r.length(); read == readUnknown {
		g.Read = -1
	} else if g.Read = int64(read); g.Read < 0 {
		r.fail("%d entries read", g.Read)
	}
	for n := r.length(); n > 0 && r.err == nil; n-- {
		p := Pending{ID: r.rawID(), Consumer: -1, DeliveredMs: r.millis(), Deliveries: r.number()}
		if k := len(g.Pending); k > 0 && !g.Pending[k-1].ID.less(p.ID) {
			r.fail("pending entries without order")
		}
		r.spend(pendingBytes)
		g.Pending = append(g.Pending, p)
	}
	names := make(map[string]struct{})
	for n := r.length(); n > 0 && r.err == nil; n-- {
		c := r.consumer(&g, t)
		if _, twice := names[c.Name]; twice {
			r.fail("a consumer is there twice")
		}
		names[c.Name] = struct{}{}
		g.Consumers = append(g.Consumers, c)
	}
	for _, p := range g.Pending {
		if p.Consumer < 0 {
			r.fail("a pending entry is no consumer's")
		}
	}
	return g
}

// What groups, consumers and pending entries take beside their strings.
const (
	groupBytes    = 88
	consumerBytes = 16
	pendingBytes  = 40
)

// consumer reads the next consumer of a group and gives it its pending entries.
func (r *reader) consumer(g *Group, t byte) Consumer {
	r.spend(consumerBytes)
	c := Consumer{Name: r.string(), SeenMs: r.millis()}
	c.ActiveMs = c.SeenMs
	if t == typeStream3 {
		c.ActiveMs = r.millis()
	}
	for n := r.length(); n > 0 && r.err == nil; n-- {
		id := r.rawID()
		i, found := slices.BinarySearchFunc(g.Pending, id, func(p Pending, id ID) int {
			switch {
			case p.ID.less(id):
				return -1
			case id.less(p.ID):
				return 1
			}
			return 0
		})
		if !found || g.Pending[i].Consumer >= 0 {
			r.fail("a consumer's entry is not pending, or another's")
			break
		}
		g.Pending[i].Consumer = len(g.Consumers)
	}
	return c
}

// entriesRead is what a group has read, for a stream from before groups counted: what can be told from the
// ids, or -1.
func (s *StreamValue) entriesRead(last ID) int64 {
	n := int64(len(s.Entries))
	switch {
	case n == 0 || last == s.Last:
		return n
	case s.Last.less(last):
		return -1
	case last.less(s.Entries[0].ID):
		return 0
	case last == s.Entries[0].ID:
		return 1
	}
	return -1
}
