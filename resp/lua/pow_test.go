package lua

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestPowersOfWholeNumbersAreRoundedRight(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	wrong, n := 0, 20000
	for range n {
		x, y := random.Float64()*math.Pow(10, float64(random.IntN(8)-3)), random.IntN(60)-20
		if random.IntN(2) == 0 {
			x = float64(random.IntN(1000) + 1)
		}
		exact := new(big.Float).SetPrec(4000).SetInt64(1)
		for range max(y, -y) {
			exact.Mul(exact, new(big.Float).SetFloat64(x))
		}
		if y < 0 {
			exact.Quo(new(big.Float).SetPrec(4000).SetInt64(1), exact)
		}
		want, _ := exact.Float64()
		got := Pow(x, float64(y))
		if got == want {
			continue
		}
		wrong++
		if got != math.Nextafter(want, got) {
			t.Errorf("%v^%d is %v, not %v", x, y, got, want)
		}
	}
	t.Logf("%d of %d powers are not rounded right", wrong, n)
	if wrong > n/50 {
		t.Errorf("%d of %d powers are not rounded right", wrong, n)
	}
	for _, c := range [][3]float64{{100, 100, 1e200}, {2, 0.5, math.Sqrt2}, {-8, 3, -512}, {2, -1074, 5e-324},
		{2, 1024, math.Inf(1)}, {10, 22, 1e22}, {1e300, -2, 0}, {5e-324, 0.5, math.Sqrt(5e-324)}} {
		if got := Pow(c[0], c[1]); got != c[2] {
			t.Errorf("%v^%v is %v, not %v", c[0], c[1], got, c[2])
		}
	}
}

func BenchmarkPow(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		Pow(float64(i), 1.5)
	}
}
