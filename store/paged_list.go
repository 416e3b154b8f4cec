package store

import (
	"cmp"
	"fmt"
)

// A large list that is on disk is not loaded whole for what pushes and pops at its ends. Its part (paged.go) has the
// elements before and behind a middle, which is in the tables as it is now:
//
//	head      middle: rows low to high         tail
//	[ a b c ] [ on disk, and not in memory ] [ x y z ]
//
// An end that has too few elements for a pop takes some over from the middle, by the numbers of their rows. One that
// has grown gives to the middle what is applied: what was there at the LSN of a mark, as far as nothing was popped
// below it since. How many elements there are stands in indexed_keys, as for those that have an index.
type ends struct {
	lists     [2]*List // by place: head, tail
	low, high int64
	middle    int // elements
	marks     [2]endMark
}

// An endMark says that an end's elements up to row n, seen from the middle, are of records up to an LSN.
type endMark struct {
	n   int64
	lsn uint64
	set bool
}

const (
	// endReads is how many elements are taken over at least.
	endReads = 256
	// mostPopped is for how many a list is not loaded whole.
	mostPopped = 1 << 14
	// endTrims is how many elements are given to the middle at a time.
	endTrims = 1 << 12
	// farPosition is where numbers are so near to the end of their range that a list is loaded whole and gets others.
	farPosition = 1 << 62
)

func (st *Store) endReads() int { return cmp.Or(st.opts.pagedElements, endReads) }

// place is an end's place in what an ends has two of.
func (end End) place() int {
	if end == Head {
		return 0
	}
	return 1
}

// endRead is what a load reads at an end.
type endRead struct {
	end       End
	count     int
	low, high int64
}

// WantEnd is Want for a command that pushes at an end of a list, or pops some elements there.
func (v *View) WantEnd(key []byte, end End, pops int) bool {
	return v.found(key, v.residentEnd(key, end, pops))
}

// WantAlsoEnd is WantEnd for a key that a command comes upon while it runs: see WantAlso.
func (v *View) WantAlsoEnd(key []byte, end End, pops int) bool {
	return v.residentEnd(key, end, pops) != nil
}

// HasEnd reports whether WantAlsoEnd would find it.
func (v *View) HasEnd(key []byte, end End, pops int) bool {
	o := v.space.keys.getBytes(key)
	if o == nil {
		return !v.space.unloaded
	}
	return v.st.hasEnd(o, end, pops)
}

func (v *View) residentEnd(key []byte, end End, pops int) *object {
	o, unknown := v.object(key)
	if !unknown && v.st.hasEnd(o, end, pops) {
		return o
	}
	f := v.fetching()
	switch p := o.part(); {
	case p != nil && (p.unfit || pops > mostPopped):
		f.need(o, NeedValue)
	case p != nil:
		f.startEnd(o, p, end, pops)
	case pops > mostPopped:
		f.need(o, NeedValue)
	default:
		f.need(o, NeedPart)
	}
	return nil
}

// hasEnd reports whether an end can be pushed to, and so many elements popped from it.
func (st *Store) hasEnd(o *object, end End, pops int) bool {
	p := o.part()
	switch {
	case o.unknown():
		return false
	case !o.headOnly || o.typ != TypeList:
		return true
	case p == nil || p.unfit:
		return false
	}
	e := p.list
	switch {
	case e.lists[end.place()].Len() >= min(pops, o.outline().shape.Len):
		return true
	case e.middle == 0:
		return st.restoreWhole(o)
	}
	return false
}

// startEnd reads what an end is to take over from the middle.
func (f *Fetch) startEnd(o *object, p *part, end End, pops int) {
	e := p.list
	l := &load{done: make(chan struct{}), by: f, need: NeedPart}
	l.end = endRead{end, max(f.st.endReads(), pops-e.lists[end.place()].Len()), e.low, e.high}
	for i := range f.missing {
		if m := &f.missing[i]; m.part == p && m.l.end.end == end {
			m.l.end.count += pops
			return
		}
	}
	o.pin()
	p.reading++
	f.missing = append(f.missing, pending{o: o, db: o.space.db, wait: wait{l, f.ahead}, id: o.id, typ: o.typ, part: p})
}

// withEnd is known for an end.
func (v *View) withEnd(key []byte, end End, pops int) *object {
	o := v.wanted(key)
	if o == nil {
		o = v.space.keys.getBytes(key)
	}
	if o != nil && v.st.hasEnd(o, end, pops) {
		return o
	}
	if pops > mostPopped {
		return v.known(key, NeedValue)
	}
	if o == nil || o.part() == nil {
		if o = v.st.loadNow(v.space, key, o, NeedPart); v.st.hasEnd(o, end, pops) {
			return o
		}
	}
	for p := o.part(); p != nil && !p.unfit; p = o.part() {
		e := p.list
		v.st.loadPartNow(o, p, &load{need: NeedPart,
			end: endRead{end, max(v.st.endReads(), pops-e.lists[end.place()].Len()), e.low, e.high}})
		if v.st.hasEnd(o, end, pops) {
			return o
		}
	}
	return v.known(key, NeedValue)
}

// EditListEnd is EditList for a command that pushes at an end, or pops no more elements there than these, and asks for
// Len.
func (tx *Tx) EditListEnd(key []byte, end End, pops int) (ListTx, error) {
	o := tx.edited(tx.withEnd(key, end, pops))
	switch {
	case o.typ != None && o.typ != TypeList:
		return ListTx{}, ErrWrongType
	case o.headOnly:
		return ListTx{o.outline().part.list.lists[end.place()], editing{tx, o, o.outline()}}, nil
	}
	l, ok := o.coll().(*List)
	if !ok {
		l = &List{}
	}
	return ListTx{l, editing{tx: tx, o: o}}, nil
}

// Len is List.Len.
func (l ListTx) Len() int {
	if l.outline != nil {
		return l.outline.shape.Len
	}
	return l.List.Len()
}

// beyond is the position of an element at an end that has none.
func (e *ends) beyond(end End) int64 {
	if end == Head {
		return e.low - positionStep
	}
	return e.high + positionStep
}

// notePop follows a pop of row n at an end of a part.
func (e editing) notePop(end End, n int64) {
	if e.outline == nil {
		return
	}
	e.grew(-1)
	m := &e.outline.part.list.marks[end.place()]
	if end == Head {
		m.n = max(m.n, n+1)
	} else {
		m.n = min(m.n, n-1)
	}
}

// noteEnds sets marks where there are none, after a change.
func (p *part) noteEnds(lsn uint64) {
	e := p.list
	for i, l := range e.lists {
		if m := &e.marks[i]; !m.set && l.Len() > 0 {
			*m = endMark{l.at(0).n, lsn, true}
			if i == Tail.place() {
				m.n = l.at(l.Len() - 1).n
			}
		}
		if l.Len() > 0 && (l.at(0).n < -farPosition || l.at(l.Len()-1).n > farPosition) {
			p.unfit = true
		}
	}
}

// trim gives what is applied of the ends to the middle.
func (e *ends) trim(applied uint64) (did bool) {
	for i, l := range e.lists {
		m := &e.marks[i]
		if !m.set || m.lsn > applied {
			continue
		}
		for n := 0; ; n++ {
			if n == endTrims {
				return true
			}
			if i == Head.place() {
				if l.Len() == 0 || l.at(l.Len()-1).n < m.n {
					break
				}
				el := l.take(Tail)
				e.low = el.n
			} else {
				if l.Len() == 0 || l.at(0).n > m.n {
					break
				}
				el := l.take(Head)
				e.high = el.n
			}
			e.middle++
			did = true
		}
		m.set = false
	}
	return did
}

// take gives an end what was read of the middle for it, unless the end has moved meanwhile. It reports whether it makes
// sense to go on so.
func (e *ends) take(read *endRead, found *List) (sound bool) {
	l := e.lists[read.end.place()]
	if read.end == Head && read.low != e.low || read.end == Tail && read.high != e.high {
		return true
	}
	for found.Len() > 0 && e.middle > 0 {
		if read.end == Head {
			kept := found.large != nil
			el := found.take(Head)
			if el.n > e.high {
				break
			}
			l.add(l.Len(), el, kept)
			e.low = el.n + 1
		} else {
			kept := found.large != nil
			el := found.take(Tail)
			if el.n < e.low {
				break
			}
			l.add(0, el, kept)
			e.high = el.n - 1
		}
		e.middle, sound = e.middle-1, true
	}
	return sound
}

// mergeInto makes a list whole that was loaded while there was the part.
func (e *ends) mergeInto(whole *List) {
	for whole.Len() > 0 && whole.at(0).n < e.low {
		whole.take(Head)
	}
	for whole.Len() > 0 && whole.at(whole.Len()-1).n > e.high {
		whole.take(Tail)
	}
	head, tail := e.lists[0], e.lists[1]
	for i := head.Len() - 1; i >= 0; i-- {
		whole.add(0, head.at(i), head.large != nil)
	}
	for i := range tail.Len() {
		whole.add(whole.Len(), tail.at(i), tail.large != nil)
	}
}

// joined is the whole list when there is no middle.
func (e *ends) joined() *List {
	head, tail := e.lists[0], e.lists[1]
	if tail.Len() >= head.Len() {
		for head.Len() > 0 {
			kept := head.large != nil
			tail.add(0, head.take(Tail), kept)
		}
		return tail
	}
	for i := range tail.Len() {
		head.add(head.Len(), tail.at(i), tail.large != nil)
	}
	return head
}

func (e *ends) size() int64 { return e.lists[0].size() + e.lists[1].size() + 128 }

func (e *ends) fits(whole *List) bool {
	head, tail := e.lists[0], e.lists[1]
	if head.Len()+e.middle+tail.Len() != whole.Len() {
		return false
	}
	fits := true
	for i := range whole.Len() {
		el := whole.at(i)
		switch {
		case i < head.Len():
			fits = fits && el == head.at(i) && el.n < e.low
		case i >= head.Len()+e.middle:
			fits = fits && el == tail.at(i-head.Len()-e.middle) && el.n > e.high
		default:
			fits = fits && el.n >= e.low && el.n <= e.high
		}
	}
	return fits
}

// listPart makes the part of a list in memory that has become too large.
func listPart(l *List, lsn uint64) *ends {
	first := l.at(0).n
	return &ends{lists: [2]*List{{}, l}, low: first, high: first - 1,
		marks: [2]endMark{{}, {l.at(l.Len() - 1).n, lsn, true}}}
}

// newEnds reads where a list begins and ends, if it is known how many elements it has; else the whole.
func (r *reader) newEnds(dst *row) (err error) {
	elements, ok, err := r.indexed(dst.id)
	if err != nil {
		return err
	}
	e := &ends{lists: [2]*List{{}, {}}, middle: int(elements)}
	if ok {
		if e.low, e.high, err = r.edges(dst.id); err != nil {
			return err
		}
		ok = e.low > -farPosition && e.high < farPosition && e.low <= e.high
	}
	if !ok {
		dst.coll, dst.outline, err = r.collection(dst.id, dst.typ, NeedValue)
		return err
	}
	dst.headOnly = true
	dst.outline = &outline{shape: Shape{Type: TypeList, Len: int(elements), MostLen: int(elements)}, rough: true,
		part: &part{list: e}}
	return nil
}

// edges are the numbers of a list's first row and of its last.
func (r *reader) edges(id int64) (first, last int64, err error) {
	s, err := r.stmt(`SELECT n, gaps, data, (SELECT min(n) FROM list_runs WHERE id = ?1) FROM list_runs WHERE id = ?1
		ORDER BY n DESC LIMIT 1`)
	if err != nil {
		return 0, 0, err
	}
	defer s.Reset()
	if err := s.BindInt64(1, id); err != nil {
		return 0, 0, err
	}
	if !s.Step() {
		return 1, 0, s.Err()
	}
	first, last = s.ColumnInt64(3), s.ColumnInt64(0)
	if len(s.ColumnRawBlob(2)) >= chunkBytes { // one long row
		return first, last, nil
	}
	run := runReader{d: &tables[listElements]}
	run.open(last, s.ColumnRawBlob(1), s.ColumnRawBlob(2))
	for run.next() {
		last = run.n
	}
	return first, last, run.err()
}

// ofEnd reads elements of the middle of a list that are next to an end.
func (r *reader) ofEnd(dst *row, read *endRead) error {
	found := &List{}
	d := &tables[listElements]
	sql := `SELECT n, gaps, data FROM list_runs WHERE id = ?1
		AND n >= coalesce((SELECT max(n) FROM list_runs WHERE id = ?1 AND n <= ?2), ?2) ORDER BY n`
	at := read.low
	if read.end == Tail {
		sql, at = `SELECT n, gaps, data FROM list_runs WHERE id = ?1 AND n <= ?2 ORDER BY n DESC`, read.high
	}
	s, err := r.stmt(sql)
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := bind(s, dst.id, at); err != nil {
		return err
	}
	row := tableRow{table: listElements, key: dst.id, reader: r, stmt: s}
	for found.Len() < read.count && s.Step() {
		var run List
		row.run = &runReader{d: d}
		if err := row.restoreTo(&run); err != nil {
			return fmt.Errorf("load %s: %w", d.name, err)
		}
		kept := run.large != nil
		for run.Len() > 0 {
			if read.end == Head {
				if el := run.take(Head); el.n >= read.low && el.n <= read.high {
					found.add(found.Len(), el, kept)
				}
			} else if el := run.take(Tail); el.n >= read.low && el.n <= read.high {
				found.add(0, el, kept)
			}
		}
	}
	dst.ofEnd = found
	return s.Err()
}
