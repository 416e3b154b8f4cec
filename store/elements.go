package store

import (
	"math/rand/v2"
	"strings"
)

// An elements is names with texts in order of birth: a pack while they are few and short, then, until they are loaded
// the next time, a dict. Hashes and sets are made of it.
type elements[V textual[V]] struct {
	pack  pack
	large *largeElements[V] // nil while small
}

type largeElements[V any] struct {
	dict[V]
	texts int64 // bytes
}

// textual is a dict's value that a pack knows as a text.
type textual[V any] interface {
	text() string
	of(text string) V
}

const largeBytes = 16 // a largeElements without its dict

func (e *elements[V]) len() int {
	if e.large != nil {
		return e.large.live
	}
	return int(e.pack.count)
}

// at is the element at a place of the pack.
func (e *elements[V]) at(place int) slot[V] {
	n, name, text := e.pack.at(place)
	var v V
	return slot[V]{v.of(text), n, name}
}

func (e *elements[V]) find(name string) (s slot[V], ok bool) {
	if e.large != nil {
		if p := e.large.find(name); p != nil {
			return *p, true
		}
	} else if place := e.pack.find(name); place >= 0 {
		return e.at(place), true
	}
	return s, false
}

func (e *elements[V]) has(name string) bool {
	if e.large != nil {
		return e.large.place(name) >= 0
	}
	return e.pack.find(name) >= 0
}

// add appends a name that is not there, under the next number. It copies both strings.
func (e *elements[V]) add(name, text string) slot[V] {
	if e.large != nil {
		return e.restore(e.large.next, name, text)
	}
	return e.restore(e.pack.next(), name, text)
}

// restore appends a name with its number, which is above all others.
func (e *elements[V]) restore(n int64, name, text string) slot[V] {
	if e.large == nil {
		if e.pack.fits(n, name, text) {
			e.pack.insert(int(e.pack.count), n, name, text)
			return e.at(int(e.pack.count) - 1)
		}
		e.grow(0)
	}
	name, text = together(name, text)
	e.large.texts += int64(len(text))
	var v V
	return *e.large.restore(n, name, v.of(text))
}

// put gives a name a text, and reports whether it is new. It copies both.
func (e *elements[V]) put(name, text string) (s slot[V], created bool) {
	if e.large == nil {
		place := e.pack.find(name)
		switch {
		case place < 0:
			return e.add(name, text), true
		case len(text) <= packText:
			e.pack.set(place, text)
			return e.at(place), false
		}
		e.grow(0)
	}
	p := e.large.find(name)
	if p == nil {
		return e.add(name, text), true
	}
	e.large.texts += int64(len(text) - len(p.val.text()))
	p.val = p.val.of(strings.Clone(text))
	return *p, false
}

// grow turns the pack into a dict for about so many names. What was handed out of the pack stays as it is.
func (e *elements[V]) grow(names int) {
	small := *e
	e.large = &largeElements[V]{dict: newDictFor[V](names)}
	e.pack = pack{}
	small.each(func(s slot[V]) bool {
		e.restore(s.n, s.name, s.val.text())
		return true
	})
	e.large.next = max(e.large.next, small.pack.next())
}

// remove takes a name away and returns its number.
func (e *elements[V]) remove(name string) (n int64, ok bool) {
	if e.large != nil {
		n, val, ok := e.large.remove(name)
		e.large.texts -= int64(len(val.text()))
		return n, ok
	}
	place := e.pack.find(name)
	if place < 0 {
		return 0, false
	}
	n = e.pack.number(place)
	e.pack.remove(place)
	return n, true
}

// pop takes away a random element, each with the same chance, and returns it. There is one.
func (e *elements[V]) pop() (s slot[V]) {
	if e.large != nil {
		place := e.large.randomPlace()
		s = *e.large.at(place)
		e.large.removeAt(place)
		e.large.texts -= int64(len(s.val.text()))
		return s
	}
	place := rand.IntN(int(e.pack.count))
	s = e.at(place)
	e.pack.remove(place)
	return s
}

// each calls fn for the names in order of birth until it returns false. fn must not change them.
func (e *elements[V]) each(fn func(s slot[V]) bool) {
	if e.large != nil {
		e.large.each(func(s *slot[V]) bool { return fn(*s) })
		return
	}
	for i := range int(e.pack.count) {
		if !fn(e.at(i)) {
			return
		}
	}
}

// after calls fn for the names with numbers above n, in order, until it returns false.
func (e *elements[V]) after(n int64, fn func(s slot[V]) bool) {
	if e.large != nil {
		e.large.after(n, func(s *slot[V]) bool { return fn(*s) })
		return
	}
	e.pack.after(n, func(place int) bool { return fn(e.at(place)) })
}

// random returns an element, each with the same chance; false when there is none.
func (e *elements[V]) random() (s slot[V], ok bool) {
	switch {
	case e.len() == 0:
		return s, false
	case e.large != nil:
		return *e.large.random(), true
	}
	return e.at(rand.IntN(int(e.pack.count))), true
}

// sample calls fn for count different elements, each choice with the same chance, or for all if there are no more.
func (e *elements[V]) sample(count int, fn func(s slot[V])) {
	if e.large != nil {
		e.large.sample(count, func(s *slot[V]) { fn(*s) })
		return
	}
	e.pack.sample(count, func(place int) { fn(e.at(place)) })
}

// bytes is the length of all names and texts together.
func (e *elements[V]) bytes() int64 {
	if e.large != nil {
		return e.large.bytes + e.large.texts
	}
	return int64(e.pack.live())
}

// size is what the elements take in memory besides the struct itself. valueBytes is the size of a V.
func (e *elements[V]) size(valueBytes int64) int64 {
	if e.large != nil {
		return largeBytes + e.large.size(valueBytes) + e.large.texts
	}
	return e.pack.size()
}

func (e *elements[V]) snapshot() elements[V] {
	if e.large != nil {
		return elements[V]{large: &largeElements[V]{e.large.dict.snapshot(), e.large.texts}}
	}
	return elements[V]{pack: e.pack.clone()}
}

func (e *elements[V]) complete() {
	if e.large != nil {
		e.large.complete()
	}
}

// together copies a name and its text. Short ones share an allocation, and mostly a cache line.
func together(name, text string) (string, string) {
	const short = 128
	if name == "" || text == "" || len(name)+len(text) > short { // joined to nothing, Go would not copy
		return strings.Clone(name), strings.Clone(text)
	}
	both := name + text
	return both[:len(name)], both[len(name):]
}
