package store

import (
	"math"
	"slices"
	"strings"
	"unsafe"
)

// A List is elements in the order that clients give them. Commands that read get it from View.List; a nil *List
// is that of an absent key and is empty.
//
// A small list is a pack (pack.go), whose names are empty and whose texts are the elements, in their order: five
// elements of 20 bytes take half of what a slot and a string each would. One with more elements, or longer
// ones, is blocks (list_blocks.go), and remains so while it is in memory.
//
// An element's number is its position: ascending, with gaps (list_position.go).
type List struct {
	pack   pack
	large  *listBlocks // nil = the elements are in the pack
	packed int64       // what the elements take in Redis's listpack

	mostPacked int64 // since it came into memory
	mostLen    int
}

type element struct {
	n     int64
	value string
}

const (
	listBytes = int64(unsafe.Sizeof(List{}))

	// A pack has elements of up to listText bytes, and listPackBytes of them: Redis's listpacks have 8 KB.
	listText      = 255
	listPackBytes = 8 << 10
)

// List returns the key's list, nil when the key is not there.
func (v *View) List(key []byte) (*List, error) {
	c, err := v.collectionOf(key, TypeList)
	l, _ := c.(*List)
	return l, err
}

// Len is the number of elements.
func (l *List) Len() int {
	switch {
	case l == nil:
		return 0
	case l.large != nil:
		return l.large.len
	}
	return int(l.pack.count)
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
	if l.large != nil {
		return l.large.appendRange(values, from, to)
	}
	for ; from < to; from++ {
		values = append(values, l.at(from).value)
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

// at returns the element at an index.
func (l *List) at(i int) element {
	if l.large != nil {
		return *l.large.at(i)
	}
	n, _, value := l.pack.at(i)
	return element{n, value}
}

// packs reports whether the pack can take another element.
func (l *List) packs(e element) bool {
	p := &l.pack
	return p.count < packElements && len(e.value) <= listText && l.packed+int64(len(e.value)) <= listPackBytes &&
		l.reaches(e.n)
}

// reaches makes sure that the pack can number an element n. Its numbers are 32 bits from its base on, which is put so
// that there is as much room below as above: of two neighbours that came as pushes are some 32,000 on either side.
func (l *List) reaches(n int64) bool {
	const span = math.MaxUint32
	p := &l.pack
	switch {
	case p.count == 0:
		p.base = n - span/2 // it may wrap around, and so does the sum of base and number
		return true
	case uint64(n-p.base) <= span:
		return true
	}
	low, high := n, n
	for i := range int(p.count) { // they need not ascend while they are numbered anew
		low, high = min(low, p.number(i)), max(high, p.number(i))
	}
	if distance(low, high) > span {
		return false
	}
	p.rebase(low - int64(span-distance(low, high))/2)
	return true
}

// enlarge makes blocks of a pack.
func (l *List) enlarge() {
	l.large = &listBlocks{}
	for i := range int(l.pack.count) {
		n, _, value := l.pack.at(i)
		l.large.pushTail(element{n, strings.Clone(value)})
		l.large.values += int64(len(value))
	}
	l.pack = pack{}
}

// add makes e the element at an index. It copies the value, unless that is kept: in no pack's block, and never to
// change.
func (l *List) add(i int, e element, kept bool) {
	if l.large == nil && !l.packs(e) {
		l.enlarge()
	}
	if b := l.large; b != nil {
		if !kept {
			e.value = strings.Clone(e.value)
		}
		switch i {
		case b.len:
			b.pushTail(e)
		case 0:
			b.pushHead(e)
		default:
			b.insert(i, e)
		}
		b.values += int64(len(e.value))
	} else {
		l.pack.insert(i, e.n, "", e.value)
	}
	l.packed += packedBytes(e.value)
	l.mostLen, l.mostPacked = max(l.mostLen, l.Len()), max(l.mostPacked, l.packed)
}

// take takes the element at the head or the tail away.
func (l *List) take(end End) (e element) {
	switch {
	case l.large != nil && end == Head:
		e = l.large.popHead()
	case l.large != nil:
		e = l.large.popTail()
	case end == Head:
		e = l.at(0)
		l.pack.remove(0)
	default:
		e = l.at(l.Len() - 1)
		l.pack.remove(l.Len() - 1)
	}
	l.uncount(e.value)
	return e
}

// replace gives the element at an index another value, which it copies.
func (l *List) replace(i int, value string) {
	was := l.at(i)
	if l.large != nil && len(value) == len(was.value) && unsafe.StringData(value) == unsafe.StringData(was.value) {
		return // RPOPLPUSH of the only element
	}
	if l.large == nil && (len(value) > listText || l.packed+int64(len(value)) > listPackBytes) {
		l.enlarge()
	}
	l.uncount(was.value)
	if l.large != nil {
		l.large.at(i).value = strings.Clone(value)
		l.large.values += int64(len(value))
	} else {
		l.pack.set(i, value)
	}
	l.packed += packedBytes(value)
	l.mostPacked = max(l.mostPacked, l.packed)
}

// number gives the element at an index another number.
func (l *List) number(i int, n int64) {
	if l.large == nil && !l.reaches(n) {
		l.enlarge()
	}
	if l.large != nil {
		l.large.at(i).n = n
	} else {
		l.pack.setNumber(i, n)
	}
}

// cut takes away the elements at some indexes, which ascend and were taken off the books.
func (l *List) cut(indexes []int) {
	if l.large != nil {
		l.large.cut(indexes)
		return
	}
	for _, i := range slices.Backward(indexes) {
		l.pack.remove(i)
	}
}

func (l *List) kind() Type  { return TypeList }
func (l *List) length() int { return l.Len() }

func (l *List) size() int64 {
	if l.large != nil {
		return listBytes + l.large.size()
	}
	return listBytes + int64(cap(l.pack.block))
}

func (l *List) snapshot() collection {
	c := &List{packed: l.packed, mostPacked: l.packed, mostLen: l.Len()}
	if l.large != nil {
		c.large = l.large.snapshot()
	} else {
		c.pack = l.pack.clone()
	}
	return c
}

func (l *List) shape() Shape {
	return Shape{Type: TypeList, Len: l.Len(), MostLen: l.mostLen, Bytes: l.packed, MostBytes: l.mostPacked}
}

func (l *List) rows(w *recordWriter, id int64) {
	if l.large != nil {
		l.large.rows(w, id)
		return
	}
	for i := range l.Len() {
		e := l.at(i)
		putElement(w, id, &e)
	}
}

func putElement(w *recordWriter, id int64, e *element) {
	w.put(id, listElements, e.n)
	w.colStr(e.value)
	w.end()
}

func (l *List) restore(r *tableRow) error {
	value := r.view(0)
	l.add(l.Len(), element{r.n, value}, len(value) >= chunkBytes) // such a one was joined for us
	return nil
}

func (l *List) restored() error { return nil }

// uncount takes a value off the books.
func (l *List) uncount(value string) {
	if l.large != nil {
		l.large.values -= int64(len(value))
	}
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
