package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// A stream is nodes, then numbers about the whole, then groups. A node is an id, the master, and a listpack:
//
//	entries, deleted entries, number of fields, field ..., 0        the master's fields
//	flags, ms, seq, value ..., number of elements of this entry     an entry with the master's fields
//	flags, ms, seq, number of fields, field, value ..., number      an entry with others
//
// Ids are differences to the master's. A group has pending entries, and consumers with the ids of those that are
// theirs.
const (
	entryDeleted    = 1 << 0
	entrySameFields = 1 << 1

	streamNodeLimit = 1 << 30 // bytes of a node, when the configuration sets no limit
	readUnknown     = math.MaxUint64
)

// A streamReader reads a stream step by step: nodes, numbers, groups, and what newer Redis adds.
type streamReader struct {
	*valueReader // its left: nodes that have not been begun
	node         *nodeReader
	entries      int64 // so far
	first, last  ID    // of the entries so far
	numbers      bool  // have been read, into whole
	whole        StreamValue
	groups       uint64              // still to come
	names        map[string]struct{} // of groups
	room         []string            // for the fields of entries
}

// step reads an entry, the beginning of a node, the numbers or a group.
func (s *streamReader) step(into *StreamValue) {
	switch {
	case s.node != nil:
		e, ok := s.node.next()
		if !ok {
			s.node = nil
			break
		}
		if s.entries == 0 {
			s.first = e.ID
		} else if !s.last.less(e.ID) {
			s.failAs(ErrFormat, s.at, "entries in order", "one that is not after the one before")
		}
		s.last = e.ID
		s.entries++
		into.Entries = append(into.Entries, e)
	case s.left > 0:
		s.left--
		s.beginNode()
	case !s.numbers:
		s.readNumbers()
		into.Last, into.MaxDeleted, into.Added = s.whole.Last, s.whole.MaxDeleted, s.whole.Added
	case s.groups > 0:
		s.groups--
		into.Last, into.MaxDeleted, into.Added = s.whole.Last, s.whole.MaxDeleted, s.whole.Added
		into.Groups = append(into.Groups, s.group())
	default:
		into.Last, into.MaxDeleted, into.Added = s.whole.Last, s.whole.MaxDeleted, s.whole.Added
		if s.t >= typeStream4 {
			s.skipOnceOnly()
		}
		s.done = true
	}
}

func (s *streamReader) readNumbers() {
	s.numbers = true
	at := s.offset()
	if n := s.length(); n != uint64(s.entries) {
		s.failAs(ErrFormat, at, fmt.Sprintf("the number of entries, %d", s.entries), "%d", n)
	}
	s.whole.Last = s.id()
	s.whole.Added = s.entries
	if s.t >= typeStream2 {
		s.id() // the first id
		s.whole.MaxDeleted = s.id()
		s.whole.Added = s.number()
	}
	if s.entries > 0 && s.whole.Last.less(s.last) || s.whole.Last.less(s.whole.MaxDeleted) {
		s.failAs(ErrFormat, at, "a last id that is the highest", "one below another")
	}
	s.groups = s.length()
}

// skipOnceOnly passes over what Redis 8.6 knows of producers, so that they add nothing twice. Diskette has no such
// thing.
func (s *streamReader) skipOnceOnly() {
	s.length() // for how long
	s.length() // how many
	for n := s.length(); n > 0 && s.err == nil; n-- {
		s.blob(s.maxString) // the producer
		for n := s.length(); n > 0 && s.err == nil; n-- {
			s.blob(s.maxString) // what it called the entry
			s.id()
		}
	}
	s.length() // how many were added
	s.length() // how many were not
}

func (r *reader) id() ID { return ID{r.length(), r.length()} }

func (r *reader) rawID() ID {
	b := r.take(16)
	if b == nil {
		return ID{}
	}
	return ID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// A nodeReader reads the listpack of a node.
type nodeReader struct {
	*streamReader
	l             *listpackReader
	master        ID
	fields        []string
	live, deleted int64 // entries still to come
	read          int64 // elements of this entry
}

// beginNode reads a node up to its entries.
func (s *streamReader) beginNode() {
	s.at = s.offset()
	key := s.blob(s.maxString)
	if s.err == nil && len(key) != 16 {
		s.failAs(ErrFormat, s.at, "an id of 16 bytes", "%d bytes", len(key))
	}
	if s.err != nil {
		return
	}
	n := &nodeReader{streamReader: s, master: ID{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}}
	b := s.blob(s.maxPacked)
	if s.err != nil {
		return
	}
	var ok bool
	if n.l, ok = readListpack(b); !ok {
		n.damaged()
		return
	}
	n.live, n.deleted = n.number(), n.number()
	if n.live > int64(len(b)) || n.deleted > int64(len(b)) {
		n.damaged()
	}
	n.fields = n.texts(n.number())
	if n.number() != 0 {
		n.damaged()
	}
	s.node = n
}

func (n *nodeReader) damaged() {
	n.failAs(ErrFormat, n.at, "a node of a stream", "a damaged one")
}

// next reads entries up to the next live one; ok is false at the end of the node.
func (n *nodeReader) next() (e Entry, ok bool) {
	for n.live+n.deleted > 0 && n.err == nil {
		e, gone := n.entry()
		if !gone {
			n.live--
			return e, n.err == nil
		}
		n.deleted--
	}
	if n.err != nil {
		return Entry{}, false
	}
	if _, more := n.l.next(); more || n.l.damaged || n.live != 0 || n.deleted != 0 {
		n.damaged()
	}
	return Entry{}, false
}

func (n *nodeReader) element() element {
	e, ok := n.l.next()
	if !ok && n.err == nil {
		n.damaged()
	}
	n.read++
	return e
}

func (n *nodeReader) integer() int64 {
	v, ok := n.element().integer()
	if !ok && n.err == nil {
		n.damaged()
	}
	return v
}

// number is an integer that counts something.
func (n *nodeReader) number() int64 {
	v := n.integer()
	if v < 0 {
		n.damaged()
		return 0
	}
	return v
}

func (n *nodeReader) texts(count int64) []string {
	if count <= 0 || count > int64(len(n.l.b)) {
		n.failAs(ErrFormat, n.at, "an entry with fields", "%d of them", count)
		return nil
	}
	ss := n.strings(count)
	for ; count > 0 && n.err == nil; count-- {
		ss = append(ss, n.text(n.element()))
	}
	return ss
}

// strings returns an empty slice with room for so many texts, or the first of them. Those of neighbours, whatever
// nodes they are in, are one allocation.
func (s *streamReader) strings(count int64) []string {
	const some, most = 256, 64
	count = min(count, most)
	if count > int64(len(s.room)) {
		s.room = make([]string, some)
	}
	ss := s.room[:0:count]
	s.room = s.room[count:]
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
		e.Fields = n.strings(2 * int64(len(n.fields)))
		for _, field := range n.fields {
			if !n.spend(headerBytes) {
				break
			}
			e.Fields = append(e.Fields, field, n.text(n.element()))
		}
	} else if count := n.number(); count > math.MaxInt32 {
		n.failAs(ErrFormat, n.at, "an entry with fields", "%d of them", count)
	} else {
		e.Fields = n.texts(2 * count)
	}
	if size := n.read; n.integer() != size {
		n.damaged()
	}
	return e, flags&entryDeleted != 0
}

// group reads a consumer group.
func (s *streamReader) group() (g Group) {
	s.at = s.offset()
	s.spend(groupBytes)
	g.Name = s.string()
	g.Last = s.id()
	if s.t == typeStream1 {
		g.Read = s.entriesRead(g.Last)
	} else if read := s.length(); read == readUnknown {
		g.Read = -1
	} else if g.Read = int64(read); g.Read < 0 {
		s.failAs(ErrFormat, s.at, "how many entries a group has read", "%d", g.Read)
	}
	for n := s.length(); n > 0 && s.err == nil; n-- {
		p := Pending{ID: s.rawID(), Consumer: -1, DeliveredMs: s.millis(), Deliveries: s.number()}
		if k := len(g.Pending); k > 0 && !g.Pending[k-1].ID.less(p.ID) {
			s.failAs(ErrFormat, s.at, "pending entries in order", "one that is not after the one before")
		}
		s.spendDelivered(pendingBytes)
		g.Pending = append(g.Pending, p)
	}
	s.consumers(&g)
	if s.t >= typeStream5 {
		s.givenBack(&g)
	}
	for _, p := range g.Pending {
		if p.Consumer < 0 {
			s.failAs(ErrFormat, s.at, "pending entries that are a consumer's", "one that is no one's")
		}
	}
	if _, twice := s.names[g.Name]; twice {
		s.failAs(ErrFormat, s.at, "every group once", "one that is there twice")
	}
	s.names[g.Name] = struct{}{}
	return g
}

// spendDelivered is spend for what takes less memory than its bytes in the input, which a file need not bound.
func (r *reader) spendDelivered(n int64) {
	if r.in == nil {
		r.spend(n)
	}
}

// What groups, consumers and pending entries take beside their strings.
const (
	groupBytes    = 88
	consumerBytes = 16
	pendingBytes  = 40
)

func (s *streamReader) consumers(g *Group) {
	names := make(map[string]struct{})
	for n := s.length(); n > 0 && s.err == nil; n-- {
		s.spend(consumerBytes)
		c := Consumer{Name: s.string(), SeenMs: s.millis()}
		c.ActiveMs = c.SeenMs
		if s.t >= typeStream3 {
			c.ActiveMs = s.millis()
		}
		s.own(g, len(g.Consumers))
		if _, twice := names[c.Name]; twice {
			s.failAs(ErrFormat, s.at, "every consumer once", "one that is there twice")
		}
		names[c.Name] = struct{}{}
		g.Consumers = append(g.Consumers, c)
	}
}

// own reads the ids of pending entries and gives them to a consumer.
func (s *streamReader) own(g *Group, consumer int) {
	for n := s.length(); n > 0 && s.err == nil; n-- {
		id := s.rawID()
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
			s.failAs(ErrFormat, s.at, "entries that are pending and no other consumer's", "another")
			break
		}
		g.Pending[i].Consumer = consumer
	}
}

// givenBack reads entries that consumers of Redis 8.8 gave back, which are pending and no one's. Where no consumer
// has none, one must have them: XAUTOCLAIM and XCLAIM then find them.
func (s *streamReader) givenBack(g *Group) {
	before := s.offset()
	s.own(g, len(g.Consumers))
	if s.err == nil && s.offset() > before+1 {
		g.Consumers = append(g.Consumers, Consumer{Name: "(given back)", ActiveMs: -1})
	}
}

// entriesRead is what a group has read, for a stream from before groups counted: what can be told from the
// ids, or -1.
func (s *streamReader) entriesRead(last ID) int64 {
	switch {
	case s.entries == 0 || last == s.whole.Last:
		return s.entries
	case s.whole.Last.less(last):
		return -1
	case last.less(s.first):
		return 0
	case last == s.first:
		return 1
	}
	return -1
}
