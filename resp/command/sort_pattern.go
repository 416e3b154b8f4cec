package command

import (
	"bytes"

	"diskette/resp/internal/words"
	"diskette/store"
)

// A sortPattern is what BY and GET of SORT name: of an element itself (#), or a string key or a field of a
// hash whose name has the element in the place of the pattern's first asterisk. What follows on the next "->"
// is a field of a hash.
type sortPattern struct {
	self, constant        bool // constant: there is no asterisk, and so no key
	prefix, suffix, field []byte
	key                   []byte // the last one, in memory that serves for the next
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

// loaded asks for the keys that patterns name for the elements; false = some are to be loaded first. Inside MULTI
// and scripts, where commands before this one stand, and after some attempts it leaves it to the look-ups to load them.
func (c *Call) loaded(v *store.View, elements []string, patterns ...*sortPattern) bool {
	if !c.MayLoad || len(patterns) == 0 || v.AllInMemory() {
		return true
	}
	ok := true
	for _, p := range patterns {
		for i := 0; i < len(elements) && p.nameKey(elements[i]); i++ {
			ok = v.WantAlso(p.key, store.NeedValue) && ok
		}
	}
	return ok
}

// nameKey makes key the one for an element; false = the pattern names none.
func (p *sortPattern) nameKey(element string) bool {
	if p.self || p.constant {
		return false
	}
	p.key = append(append(append(p.key[:0], p.prefix...), element...), p.suffix...)
	return true
}

// value returns what the pattern means for an element, valid until the keyspace lock is released.
func (p *sortPattern) value(v *store.View, element string) (value string, ok bool) {
	switch {
	case p.self:
		return element, true
	case !p.nameKey(element):
		return "", false
	case p.field != nil:
		h, _ := v.Hash(p.key) // another type counts as absent
		return h.Get(p.field)
	}
	text, _ := v.String(p.key)
	return words.ViewString(text), text != nil
}
