package store

import "math/rand/v2"

// A Hash is fields with values, in order of birth. Commands that read get it from View.Hash; a nil *Hash is
// that of an absent key and is empty. A field may have a deadline: see hash_expiry.go.
type Hash struct {
	fields    elements[hashValue]
	grown     outgrown
	deadlines *fieldDeadlines // nil until a field is given one
}

type hashValue struct {
	value string
}

func (v hashValue) text() string             { return v.value }
func (v hashValue) of(text string) hashValue { return hashValue{text} }

const (
	hashBytes      = 64 // a Hash without its fields
	hashValueBytes = 16
)

func newHash() *Hash { return &Hash{} }

// Hash returns the key's hash, nil when the key is not there. Until the command's end its fields whose deadline
// has passed are absent (I6).
func (v *View) Hash(key []byte) (*Hash, error) {
	c, err := v.collectionOf(key, TypeHash)
	h, _ := c.(*Hash)
	h.at(v.now)
	return h, err
}

// Len is the number of fields. As in Redis 7.4 those are counted whose deadline has passed and that
// nothing has removed yet.
func (h *Hash) Len() int {
	if h == nil {
		return 0
	}
	return h.fields.len()
}

// Get returns a field's value, a string that stays as it is whatever becomes of the field.
func (h *Hash) Get(field []byte) (value string, ok bool) {
	if h != nil && h.fields.large == nil { // without a detour: it is asked for most
		if place := h.fields.pack.find(viewString(field)); place >= 0 {
			_, _, value = h.fields.pack.at(place)
			return value, true
		}
		return "", false
	}
	s, ok := h.find(field)
	return s.val.value, ok
}

// find returns a field's slot, false when it is not there or its deadline has passed.
func (h *Hash) find(field []byte) (s slot[hashValue], ok bool) {
	if h == nil {
		return s, false
	}
	s, ok = h.fields.find(viewString(field))
	if ok && h.anyDue() && h.isDue(s.n) {
		return slot[hashValue]{}, false
	}
	return s, ok
}

// Each calls fn for every field in order of birth until it returns false.
func (h *Hash) Each(fn func(field, value string) bool) {
	if h == nil {
		return
	}
	if h.fields.large == nil {
		h.fields.pack.each(fn)
		return
	}
	some := h.anyDue()
	h.fields.each(func(s slot[hashValue]) bool {
		return some && h.isDue(s.n) || fn(s.name, s.val.value)
	})
}

// After calls fn for the fields whose numbers are above n, in order, until it returns false: a scan
// in pieces. A field that is there throughout comes exactly once, whatever else happens to the hash.
func (h *Hash) After(n int64, fn func(n int64, field, value string) bool) {
	if h == nil {
		return
	}
	some := h.anyDue()
	h.fields.after(n, func(s slot[hashValue]) bool {
		return some && h.isDue(s.n) || fn(s.n, s.name, s.val.value)
	})
}

// AverageBytes is about the length of a field with its value.
func (h *Hash) AverageBytes() int64 {
	if h.Len() == 0 {
		return 0
	}
	return h.fields.bytes() / int64(h.fields.len())
}

// Random calls fn for count fields, each chosen among all.
func (h *Hash) Random(count int, fn func(field, value string)) {
	if h == nil || count == 0 {
		return
	}
	pick := h.fields.random
	if h.anyDue() {
		alive := h.alive()
		pick = func() (s slot[hashValue], ok bool) {
			if len(alive) == 0 {
				return s, false
			}
			return alive[rand.IntN(len(alive))], true
		}
	}
	for range count {
		s, ok := pick()
		if !ok {
			return
		}
		fn(s.name, s.val.value)
	}
}

// Sample calls fn for count different fields, or for all if there are no more, in time of count.
func (h *Hash) Sample(count int, fn func(field, value string)) {
	switch {
	case h == nil || count == 0:
	case h.anyDue():
		alive := h.alive()
		for i := range min(count, len(alive)) {
			j := i + rand.IntN(len(alive)-i)
			alive[i], alive[j] = alive[j], alive[i]
			fn(alive[i].name, alive[i].val.value)
		}
	default:
		h.fields.sample(count, func(s slot[hashValue]) { fn(s.name, s.val.value) })
	}
}

// alive are the slots of the fields whose deadline has not passed.
func (h *Hash) alive() []slot[hashValue] {
	alive := make([]slot[hashValue], 0, h.fields.len())
	h.fields.each(func(s slot[hashValue]) bool {
		if !h.isDue(s.n) {
			alive = append(alive, s)
		}
		return true
	})
	return alive
}

// A HashTx is a hash that a command changes. The key comes to be with its first field and goes with its last (I7).
type HashTx struct {
	*Hash
	editing
}

// EditHash returns the key's hash for changing it; an empty one when the key is not there. It removes fields whose
// deadline has passed, or, if there are very many, begins to: the others are absent all the same.
func (tx *Tx) EditHash(key []byte) (HashTx, error) {
	e, c, err := tx.editOf(key, TypeHash)
	if err != nil {
		return HashTx{}, err
	}
	return e.hash(c)
}

// hash is the handle of a hash that is whole.
func (e editing) hash(c collection) (HashTx, error) {
	h, ok := c.(*Hash)
	if !ok {
		return HashTx{newHash(), e}, nil
	}
	h.at(e.tx.now)
	if h.anyDue() {
		HashTx{h, e}.removeDue(sweepSlice)
		if e.o.typ == None {
			h = newHash()
		}
	}
	return HashTx{h, e}, nil
}

// Set gives a field a value and no deadline, and reports whether it is new. It copies both.
func (h HashTx) Set(field, value []byte) (created bool) { return h.set(field, value, false) }

// Update is Set for a field that keeps its deadline.
func (h HashTx) Update(field, value []byte) (created bool) { return h.set(field, value, true) }

func (h HashTx) set(field, value []byte, keepDeadline bool) (created bool) {
	id := h.ensureKey(h.Hash)
	if h.anyDue() {
		if s, there := h.fields.find(viewString(field)); there && h.isDue(s.n) {
			h.takeOut(viewString(field))
		}
	}
	s, created := h.fields.put(viewString(field), viewString(value))
	switch {
	case created:
		h.tx.rec.insert()
		h.noteAdded(s.name)
	case !keepDeadline:
		h.moveDeadline(s, 0)
	}
	h.grown.note(h.fields.len(), len(field), len(value))
	h.put(&h.tx.rec, id, s)
	h.changed()
	return created
}

// Delete removes a field and reports whether it was there.
func (h HashTx) Delete(field []byte) bool {
	there := true
	if h.deadlines != nil {
		_, there = h.find(field)
	}
	if !h.takeOut(viewString(field)) {
		return false
	}
	h.changed()
	return there
}

// takeOut is Delete without changed.
func (h HashTx) takeOut(field string) bool {
	n, ok := h.fields.remove(field)
	if !ok {
		return false
	}
	if h.deadlines != nil {
		h.deadlines.set(n, "", 0)
		h.tx.st.watchFields(h.o)
	}
	h.noteRemoved(field)
	h.tx.rec.remove(h.o.id, hashFields, n)
	return true
}

func (h *Hash) put(w *recordWriter, id int64, s slot[hashValue]) {
	w.put(id, hashFields, s.n)
	w.colStr(s.name)
	w.colStr(s.val.value)
	w.colInt(h.deadlineOf(s.n))
	w.end()
}

func (h *Hash) kind() Type  { return TypeHash }
func (h *Hash) length() int { return h.fields.len() }

func (h *Hash) size() int64 {
	return hashBytes + h.fields.size(hashValueBytes) + h.deadlines.size()
}

func (h *Hash) snapshot() collection {
	return &Hash{fields: h.fields.snapshot(), grown: h.grown, deadlines: h.deadlines.clone()}
}

func (h *Hash) shape() Shape { return h.Shape() }

// Shape is View.Shape of a hash that is there.
func (h *Hash) Shape() Shape {
	return Shape{Type: TypeHash, Len: h.fields.len(), MostLen: int(h.grown.mostLen), LongestBytes: int(h.grown.longest),
		Deadlines: h.deadlines != nil}
}

func (h *Hash) rows(w *recordWriter, id int64) {
	h.fields.each(func(s slot[hashValue]) bool {
		h.put(w, id, s)
		return true
	})
}

func (h *Hash) restore(r *tableRow) error {
	s := h.fields.restore(r.n, r.view(0), r.view(1))
	h.grown.note(h.fields.len(), len(s.name), len(s.val.value))
	if deadline := r.int(2); deadline != 0 {
		h.noteDeadline(s, deadline)
	}
	return nil
}

func (h *Hash) restored() error {
	h.fields.complete()
	return nil
}
