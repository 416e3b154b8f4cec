package store

import (
	"cmp"
	"slices"
)

// This file is how a collection that memory has whole becomes a part, and a part a whole again.

// mergeInto brings what the part knows better into the whole collection, which was loaded while there was the part.
func (p *part) mergeInto(whole collection) {
	if p.stream != nil {
		p.stream.mergeEntries(whole.(*Stream))
		return
	}
	if p.list != nil {
		p.list.mergeInto(whole.(*List))
		return
	}
	c := whole.(parted)
	type newer struct {
		n    int64
		name string
		from parted
	}
	var there []newer
	for _, g := range []*generation{&p.old, &p.young} {
		newest := func(name string) bool { return g == &p.young || !p.young.knows(name) }
		for name := range g.absent {
			if newest(name) {
				c.discard(name)
			}
		}
		if g.there != nil {
			g.there.names(func(name string, n int64) {
				if newest(name) {
					there = append(there, newer{n, name, g.there})
				}
			})
		}
	}
	slices.SortFunc(there, func(a, b newer) int { return cmp.Compare(a.n, b.n) })
	for _, e := range there {
		c.adopt(e.from, e.name)
	}
	c.from(p.young.there.next())
}

// restoreWhole makes a part whole without a look at the tables, if memory has all of it.
func (st *Store) restoreWhole(o *object) bool {
	p := o.part()
	var c collection
	switch {
	case p != nil && p.old.whole:
		c = p.old.there
		p.old = generation{lsn: p.old.lsn}
		p.mergeInto(c)
	case p != nil && p.list != nil && p.list.middle == 0:
		c = p.list.joined()
	case p != nil && p.stream != nil && p.stream.knowsAll():
		c = p.stream.forgetSpans()
	default:
		return false
	}
	p.owner = nil
	o.filled()
	o.setColl(c)
	st.watchFields(o)
	st.resized(o)
	return true
}

// releasePart takes the part from an object that is let go of or gets a value.
func (o *object) releasePart() {
	if o.outline() != nil && o.outline().part != nil && o.outline().part.owner == o {
		o.outline().part.owner = nil
	}
}

// toPart makes a value that is too large, and not clean, one that is on disk, with a part that has all of it until its
// changes are applied.
func (st *Store) toPart(o *object) bool {
	c := o.coll()
	if c == nil || !hasParts(o.typ) || o.load() != nil || o.pins() > 0 || !st.isLarge(c) {
		return false
	}
	if h, ok := c.(*Hash); ok && h.deadlines != nil {
		return false
	}
	if !st.paged.isIndexed(o.id) {
		st.paged.want(o.id)
		return false
	}
	shape := c.shape()
	p := &part{owner: o}
	switch c := c.(type) {
	case *List:
		p.list = listPart(c, o.lsn)
	case *Stream:
		c.spanned(o.lsn, st.opts.pagedElements)
		p.stream, c.part = c, p
	case parted:
		p.young = generation{there: newParted(o.typ, c.next())}
		p.old = generation{there: c, lsn: o.lsn, whole: true}
	}
	bytes := c.size()
	st.parted.Store(o.lsn)
	o.setColl(nil)
	o.headOnly, o.space.inParts = true, true
	o.setOutline(&outline{shape: shape, bytes: bytes, part: p})
	st.resized(o)
	return true
}

// fits reports whether the part tells the same as the whole collection.
func (p *part) fits(whole collection) bool {
	if p == nil {
		return true
	}
	if p.list != nil {
		return p.list.fits(whole.(*List))
	}
	if p.stream != nil {
		return p.stream.fitsWhole(whole.(*Stream))
	}
	c := whole.(parted)
	fits := true
	for _, g := range []*generation{&p.old, &p.young} {
		newest := func(name string) bool { return g == &p.young || !p.young.knows(name) }
		for name := range g.absent {
			_, there := c.number(name)
			fits = fits && !(newest(name) && there)
		}
		if g.there == nil {
			continue
		}
		g.there.names(func(name string, n int64) {
			_, absent := g.absent[name]
			fits = fits && !absent && (!newest(name) || c.same(g.there, name))
		})
	}
	return fits
}
