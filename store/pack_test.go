package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testprocess"
)

// kept is strings that a collection handed out, beside copies of them.
type kept struct{ views, copies []string }

func (k *kept) keep(s string) {
	k.views, k.copies = append(k.views, s), append(k.copies, strings.Clone(s))
}

func (k *kept) check(t *testing.T) {
	t.Helper()
	if !slices.Equal(k.views, k.copies) {
		t.Fatal("a string that was handed out has changed")
	}
}

func TestElementsAreTheSameInAPackAndInADict(t *testing.T) {
	for seed := range uint64(shorter(15, 10)) {
		r := rand.New(rand.NewPCG(seed, 5))
		var e elements[hashValue]
		var want []slot[hashValue]
		var out kept
		names := []int{4, 100, 170}[seed%3]
		long := seed%5 == 4 // some texts are too long for a pack
		for step := range 3000 {
			name := strings.Repeat("n", r.IntN(3)*20) + fmt.Sprint(r.IntN(names))
			i := slices.IndexFunc(want, func(s slot[hashValue]) bool { return s.name == name })
			if r.IntN(5) < 2 {
				n, ok := e.remove(name)
				if ok != (i >= 0) || ok && n != want[i].n {
					t.Fatalf("seed %d, step %d: remove %s = %d, %v", seed, step, name, n, ok)
				}
				if ok {
					want = slices.Delete(want, i, i+1)
				}
			} else {
				text := strings.Repeat("v", r.IntN(packText)) + fmt.Sprint(step%10)
				if long && step > 1000 && r.IntN(200) == 0 {
					text = strings.Repeat("long", 100)
				}
				s, created := e.put(name, text)
				if created != (i < 0) || s.name != name || s.val.value != text {
					t.Fatalf("seed %d, step %d: put %s = %v, %v", seed, step, name, s, created)
				}
				if created {
					want = append(want, s)
				} else {
					want[i].val.value = text
				}
				out.keep(s.name)
				out.keep(s.val.value)
			}
			if step%7 == 0 {
				compareElements(t, &e, want, r)
			}
			if step%100 == 0 {
				c := e.snapshot()
				compareElements(t, &c, want, r)
			}
		}
		out.check(t)
		if small := names <= 100 && !long && names*3 <= packElements; small != (e.large == nil) && (small || len(want) > packElements) {
			t.Errorf("seed %d: a pack is %v with %d elements", seed, e.large == nil, len(want))
		}
	}
}

func compareElements(t *testing.T, e *elements[hashValue], want []slot[hashValue], r *rand.Rand) {
	t.Helper()
	var got []slot[hashValue]
	bytes := 0
	e.each(func(s slot[hashValue]) bool {
		got = append(got, s)
		bytes += len(s.name) + len(s.val.value)
		return true
	})
	if !slices.Equal(got, want) || e.len() != len(want) || e.bytes() != int64(bytes) {
		t.Fatalf("holds %v, not %v", got, want)
	}
	if len(want) == 0 {
		if _, ok := e.random(); ok {
			t.Fatal("nothing has an element")
		}
		return
	}
	i := r.IntN(len(want))
	got = got[:0]
	e.after(want[i].n, func(s slot[hashValue]) bool {
		got = append(got, s)
		return true
	})
	if !slices.Equal(got, want[i+1:]) {
		t.Fatalf("after %d comes %v, not %v", want[i].n, got, want[i+1:])
	}
	if s, ok := e.find(want[i].name); !ok || s != want[i] || !e.has(want[i].name) || e.has(want[i].name+"x") {
		t.Fatalf("%s is %v", want[i].name, s)
	}
	if s, ok := e.random(); !ok || !slices.Contains(want, s) {
		t.Fatalf("a random element is %v", s)
	}
	seen := map[int64]bool{}
	e.sample(i, func(s slot[hashValue]) { seen[s.n] = slices.Contains(want, s) })
	if len(seen) != i {
		t.Fatalf("a sample of %d has %d different ones", i, len(seen))
	}
}

func TestASampleOfAPackIsEvenlyChosen(t *testing.T) {
	var e elements[noText]
	for i := range 20 {
		e.add(fmt.Sprint(i), "")
	}
	drawn := map[string]int{}
	for range 4000 {
		e.sample(5, func(s slot[noText]) { drawn[s.name]++ })
	}
	for i := range 20 {
		if n := drawn[fmt.Sprint(i)]; n < 800 || n > 1200 {
			t.Errorf("member %d was drawn %d times, not about 1000", i, n)
		}
	}
}

func TestNumbersBeyondAPacksReachMakeItADict(t *testing.T) {
	var e elements[noText]
	e.restore(7, "a", "")
	e.restore(7+math.MaxUint32, "b", "")
	if e.large != nil {
		t.Error("32 bits of distance do not fit")
	}
	e.add("c", "")
	var got []slot[noText]
	e.each(func(s slot[noText]) bool {
		got = append(got, s)
		return true
	})
	if want := []slot[noText]{{n: 7, name: "a"}, {n: 7 + math.MaxUint32, name: "b"}, {n: 8 + math.MaxUint32, name: "c"}}; !slices.Equal(got, want) || e.large == nil {
		t.Errorf("%v", got)
	}
}

func TestASmallSortedSetIsInOrderAndItsScanInThatOfBirth(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 6))
		z := newZSet()
		numbers := map[string]int64{}
		var births []string
		var want []Scored
		var out kept
		for step := range 2000 {
			member := fmt.Sprint("m", r.IntN([]int{5, 60, 150}[seed%3]))
			score := float64(r.IntN(20)-10) / 4
			i := slices.IndexFunc(want, func(it Scored) bool { return it.Member == member })
			switch {
			case i < 0:
				numbers[member], _, _ = z.set(member, score)
				births = append(births, member)
				want = append(want, Scored{score, member})
			case r.IntN(3) == 0:
				if n := z.take(member); n != numbers[member] {
					t.Fatalf("seed %d, step %d: %s had row %d, not %d", seed, step, member, n, numbers[member])
				}
				births = slices.DeleteFunc(births, func(s string) bool { return s == member })
				want = slices.Delete(want, i, i+1)
			default:
				n, created, updated := z.set(member, score)
				if created || updated != (want[i].Score != score) || updated && n != numbers[member] {
					t.Fatalf("seed %d, step %d: %s has row %d, not %d", seed, step, member, n, numbers[member])
				}
				want[i].Score = score
			}
			SortScored(want)
			if step%7 == 0 {
				compareSorted(t, z, want, births)
			}
			if len(want) > 0 {
				out.keep(z.At(r.IntN(len(want))).Member)
			}
		}
		c := z.snapshot().(*ZSet)
		if err := c.restored(); err != nil {
			t.Fatal(err)
		}
		compareSorted(t, c, want, births)
		out.check(t)
		if (z.large == nil) != (z.grown.mostLen <= packElements) {
			t.Errorf("seed %d: a pack is %v with %d members", seed, z.large == nil, z.grown.mostLen)
		}
	}
}

func compareSorted(t *testing.T, z *ZSet, want []Scored, births []string) {
	t.Helper()
	var up, down []Scored
	var born []string
	bytes := 0
	z.Each(0, z.Len(), func(it *Scored) bool {
		up = append(up, *it)
		bytes += len(it.Member)
		return true
	})
	z.Back(0, z.Len(), func(it *Scored) bool {
		down = append(down, *it)
		return true
	})
	slices.Reverse(down)
	z.After(0, func(_ int64, member string, _ float64) bool {
		born = append(born, member)
		return true
	})
	if !slices.Equal(up, want) || !slices.Equal(down, want) || !slices.Equal(born, births) || z.MemberBytes() != int64(bytes) {
		t.Fatalf("holds %v (%v), born %v, not %v, born %v", up, down, born, want, births)
	}
	for i, it := range want {
		if rank, score, ok := z.Rank(it.Member); !ok || rank != i || score != it.Score || z.At(i) != it {
			t.Fatalf("%v has rank %d of score %v, not %d", it, rank, score, i)
		}
	}
	if rank := z.Seek(func(it *Scored) bool { return it.Score < 0 }); rank > 0 && want[rank-1].Score >= 0 || rank < len(want) && want[rank].Score < 0 {
		t.Fatalf("0 would be at rank %d of %v", rank, want)
	}
}

func TestTheSizeOfASmallCollectionIsTheTruth(t *testing.T) {
	testprocess.Own(t, func() { theSizeOfASmallCollectionIsTheTruth(t) })
}

func theSizeOfASmallCollectionIsTheTruth(t *testing.T) {
	for _, fields := range []int{1, 5, 20, 128} {
		sizeIsTrue(t, fmt.Sprintf("%d hashes of %d fields", 100_000/fields, fields), 0.9, 1.1, func() (size int64, made any) {
			all := make([]*Hash, 100_000/fields)
			size = int64(cap(all)) * 8
			for i := range all {
				all[i] = newHash()
				for f := range fields {
					all[i].fields.put(fmt.Sprint("field", f), "a value of some bytes")
				}
				if all[i].fields.large != nil {
					t.Fatalf("%d fields are no pack", fields)
				}
				size += all[i].size()
			}
			return size, all
		})
	}
}
