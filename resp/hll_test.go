package resp

import (
	"fmt"
	"math"
	"testing"

	"diskette/internal/testrand"
)

func TestAHyperLogLogHoldsTheSameSparseAndDense(t *testing.T) {
	r := testrand.New(t, 1)
	for _, mostBytes := range []int64{0, 100, 3000, 1 << 20} {
		var raw hllRaw
		value := newHLL()
		dense, _ := hllToDense(newHLL())
		for i := range 3000 {
			register, count := r.IntN(hllRegisters), byte(1+r.IntN(5))
			if r.IntN(2) == 0 {
				register = r.IntN(300) // neighbours, which join and are split again
			}
			if r.IntN(2000) == 0 {
				count = 51
			}
			raises := raw[register] < count
			raw[register] = max(raw[register], count)
			var raised, ok bool
			if value, raised, ok = hllAdd(value, register, count, mostBytes); raised != raises || !ok {
				t.Fatalf("%d: register %d to %d: raised %v, want %v; ok %v", i, register, count, raised, raises, ok)
			}
			hllRaise(dense, register, count)
			if value[4] == hllSparse && int64(len(value)) > max(mostBytes, hllHeader+2) {
				t.Fatalf("%d bytes sparse, at most %d", len(value), mostBytes)
			}
		}
		var got, fromDense hllRaw
		if !got.merge(value) || !fromDense.merge(dense) || got != raw || fromDense != raw {
			t.Fatal("the registers are not those that were set")
		}
		a, ok := hllCount(value)
		if b, _ := hllCount(dense); !ok || a != b || a != raw.estimate() {
			t.Fatalf("estimates %d, %d and %d", a, b, raw.estimate())
		}
	}
}

func TestAnEstimateIsNear(t *testing.T) {
	value := newHLL()
	for n := 1; n <= 300_000; n++ {
		register, count := hllPlace(fmt.Append(nil, "element:", n))
		value, _, _ = hllAdd(value, register, count, 3000)
		if n < 10 || n == 100 || n == 5000 || n%100_000 == 0 {
			got, _ := hllCount(value)
			if off := math.Abs(float64(got)-float64(n)) / float64(n); off > 0.03 {
				t.Errorf("%d elements are estimated to be %d", n, got)
			}
		}
	}
}

// FuzzHLL takes any bytes for a HyperLogLog: what is damaged is refused or answered, and never more than that.
func FuzzHLL(f *testing.F) {
	dense, _ := hllToDense(newHLL())
	for _, s := range []string{"", "HYLL", string(newHLL()), string(newHLL()[:hllHeader]), string(newHLL()[:hllHeader+1]), string(dense), string(newHLL()) + "\x80"} {
		f.Add([]byte(s), "element", uint16(3000))
	}
	f.Fuzz(func(t *testing.T, value []byte, element string, mostBytes uint16) {
		if !isHLL(value) {
			return
		}
		before, sound := hllCount(value)
		var raw hllRaw
		if raw.merge(value) != sound {
			t.Fatal("merged but not counted, or the reverse")
		}
		if value[4] == hllSparse {
			hllDescribe(value)
		}
		if _, ok := hllToDense(value); ok != sound {
			t.Fatal("dense but not counted, or the reverse")
		}
		register, count := hllPlace([]byte(element))
		added, raised, ok := hllAdd(append([]byte(nil), value...), register, count, int64(mostBytes))
		if !sound {
			return
		}
		if !ok || raised != (raw[register] < count) {
			t.Fatalf("added to a sound one: raised %v, ok %v", raised, ok)
		}
		raw[register] = max(raw[register], count)
		var got hllRaw
		if !isHLL(added) || !got.merge(added) || got != raw {
			t.Fatalf("%q with register %d at %d became %q", value, register, count, added)
		}
		if after, _ := hllCount(added); !raised && after != before {
			t.Fatalf("the estimate went from %d to %d by nothing", before, after)
		}
	})
}
