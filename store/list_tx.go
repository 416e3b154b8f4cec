package store

import "slices"

// A ListTx is a list that a command changes. The key comes to be with its first element and goes with its last (I7).
type ListTx struct {
	*List
	editing
}

// EditList returns the key's list for changing it; an empty one when the key is not there.
func (tx *Tx) EditList(key []byte) (ListTx, error) {
	e, c, err := tx.editOf(key, TypeList)
	if err != nil {
		return ListTx{}, err
	}
	l, ok := c.(*List)
	if !ok {
		l = &List{}
	}
	return ListTx{l, e}, nil
}

// An End is one of the two of a list.
type End bool

const (
	Head End = true
	Tail End = false
)

// Push adds an element at an end. It copies it.
func (l ListTx) Push(end End, value []byte) { l.push(end, viewString(value), false) }

// push copies the value, unless it is kept: see List.add.
func (l ListTx) push(end End, value string, kept bool) {
	id := l.ensureKey(l.List)
	e, at := element{l.beyond(end), value}, 0
	if end == Tail {
		at = l.List.Len()
	}
	l.add(at, e, kept)
	e = l.at(at) // the record may refer to the value
	l.grew(1)
	putElement(l.tx.rec.insert(), id, &e)
	l.changed()
}

// Pop removes the element at an end of a list that is not empty.
func (l ListTx) Pop(end End) (value string) {
	value = l.pop(end)
	l.changed()
	return value
}

// PopMany removes n elements at an end, which are there, and returns them as they leave.
func (l ListTx) PopMany(end End, n int) (values []string) {
	l.tx.st.stats.changes += int64(n - 1) // Redis counts the elements
	if n == l.List.Len() && l.outline == nil {
		values = l.Range(0, n)
		if end == Tail {
			slices.Reverse(values)
		}
		*l.List = List{}
		l.changed()
		return values
	}
	values = make([]string, 0, n)
	head := l.tx.rec.head // and not stored for each: see appendText
	for range n {
		e := l.take(end)
		l.notePop(end, e.n)
		head = appendRemove(head, l.o.id, listElements, e.n)
		values = append(values, e.value)
	}
	l.tx.rec.head = head
	l.changed()
	return values
}

func (l ListTx) pop(end End) string {
	e := l.take(end)
	l.notePop(end, e.n)
	l.tx.rec.remove(l.o.id, listElements, e.n)
	return e.value
}

// MoveTo takes the element at an end and adds it at an end of another list, which may be the same one.
func (l ListTx) MoveTo(to ListTx, from, where End) (value string) {
	if l.o == to.o && l.List.Len() == 1 { // the key must not go and come back as another one
		value = l.At(0)
		l.set(0, value)
		return value
	}
	kept := l.large != nil
	value = l.Pop(from)
	to.push(where, value, kept)
	return value
}

// Set replaces the element at an index from 0 to Len()-1.
func (l ListTx) Set(i int, value []byte) { l.set(i, viewString(value)) }

func (l ListTx) set(i int, value string) {
	l.replace(i, value)
	e := l.at(i)
	putElement(&l.tx.rec, l.o.id, &e)
	l.changed()
}

// Insert makes a value the element at an index from 1 to Len()-1, or 0 or Len() for the ends;
// those from there on move on. The list is not empty.
func (l ListTx) Insert(i int, value []byte) {
	switch i {
	case 0:
		l.Push(Head, value)
	case l.List.Len():
		l.Push(Tail, value)
	default:
		e := element{l.between(i), viewString(value)}
		l.add(i, e, false)
		e = l.at(i)
		putElement(l.tx.rec.insert(), l.o.id, &e)
		l.changed()
	}
}

// Trim keeps the elements from index start up to, not including, end. The key counts as changed even if all stay.
func (l ListTx) Trim(start, end int) {
	switch {
	case start >= end:
		l.tx.drop(l.o)
		return
	case start == 0 && end == l.List.Len():
		l.set(0, l.At(0))
		return
	}
	for range l.List.Len() - end {
		l.pop(Tail)
	}
	for range start {
		l.pop(Head)
	}
	l.changed()
}

// Remove removes the first count elements that are value, the last -count ones if it is negative, all if it is 0. It
// returns how many it has removed.
func (l ListTx) Remove(value []byte, count int64) int {
	start, step := 0, 1
	if count < 0 {
		start, step, count = l.List.Len()-1, -1, -count
	}
	var indexes []int
	l.Each(start, step, func(i int, v string) bool {
		if v == viewString(value) {
			indexes = append(indexes, i)
			l.uncount(v)
			l.tx.rec.remove(l.o.id, listElements, l.at(i).n)
		}
		return count == 0 || int64(len(indexes)) < count
	})
	if len(indexes) == 0 {
		return 0
	}
	if step < 0 {
		slices.Reverse(indexes)
	}
	l.cut(indexes)
	l.changed()
	return len(indexes)
}
