package store

// A Hash is fields with values, in order of birth. Commands that read get it from View.Hash; a nil *Hash is
// that of an absent key and is empty.
type Hash struct {
	dict   dict[hashValue]
	values int64 // bytes of the values
	grown  outgrown
}

type hashValue struct {
	value string
}

const hashValueBytes = 16

func newHash() *Hash { return &Hash{dict: newDict[hashValue]()} }

// Hash returns the key's hash, nil when the key is not there.
func (v *View) Hash(key []byte) (*Hash, error) {
	c, err := v.collectionOf(key, TypeHash)
	h, _ := c.(*Hash)
	return h, err
}

// Len is the number of fields.
func (h *Hash) Len() int {
	if h == nil {
		return 0
	}
	return h.dict.live
}

// Get returns a field's value.
func (h *Hash) Get(field []byte) (value string, ok bool) {
	if h == nil {
		return "", false
	}
	s := h.dict.find(viewString(field))
	if s == nil {
		return "", false
	}
	return s.val.value, true
}

// Each calls fn for every field in order of birth until it returns false.
func (h *Hash) Each(fn func(field, value string) bool) {
	if h != nil {
		h.dict.each(func(s *slot[hashValue]) bool { return fn(s.name, s.val.value) })
	}
}

// A HashTx is a hash that a command changes. The key comes to be with its first field and goes with its last (I7).
type HashTx struct {
	*Hash
	editing
}

// EditHash returns the key's hash for changing it; an empty one when the key is not there.
func (tx *Tx) EditHash(key []byte) (HashTx, error) {
	e, c, err := tx.editOf(key, TypeHash)
	if err != nil {
		return HashTx{}, err
	}
	h, ok := c.(*Hash)
	if !ok {
		h = newHash()
	}
	return HashTx{h, e}, nil
}

// Set gives a field a value and reports whether it is new. It copies both.
func (h HashTx) Set(field, value []byte) (created bool) {
	id := h.begin(h.Hash)
	s := h.dict.find(viewString(field))
	if s == nil {
		s = h.dict.add(string(field), hashValue{})
		created = true
	}
	h.values += int64(len(value) - len(s.val.value))
	s.val.value = string(value)
	h.grown.note(h.dict.live, len(field), len(value))
	h.put(&h.tx.rec, id, s)
	h.changed()
	return created
}

// Delete removes a field and reports whether it was there.
func (h HashTx) Delete(field []byte) bool {
	n, val, ok := h.dict.remove(viewString(field))
	if !ok {
		return false
	}
	h.values -= int64(len(val.value))
	h.tx.rec.remove(h.o.id, hashFields, n)
	h.changed()
	return true
}

func (h *Hash) put(w *recordWriter, id int64, s *slot[hashValue]) {
	w.put(id, hashFields, s.n)
	w.colStr(s.name)
	w.colStr(s.val.value)
	w.colInt(0)
	w.end()
}

func (h *Hash) kind() Type  { return TypeHash }
func (h *Hash) length() int { return h.dict.live }
func (h *Hash) size() int64 { return h.dict.size(hashValueBytes) + h.values }

func (h *Hash) clone() collection {
	return &Hash{dict: h.dict.clone(), values: h.values, grown: h.grown}
}

func (h *Hash) shape() Shape {
	return Shape{Type: TypeHash, Len: h.dict.live, MostLen: h.grown.mostLen, LongestBytes: h.grown.longest}
}

func (h *Hash) rows(w *recordWriter, id int64) {
	h.dict.each(func(s *slot[hashValue]) bool {
		h.put(w, id, s)
		return true
	})
}

func (h *Hash) restore(r *tableRow) error {
	field, value := r.str(0), r.str(1)
	h.dict.restore(r.n, field, hashValue{value})
	h.grown.note(h.dict.live, len(field), len(value))
	h.values += int64(len(value))
	return nil
}

func (h *Hash) restored() error { return nil }
