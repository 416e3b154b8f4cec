package hyperloglog

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"diskette/compat_test/testrand"
)

func TestAHyperLogLogHoldsTheSameSparseAndDense(t *testing.T) {
	r := testrand.New(t, 1)
	for _, mostBytes := range []int64{0, 100, 3000, 1 << 20} {
		var raw Raw
		value := New()
		dense, _ := ToDense(New())
		for i := range 3000 {
			register, count := r.IntN(Registers), byte(1+r.IntN(5))
			if r.IntN(2) == 0 {
				register = r.IntN(300) // neighbours, which join and are split again
			}
			if r.IntN(2000) == 0 {
				count = 51
			}
			raises := raw[register] < count
			raw[register] = max(raw[register], count)
			var raised, ok bool
			if value, raised, ok = Add(value, register, count, mostBytes); raised != raises || !ok {
				t.Fatalf("%d: register %d to %d: raised %v, want %v; ok %v", i, register, count, raised, raises, ok)
			}
			Raise(dense, register, count)
			if value[4] == Sparse && int64(len(value)) > max(mostBytes, Header+2) {
				t.Fatalf("%d bytes sparse, at most %d", len(value), mostBytes)
			}
		}
		var got, fromDense Raw
		if !got.Merge(value) || !fromDense.Merge(dense) || got != raw || fromDense != raw {
			t.Fatal("the registers are not those that were set")
		}
		filled, _ := ToDense(New())
		raw.FillDense(filled)
		if !bytes.Equal(filled, dense) {
			t.Fatal("the registers that were filled in are not those that were raised")
		}
		a, ok := Count(value)
		if b, _ := Count(dense); !ok || a != b || a != raw.Estimate() {
			t.Fatalf("estimates %d, %d and %d", a, b, raw.Estimate())
		}
	}
}

func TestAnEstimateIsNear(t *testing.T) {
	value := New()
	for n := 1; n <= 300_000; n++ {
		register, count := Place(fmt.Append(nil, "element:", n))
		value, _, _ = Add(value, register, count, 3000)
		if n < 10 || n == 100 || n == 5000 || n%100_000 == 0 {
			got, _ := Count(value)
			if off := math.Abs(float64(got)-float64(n)) / float64(n); off > 0.03 {
				t.Errorf("%d elements are estimated to be %d", n, got)
			}
		}
	}
}

// FuzzHLL takes any bytes for a HyperLogLog: what is damaged is refused or answered, and never more than that.
func FuzzHLL(f *testing.F) {
	dense, _ := ToDense(New())
	for _, s := range []string{"", "HYLL", string(New()), string(New()[:Header]), string(New()[:Header+1]), string(dense), string(New()) + "\x80"} {
		f.Add([]byte(s), "element", uint16(3000))
	}
	f.Fuzz(func(t *testing.T, value []byte, element string, mostBytes uint16) {
		if !Is(value) {
			return
		}
		before, sound := Count(value)
		var raw Raw
		if raw.Merge(value) != sound {
			t.Fatal("merged but not counted, or the reverse")
		}
		if value[4] == Sparse {
			Describe(value)
		}
		if _, ok := ToDense(value); ok != sound {
			t.Fatal("dense but not counted, or the reverse")
		}
		register, count := Place([]byte(element))
		added, raised, ok := Add(append([]byte(nil), value...), register, count, int64(mostBytes))
		if !sound {
			return
		}
		if !ok || raised != (raw[register] < count) {
			t.Fatalf("added to a sound one: raised %v, ok %v", raised, ok)
		}
		raw[register] = max(raw[register], count)
		var got Raw
		if !Is(added) || !got.Merge(added) || got != raw {
			t.Fatalf("%q with register %d at %d became %q", value, register, count, added)
		}
		if after, _ := Count(added); !raised && after != before {
			t.Fatalf("the estimate went from %d to %d by nothing", before, after)
		}
	})
}
