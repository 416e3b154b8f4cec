package store

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// A Set is members in order of birth. Commands that read get it from View.Set; a nil *Set is that of an absent key and
// is empty.
type Set struct {
	members  elements[noText]
	grown    outgrown // mostLen counts from the first member on that is no integer
	integers bool     // there has been no other member
	mostInts int32    // members while that was so
}

// noText is what a member of a set has besides its name.
type noText struct{}

func (noText) text() string     { return "" }
func (noText) of(string) noText { return noText{} }

func newSet() *Set { return &Set{integers: true} }

// setBytes is a Set without its members.
const setBytes = 64

// Set returns the key's set, nil when the key is not there.
func (v *View) Set(key []byte) (*Set, error) {
	c, err := v.collectionOf(key, TypeSet)
	s, _ := c.(*Set)
	return s, err
}

// Len is the number of members.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return s.members.len()
}

// Has reports whether a member is there.
func (s *Set) Has(member string) bool { return s != nil && s.members.has(member) }

// HasBytes is Has for a client's argument.
func (s *Set) HasBytes(member []byte) bool { return s.Has(viewString(member)) }

// sortedInts is how many integers a set lists in their order, as an intset does: Redis's
// default for set-max-intset-entries.
const sortedInts = 512

// Members are all members, integers alone and not many in their order, others in order of
// birth. The set must not change meanwhile.
func (s *Set) Members() iter.Seq[string] {
	if s == nil || !s.integers || s.mostInts > sortedInts {
		return s.byBirth()
	}
	members := slices.AppendSeq(make([]string, 0, s.Len()), s.byBirth())
	slices.SortFunc(members, compareIntegers)
	return slices.Values(members)
}

// compareIntegers compares integers as they are written.
func compareIntegers(a, b string) int {
	switch negative := a[0] == '-'; {
	case negative != (b[0] == '-'):
		return strings.Compare(a, b) // - comes before the digits
	case negative:
		a, b = b[1:], a[1:]
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func (s *Set) byBirth() iter.Seq[string] {
	return func(yield func(string) bool) {
		switch {
		case s == nil:
		case s.members.large == nil:
			s.members.pack.each(func(member, _ string) bool { return yield(member) })
		default:
			s.members.each(func(m slot[noText]) bool { return yield(m.name) })
		}
	}
}

// After calls fn with the members whose numbers are above n until it returns false: a scan in pieces.
func (s *Set) After(n int64, fn func(n int64, member string) bool) {
	if s != nil {
		s.members.after(n, func(m slot[noText]) bool { return fn(m.n, m.name) })
	}
}

// Random returns a member, each with the same chance. The set is not empty.
func (s *Set) Random() string {
	m, _ := s.members.random()
	return m.name
}

// MemberBytes is the length of all members together.
func (s *Set) MemberBytes() int64 { return s.members.bytes() }

// Sample calls fn with count different members, or with all if there are no more, in time of count.
func (s *Set) Sample(count int, fn func(member string)) {
	if s != nil {
		s.members.sample(count, func(m slot[noText]) { fn(m.name) })
	}
}

// Snapshot is a copy for use without the keyspace lock.
func (s *Set) Snapshot() *Set {
	if s == nil {
		return nil
	}
	return s.snapshot().(*Set)
}

// A SetTx is a set that a command changes. The key comes to be with its first member and goes with its last (I7).
type SetTx struct {
	*Set
	editing
}

// EditSet returns the key's set for changing it; an empty one when the key is not there.
func (tx *Tx) EditSet(key []byte) (SetTx, error) {
	e, c, err := tx.editOf(key, TypeSet)
	if err != nil {
		return SetTx{}, err
	}
	s, ok := c.(*Set)
	if !ok {
		s = newSet()
	}
	return SetTx{s, e}, nil
}

// Add adds a member and reports whether it is new. It copies it.
func (s SetTx) Add(member []byte) bool {
	if s.HasBytes(member) {
		return false
	}
	id := s.ensureKey(s.Set)
	s.put(s.tx.rec.insert(), id, s.insert(viewString(member)))
	s.noteAdded(viewString(member))
	s.changed()
	return true
}

// Remove removes a member and reports whether it was there.
func (s SetTx) Remove(member []byte) bool { return s.remove(viewString(member)) }

func (s SetTx) remove(member string) bool {
	n, ok := s.members.remove(member)
	if !ok {
		return false
	}
	s.removed(n, member)
	return true
}

// removed records that a member with this number is gone.
func (s SetTx) removed(n int64, member string) {
	s.noteRemoved(member)
	s.tx.rec.remove(s.o.id, setMembers, n)
	s.changed()
}

// Pop removes a random member and returns it. The set is not empty.
func (s SetTx) Pop() string {
	m := s.members.pop()
	s.removed(m.n, m.name)
	return m.name
}

// SetOf makes a set that belongs to no key. The members may repeat themselves.
func SetOf(members iter.Seq[string]) *Set { return MakeSet(members, 0).coll.(*Set) }

// insert takes in a copy of a member that is not there.
func (s *Set) insert(member string) slot[noText] {
	m := s.members.add(member, "")
	s.note(member)
	return m
}

func (s *Set) note(member string) {
	s.integers = s.integers && isInteger(member)
	if s.integers {
		s.mostInts = max(s.mostInts, int32(s.members.len()))
		s.grown.note(0, len(member))
	} else {
		s.grown.note(s.members.len(), len(member))
	}
}

// isInteger reports whether a string is a 64 bit integer as it is written: no blanks, plus or leading zeros.
func isInteger(s string) bool {
	_, ok := integer(s)
	return ok
}

// integer is the integer that a string is.
func integer(s string) (n int64, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 19 || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = 10*n + int64(d)
	}
	if len(digits) == 19 { // which may be too many
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, true
}

func (s *Set) put(w *recordWriter, id int64, m slot[noText]) {
	w.put(id, setMembers, m.n)
	w.colStr(m.name)
	w.end()
}

func (s *Set) kind() Type  { return TypeSet }
func (s *Set) length() int { return s.members.len() }
func (s *Set) size() int64 { return s.members.size(0) + setBytes }

func (s *Set) snapshot() collection {
	c := *s
	c.members = s.members.snapshot()
	return &c
}

func (s *Set) shape() Shape { return s.Shape() }

// Shape is View.Shape of a set that is there.
func (s *Set) Shape() Shape {
	return Shape{Type: TypeSet, Len: s.members.len(), MostLen: int(s.grown.mostLen), LongestBytes: int(s.grown.longest),
		MostIntegers: int(s.mostInts)}
}

func (s *Set) rows(w *recordWriter, id int64) {
	s.members.each(func(m slot[noText]) bool {
		s.put(w, id, m)
		return true
	})
}

func (s *Set) restore(r *tableRow) error {
	s.note(s.members.restore(r.n, r.view(0), "").name)
	return nil
}

func (s *Set) restored() error {
	s.members.complete()
	return nil
}
