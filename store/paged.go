package store

// A large hash, set or sorted set that is on disk is not loaded whole for a command that names the elements it is about
// (HGET, HSET, SISMEMBER, ZADD ...), nor a list for its ends (paged_list.go) or a stream for some ids
// (paged_stream.go): it is a head (head.go) whose outline has a part, the elements that were read or
// changed lately. Whatever needs more makes it whole, as any head.
//
//	head > head with a part    WantElements: the first elements, found by the index (paged_index.go), and their number
//	part > part                further elements; changes, recorded as always
//	part > value               all rows are loaded, and what the part knows better wins
//	value > part               the hot set is over its bound, and the collection, changed all the time, is never clean
//
// A part knows of each name in it what it is now: an element with the number of its row, or that there is none. What it
// does not know is in the tables as it is now (I5). It has two generations. A command finds its names in the young
// one, where they come to from the old one or from disk; when the young one is large it becomes the old one, and what
// was old is let go, once all of its changes are applied (I3) and no read is under way that began before them.
//
// So a command never iterates over a part, and its structures, those of the types, need no order of birth.
//
// With a hash, a set, a sorted set and a list of three million elements each on disk and maxmemory 64mb, on two cores
// that others used, a thousand commands at random, one after the other; medians, and the server's CPU a command:
//
//	HGET       0.14 to 0.9 ms, 106 us      SISMEMBER   0.13 ms, 130 us      LPOP, RPOP      170 to 240 us
//	HSET       0.12 to 0.4 ms, 134 us      ZSCORE      0.21 ms, 170 us      LPUSH, RPUSH     60 to 70 us
//	HLEN       2.8 ms at first             ZADD        0.34 ms, 270 us      RSS after all    65 MB
//
// What loaded the whole before took 420 MB of RSS and some seconds for one million fields already. While a collection
// is filled faster than its index is made (150,000 elements a second of one core), it is in memory whole, and its
// writers wait: see paged_growth.go.

// Names are elements that a command names: Args[First], Args[First+Step] and so on, up to Args[Last].
type Names struct {
	Args              [][]byte
	First, Step, Last int
}

// parted is a collection whose elements have names.
type parted interface {
	collection
	// number is that of an element's row.
	number(name string) (n int64, ok bool)
	// adopt takes in a copy of an element of another collection of the type with its number. If that is new here, it is
	// above all others, unless this is of a part.
	adopt(from parted, name string)
	// discard takes an element out that may be there. Nothing is recorded.
	discard(name string)
	// next is the number of the next new element; from makes it higher.
	next() int64
	from(next int64)
	// same reports whether another collection has the same under a name.
	same(other parted, name string) bool
	// names calls fn for each.
	names(fn func(name string, n int64))
}

// A part is what memory has of a collection that is on disk.
type part struct {
	owner      *object // whose outline has it; nil = it is of no use any more
	young, old generation
	list       *ends   // of a list: see paged_list.go
	stream     *Stream // see paged_stream.go
	reading    int     // loads of its key that are under way
	vain       int     // names that were read and are no elements, since a filter was wanted
	unfit      bool    // the collection has to be loaded whole: a field has a deadline
}

const (
	barePartBytes = 192 // a part without its elements
	absentBytes   = 64  // an absent name's place
	// partShare of maxmemory is what a generation may take before the next begins.
	partShare  = 32
	leastYoung = 64 << 10
)

// newParted makes an empty collection for a part, whose next new element gets a number.
func newParted(t Type, next int64) parted {
	var c parted
	switch t {
	case TypeHash:
		c = &Hash{fields: elements[hashValue]{large: &largeElements[hashValue]{dict: newDict[hashValue]()}}}
	case TypeSet:
		c = &Set{members: elements[noText]{large: &largeElements[noText]{dict: newDict[noText]()}}}
	case TypeZSet:
		c = &ZSet{large: &largeZSet{newDict[float64](), newRanked()}}
	}
	c.from(next)
	return c
}

// hasParts reports whether keys of a type are held in parts, hasNames whether their elements have names.
func hasParts(t Type) bool { return t == TypeList || t == TypeStream || hasNames(t) }

func hasNames(t Type) bool { return t == TypeHash || t == TypeSet || t == TypeZSet }

// part is that of an object, nil if it has none.
func (o *object) part() *part {
	if o.headOnly && o.outline() != nil {
		return o.outline().part
	}
	return nil
}

func (p *part) size() int64 {
	switch {
	case p == nil:
		return 0
	case p.list != nil:
		return barePartBytes + p.list.size()
	case p.stream != nil:
		return barePartBytes + p.stream.size()
	}
	return barePartBytes + p.young.size() + p.old.size()
}

// hasElements reports whether a command on these elements can run, and brings them to where it finds them.
func (st *Store) hasElements(o *object, names *Names) bool {
	p := o.part()
	switch {
	case o.unknown():
		return false
	case !o.headOnly || !hasNames(o.typ):
		return true
	case p == nil || p.unfit:
		return false
	}
	p.age(st)
	all, filter := true, st.filters.of(o.id)
	if filter != nil {
		filter.asked.Store(true)
	}
	for i := names.First; i <= names.Last && i < len(names.Args); i += names.Step {
		name := viewString(names.Args[i])
		switch {
		case p.find(name):
		case filter != nil && filter.lacks(elementHash(names.Args[i])):
			p.young.lacks(name)
		default:
			all = false
		}
	}
	st.resized(o)
	return all
}

// missing lists copies of the names that have to be read.
func (o *object) missing(names *Names) (missing []string) {
	p := o.part()
	for i := names.First; i <= names.Last && i < len(names.Args); i += names.Step {
		if p == nil || !p.young.knows(viewString(names.Args[i])) {
			missing = append(missing, string(names.Args[i]))
		}
	}
	return missing
}

// install takes in what was read, unless the part knows better. held gets what must stay until the command has run.
func (p *part) install(st *Store, r *row, l *load, held *[]*idSpan) {
	if p.owner == nil {
		return
	}
	p.unfit = p.unfit || r.unfit
	if p.stream != nil {
		p.loadedEntries(r.entries, held)
		st.resized(p.owner)
		return
	}
	if p.list != nil && !r.unfit && !p.list.take(&l.end, r.ofEnd) {
		p.unfit = true // the tables have other elements than they say
	}
	for _, name := range l.names {
		if !r.unfit && !p.find(name) {
			p.take(r.found, name)
			if _, there := r.found.number(name); !there {
				p.vain++
			}
		}
	}
	if p.vain > 0 && (p.vain >= max(filterAfter, p.owner.outline().shape.Len/filterPart) || st.opts.pagedElements != 0) {
		p.vain = 0
		st.filters.want(p.owner.id)
	}
	st.resized(p.owner)
}

// shrinkPart lets go of what a part has too much of while the hot set is over its bound.
func (st *Store) shrinkPart(o *object) bool {
	p := o.part()
	if p != nil && p.stream != nil {
		return p.shedTo(st, p.stream, 0)
	}
	if p != nil && p.list != nil {
		did := p.reading == 0 && p.list.trim(st.applied.Load())
		st.resized(o)
		return did
	}
	if p == nil || p.old.there == nil && p.old.bytes == 0 || !p.forgetOld(st) {
		return false
	}
	st.resized(o)
	return true
}

// grew counts elements that a change of a part has added.
func (e editing) grew(by int) {
	if e.outline != nil {
		s := &e.outline.shape
		s.Len += by
		s.MostLen = max(s.MostLen, s.Len)
	}
}

// noteAdded is called for a new element, whose name the command has announced.
func (e editing) noteAdded(name string) {
	if e.outline == nil {
		return
	}
	if !e.outline.part.young.has(name) {
		panic("an element was not announced: " + quoted(name))
	}
	e.grew(1)
}

// noteRemoved is called for an element that is gone.
func (e editing) noteRemoved(name string) {
	if e.outline != nil {
		e.outline.part.young.lacks(name)
		e.grew(-1)
	}
}

// changedPart is changed for a part.
func (e editing) changedPart() {
	e.tx.st.parted.Store(e.tx.lsn)
	switch p := e.outline.part; {
	case p.stream != nil:
		e.outline.shape.Len = p.stream.Len()
	case p.list != nil:
		p.noteEnds(e.tx.lsn)
	default:
		p.young.lsn = e.tx.lsn
	}
	if e.outline.shape.Len == 0 && e.o.typ != TypeStream {
		e.tx.drop(e.o) // I7
		return
	}
	e.tx.st.resized(e.o)
	e.tx.touched(e.o)
}
