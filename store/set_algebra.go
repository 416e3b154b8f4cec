package store

import (
	"cmp"
	"iter"
	"slices"
)

// Union is all members of the sets. Those of several sets come several times.
func Union(sets []*Set) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, s := range sets {
			for m := range s.Members() {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// Intersection is the members that all sets have. There is at least one set.
func Intersection(sets []*Set) iter.Seq[string] {
	bySize := slices.Clone(sets)
	slices.SortFunc(bySize, func(a, b *Set) int { return cmp.Compare(a.Len(), b.Len()) })
	// The smallest set may have been given more than once.
	bySize = append(bySize[:1:1], slices.DeleteFunc(bySize[1:], func(s *Set) bool { return s == bySize[0] })...)
	return func(yield func(string) bool) {
		for m := range bySize[0].Members() {
			if !slices.ContainsFunc(bySize[1:], func(s *Set) bool { return !s.Has(m) }) && !yield(m) {
				return
			}
		}
	}
}

// Difference is the members of the first set that no other has. There is at least one set.
func Difference(sets []*Set) iter.Seq[string] {
	others := slices.Clone(sets[1:])
	members := 0
	for _, s := range others {
		members += s.Len()
	}
	if members < sets[0].Len()*(len(others)-1) { // gathering them costs less than asking each
		others = []*Set{SetOf(Union(others))}
	}
	slices.SortFunc(others, func(a, b *Set) int { return cmp.Compare(b.Len(), a.Len()) }) // the largest rules out most
	return func(yield func(string) bool) {
		for m := range sets[0].Members() {
			if !slices.ContainsFunc(others, func(s *Set) bool { return s.Has(m) }) && !yield(m) {
				return
			}
		}
	}
}
