package order

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// known is the Order's keys as a walk over all blocks finds them.
func known(o *Order) map[int64]state {
	keys := map[int64]state{}
	for _, b := range o.blocks {
		b.walk(0, func(offset int, s *state) bool {
			keys[b.number<<blockBits+int64(offset)] = *s
			return true
		})
	}
	return keys
}

func check(t *testing.T, o *Order, want map[int64]int64) {
	t.Helper()
	got := known(o)
	var bytes int64
	for id, size := range want {
		s, ok := got[id]
		if !ok || o.find(id) == nil || *o.find(id) != s {
			t.Fatalf("key %d is not there", id)
		}
		if n := o.size(id, s); n*100 < min(size, n)*91 || size*100 < n*91 && n > 64 {
			t.Fatalf("key %d of %d bytes counts as %d", id, size, n)
		}
		bytes += o.size(id, s)
	}
	if len(got) != len(want) || o.Keys() != int64(len(want)) || o.Bytes() != bytes {
		t.Fatalf("%d keys in blocks, %d keys of %d bytes by the sums, should be %d of %d",
			len(got), o.Keys(), o.Bytes(), len(want), bytes)
	}
}

func TestWhatIsPutInIsThereUntilItIsDeleted(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	o := newSeeded(LRU, 1)
	want, ids, next := map[int64]int64{}, []int64(nil), int64(1)
	size := func() int64 { return 40 + r.Int64N(1<<r.IntN(25)) }
	for step := range 6 {
		for range 60_000 {
			next += 1 + r.Int64N(int64(1+step*step*10))
			n := size()
			o.Born(next, fmt.Sprint(next), n, r.IntN(3) == 0)
			want[next], ids = n, append(ids, next)
		}
		for range 40_000 {
			n := r.IntN(len(ids))
			switch id := ids[n]; r.IntN(8) {
			case 0:
				want[id] = size()
				o.Stored(id, want[id], r.IntN(2) == 0)
			case 1:
				o.Used(id, uint8(r.IntN(256)), 0)
			default:
				ids[n] = ids[len(ids)-1]
				ids = ids[:len(ids)-1]
				o.Delete(id)
				o.Delete(id)
				delete(want, id)
			}
		}
		check(t, o, want)
	}
	for id := range maps.Clone(want) {
		if o.Delete(id); r.IntN(30_000) == 0 {
			delete(want, id)
			check(t, o, want)
		}
		delete(want, id)
	}
	check(t, o, want)
	if o.Volatile() != 0 || len(o.large) != 0 || len(o.blocks) != 0 {
		t.Errorf("%d volatile keys, %d long ones and %d blocks are left", o.Volatile(), len(o.large), len(o.blocks))
	}
}

// An id that comes back, and ids that come in no order, are no case of every day.
func TestIDsMayComeInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	o := newSeeded(LRU, 1)
	want := map[int64]int64{}
	for step := range 400_000 {
		id := r.Int64N(150_000)
		if r.IntN(1+step/100_000) == 0 {
			o.Load(id, 100, false)
			want[id] = 100
		} else {
			o.Delete(id)
			delete(want, id)
		}
	}
	check(t, o, want)
}

func TestAKeyTakesNoMoreThanFourBytes(t *testing.T) {
	const keys = 100_000
	for _, share := range []float64{1, 0.7, 0.63, 0.6, 0.5, 0.3, 0.1, 0.03} {
		r := rand.New(rand.NewPCG(1, 2))
		o := newSeeded(LRU, 1)
		for id := range int64(keys / share) {
			o.Load(id, 100, false)
		}
		for id := range int64(keys / share) {
			if r.Float64() >= share {
				o.Evicted(id, "name")
			}
		}
		each := float64(o.Memory()) / float64(o.Keys())
		t.Logf("%.2f of all ids are there: %.2f bytes a key", share, each)
		if each > 4.2 {
			t.Errorf("%.2f of all ids are there: %.2f bytes a key", share, each)
		}
	}
}

// runs is in how many runs ids ascend: those that have left the window, the hand's, and the hand's from the start.
func runs(c []Candidate) (n int) {
	for i := range c {
		if i == 0 || c[i].ID < c[i-1].ID {
			n++
		}
	}
	return n
}

func TestEveryKeyComesToBeACandidate(t *testing.T) {
	for _, p := range []Policy{LRU, LFU, Random, LRS, LRM} {
		for _, volatile := range []bool{false, true} {
			o := newSeeded(p, 1)
			want := 0
			for id := range int64(100_000) {
				o.Born(id*3, fmt.Sprint(id), 100, id%7 == 0)
				if o.Used(id, uint8(id%256), 0); !volatile || id%7 == 0 {
					want++
				}
			}
			for {
				c := o.Next(nil, 100, volatile)
				if len(c) > 100 || runs(c) > 3 {
					t.Fatalf("policy %d: candidates %v", p, c)
				}
				if len(c) == 0 {
					break
				}
				for _, c := range c {
					if volatile && c.ID%21 != 0 || o.find(c.ID) == nil {
						t.Fatalf("policy %d: key %d is a candidate", p, c.ID)
					}
					o.Evicted(c.ID, fmt.Sprint(c.ID))
					want--
				}
			}
			if want != 0 {
				t.Errorf("policy %d, volatile %v: %d keys were no candidates", p, volatile, want)
			}
		}
	}
}
