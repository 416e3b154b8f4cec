package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"unsafe"

	"diskette/compat_test/testrand"
)

func TestARankedIsASortedSlice(t *testing.T) {
	for seed := range uint64(shorter(12, 6)) {
		r := testrand.New(t, seed)
		tree := newRanked()
		var model []Scored
		steps, scores := 30_000, []int64{1, 5, 1 << 40}[seed%3]
		for step := range steps {
			grow := step/(steps/4)%2 == 0
			if grow == (r.IntN(4) > 0) || len(model) == 0 {
				it := Scored{float64(r.Int64N(scores)), fmt.Sprint("m", r.IntN(1<<30))}
				if seed%4 == 3 { // as by the clock
					it = Scored{float64(step), "m"}
				}
				at := sort.Search(len(model), func(i int) bool { return !model[i].before(&it) })
				if at == len(model) || model[at] != it {
					tree.insert(it)
					model = slices.Insert(model, at, it)
				}
			} else {
				at := r.IntN(len(model))
				if seed%2 == 0 {
					at = min(at, r.IntN(40)) // near the beginning
				}
				tree.remove(model[at])
				model = slices.Delete(model, at, at+1)
			}
			if step%300 == 0 || len(model) < 3 {
				compareRanked(t, &tree, model, r)
				c := rankedOf(model)
				compareRanked(t, &c, model, r)
			}
		}
		for len(model) > 0 {
			at := r.IntN(len(model))
			tree.remove(model[at])
			model = slices.Delete(model, at, at+1)
		}
		compareRanked(t, &tree, nil, r)
	}
}

// compareRanked looks at everything that a ranked can answer, and at its books.
func compareRanked(t *testing.T, tree *ranked, model []Scored, r *rand.Rand) {
	t.Helper()
	var got []Scored
	collect := func(it *Scored) bool {
		got = append(got, *it)
		return true
	}
	a, b := r.IntN(len(model)+1), r.IntN(len(model)+1)
	from, to := min(a, b), max(a, b)
	for _, span := range [][2]int{{0, len(model)}, {from, to}} {
		got = nil
		tree.root.each(span[0], span[1], collect)
		if !slices.Equal(got, model[span[0]:span[1]]) {
			t.Fatalf("ranks %v are %v, not %v", span, got, model[span[0]:span[1]])
		}
		got = nil
		tree.root.back(span[0], span[1], collect)
		slices.Reverse(got)
		if !slices.Equal(got, model[span[0]:span[1]]) {
			t.Fatalf("ranks %v backwards are %v, not %v", span, got, model[span[0]:span[1]])
		}
	}
	if from < len(model) {
		it := model[from]
		if rank := tree.seek(func(other *Scored) bool { return other.before(&it) }); rank != from || *tree.at(from) != it {
			t.Fatalf("%v has the rank %d, not %d, where %v is", it, rank, from, *tree.at(from))
		}
	}
	if bytes := nodeBytes(t, tree.root, true); bytes != tree.bytes {
		t.Fatalf("%d items take %d bytes, counted as %d", len(model), bytes, tree.bytes)
	}
}

// nodeBytes is what a node and all below take; it checks that counts and bounds are true.
func nodeBytes(t *testing.T, n *rankedNode, root bool) (bytes int64) {
	t.Helper()
	if len(n.items) >= nodeItems || cap(n.items) > nodeItems || root && len(n.kids) == 1 {
		t.Fatalf("a node has %d items of %d", len(n.items), cap(n.items))
	}
	if n.kids == nil {
		return leafBytes + scoredBytes*int64(cap(n.items))
	}
	if len(n.items) != len(n.kids) || len(n.counts) != len(n.kids) || cap(n.kids) != nodeItems || cap(n.counts) != nodeItems {
		t.Fatal("an inner node's slices differ")
	}
	for i, kid := range n.kids {
		if kid.count() != n.counts[i] {
			t.Fatalf("%d items, counted as %d", kid.count(), n.counts[i])
		}
		kid.each(0, kid.count(), func(it *Scored) bool {
			if i > 0 && it.before(&n.items[i]) || i+1 < len(n.kids) && !it.before(&n.items[i+1]) {
				t.Fatalf("%v stands below the wrong node", *it)
			}
			return true
		})
		bytes += nodeBytes(t, kid, false)
	}
	return bytes + innerBytes
}

func TestARankedTakesLittleMemory(t *testing.T) {
	if unsafe.Sizeof(Scored{}) != scoredBytes || unsafe.Sizeof(rankedNode{}) > leafBytes {
		t.Error("the sizes of the parts are not the ones that are counted")
	}
	const n = 100_000
	r, sorted, mixed := testrand.New(t, 1), newRanked(), newRanked()
	for i := range n {
		sorted.insert(Scored{float64(i), "m"})
		mixed.insert(Scored{r.Float64(), "m"})
	}
	if sorted.bytes > 27*n || mixed.bytes > 40*n {
		t.Errorf("an item takes %d bytes when they came in order, %d when not", sorted.bytes/n, mixed.bytes/n)
	}
}

// BenchmarkRanked is one operation on a million members whose scores and names have no order.
func BenchmarkRanked(b *testing.B) {
	const n = 1 << 20
	items := make([]Scored, n)
	tree := newRanked()
	for i := range items {
		items[i] = Scored{rand.Float64(), fmt.Sprint("member:", i)}
		tree.insert(items[i])
	}
	b.Run("insert and remove", func(b *testing.B) {
		for i := range b.N {
			it := Scored{rand.Float64(), items[i%n].Member}
			tree.insert(it)
			tree.remove(it)
		}
	})
	b.Run("rank", func(b *testing.B) {
		for i := range b.N {
			it := &items[i%n]
			tree.seek(func(other *Scored) bool { return other.before(it) })
		}
	})
	b.Run("ten from a rank", func(b *testing.B) {
		for range b.N {
			from := rand.IntN(n - 10)
			tree.root.each(from, from+10, func(*Scored) bool { return true })
		}
	})
}
