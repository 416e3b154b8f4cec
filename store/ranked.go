package store

import (
	"slices"
	"sort"
	"strings"
)

// A ranked holds members in their order: by score, those of one score by their bytes. It is a B-tree whose inner nodes
// count what is below them, so that a rank is found, and a member by its rank, on the way down:
//
//	inner  lows    [   .   | 5 f | 8 a ]    lows[i] is no more than all below kids[i] and more than all
//	       counts  [  40   | 63  | 22  ]    before; lows[0] is not used
//	       kids        |      |     |
//	leaf   items   [ 1 a ... 5 e ] [ 5 g ... ] [ 8 a ... ]
//
// A small one is a single leaf: a sorted slice. What it takes is about 1.4 times a member's 24
// bytes; a skip list takes twice that and misses the cache at every step.
type ranked struct {
	root  *rankedNode
	bytes int64 // of all nodes
}

// Scored is a member of a sorted set with its score, which is never NaN.
type Scored struct {
	Score  float64
	Member string
}

type rankedNode struct {
	items  []Scored // a leaf's members, an inner node's lows
	kids   []*rankedNode
	counts []int
}

const (
	nodeItems = 64 // a node that has so many is split

	scoredBytes = 24
	leafBytes   = 80                             // a leaf without its items
	innerBytes  = leafBytes + nodeItems*(24+8+8) // an inner node
)

// before is the order of a sorted set.
func (a *Scored) before(b *Scored) bool {
	return a.Score < b.Score || a.Score == b.Score && a.Member < b.Member
}

// compareScored is before as slices.SortFunc wants it.
func compareScored(a, b Scored) int {
	switch {
	case a.Score < b.Score:
		return -1
	case a.Score > b.Score:
		return 1
	}
	return strings.Compare(a.Member, b.Member)
}

// rankedOf makes a tree of items that are in their order: its nodes are as full as what grows at its end leaves them.
func rankedOf(items []Scored) ranked {
	t := ranked{}
	var level []*rankedNode
	var counts []int
	for leaf := range slices.Chunk(items, nodeItems-1) {
		n := &rankedNode{items: append(make([]Scored, 0, nodeItems), leaf...)}
		t.bytes += leafBytes + nodeItems*scoredBytes
		level, counts = append(level, n), append(counts, len(leaf))
	}
	if len(level) == 0 {
		return newRanked()
	}
	for len(level) > 1 {
		above, sums := level[:0:0], counts[:0:0]
		for from := 0; from < len(level); from += nodeItems - 1 {
			to := min(from+nodeItems-1, len(level))
			n, sum := t.newInner(), 0
			for i, kid := range level[from:to] {
				n.items = append(n.items, kid.items[0])
				n.kids = append(n.kids, kid)
				n.counts = append(n.counts, counts[from+i])
				sum += counts[from+i]
			}
			above, sums = append(above, n), append(sums, sum)
		}
		level, counts = above, sums
	}
	t.root = level[0]
	return t
}

func newRanked() ranked { return ranked{root: &rankedNode{}, bytes: leafBytes} }

// kid is the place of the only kid of an inner node below which an item can be.
func (n *rankedNode) kid(it *Scored) int {
	return sort.Search(len(n.items)-1, func(i int) bool { return it.before(&n.items[i+1]) })
}

// place is how many items of a leaf come before it.
func (n *rankedNode) place(it *Scored) int {
	return sort.Search(len(n.items), func(i int) bool { return !n.items[i].before(it) })
}

func (n *rankedNode) count() (count int) {
	if n.kids == nil {
		return len(n.items)
	}
	for _, c := range n.counts {
		count += c
	}
	return count
}

// insert adds an item that is not there.
func (t *ranked) insert(it Scored) {
	right := t.put(t.root, &it)
	if right == nil {
		return
	}
	left := t.root
	t.root = t.newInner()
	for _, kid := range []*rankedNode{left, right} {
		t.root.items = append(t.root.items, kid.items[0])
		t.root.kids = append(t.root.kids, kid)
		t.root.counts = append(t.root.counts, kid.count())
	}
}

// put adds an item below a node and returns the node's new right neighbour, if the node had to be split.
func (t *ranked) put(n *rankedNode, it *Scored) (right *rankedNode) {
	if n.kids == nil {
		i := n.place(it)
		t.makeRoom(n, len(n.items)+1)
		n.items = slices.Insert(n.items, i, *it)
		return t.splitIfFull(n, i)
	}
	i := n.kid(it)
	n.counts[i]++
	kid := t.put(n.kids[i], it)
	if kid == nil {
		return nil
	}
	count := kid.count()
	n.counts[i] -= count
	i++
	n.items = slices.Insert(n.items, i, kid.items[0])
	n.kids = slices.Insert(n.kids, i, kid)
	n.counts = slices.Insert(n.counts, i, count)
	return t.splitIfFull(n, i)
}

// makeRoom gives a leaf room for so many items. It doubles, but never beyond a full node.
func (t *ranked) makeRoom(n *rankedNode, items int) {
	room := cap(n.items)
	if items <= room {
		return
	}
	n.items = append(make([]Scored, 0, min(max(items, 2*room), nodeItems)), n.items...)
	t.bytes += scoredBytes * int64(cap(n.items)-room)
}

// splitIfFull halves a node that is full. at is where it has grown: what always grows at its
// end, as by the clock, leaves full nodes behind.
func (t *ranked) splitIfFull(n *rankedNode, at int) (right *rankedNode) {
	if len(n.items) < nodeItems {
		return nil
	}
	half := nodeItems / 2
	if at == nodeItems-1 {
		half = at
	}
	if n.kids == nil {
		right = &rankedNode{items: make([]Scored, 0, nodeItems)}
		t.bytes += leafBytes + nodeItems*scoredBytes
	} else {
		right = t.newInner()
		right.kids = append(right.kids, n.kids[half:]...)
		right.counts = append(right.counts, n.counts[half:]...)
		n.kids, n.counts = slices.Delete(n.kids, half, nodeItems), n.counts[:half]
	}
	right.items = append(right.items, n.items[half:]...)
	n.items = slices.Delete(n.items, half, nodeItems)
	return right
}

func (t *ranked) newInner() *rankedNode {
	t.bytes += innerBytes
	return &rankedNode{
		items:  make([]Scored, 0, nodeItems),
		kids:   make([]*rankedNode, 0, nodeItems),
		counts: make([]int, 0, nodeItems),
	}
}

// remove takes an item away that is there.
func (t *ranked) remove(it Scored) {
	t.take(t.root, &it)
	for len(t.root.kids) == 1 {
		t.root = t.root.kids[0]
		t.bytes -= innerBytes
	}
}

func (t *ranked) take(n *rankedNode, it *Scored) {
	if n.kids == nil {
		i := n.place(it)
		n.items = slices.Delete(n.items, i, i+1)
		return
	}
	i := n.kid(it)
	n.counts[i]--
	t.take(n.kids[i], it)
	t.join(n, i)
}

// join unites a kid that has become small with a neighbour, if the two leave room for more, and drops an empty one.
func (t *ranked) join(n *rankedNode, i int) {
	left := i
	size := len(n.kids[i].items)
	fits := func(j int) bool { return size+len(n.kids[j].items) <= nodeItems*3/4 }
	switch {
	case len(n.kids) == 1 || size > nodeItems/2:
		return
	case i > 0 && fits(i-1):
		left = i - 1
	case i == len(n.kids)-1 || !fits(i+1):
		if size > 0 {
			return
		}
		left = max(i-1, 0)
	}
	a, b := n.kids[left], n.kids[left+1]
	if b.kids != nil {
		b.items[0] = n.items[left+1]
		t.bytes -= innerBytes
	} else {
		t.makeRoom(a, len(a.items)+len(b.items))
		t.bytes -= leafBytes + scoredBytes*int64(cap(b.items))
	}
	a.items = append(a.items, b.items...)
	a.kids = append(a.kids, b.kids...)
	a.counts = append(a.counts, b.counts...)
	n.counts[left] += n.counts[left+1]
	n.items = slices.Delete(n.items, left+1, left+2)
	n.kids = slices.Delete(n.kids, left+1, left+2)
	n.counts = slices.Delete(n.counts, left+1, left+2)
}

// seek is how many items come before a bound: those for which before is true. They must be the first ones.
func (t *ranked) seek(before func(it *Scored) bool) (rank int) {
	n := t.root
	for n.kids != nil {
		i := sort.Search(len(n.items)-1, func(i int) bool { return !before(&n.items[i+1]) })
		for _, c := range n.counts[:i] {
			rank += c
		}
		n = n.kids[i]
	}
	return rank + sort.Search(len(n.items), func(i int) bool { return !before(&n.items[i]) })
}

// at returns the item of a rank that is there.
func (t *ranked) at(rank int) *Scored {
	n := t.root
	for n.kids != nil {
		i := 0
		for ; rank >= n.counts[i]; i++ {
			rank -= n.counts[i]
		}
		n = n.kids[i]
	}
	return &n.items[rank]
}

// each calls fn for the items of the ranks from .. to-1, in order, until it returns false. fn must not change them.
func (n *rankedNode) each(from, to int, fn func(it *Scored) bool) bool {
	if n.kids == nil {
		for i := from; i < to; i++ {
			if !fn(&n.items[i]) {
				return false
			}
		}
		return true
	}
	for i, c := range n.counts {
		if from < c && to > 0 && !n.kids[i].each(max(from, 0), min(to, c), fn) {
			return false
		}
		from, to = from-c, to-c
	}
	return true
}

// back is each in reverse order.
func (n *rankedNode) back(from, to int, fn func(it *Scored) bool) bool {
	if n.kids == nil {
		for i := to - 1; i >= from; i-- {
			if !fn(&n.items[i]) {
				return false
			}
		}
		return true
	}
	start := n.count()
	for i := len(n.counts) - 1; i >= 0; i-- {
		c := n.counts[i]
		start -= c
		if from < start+c && to > start && !n.kids[i].back(max(from-start, 0), min(to-start, c), fn) {
			return false
		}
	}
	return true
}
