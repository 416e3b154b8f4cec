package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Many members are sorted by the bytes of their scores, into the order that comparing gives.
func TestManyScoresAreSortedAsFewAre(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, score := range map[string]func(i int) float64{
		"whole":    func(int) float64 { return float64(r.IntN(1 << 20)) },
		"few":      func(int) float64 { return float64(r.IntN(5) - 2) },
		"one":      func(int) float64 { return 7 },
		"in order": func(i int) float64 { return float64(i) },
		"any":      func(int) float64 { return math.Float64frombits(r.Uint64()) },
		"at the limits": func(int) float64 {
			return []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, -1e-300}[r.IntN(7)]
		},
	} {
		var items []Scored
		for i := range radixItems + 100 {
			if s := score(i); !math.IsNaN(s) {
				items = append(items, Scored{s, fmt.Sprint("member", r.Int64N(1<<40))})
			}
		}
		want := slices.Clone(items)
		slices.SortFunc(want, compareScored)
		if len(items) < radixItems {
			t.Fatalf("%s: only %d", name, len(items))
		}
		if SortScored(items); !slices.Equal(items, want) {
			t.Errorf("%s scores are sorted another way", name)
		}
	}
}

func BenchmarkSortScored(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	items := make([]Scored, 300_000)
	for i := range items {
		items[i] = Scored{float64(r.IntN(1 << 20)), fmt.Sprint("member", i)}
	}
	for name, sort := range map[string]func([]Scored){
		"radix":     SortScored,
		"comparing": func(items []Scored) { slices.SortFunc(items, compareScored) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				sort(slices.Clone(items))
			}
		})
	}
}
