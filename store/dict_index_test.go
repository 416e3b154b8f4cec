package store

import (
	"fmt"
	"testing"

	"diskette/compat_test/testrand"
)

// The index of a dict has each place under its hash, and no other, while it grows, shrinks, and places move.
func TestTheIndexOfADictHasEachPlaceOnce(t *testing.T) {
	for seed := range uint64(shorter(12, 6)) {
		r := testrand.New(t, seed)
		x := newDictIndex([]int{0, 700, 5000}[seed%3])
		hashes := map[int]uint32{} // by place
		var places []int
		next := 0
		alike := []uint32{0, 0xfff0_0000, 0xf000_03ff}[seed/3%3] // bits that all hashes have
		step := func(grow bool) {
			if grow || len(places) == 0 {
				hash := r.Uint32() | alike
				x.put(hash, next)
				hashes[next] = hash
				places = append(places, next)
				next++
				return
			}
			k := r.IntN(len(places))
			place := places[k]
			if r.IntN(3) == 0 {
				x.move(hashes[place], place, next)
				hashes[next], places[k] = hashes[place], next
				delete(hashes, place)
				next++
				return
			}
			x.remove(hashes[place], place)
			delete(hashes, place)
			places[k] = places[len(places)-1]
			places = places[:len(places)-1]
		}
		for range 8000 {
			step(r.IntN(4) > 0)
		}
		compareIndex(t, x, hashes)
		for len(places) > 20 {
			step(r.IntN(4) == 0)
		}
		compareIndex(t, x, hashes)
		for range 3000 {
			step(r.IntN(8) > 0)
		}
		compareIndex(t, x, hashes)
	}
}

func compareIndex(t *testing.T, x *dictIndex, hashes map[int]uint32) {
	t.Helper()
	bytes, found := int64(0), 0
	seen := map[*indexPart]bool{}
	for _, p := range x.dir {
		if seen[p] {
			continue
		}
		seen[p] = true
		bytes += indexPartBytes + 8*int64(len(p.slots))
		taken := 0
		for _, s := range p.slots {
			if s == 0 {
				continue
			}
			taken++
			if hash, ok := hashes[s.place()]; !ok || hash != s.hash() || x.part(hash) != p {
				t.Fatalf("place %d stands under %x", s.place(), s.hash())
			}
		}
		found += taken
		if taken != p.taken {
			t.Fatalf("%d of %d slots taken, %d noted", taken, len(p.slots), p.taken)
		}
	}
	if found != len(hashes) || bytes != x.bytes {
		t.Fatalf("%d places, not %d; %d bytes, %d noted", found, len(hashes), bytes, x.bytes)
	}
	for place, hash := range hashes { // from the home on there is no free slot before it
		p := x.part(hash)
		i := p.home(hash)
		for p.slots[i] != slotOf(hash, place) {
			if p.slots[i] == 0 {
				t.Fatalf("place %d is not found", place)
			}
			i = p.next(i)
		}
	}
}

func TestTheIndexOfADictThatWasLargeShrinks(t *testing.T) {
	const large, small = 400_000, 200
	d := newDict[struct{}]()
	for i := range large {
		d.restore(int64(i+1), fmt.Sprint(i), struct{}{})
	}
	for i := range large - small {
		d.remove(fmt.Sprint(i))
	}
	if most := int64(sparseIndexBytes * (3*small + sparseSlots)); d.index.bytes > most {
		t.Errorf("the index of %d names that were %d takes %d bytes; at most %d should be", small, large, d.index.bytes, most)
	}
	for i := large - small; i < large; i++ {
		if d.find(fmt.Sprint(i)) == nil {
			t.Fatalf("%d is not found", i)
		}
	}
}
