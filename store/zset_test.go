package store

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"diskette/compat_test/testprocess"
	"diskette/compat_test/testrand"
)

func TestASortedSetIsARowAMember(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"z", "y"}, func(tx *Tx, k [][]byte) {
		z, err := tx.EditZSet(k[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			z.Set(fmt.Append(nil, "m", i), float64(i%100))
		}
		for i := range 500 {
			z.Remove(fmt.Append(nil, "m", 2*i))
		}
	})
	checked(t, st)
	st = reopened(t, st)
	must(t, st, 0, []string{"z", "y"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.EditZSet(k[0])
		if rank, score, ok := z.Rank("m107"); z.Len() != 500 || rank != 30 || score != 7 || !ok {
			t.Errorf("%d members, m107 has rank %d and score %v", z.Len(), rank, score)
		}
		z.Set([]byte("m107"), -7)
		z.Remove([]byte("m9"))
		tx.Rename(k[0], k[1])
		tx.Copy(k[1], 0, k[0], false)
	})
	checked(t, st)
	unloadAll(st)
	must(t, st, 0, []string{"z", "y"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.EditZSet(k[0])
		if first := z.At(0); z.Len() != 499 || first != (Scored{-7, "m107"}) {
			t.Error(z.Len(), first)
		}
		z.RemoveRanks(0, 400)
		if z.Len() != 99 {
			t.Error(z.Len())
		}
		for i := range 1000 {
			z.Remove(fmt.Append(nil, "m", i))
		}
		y, _ := tx.EditZSet(k[1])
		y.RemoveRanks(0, y.Len())
		if tx.TypeOf(k[0]) != None || tx.TypeOf(k[1]) != None {
			t.Error("an empty sorted set is a key")
		}
	})
	checked(t, st)
}

func TestScoresSurviveOnDisk(t *testing.T) {
	scores := []float64{math.Copysign(0, -1), 0, 1, -1.5, math.Inf(1), math.Inf(-1), 1 << 53, -(1 << 62), 1e300, 5e-324, math.MaxFloat64, 0.1}
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.EditZSet(k[0])
		for i, score := range scores {
			z.Set(fmt.Append(nil, i), score)
		}
	})
	checked(t, st)
	st = reopened(t, st)
	must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.ZSet(k[0])
		for i, want := range scores {
			if got, ok := z.Score(fmt.Sprint(i)); !ok || math.Float64bits(got) != math.Float64bits(want) {
				t.Errorf("%v came back as %v", want, got)
			}
		}
	})
}

func TestAnUnchangedScoreWritesNothing(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.EditZSet(k[0])
		z.Set([]byte("m"), 1)
	})
	must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.EditZSet(k[0])
		if created, updated := z.Set([]byte("m"), 1); created || updated || tx.Changed() {
			t.Error("the same score was a change")
		}
	})
}

func TestAMadeSortedSetTakesThePlaceOfAnything(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "s", "value")
	members := []Scored{{1, "a"}, {1, "c"}, {2, "b"}}
	for range 2 { // of a string, then of a sorted set
		must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
			tx.Place(k[0], MakeZSet(members))
			z, _ := tx.ZSet(k[0])
			var got []Scored
			z.Each(0, z.Len(), func(it *Scored) bool {
				got = append(got, *it)
				return true
			})
			if !slices.Equal(got, members) {
				t.Error(got)
			}
		})
		checked(t, st)
	}
	must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
		tx.Place(k[0], MakeZSet(nil))
		if tx.TypeOf(k[0]) != None {
			t.Error("an empty sorted set is a key")
		}
	})
	checked(t, st)
}

// TestASortedSetIsAMapInOrder compares random changes with a map, over reopening and unloading.
func TestASortedSetIsAMapInOrder(t *testing.T) {
	r := testrand.New(t, 7)
	st := opened(t, t.TempDir())
	model := map[string]float64{}
	for round := range 40 {
		must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
			z, _ := tx.EditZSet(k[0])
			for range 300 {
				member, score := fmt.Sprint("m", r.IntN(800)), float64(r.IntN(50))
				if r.IntN(2) == round%2 {
					old, there := model[member]
					created, updated := z.Set([]byte(member), score)
					if created == there || updated != (there && old != score) {
						t.Fatalf("set %s: created %v, updated %v", member, created, updated)
					}
					model[member] = score
				} else {
					_, there := model[member]
					if z.Remove([]byte(member)) != there {
						t.Fatalf("remove %s", member)
					}
					delete(model, member)
				}
			}
			if n := z.Len(); n > 20 {
				z.Each(n/2, n/2+5, func(it *Scored) bool {
					delete(model, it.Member)
					return true
				})
				z.RemoveRanks(n/2, n/2+5)
			}
			compareZSet(t, z.ZSet, model)
		})
		switch round % 3 {
		case 0:
			checked(t, st)
			unloadAll(st)
		case 1:
			st = reopened(t, st)
		}
	}
}

func compareZSet(t *testing.T, z *ZSet, model map[string]float64) {
	t.Helper()
	want := make([]Scored, 0, len(model))
	for member, score := range model {
		want = append(want, Scored{score, member})
	}
	SortScored(want)
	got := make([]Scored, 0, len(model))
	z.Each(0, z.Len(), func(it *Scored) bool {
		got = append(got, *it)
		return true
	})
	if !slices.Equal(got, want) {
		t.Fatalf("holds %v, not %v", got, want)
	}
	seen := 0
	z.After(0, func(_ int64, member string, score float64) bool {
		if have, ok := model[member]; !ok || have != score {
			t.Fatalf("scan shows %s with %v", member, score)
		}
		seen++
		return true
	})
	if seen != len(model) {
		t.Fatalf("scan shows %d of %d", seen, len(model))
	}
}

func TestADeletedSortedSetIsReaped(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.EditZSet(k[0])
		for i := range 30_000 {
			z.Set(fmt.Append(nil, "m", i), float64(i))
		}
	})
	checked(t, st)
	mustDel(t, st, "z")
	checked(t, st)
	eventually(t, "the end of the rows", func() bool {
		n := int64(-1)
		if err := st.readers.use(func(r *reader) error {
			return queryInts(r.c, `SELECT (SELECT count(*) FROM zset_members) + (SELECT count(*) FROM garbage)`, &n)
		}); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
	checked(t, st)
}

func TestTheSizeOfASortedSetIsTheTruth(t *testing.T) {
	testprocess.Own(t, func() { theSizeOfASortedSetIsTheTruth(t) })
}

func theSizeOfASortedSetIsTheTruth(t *testing.T) {
	r := testrand.New(t, 1)
	for _, n := range []int{50, 200_000} {
		sizeIsTrue(t, fmt.Sprintf("%d sorted sets of %d members", 200_000/n, n), 0.8, 1.25, func() (size int64, made any) {
			all := make([]*ZSet, 200_000/n)
			for i := range all {
				all[i] = newZSet()
				for m := range n {
					all[i].add(fmt.Sprint("member:", m), r.Float64())
				}
				size += all[i].size()
			}
			return size, all
		})
	}
}

// sizeIsTrue compares what something says of its size with what the heap has grown by, in a process of its own.
func sizeIsTrue(t *testing.T, what string, least, most float64, build func() (size int64, made any)) {
	t.Helper()
	before := heapBytes()
	size, made := build()
	took := heapBytes() - before
	runtime.KeepAlive(made)
	if ratio := float64(size) / float64(took); ratio < least || ratio > most {
		t.Errorf("%s take %d bytes, and say %d", what, took, size)
	}
}

// heapBytes is what the heap has in use when nothing more of it is collected.
func heapBytes() int64 {
	var m runtime.MemStats
	for was := uint64(math.MaxUint64); ; was = m.HeapAlloc {
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		if m.HeapAlloc+100<<10 > was {
			return int64(m.HeapAlloc)
		}
	}
}
