package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// What takes away or copies many elements at once leaves what doing it one by one leaves, in memory and on disk.

func TestManyRanksGoAsOneByOne(t *testing.T) {
	r := testrand.New(t, 1)
	st := opened(t, t.TempDir())
	var model []Scored
	must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
		z, _ := tx.EditZSet(k[0])
		for i := range 2000 {
			it := Scored{float64(i / 3), fmt.Sprintf("m%04d", i)}
			z.Set([]byte(it.Member), it.Score)
			model = append(model, it)
		}
	})
	for len(model) > 10 {
		must(t, st, 0, []string{"z"}, func(tx *Tx, k [][]byte) {
			z, _ := tx.EditZSet(k[0])
			from := r.IntN(len(model))
			to := min(from+1+r.IntN(len(model)), len(model))
			if to-from == len(model) {
				to--
			}
			z.RemoveRanks(from, to)
			model = slices.Delete(model, from, to)
			it := Scored{-float64(len(model)), "new"} // the order can be added to
			z.Set([]byte(it.Member), it.Score)
			if model[0].Member == "new" {
				model = model[1:]
			}
			model = slices.Insert(model, 0, it)
			var all []Scored
			z.Each(0, z.Len(), func(it *Scored) bool {
				all = append(all, *it)
				return true
			})
			if !slices.Equal(all, model) {
				t.Fatalf("after ranks %d to %d went, %d members are left, want %d", from, to, len(all), len(model))
			}
			for rank, it := range model {
				if got, score, ok := z.Rank(it.Member); got != rank || score != it.Score || !ok {
					t.Fatalf("%s is at %d with %v, want %d", it.Member, got, score, rank)
				}
			}
		})
		checked(t, st)
	}
}

func TestManyEntriesAreTrimmedAndCopiedAsOneByOne(t *testing.T) {
	r := testrand.New(t, 2)
	st := opened(t, t.TempDir())
	var model []StreamID
	last := uint64(0)
	compare := func(s *Stream) {
		t.Helper()
		var all []StreamID
		s.Range(minStreamID, maxStreamID, func(id StreamID, fields StreamFields) bool {
			if fields != packed("id", fmt.Sprint(id.Ms)) {
				t.Fatalf("entry %v has %q", id, fields)
			}
			all = append(all, id)
			return true
		})
		if s.Len() != len(model) || !slices.Equal(all, model) {
			t.Fatalf("%d entries, and %d on a walk; want %d", s.Len(), len(all), len(model))
		}
	}
	for round := range 60 {
		must(t, st, 0, []string{"s", "copy"}, func(tx *Tx, k [][]byte) {
			s, _ := tx.EditStream(k[0])
			add := r.IntN(500)
			s.AddAll(func(yield func(StreamID, StreamFields) bool) {
				for range add {
					last++
					model = append(model, StreamID{last, 0})
					if !yield(StreamID{last, 0}, packed("id", fmt.Sprint(last))) {
						return
					}
				}
			})
			for range min(20, len(model)) {
				at := r.IntN(len(model))
				s.Delete(model[at])
				model = slices.Delete(model, at, at+1)
			}
			keep := r.IntN(len(model) + 1)
			trim := Trim{MaxLen: int64(keep)}
			if round%2 == 0 && keep > 0 {
				trim = Trim{MaxLen: -1, MinID: model[len(model)-keep]}
			}
			if round%2 == 1 || keep > 0 {
				if n := s.Trim(trim); n != int64(len(model)-keep) {
					t.Fatalf("%d entries were trimmed, want %d", n, len(model)-keep)
				}
				model = model[len(model)-keep:]
			}
			compare(s.Stream)
			tx.Delete(k[1])
			tx.Copy(k[0], 0, k[1], false)
			c, _ := tx.EditStream(k[1])
			compare(c.Stream)
			last++ // a copy can be added to, and leaves the other as it is
			c.Add(StreamID{last, 0}, packed("id", fmt.Sprint(last)))
			compare(s.Stream)
		})
		if round%10 == 0 {
			checked(t, st)
			unloadAll(st)
		}
	}
	st = reopened(t, st)
	must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
		s, _ := tx.EditStream(k[0])
		compare(s.Stream)
	})
}

func TestACopiedListHasTextsOfEveryLengthOnDisk(t *testing.T) {
	st := opened(t, t.TempDir())
	var texts []string
	for i := range 300 {
		texts = append(texts, strings.Repeat("x", i))
	}
	texts = append(texts, strings.Repeat("y", shareBytes+1), "end")
	must(t, st, 0, []string{"l", "copy"}, func(tx *Tx, k [][]byte) {
		tx.Place(k[0], MakeList(texts))
		tx.Copy(k[0], 0, k[1], false)
	})
	st = reopened(t, st)
	checked(t, st)
	must(t, st, 0, []string{"l", "copy"}, func(tx *Tx, k [][]byte) {
		for _, key := range k {
			l, _ := tx.EditList(key)
			if !slices.Equal(l.Range(0, l.Len()), texts) {
				t.Errorf("%s came back otherwise, with %d elements", key, l.Len())
			}
		}
	})
}
