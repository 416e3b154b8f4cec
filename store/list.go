package store

import "slices"

// A List is elements in the order that clients give them. Commands that read get it from View.List; a nil *List
// is that of an absent key and is empty.
//
//	blocks  [ nil ] [ . . . a b c ] [ d e f g h i ] [ j k . . . . ] [ nil ]
//	                        ^ head                        ^ head + length
//
// The element at index i stands at place head+i, so that no index costs a walk. A list of one block is one slice,
// which doubles until it is listBlock long; then blocks join at either end. Those that empty are let go, so that a
// queue may run for ever. An insertion in the middle moves the elements on the shorter side.
//
// An element's number is its position: ascending, with gaps (list_position.go).
type List struct {
	blocks [][]element
	spare  []element // an empty block for the next to be needed
	head   int
	len    int
	slots  int // in all blocks
	values int64
	packed int64 // what the elements take in Redis's listpack

	mostLen    int // since it came into memory
	mostPacked int64
}

type element struct {
	n     int64
	value string
}

const (
	listBlock = 128 // elements

	listBytes    = 128 // a List without its blocks
	elementBytes = 24
	valueBytes   = 8 // what the allocator rounds a value up by, about
)

// List returns the key's list, nil when the key is not there.
func (v *View) List(key []byte) (*List, error) {
	c, err := v.collectionOf(key, TypeList)
	l, _ := c.(*List)
	return l, err
}

// Len is the number of elements.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return l.len
}

// At returns the element at an index from 0 to Len()-1.
func (l *List) At(i int) string { return l.at(i).value }

// Each calls fn for the elements from index i on, towards the tail or, with step -1, the head, until it returns false.
func (l *List) Each(i, step int, fn func(i int, value string) bool) {
	for ; i >= 0 && i < l.Len(); i += step {
		if !fn(i, l.at(i).value) {
			return
		}
	}
}

// Range returns the elements at the indexes from .. to-1, which are there.
func (l *List) Range(from, to int) []string {
	values := make([]string, 0, to-from)
	for from < to {
		p := l.head + from
		block := l.blocks[p/listBlock][p%listBlock:]
		for i := range block[:min(len(block), to-from)] {
			values = append(values, block[i].value)
		}
		from += min(len(block), to-from)
	}
	return values
}

// Find returns the index of the first element that is value, -1 if none is.
func (l *List) Find(value []byte) int {
	found := -1
	l.Each(0, 1, func(i int, v string) bool {
		if v == viewString(value) {
			found = i
		}
		return found < 0
	})
	return found
}

func (l *List) at(i int) *element {
	p := l.head + i
	return &l.blocks[p/listBlock][p%listBlock]
}

// places is how many places the blocks have.
func (l *List) places() int {
	if len(l.blocks) == 1 {
		return len(l.blocks[0])
	}
	return len(l.blocks) * listBlock
}

// put fills a place whose block may not be there yet.
func (l *List) put(place int, e element) {
	b := &l.blocks[place/listBlock]
	if *b == nil {
		if *b, l.spare = l.spare, nil; *b == nil {
			*b = make([]element, listBlock)
			l.slots += listBlock
		}
	}
	(*b)[place%listBlock] = e
}

func (l *List) pushHead(e element) {
	if l.head == 0 && !l.makeRoom(true) {
		more := len(l.blocks)/2 + 1 // half as many again: what is moved for it is paid for by the pushes between
		l.blocks = slices.Insert(l.blocks, 0, make([][]element, more)...)
		l.head += more * listBlock
	}
	l.head--
	l.len++
	l.put(l.head, e)
}

func (l *List) pushTail(e element) {
	if l.head+l.len == l.places() && !l.makeRoom(false) {
		l.blocks = append(l.blocks, nil)
	}
	l.put(l.head+l.len, e)
	l.len++
}

// makeRoom gives the only block room before its first element or behind its last: by moving them, or in
// a block of twice the size. It reports false when there are more blocks, or one would be too large.
func (l *List) makeRoom(ahead bool) bool {
	var block []element
	switch len(l.blocks) {
	case 0:
		l.blocks = make([][]element, 1)
	case 1:
		block = l.blocks[0]
	default:
		return false
	}
	size := len(block)
	if l.len > size/2 || size == 0 {
		if size == listBlock {
			return false
		}
		size = max(2, 2*size)
	}
	moved := block
	if size > len(block) {
		moved = make([]element, size)
		l.slots += size - len(block)
	}
	head := 0
	if ahead {
		head = size - l.len
	}
	copy(moved[head:], block[l.head:l.head+l.len])
	clear(moved[:head])
	clear(moved[head+l.len:])
	l.blocks[0], l.head = moved, head
	return true
}

func (l *List) popHead() element {
	at := l.at(0)
	e := *at
	*at = element{}
	l.head++
	l.len--
	if l.head%listBlock == 0 && len(l.blocks) > 1 {
		l.letGo(l.head/listBlock - 1)
		if empty := l.head / listBlock; empty > len(l.blocks)/2 {
			l.blocks = slices.Delete(l.blocks, 0, empty)
			l.head -= empty * listBlock
		}
	}
	return e
}

func (l *List) popTail() element {
	at := l.at(l.len - 1)
	e := *at
	*at = element{}
	l.len--
	if end := l.head + l.len; end%listBlock == 0 && len(l.blocks) > 1 {
		l.letGo(end / listBlock)
		l.blocks = l.blocks[:end/listBlock]
	}
	return e
}

// letGo takes an empty block away.
func (l *List) letGo(block int) {
	if l.spare == nil {
		l.spare = l.blocks[block]
	} else {
		l.slots -= listBlock
	}
	l.blocks[block] = nil
}

// insert makes e the element at index i.
func (l *List) insert(i int, e element) {
	if i < l.len/2 {
		l.pushHead(element{})
		for j := range i {
			*l.at(j) = *l.at(j + 1)
		}
	} else {
		l.pushTail(element{})
		for j := l.len - 1; j > i; j-- {
			*l.at(j) = *l.at(j - 1)
		}
	}
	*l.at(i) = e
}

// cut takes away the elements at some indexes, which ascend; it moves those towards the nearer end.
func (l *List) cut(indexes []int) {
	gone := len(indexes)
	if first, last := indexes[0], indexes[gone-1]; last < l.len-1-first {
		to := last
		for i := last; i >= 0; i-- {
			if gone > 0 && indexes[gone-1] == i {
				gone--
				continue
			}
			*l.at(to) = *l.at(i)
			to--
		}
		for range indexes {
			l.popHead()
		}
		return
	}
	to := indexes[0]
	for i := to; i < l.len; i++ {
		if k := len(indexes) - gone; gone > 0 && indexes[k] == i {
			gone--
			continue
		}
		*l.at(to) = *l.at(i)
		to++
	}
	for range indexes {
		l.popTail()
	}
}

func (l *List) kind() Type  { return TypeList }
func (l *List) length() int { return l.len }

func (l *List) size() int64 {
	return listBytes + int64(cap(l.blocks))*elementBytes + int64(l.slots)*elementBytes + l.values +
		int64(l.len)*valueBytes
}

func (l *List) snapshot() collection {
	c := &List{values: l.values, packed: l.packed, mostLen: l.len, mostPacked: l.packed}
	c.head, c.len, c.slots = l.head, l.len, l.slots-len(l.spare)
	c.blocks = make([][]element, len(l.blocks))
	for i, block := range l.blocks {
		c.blocks[i] = slices.Clone(block)
	}
	return c
}

func (l *List) shape() Shape {
	return Shape{Type: TypeList, Len: l.len, MostLen: l.mostLen, Bytes: l.packed, MostBytes: l.mostPacked}
}

func (l *List) rows(w *recordWriter, id int64) {
	for i := range l.len {
		putElement(w, id, l.at(i))
	}
}

func putElement(w *recordWriter, id int64, e *element) {
	w.put(id, listElements, e.n)
	w.colStr(e.value)
	w.end()
}

func (l *List) restore(r *tableRow) error {
	e := element{r.n, r.str(0)}
	l.pushTail(e)
	l.count(e.value)
	return nil
}

func (l *List) restored() error { return nil }

// count adds a new value to the books, uncount takes one off.
func (l *List) count(value string) {
	l.values += int64(len(value))
	l.packed += packedBytes(value)
	l.mostLen, l.mostPacked = max(l.mostLen, l.len), max(l.mostPacked, l.packed)
}

func (l *List) uncount(value string) {
	l.values -= int64(len(value))
	l.packed -= packedBytes(value)
}

// packedBytes is what Redis's listpack takes for a value: the bytes, or an integer of 7 to 64 bits, with the length
// before and behind it.
func packedBytes(value string) int64 {
	n := int64(len(value))
	if i, ok := integer(value); ok {
		n = integerBytes(i)
	} else {
		switch {
		case n < 64:
			n++
		case n < 4096:
			n += 2
		default:
			n += 5
		}
	}
	switch {
	case n < 1<<7:
		return n + 1
	case n < 1<<14-1:
		return n + 2
	case n < 1<<21-1:
		return n + 3
	case n < 1<<28-1:
		return n + 4
	}
	return n + 5
}

func integerBytes(i int64) int64 {
	switch {
	case i >= 0 && i < 1<<7:
		return 1
	case i >= -1<<12 && i < 1<<12:
		return 2
	case i >= -1<<15 && i < 1<<15:
		return 3
	case i >= -1<<23 && i < 1<<23:
		return 4
	case i >= -1<<31 && i < 1<<31:
		return 5
	}
	return 9
}
