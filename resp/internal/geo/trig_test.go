package geo

import (
	"math"
	"math/big"
	"testing"

	"diskette/compat_test/testrand"
)

// bigSine is Taylor's series with 200 bits.
func bigSine(x float64) *big.Float {
	const prec = 200
	b := new(big.Float).SetPrec(prec).SetFloat64(x)
	square := new(big.Float).SetPrec(prec).Mul(b, b)
	sum, term := new(big.Float).SetPrec(prec).Set(b), new(big.Float).SetPrec(prec).Set(b)
	for k := 2.0; k < 80; k += 2 {
		term.Mul(term, square)
		term.Quo(term, big.NewFloat(-k*(k+1)))
		sum.Add(sum, term)
	}
	return sum
}

func TestSinesAreRoundedOnce(t *testing.T) {
	r := testrand.New(t, 1)
	wrong := 0
	const n = 4000
	for i := range n {
		x := (r.Float64()*2 - 1) * math.Pi
		if i%4 == 0 {
			x *= math.Pow(10, -12*r.Float64())
		}
		if i%100 == 1 {
			x = math.Pi / 16 * float64(r.IntN(33)-16)
		}
		want, _ := bigSine(x).Float64()
		got := sine(x)
		if got != want {
			wrong++
		}
		if math.Abs(got-want) > 1e-15*math.Abs(want) {
			t.Fatalf("sine of %v: %v, want %v", x, got, want)
		}
		s, c := sineAndCosine(x)
		one := s.times(s).plus(c.times(c))
		if math.Abs(one.hi-1+one.lo) > 1e-20 {
			t.Fatalf("the squares for %v make %v", x, one)
		}
	}
	if wrong > n/500 {
		t.Errorf("%d of %d sines are not rounded correctly", wrong, n)
	}
}

func TestAnArcsineIsTheReverse(t *testing.T) {
	r := testrand.New(t, 3)
	for range 20_000 {
		x := r.Float64()
		if r.IntN(3) == 0 {
			x = 1 - x*1e-9
		}
		y := arcsine(x)
		if math.Abs(y-math.Asin(x)) > 3e-8 {
			t.Fatalf("arcsine of %v: %v", x, y)
		}
		// x lies between the sines of y's neighbours' middles.
		s, c := sineAndCosine(y)
		ulp := math.Nextafter(y, 4) - y
		if off := math.Abs((s.hi - x) + s.lo); off > c.hi*ulp*0.51+1e-32 && x < 1 {
			t.Fatalf("arcsine of %v: %v, off by %v, a unit is %v", x, y, off/c.hi, ulp)
		}
	}
	if arcsine(1) != math.Pi/2 || arcsine(0) != 0 || !math.IsNaN(arcsine(1.1)) {
		t.Error(arcsine(1), arcsine(0), arcsine(1.1))
	}
}
