package store

import "slices"

// listBlocks are the elements of a list that is no pack.
//
//	blocks  [ nil ] [ . . . a b c ] [ d e f g h i ] [ j k . . . . ] [ nil ]
//	                        ^ head                        ^ head + length
//
// The element at index i stands at place head+i, so that no index costs a walk. A list of one block is one slice,
// which doubles until it is listBlock long; then blocks join at either end. Those that empty are let go, so that a
// queue may run for ever. An insertion in the middle moves the elements on the shorter side.
type listBlocks struct {
	blocks [][]element
	spare  []element // an empty block for the next to be needed
	head   int
	len    int
	slots  int   // in all blocks
	values int64 // bytes of the elements
}

const (
	listBlock = 128 // elements

	listBlocksBytes = 96 // a listBlocks without its blocks
	elementBytes    = 24
	valueBytes      = 8 // what the allocator rounds a value up by, about
)

func (b *listBlocks) at(i int) *element {
	p := b.head + i
	return &b.blocks[p/listBlock][p%listBlock]
}

// places is how many places the blocks have.
func (b *listBlocks) places() int {
	if len(b.blocks) == 1 {
		return len(b.blocks[0])
	}
	return len(b.blocks) * listBlock
}

// put fills a place whose block may not be there yet.
func (b *listBlocks) put(place int, e element) {
	block := &b.blocks[place/listBlock]
	if *block == nil {
		if *block, b.spare = b.spare, nil; *block == nil {
			*block = make([]element, listBlock)
			b.slots += listBlock
		}
	}
	(*block)[place%listBlock] = e
}

func (b *listBlocks) pushHead(e element) {
	if b.head == 0 && !b.makeRoom(true) {
		more := len(b.blocks)/2 + 1 // half as many again: what is moved for it is paid for by the pushes between
		b.blocks = slices.Insert(b.blocks, 0, make([][]element, more)...)
		b.head += more * listBlock
	}
	b.head--
	b.len++
	b.put(b.head, e)
}

func (b *listBlocks) pushTail(e element) {
	if b.head+b.len == b.places() && !b.makeRoom(false) {
		b.blocks = append(b.blocks, nil)
	}
	b.put(b.head+b.len, e)
	b.len++
}

// makeRoom gives the only block room before its first element or behind its last: by moving them, or in
// a block of twice the size. It reports false when there are more blocks, or one would be too large.
func (b *listBlocks) makeRoom(ahead bool) bool {
	var block []element
	switch len(b.blocks) {
	case 0:
		b.blocks = make([][]element, 1)
	case 1:
		block = b.blocks[0]
	default:
		return false
	}
	size := len(block)
	if b.len > size/2 || size == 0 {
		if size == listBlock {
			return false
		}
		size = max(2, 2*size)
	}
	moved := block
	if size > len(block) {
		moved = make([]element, size)
		b.slots += size - len(block)
	}
	head := 0
	if ahead {
		head = size - b.len
	}
	copy(moved[head:], block[b.head:b.head+b.len])
	clear(moved[:head])
	clear(moved[head+b.len:])
	b.blocks[0], b.head = moved, head
	return true
}

func (b *listBlocks) popHead() element {
	at := b.at(0)
	e := *at
	*at = element{}
	b.head++
	b.len--
	if b.head%listBlock == 0 && len(b.blocks) > 1 {
		b.letGo(b.head/listBlock - 1)
		if empty := b.head / listBlock; empty > len(b.blocks)/2 {
			b.blocks = slices.Delete(b.blocks, 0, empty)
			b.head -= empty * listBlock
		}
	}
	return e
}

func (b *listBlocks) popTail() element {
	at := b.at(b.len - 1)
	e := *at
	*at = element{}
	b.len--
	if end := b.head + b.len; end%listBlock == 0 && len(b.blocks) > 1 {
		b.letGo(end / listBlock)
		b.blocks = b.blocks[:end/listBlock]
	}
	return e
}

// letGo takes an empty block away.
func (b *listBlocks) letGo(block int) {
	if b.spare == nil {
		b.spare = b.blocks[block]
	} else {
		b.slots -= listBlock
	}
	b.blocks[block] = nil
}

// insert makes e the element at index i.
func (b *listBlocks) insert(i int, e element) {
	if i < b.len/2 {
		b.pushHead(element{})
		for j := range i {
			*b.at(j) = *b.at(j + 1)
		}
	} else {
		b.pushTail(element{})
		for j := b.len - 1; j > i; j-- {
			*b.at(j) = *b.at(j - 1)
		}
	}
	*b.at(i) = e
}

// cut takes away the elements at some indexes, which ascend; it moves those towards the nearer end.
func (b *listBlocks) cut(indexes []int) {
	gone := len(indexes)
	if first, last := indexes[0], indexes[gone-1]; last < b.len-1-first {
		to := last
		for i := last; i >= 0; i-- {
			if gone > 0 && indexes[gone-1] == i {
				gone--
				continue
			}
			*b.at(to) = *b.at(i)
			to--
		}
		for range indexes {
			b.popHead()
		}
		return
	}
	to := indexes[0]
	for i := to; i < b.len; i++ {
		if k := len(indexes) - gone; gone > 0 && indexes[k] == i {
			gone--
			continue
		}
		*b.at(to) = *b.at(i)
		to++
	}
	for range indexes {
		b.popTail()
	}
}

// appendRange adds the elements at the indexes from .. to-1 to values.
func (b *listBlocks) appendRange(values []string, from, to int) []string {
	for from < to {
		p := b.head + from
		block := b.blocks[p/listBlock][p%listBlock:]
		for i := range block[:min(len(block), to-from)] {
			values = append(values, block[i].value)
		}
		from += min(len(block), to-from)
	}
	return values
}

// rows puts the rows of all elements.
func (b *listBlocks) rows(w *recordWriter, id int64) {
	for from := 0; from < b.len; {
		p := b.head + from
		block := b.blocks[p/listBlock][p%listBlock:]
		block = block[:min(len(block), b.len-from)]
		from += len(block)
		if w.lump != nil {
			w.lump.addElements(block, w)
			continue
		}
		head := w.head
		for i := range block {
			if e := &block[i]; len(e.value) <= shortText {
				head = appendText(head, id, listElements, e.n, e.value)
			} else {
				w.head = head
				putElement(w, id, e)
				head = w.head
			}
		}
		w.head = head
	}
}

func (b *listBlocks) size() int64 {
	return listBlocksBytes + int64(cap(b.blocks))*elementBytes + int64(b.slots)*elementBytes + b.values +
		int64(b.len)*valueBytes
}

func (b *listBlocks) snapshot() *listBlocks {
	c := &listBlocks{values: b.values, head: b.head, len: b.len, slots: b.slots - len(b.spare)}
	c.blocks = make([][]element, len(b.blocks))
	for i, block := range b.blocks {
		c.blocks[i] = slices.Clone(block)
	}
	return c
}
