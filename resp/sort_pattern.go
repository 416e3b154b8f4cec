package resp

import (
	"bytes"

	"diskette/store"
)

// A sortPattern is what BY and GET of SORT name: of an element itself (#), or a string key or a field of a hash whose name
// has the element in the place of the pattern's first asterisk. What follows on the next "->" is a field of a hash.
type sortPattern struct {
	self, constant        bool // constant: there is no asterisk, and so no key
	prefix, suffix, field []byte
	key                   []byte // the last one, in memory that serves for the next

	unloaded bool // a key was not in memory, and is asked for
}

func parseSortPattern(pattern []byte) *sortPattern {
	p := &sortPattern{self: string(pattern) == "#"}
	prefix, suffix, ok := bytes.Cut(pattern, []byte("*"))
	p.constant = !ok
	if name, field, ok := bytes.Cut(suffix, []byte("->")); ok && len(field) > 0 {
		suffix, p.field = name, field
	}
	p.prefix, p.suffix = prefix, suffix
	return p
}

// value returns what the pattern means for an element, valid until the keyspace lock is released. A key that is not in memory is
// asked for, together with the others. Inside MULTI and scripts, where commands before this one stand, and after some
// attempts it is loaded at once.
func (p *sortPattern) value(v *store.View, c *call, element string) (value string, ok bool) {
	switch {
	case p.self:
		return element, true
	case p.constant:
		return "", false
	}
	p.key = append(append(append(p.key[:0], p.prefix...), element...), p.suffix...)
	if c.mayLoad && !v.WantAlso(p.key, store.NeedValue) {
		p.unloaded = true
		return "", false
	}
	if p.field != nil {
		h, _ := v.Hash(p.key) // another type counts as absent
		return h.Get(p.field)
	}
	text, _ := v.String(p.key)
	return viewString(text), text != nil
}
