package store

import (
	"fmt"
	"strings"
)

// WantElements is Want for a command that names the elements of a hash, set or sorted set that it is about. They are
// resident if the whole is, or if the key turns out to be something else.
func (v *View) WantElements(key []byte, names Names) bool {
	return v.found(key, v.residentElements(key, &names))
}

// WantAlsoElements is WantElements for a key that a command comes upon while it runs: see WantAlso.
func (v *View) WantAlsoElements(key []byte, names Names) bool {
	return v.residentElements(key, &names) != nil
}

// HasElements reports whether WantAlsoElements would find the elements.
func (v *View) HasElements(key []byte, names Names) bool {
	o := v.space.keys.getBytes(key)
	if o == nil {
		return !v.space.unloaded
	}
	return v.st.hasElements(o, &names)
}

// residentElements is resident for elements.
func (v *View) residentElements(key []byte, names *Names) *object {
	o, unknown := v.object(key)
	if !unknown && v.st.hasElements(o, names) {
		return o
	}
	f := v.fetching()
	switch p := o.part(); {
	case p != nil && !p.unfit:
		f.startPart(o, p, o.missing(names))
		return nil
	case p != nil: // it has to be whole
		f.need(o, NeedValue)
		return nil
	}
	f.need(o, NeedPart)
	if o.load().by == f {
		o.load().names = append(o.load().names, o.missing(names)...)
	}
	return nil
}

// startPart reads further elements of a part. Such a load is no load of the key: others may be under way.
func (f *Fetch) startPart(o *object, p *part, names []string) {
	l := f.partLoad(o, p)
	l.names = append(l.names, names...)
}

// partLoad is this fetch's load of a part, which begins if there is none.
func (f *Fetch) partLoad(o *object, p *part) *load {
	for i := range f.missing {
		if m := &f.missing[i]; m.part == p {
			return m.l
		}
	}
	l := &load{done: make(chan struct{}), by: f, need: NeedPart}
	o.pin()
	p.reading++
	f.missing = append(f.missing, pending{o: o, db: o.space.db, wait: wait{l, f.ahead}, id: o.id, typ: o.typ, part: p})
	return l
}

// fillValue gives a key what was read of its value, of which memory may have a part that knows better.
func (st *Store) fillValue(o *object, r *row) {
	p := o.part()
	switch {
	case p != nil && r.coll != nil:
		p.mergeInto(r.coll)
		o.releasePart()
	case p != nil && r.outline != nil:
		r.outline.part, r.outline.shape.Len = p, o.outline().shape.Len
	case p != nil:
		r.outline = o.outline()
	case r.outline != nil && r.outline.part != nil:
		r.outline.part.owner = o
		if s := r.outline.part.stream; s != nil {
			s.spans.size = st.opts.pagedElements
		}
		if o.outline() != nil {
			o.outline().part = r.outline.part
			r.outline = o.outline()
		}
	}
	o.setStr(r.value)
	o.setColl(r.coll)
	o.headOnly = r.headOnly
	o.setOutline(r.outline)
	st.noteLarge(o)
}

// readBeside notes that a load of a key begins while there is a part, which must keep what changes meanwhile.
func (p *pending) readBeside(o *object) {
	if part := o.part(); part != nil {
		p.beside = part
		part.reading++
	}
}

// ended notes the end of a load.
func (p *pending) ended() {
	for _, part := range []*part{p.part, p.beside} {
		if part != nil {
			part.reading--
		}
	}
}

// loadedPart gives a part what was read for it.
func (st *Store) loadedPart(p pending, r *row, err error) {
	if err == nil {
		p.part.install(st, r, p.l, &p.l.held)
	}
	p.l.err = err
	close(p.l.done)
}

// withElements is known for elements.
func (v *View) withElements(key []byte, names *Names) *object {
	o := v.wanted(key)
	if o == nil {
		o = v.space.keys.getBytes(key)
	}
	if o != nil && v.st.hasElements(o, names) {
		return o
	}
	if o == nil || o.part() == nil {
		missing := make([]string, 0, 1)
		for i := names.First; i <= names.Last && i < len(names.Args); i += names.Step {
			missing = append(missing, string(names.Args[i]))
		}
		if o = v.st.loadNow(v.space, key, o, NeedPart, missing...); v.st.hasElements(o, names) {
			return o
		}
	}
	if p := o.part(); p != nil && !p.unfit {
		v.st.loadPartNow(o, p, &load{need: NeedPart, names: o.missing(names)})
		if v.st.hasElements(o, names) {
			return o
		}
	}
	return v.known(key, NeedValue)
}

// loadPartNow is loadNow for further elements of a part.
func (st *Store) loadPartNow(o *object, p *part, l *load) {
	var r row
	wanted := pending{o: o, db: o.space.db, wait: wait{l: l}, id: o.id, typ: o.typ, part: p}
	err := st.readers.load(func(rd *reader) error { return rd.pending(wanted, &r) })
	if err != nil {
		panic(st.unreadable(o, o.space.db, err)) // becomes the command's error reply
	}
	st.stats.loads++
	p.install(st, &r, l, nil)
}

// indexed reports whether the elements of a key are indexed, and how many they are.
func (r *reader) indexed(id int64) (elements int64, ok bool, err error) {
	s, err := r.stmt(`SELECT elements FROM indexed_keys WHERE id = ?1 AND below = ` + itoa(allHashes))
	if err != nil {
		return 0, false, err
	}
	defer s.Reset()
	if err := s.BindInt64(1, id); err != nil {
		return 0, false, err
	}
	if !s.Step() {
		return 0, false, s.Err()
	}
	return s.ColumnInt64(0), true, nil
}

// more reads further elements of a key of which there is a part.
func (r *reader) more(dst *row, l *load) error {
	if dst.typ == TypeStream {
		return r.moreEntries(dst, l.entries)
	}
	switch _, ok, err := r.indexed(dst.id); {
	case err != nil:
		return err
	case !ok: // another program has made the index useless
		dst.unfit = true
		return nil
	case dst.typ == TypeList:
		return r.ofEnd(dst, &l.end)
	}
	return r.elements(dst, l.names)
}

// newPart reads the first elements of a key that is indexed, and of another the whole.
func (r *reader) newPart(dst *row, names []string) (err error) {
	elements, ok, err := r.indexed(dst.id)
	if err != nil {
		return err
	}
	if ok {
		if err = r.elements(dst, names); err != nil {
			return err
		}
	}
	if !ok || dst.unfit {
		dst.coll, dst.outline, err = r.collection(dst.id, dst.typ, NeedValue)
		return err
	}
	p := &part{young: generation{there: newParted(dst.typ, 0)}}
	if err := r.nextNumber(dst, p.young.there); err != nil {
		return err
	}
	for _, name := range names {
		p.take(dst.found, name)
	}
	dst.headOnly = true
	dst.outline = &outline{shape: Shape{Type: dst.typ, Len: int(elements), MostLen: int(elements)}, rough: true, part: p}
	return nil
}

func (r *reader) nextNumber(dst *row, c parted) error {
	s, err := r.stmt(`SELECT coalesce(max(n), 0) + 1 FROM ` + tables[elementTable(dst.typ)].name + ` WHERE id = ?1`)
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := s.BindInt64(1, dst.id); err != nil {
		return err
	}
	s.Step()
	c.from(s.ColumnInt64(0))
	return s.Err()
}

// findSQL finds the rows of a table whose elements have a hash.
func (d *tableDef) findSQL() string {
	columns := strings.ReplaceAll(d.columnNames(), ", ", ", t.")
	return `SELECT t.n` + columns + ` FROM element_index x CROSS JOIN ` + d.name + ` t ON t.id = x.id AND t.n = x.n
		WHERE x.id = ?1 AND x.hash = ?2`
}

// elements reads those of the named elements that are there.
func (r *reader) elements(dst *row, names []string) error {
	t := elementTable(dst.typ)
	c := newParted(dst.typ, 1)
	s, err := r.stmt(tables[t].findSQL())
	if err != nil {
		return err
	}
	row := tableRow{table: t, key: dst.id, reader: r, stmt: s}
	for _, name := range names {
		if err := r.element(&row, name, c); err != nil {
			return fmt.Errorf("find an element in %s: %w", tables[t].name, err)
		}
	}
	if h, ok := c.(*Hash); ok && h.deadlines != nil {
		dst.unfit = true
	}
	dst.found = c
	return nil
}

func (r *reader) element(row *tableRow, name string, c parted) error {
	if _, twice := c.number(name); twice {
		return nil
	}
	s := row.stmt
	defer s.Reset()
	if err := bind(s, row.key, elementHash(viewBytes(name))); err != nil {
		return err
	}
	for s.Step() {
		if row.n = s.ColumnInt64(0); row.view(0) != name {
			continue
		}
		if row.err != nil {
			return row.err
		}
		if err := row.restoreTo(c); err != nil {
			return err
		}
	}
	if row.err != nil {
		return row.err
	}
	return s.Err()
}

const allHashes = int64(1) << hashBits

// outlineOfIndexed is an outline that knows the number of elements alone.
func (r *reader) outlineOfIndexed(dst *row) (bool, error) {
	elements, ok, err := r.indexed(dst.id)
	if err != nil || !ok {
		return false, err
	}
	dst.headOnly = true
	dst.outline = &outline{shape: Shape{Type: dst.typ, Len: int(elements), MostLen: int(elements)}, rough: true}
	return true, nil
}
