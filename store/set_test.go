package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"diskette/compat_test/testrand"
)

func TestASetIsARowAMember(t *testing.T) {
	st := opened(t, t.TempDir())
	r := testrand.New(t, 1)
	model := map[string]bool{}
	for round := range 40 {
		must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
			s, err := tx.EditSet(k[0])
			if err != nil {
				t.Fatal(err)
			}
			for range 200 {
				m := fmt.Sprint(r.IntN(600))
				switch r.IntN(5) {
				case 0, 1:
					if s.Add([]byte(m)) == model[m] {
						t.Fatalf("add %s", m)
					}
					model[m] = true
				case 2:
					if round%10 < 5 {
						continue
					}
					if s.Len() > 0 {
						m = s.Pop()
						if !model[m] {
							t.Fatalf("popped %s", m)
						}
						delete(model, m)
					}
				default:
					if round%10 >= 5 && s.Remove([]byte(m)) != model[m] {
						t.Fatalf("remove %s", m)
					} else if round%10 >= 5 {
						delete(model, m)
					}
				}
			}
		})
		switch round % 4 {
		case 0:
			checked(t, st)
		case 1:
			flushed(t, st)
			unloadAll(st)
		case 2:
			st = reopened(t, st)
		}
		wantMembers(t, st, "s", slices.Collect(maps.Keys(model))...)
	}
	checked(t, st)
}

func TestASetIsRenamedCopiedAndDropped(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"a", "b", "c"}, func(tx *Tx, k [][]byte) {
		addMembers(t, tx, k[0], "x", "y", "z")
		tx.Rename(k[0], k[1])
		tx.Copy(k[1], 0, k[2], false)
		removeMembers(t, tx, k[1], "x")
		removeMembers(t, tx, k[2], "x", "y", "z")
	})
	checked(t, st)
	st = reopened(t, st)
	wantMembers(t, st, "b", "y", "z")
	wantMembers(t, st, "c")
	must(t, st, 0, []string{"b", "c"}, func(tx *Tx, k [][]byte) {
		if tx.TypeOf(k[1]) != None {
			t.Error("an empty set is a key")
		}
		s, _ := tx.EditSet(k[0]) // emptied and filled by one command
		s.Remove([]byte("y"))
		s.Remove([]byte("z"))
		s.Add([]byte("new"))
	})
	checked(t, st)
	wantMembers(t, st, "b", "new")
}

func TestAStoredSetReplacesAnything(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"a", "b", "d"}, func(tx *Tx, k [][]byte) {
		addMembers(t, tx, k[0], "1", "2", "3")
		addMembers(t, tx, k[1], "2", "3", "4")
		tx.SetString(k[2], []byte("v"), testNow+1000)
		a, _ := tx.Set(k[0])
		b, _ := tx.Set(k[1])
		if n := tx.Place(k[2], MakeSet(Union([]*Set{a, b, nil}), 0)); n != 4 {
			t.Error(n)
		}
		if deadline, _ := tx.Deadline(k[2]); deadline != 0 {
			t.Error("the old deadline stayed")
		}
		if n := tx.Place(k[0], MakeSet(Difference([]*Set{a, b}), 0)); n != 1 {
			t.Error(n)
		}
		if n := tx.Place(k[1], MakeSet(Intersection([]*Set{b, nil}), 0)); n != 0 {
			t.Error(n)
		}
	})
	checked(t, st)
	st = reopened(t, st)
	wantMembers(t, st, "d", "1", "2", "3", "4")
	wantMembers(t, st, "a", "1")
	wantMembers(t, st, "b")
}

func TestSetAlgebraIsThatOfTheMembers(t *testing.T) {
	r := testrand.New(t, 3)
	for range 500 {
		sets := make([]*Set, 1+r.IntN(6))
		counts := map[string]int{}
		for i := range sets {
			if r.IntN(8) == 0 {
				continue // an absent key
			}
			sets[i] = newSet()
			for range r.IntN([]int{5, 40, 300}[r.IntN(3)]) {
				if m := fmt.Sprint(r.IntN(50)); !sets[i].Has(m) {
					sets[i].insert(m)
					counts[m]++
				}
			}
		}
		var inter, diff []string
		for m, n := range counts {
			if n == len(sets) {
				inter = append(inter, m)
			}
			if n == 1 && sets[0].Has(m) {
				diff = append(diff, m)
			}
		}
		wantSame(t, "intersection", slices.Collect(Intersection(sets)), inter)
		wantSame(t, "intersection of each twice", slices.Collect(Intersection(slices.Concat(sets, sets))), inter)
		wantSame(t, "difference", slices.Collect(Difference(sets)), diff)
		wantSame(t, "union", slices.Collect(SetOf(Union(sets)).Members()), slices.Collect(maps.Keys(counts)))
	}
}

func TestASetKnowsWhetherAllItsMembersHaveBeenIntegers(t *testing.T) {
	for _, m := range []string{"0", "-1", "9223372036854775807", "-9223372036854775808"} {
		if !isInteger(m) {
			t.Error(m)
		}
	}
	for _, m := range []string{"", "-", "-0", "+1", "01", " 1", "1 ", "1.0", "9223372036854775808", "1_0", "0x1", "\xff"} {
		if isInteger(m) {
			t.Error(m)
		}
	}
	s := newSet()
	for i := range 10 {
		s.insert(fmt.Sprint(i))
	}
	if got := s.Shape(); got.MostIntegers != 10 || got.MostLen != 0 {
		t.Errorf("%+v", got)
	}
	s.insert("x")
	if got := s.Shape(); got.MostIntegers != 10 || got.MostLen != 11 {
		t.Errorf("%+v", got)
	}
}

func TestALargeSetThatIsDroppedIsReaped(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"s", "t"}, func(tx *Tx, k [][]byte) {
		s, _ := tx.EditSet(k[0])
		for i := range 50_000 {
			s.Add(fmt.Append(nil, i))
		}
	})
	flushed(t, st)
	must(t, st, 0, []string{"s", "t"}, func(tx *Tx, k [][]byte) {
		tx.Delete(k[0])
		addMembers(t, tx, k[0], "x")
	})
	checked(t, st)
	st = reopened(t, st)
	wantMembers(t, st, "s", "x")
}

func addMembers(t *testing.T, tx *Tx, key []byte, members ...string) {
	t.Helper()
	s, err := tx.EditSet(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		s.Add([]byte(m))
	}
}

func removeMembers(t *testing.T, tx *Tx, key []byte, members ...string) {
	t.Helper()
	s, err := tx.EditSet(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		s.Remove([]byte(m))
	}
}

func wantMembers(t *testing.T, st *Store, key string, want ...string) {
	t.Helper()
	var got []string
	must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
		s, err := tx.Set(k[0])
		if err != nil {
			t.Fatal(err)
		}
		got = slices.Collect(s.Members())
	})
	wantSame(t, key, got, want)
}

func wantSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%s is %v, not %v", what, got, want)
	}
}
