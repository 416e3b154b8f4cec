package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"diskette/compat_test/testrand"
)

func TestADictIsAListOfNamesInOrderOfBirth(t *testing.T) {
	for seed := range uint64(shorter(30, 9)) {
		r := testrand.New(t, seed)
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
				c := d.snapshot()
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

func TestASampleIsOfDifferentNamesEachWithTheSameChance(t *testing.T) {
	d := newDict[int]()
	for i := range 100 {
		d.add(fmt.Sprint(i), i)
	}
	for i := range 40 {
		d.remove(fmt.Sprint(i * 2))
	}
	for _, count := range []int{0, 1, 10, 19, 20, 21, 40, 59, 60, 61, 1000} {
		const rounds = 3000
		drawn := map[string]int{}
		for range rounds {
			seen := map[string]bool{}
			d.sample(count, func(s *slot[int]) {
				seen[s.name] = true
				drawn[s.name]++
			})
			if len(seen) != min(count, 60) {
				t.Fatalf("%d names of %d", len(seen), count)
			}
		}
		if count == 0 {
			continue
		}
		expected := float64(rounds*min(count, 60)) / 60
		d.each(func(s *slot[int]) bool {
			if n := float64(drawn[s.name]); n < expected*0.6-20 || n > expected*1.4+20 {
				t.Errorf("a sample of %d has %s %v times, not %v", count, s.name, n, expected)
			}
			return true
		})
	}
}

func TestAScanOfADictSeesWhatStaysExactlyOnce(t *testing.T) {
	for seed := range uint64(40) {
		r := testrand.New(t, seed)
		d := newDict[int]()
		for i := range 2000 {
			d.add(fmt.Sprint("old", i), i)
		}
		stays := map[string]bool{}
		d.sample(300, func(s *slot[int]) { stays[s.name] = true })
		seen := map[string]int{}
		for cursor, fresh := int64(0), 0; ; {
			left, more := 1+r.IntN(20), false
			d.after(cursor, func(s *slot[int]) bool {
				if more = left == 0; more {
					return false
				}
				left--
				cursor = s.n
				seen[s.name]++
				return true
			})
			if !more {
				break
			}
			for range r.IntN(60) {
				if s := d.random(); !stays[s.name] {
					d.remove(s.name)
				}
				if r.IntN(3) == 0 && fresh < 500 {
					fresh++
					d.add(fmt.Sprint("new", fresh), 0)
				}
			}
		}
		for name := range stays {
			if seen[name] != 1 {
				t.Fatalf("seed %d: %s was seen %d times", seed, name, seen[name])
			}
		}
		for name, n := range seen {
			if n > 1 {
				t.Fatalf("seed %d: %s was seen %d times", seed, name, n)
			}
		}
	}
}

func TestAScanGoesOnWhereAMoveHasJustEndedInADeadSlot(t *testing.T) {
	d := newDict[int]()
	for i := range 1000 {
		d.add(fmt.Sprint(i), i)
	}
	for i := 100; i < 900 && !(d.moving && d.to == 100); i++ { // then comes a long stretch of dead slots
		d.remove(fmt.Sprint(i))
	}
	d.remove("99")
	if !d.moving || d.to != 100 || d.at(99).n > 0 {
		t.Fatalf("moved up to %d", d.to)
	}
	names := 0
	d.after(0, func(s *slot[int]) bool {
		names++
		return true
	})
	if names != d.live {
		t.Errorf("a scan sees %d names of %d", names, d.live)
	}
}

// FuzzDict reads bytes as additions and removals of names and compares with a list.
func FuzzDict(f *testing.F) {
	f.Add([]byte("a lot of things to do with names of all kinds"), uint8(3))
	f.Fuzz(func(t *testing.T, ops []byte, times uint8) {
		d := newDict[int]()
		var names []string
		r := rand.New(rand.NewPCG(uint64(len(ops)), uint64(times)))
		next := 0
		for _, op := range ops {
			for range 1 + int(times) {
				switch {
				case op < 128 || len(names) == 0: // a new name
					next++
					names = append(names, fmt.Sprint(next))
					d.add(names[len(names)-1], 0)
				default: // one goes, from the place that the byte says
					i := int(op-128) * (len(names) - 1) / 127
					if _, _, ok := d.remove(names[i]); !ok {
						t.Fatalf("%s is not there", names[i])
					}
					names = slices.Delete(names, i, i+1)
				}
			}
			compareDict(t, &d, names, r)
			for _, name := range names {
				if s := d.find(name); s == nil || s.name != name {
					t.Fatalf("%s is not found", name)
				}
			}
		}
	})
}

// add appends a name that is not there, under the next number.
func (d *dict[V]) add(name string, val V) *slot[V] {
	n := d.next
	d.next++
	return d.restore(n, name, val)
}
