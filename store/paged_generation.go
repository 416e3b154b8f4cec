package store

import "strings"

// This file is what a part knows by name: its elements, and names that are none, in two generations.

type generation struct {
	there  parted              // nil = none
	absent map[string]struct{} // names that are not elements
	bytes  int64               // of absent
	lsn    uint64              // all changes in it are of records up to this one
	whole  bool                // all elements are in it, or in the young generation: it was the value
}

func (g *generation) size() int64 {
	if g.there == nil {
		return g.bytes
	}
	return g.bytes + g.there.size()
}

// knows reports whether the generation tells what a name is.
func (g *generation) knows(name string) bool {
	if g.there == nil {
		return false
	}
	if _, there := g.there.number(name); there || g.whole {
		return true
	}
	_, absent := g.absent[name]
	return absent
}

// lacks notes that a name is not an element. It copies it.
func (g *generation) lacks(name string) {
	if _, known := g.absent[name]; known {
		return
	}
	if g.absent == nil {
		g.absent = map[string]struct{}{}
	}
	g.absent[strings.Clone(name)] = struct{}{}
	g.bytes += int64(len(name)) + absentBytes
}

// has notes that a name is one, and reports whether it was known that it is not.
func (g *generation) has(name string) (was bool) {
	if _, was = g.absent[name]; was {
		delete(g.absent, name)
		g.bytes -= int64(len(name)) + absentBytes
	}
	return was
}

// find brings what the part knows of a name to the young generation; false = it is to be read.
func (p *part) find(name string) bool {
	switch {
	case p.young.knows(name):
		return true
	case !p.old.knows(name):
		return false
	}
	p.take(p.old.there, name)
	p.young.lsn = max(p.young.lsn, p.old.lsn)
	return true
}

// take notes what another collection has under a name.
func (p *part) take(from parted, name string) {
	if _, there := from.number(name); there {
		p.young.there.adopt(from, name)
	} else {
		p.young.lacks(name)
	}
}

// age lets the old generation go and begins a young one, if that is large and nothing keeps the old one. Whoever
// holds the young one's structure must not use it any more.
func (p *part) age(st *Store) {
	size := p.young.size()
	most := max(leastYoung, st.maxMemory.Load()/partShare)
	if st.opts.youngBytes != 0 {
		most = st.opts.youngBytes
	}
	// What was loaded for a command that has not run yet stays, as far as it is not too much.
	if size <= most || p.owner == nil || p.owner.pins() > 0 && size < 8*most || !p.forgetOld(st) {
		return
	}
	next := p.young.there.next()
	p.old, p.young = p.young, generation{there: newParted(p.young.there.kind(), next)}
	st.resized(p.owner)
}

// forgetOld lets the old generation go, if its changes are applied (I3) and no load may have read what was before them.
func (p *part) forgetOld(st *Store) bool {
	if p.reading > 0 || p.old.lsn > st.applied.Load() {
		return false
	}
	whole := p.old.whole
	p.old = generation{}
	if h := st.hooks.Rested; whole && h != nil {
		h() // it was most of what is in memory
	}
	return true
}
