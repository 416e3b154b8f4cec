package store

import "diskette/expire"

// fieldDeadlines are the deadlines of a hash's fields: a side structure, so that a hash without any is no larger
// for them.
//
//	of     row number -> deadline        queue   earliest first
//
// The hashes that have one stand in turn in the store's queue, by their earliest deadline: where the sweeper looks.
type fieldDeadlines struct {
	now   int64 // the clock reading of the command that has the hash (I10)
	of    map[int64]*fieldDeadline
	queue expire.Queue[*fieldDeadline]
	most  int     // entries since they last were none: neither map nor queue shrinks
	owner *object // the key whose hash it is; nil outside the store's queue
	slot  int32   // place in that queue
}

type fieldDeadline struct {
	n    int64 // of the field's row
	name string
	at   int64 // unix ms
	slot int32
}

const (
	fieldDeadlinesBytes = 160 // without an entry
	fieldDeadlineBytes  = 120 // an entry with its share of map and queue
)

func (d *fieldDeadlines) Slot() int32     { return d.slot }
func (d *fieldDeadlines) SetSlot(n int32) { d.slot = n }

func (d *fieldDeadline) Slot() int32     { return d.slot }
func (d *fieldDeadline) SetSlot(n int32) { d.slot = n }

// first is the earliest deadline, 0 = none.
func (d *fieldDeadlines) first() int64 {
	at, _, _ := d.queue.First()
	return at
}

// set gives row n's field a deadline, 0 = none.
func (d *fieldDeadlines) set(n int64, name string, at int64) {
	f := d.of[n]
	switch {
	case f == nil && at == 0:
		return
	case f == nil:
		f = &fieldDeadline{n: n, name: name}
		d.of[n] = f
	case at == 0:
		delete(d.of, n)
	}
	f.at = at
	d.queue.Set(f, at)
	d.most = max(d.most, len(d.of))
	if len(d.of) == 0 && d.most > sweepSlice {
		d.of, d.queue, d.most = map[int64]*fieldDeadline{}, expire.Queue[*fieldDeadline]{}, 0
	}
}

func (d *fieldDeadlines) clone() *fieldDeadlines {
	if d == nil {
		return nil
	}
	c := newFieldDeadlines(len(d.of))
	for n, f := range d.of {
		c.set(n, f.name, f.at)
	}
	return c
}

func newFieldDeadlines(room int) *fieldDeadlines {
	return &fieldDeadlines{of: make(map[int64]*fieldDeadline, room)}
}

func (d *fieldDeadlines) size() int64 {
	if d == nil {
		return 0
	}
	return fieldDeadlinesBytes + int64(len(d.of))*fieldDeadlineBytes
}

// withDeadlines makes the side structure if there is none yet. From then on it stays, as Redis keeps the encoding,
// and the fields are large: it has names of theirs, each of which would keep the pack alive that it was in.
func (h *Hash) withDeadlines() *fieldDeadlines {
	if h.deadlines == nil {
		h.deadlines = newFieldDeadlines(0)
		if h.fields.large == nil {
			h.fields.grow(0)
		}
	}
	return h.deadlines
}

// noteDeadline gives a field a deadline in the side structure.
func (h *Hash) noteDeadline(s slot[hashValue], deadline int64) {
	if small := h.fields.large == nil; small {
		h.withDeadlines()
		s, _ = h.fields.find(s.name)
	}
	h.withDeadlines().set(s.n, s.name, deadline)
}

// at tells a hash the time by which a command sees it.
func (h *Hash) at(now int64) {
	if h != nil && h.deadlines != nil {
		h.deadlines.now = now
	}
}

// anyDue reports whether the hash holds a field whose deadline has passed; mostly it does not.
func (h *Hash) anyDue() bool {
	return h.deadlines != nil && expire.Due(h.deadlines.first(), h.deadlines.now)
}

// isDue reports whether the deadline of row n's field has passed.
func (h *Hash) isDue(n int64) bool { return expire.Due(h.deadlineOf(n), h.deadlines.now) }

func (h *Hash) deadlineOf(n int64) int64 {
	if h.deadlines != nil {
		if f := h.deadlines.of[n]; f != nil {
			return f.at
		}
	}
	return 0
}

// Deadline returns a field's deadline in unix ms (0 = none) and whether the field is there.
func (h *Hash) Deadline(field []byte) (deadline int64, ok bool) {
	s, ok := h.find(field)
	if !ok {
		return 0, false
	}
	return h.deadlineOf(s.n), true
}

// SetDeadline gives a field a deadline in unix ms (0 = none) and reports whether the field is there. A deadline that
// has passed removes the field at once.
func (h HashTx) SetDeadline(field []byte, deadline int64) bool {
	s, ok := h.find(field)
	switch {
	case !ok:
		return false
	case expire.Due(deadline, h.tx.now):
		return h.Delete(field)
	}
	h.moveDeadline(s, deadline)
	h.put(&h.tx.rec, h.o.id, s)
	h.changed()
	return true
}

// moveDeadline changes the deadline of a field; the caller records the row.
func (h HashTx) moveDeadline(s slot[hashValue], deadline int64) {
	if h.deadlines == nil && deadline == 0 {
		return
	}
	h.noteDeadline(s, deadline)
	h.at(h.tx.now) // it may be new
	h.tx.st.watchFields(h.o)
}

// removeDue removes up to limit fields whose deadline has passed, and the key with its last field (I7).
func (h HashTx) removeDue(limit int) (removed int) {
	d := h.deadlines
	for ; removed < limit && h.anyDue(); removed++ {
		_, f, _ := d.queue.First()
		name := f.name
		h.takeOut(name)
		if hook := h.tx.st.hooks.FieldExpired; hook != nil {
			hook(h.o.space.db, h.o.name(), name)
		}
	}
	if removed > 0 {
		h.tx.st.stats.expiredFields += int64(removed)
		h.changed()
		if hook := h.tx.st.hooks.FieldsExpired; hook != nil {
			hook(h.o.space.db, h.o.name(), h.o.typ == None)
		}
	}
	return removed
}

// watchFields puts an object's hash in its turn in the store's queue, as its earliest deadline or the hash itself
// has changed.
func (st *Store) watchFields(o *object) {
	if h, ok := o.coll().(*Hash); ok && h.deadlines != nil {
		h.deadlines.owner = o
		st.dueFields.Set(h.deadlines, h.deadlines.first())
	}
}

// unwatchFields takes an object's hash out of that queue, unless it is another's by now.
func (st *Store) unwatchFields(o *object) {
	if h, ok := o.coll().(*Hash); ok && h.deadlines != nil && h.deadlines.owner == o {
		st.dueFields.Set(h.deadlines, 0)
		h.deadlines.owner = nil
	}
}

// checkFieldsLocked verifies the place of an object's hash in the store's queue and returns how many places it has.
func (st *Store) checkFieldsLocked(o *object, fail func(string, ...any)) (places int) {
	h, ok := o.coll().(*Hash)
	if !ok || h.deadlines == nil {
		return 0
	}
	d := h.deadlines
	if o.space.db < 0 { // flushed: the sweeper takes it out of the queue before it lets go of it
		return min(1, int(d.slot))
	}
	if d.owner != o || d.queue.Len() != len(d.of) || (d.slot != 0) != (len(d.of) > 0) {
		fail("hash %q has %d field deadlines, %d of them in order, and place %d in the queue", o.name(), len(d.of), d.queue.Len(), d.slot)
	}
	for n, f := range d.of {
		if s, ok := h.fields.find(f.name); !ok || s.n != n || f.at == 0 {
			fail("hash %q has a deadline for its row %d, which is not there", o.name(), n)
		}
	}
	if d.slot == 0 {
		return 0
	}
	return 1
}
