package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestADictIsAListOfNamesInOrderOfBirth(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		d := newDict[int]()
		var names []string // what it must hold, in order
		vals := map[string]int{}
		space := []int{10, 100, 3000}[seed%3]
		for step := range 20_000 {
			name := fmt.Sprint(r.IntN(space))
			grow := step/4000%2 == 0
			switch _, there := vals[name]; {
			case there && (!grow || r.IntN(4) == 0):
				_, val, ok := d.remove(name)
				if !ok || val != vals[name] {
					t.Fatalf("remove %s: %d %v", name, val, ok)
				}
				delete(vals, name)
				names = slices.DeleteFunc(names, func(s string) bool { return s == name })
			case !there && (grow || r.IntN(8) == 0):
				d.add(name, step)
				vals[name] = step
				names = append(names, name)
			}
			if s := d.find(name); (s != nil) != (vals[name] != 0 || slices.Contains(names, name)) || s != nil && s.val != vals[name] {
				t.Fatalf("step %d: find %s: %v", step, name, s)
			}
			if d.live != len(names) {
				t.Fatalf("step %d: %d names of %d", step, d.live, len(names))
			}
			if step%97 == 0 {
				compareDict(t, &d, names, r)
				c := d.clone()
				compareDict(t, &c, names, r)
			}
			if s := d.random(); (s == nil) != (len(names) == 0) || s != nil && vals[s.name] != s.val {
				t.Fatalf("random: %v", s)
			}
			if d.places > 4*d.live+trimSlots+sparseSlots {
				t.Fatalf("%d places for %d names", d.places, d.live)
			}
		}
	}
}

func compareDict(t *testing.T, d *dict[int], names []string, r *rand.Rand) {
	t.Helper()
	var got []string
	var ns []int64
	bytes := int64(0)
	d.each(func(s *slot[int]) bool {
		got, ns = append(got, s.name), append(ns, s.n)
		bytes += int64(len(s.name))
		return true
	})
	if !slices.Equal(got, names) || !slices.IsSorted(ns) || bytes != d.bytes {
		t.Fatalf("holds %v, not %v", got, names)
	}
	if len(names) > 0 {
		from := r.IntN(len(names))
		got = got[:0]
		d.after(ns[from]-1, func(s *slot[int]) bool {
			got = append(got, s.name)
			return true
		})
		if !slices.Equal(got, names[from:]) {
			t.Fatalf("after %d: %v, not %v", ns[from]-1, got, names[from:])
		}
	}
}
