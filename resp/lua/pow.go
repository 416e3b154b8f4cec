package lua

import (
	"math"
	"math/big"
	"sync"
)

// Pow is x^y as C's library has it: within 0.53 of a unit in the last place, so that 100^100 is 1e200, which math.Pow
// misses by some. The way is that of ARM's optimized routines, which glibc uses: the logarithm with some 68 bits, from
// a table of logarithms of 128 numbers and a short series, times y, and from that a power of 2 from another table and
// series.
func Pow(x, y float64) float64 {
	switch {
	case y == 2:
		return x * x
	case x == 0 || y == 0 || x == 1 || x-x != 0 || y-y != 0:
		return math.Pow(x, y)
	}
	sign := 1.0
	if x < 0 {
		if y != math.Floor(y) {
			return math.Pow(x, y)
		}
		if math.Mod(y, 2) != 0 {
			sign = -1
		}
		x = -x
	}
	if math.Abs(y) < 0x1p-65 {
		return sign
	}
	high, low := logarithm(x)
	eHigh := y * high
	eLow := y*low + math.FMA(y, high, -eHigh)
	switch {
	case math.IsNaN(eHigh) || math.Abs(eHigh) > 1100:
		return math.Pow(sign*x, y) // infinite, or nothing
	}
	return sign * exponential(eHigh, eLow)
}

const powSteps = 128

// powTables has, for 128 numbers c from about 0.7 to 1.4, 1/c and -log(1/c) as a sum of two, and 2^(i/128) as a sum of
// two.
type powTables struct {
	inverse, log, logLow [powSteps]float64
	power, powerLow      [powSteps]float64
	ln2High, ln2Low      float64 // ln2High has few bits, so that multiples of it are exact
	stepHigh, stepLow    float64 // ln2/128
}

const (
	logPrecision = 200
	logFirst     = 0x3fe6955500000000 // the bits of the least number that is not halved
)

var powTable = sync.OnceValue(func() *powTables {
	t := &powTables{}
	ln2 := bigLog(big.NewFloat(2).SetPrec(logPrecision))
	t.ln2High, t.ln2Low = split(ln2, 42)
	step := new(big.Float).Quo(ln2, big.NewFloat(powSteps))
	t.stepHigh, t.stepLow = split(step, 36)
	for i := range powSteps {
		bits := uint64(logFirst) + uint64(2*i+1)<<44
		middle := math.Float64frombits(bits - uint64(bits-logFirst)&(0xfff<<52))
		inverse := math.Round(512/middle) / 512
		t.inverse[i] = inverse
		l := bigLog(new(big.Float).SetPrec(logPrecision).SetFloat64(inverse))
		t.log[i], t.logLow[i] = split(l.Neg(l), 42)
	}
	root := new(big.Float).SetPrec(logPrecision).SetInt64(2)
	for range 7 {
		root.Sqrt(root)
	}
	power := new(big.Float).SetPrec(logPrecision).SetInt64(1)
	for i := range powSteps {
		t.power[i], t.powerLow[i] = split(power, 53)
		power.Mul(power, root)
	}
	return t
})

// split is a number as a sum of two, of which the first has a multiple of 2^-bits.
func split(f *big.Float, bits int) (high, low float64) {
	high, _ = f.Float64()
	if bits < 53 {
		high = math.RoundToEven(math.Ldexp(high, bits)) / math.Ldexp(1, bits)
	}
	rest := new(big.Float).SetPrec(logPrecision).SetFloat64(high)
	low, _ = rest.Sub(f, rest).Float64()
	return high, low
}

// bigLog is the logarithm of a number from 0.5 to 2: twice the inverse hyperbolic tangent of (f-1)/(f+1).
func bigLog(f *big.Float) *big.Float {
	one := big.NewFloat(1).SetPrec(logPrecision)
	num, den := new(big.Float).Sub(f, one), new(big.Float).Add(f, one)
	z := new(big.Float).SetPrec(logPrecision).Quo(num, den)
	square := new(big.Float).Mul(z, z)
	sum, term := new(big.Float).SetPrec(logPrecision), new(big.Float).Copy(z)
	for k := int64(1); k < 140; k += 2 {
		sum.Add(sum, new(big.Float).Quo(term, big.NewFloat(float64(k))))
		term.Mul(term, square)
	}
	return sum.Add(sum, sum)
}

// logarithm is that of a number above 0, as a sum of two.
func logarithm(x float64) (high, low float64) {
	t := powTable()
	bits := math.Float64bits(x)
	if bits>>52 == 0 {
		bits = math.Float64bits(x*0x1p52) - 52<<52
	}
	offset := bits - logFirst
	i := offset >> 45 & (powSteps - 1)
	k := float64(int64(offset) >> 52)
	z := math.Float64frombits(bits - offset&(0xfff<<52))
	r := math.FMA(z, t.inverse[i], -1) // exact, as 1/c has few bits
	t1 := k*t.ln2High + t.log[i]
	t2 := t1 + r
	lo1 := k*t.ln2Low + t.logLow[i]
	lo2 := t1 - t2 + r
	ar := -0.5 * r
	ar2 := r * ar
	ar3 := r * r * r
	high = t2 + ar2
	lo3 := math.FMA(ar, r, -ar2)
	lo4 := t2 - high + ar2
	p := ar3 * (1.0/3 + r*(-1.0/4+r*(1.0/5+r*(-1.0/6+r*(1.0/7+r*(-1.0/8+r/9))))))
	lo := lo1 + lo2 + lo3 + lo4 + p
	sum := high + lo
	return sum, high - sum + lo
}

// exponential is e^(x+low), of |x| up to 1100.
func exponential(x, low float64) float64 {
	t := powTable()
	k := math.Round(x * (powSteps / math.Ln2))
	r := x - k*t.stepHigh
	r = r - k*t.stepLow + low
	n := int(k)
	i := n & (powSteps - 1)
	r2 := r * r
	p := t.powerLow[i]/t.power[i] + r + r2*(0.5+r*(1.0/6+r*(1.0/24+r*(1.0/120))))
	exponent := (n - i) / powSteps
	if exponent > -1000 && exponent < 1000 {
		scale := math.Ldexp(t.power[i], exponent)
		return scale + scale*p
	}
	return math.Ldexp(t.power[i]+t.power[i]*p, exponent)
}
