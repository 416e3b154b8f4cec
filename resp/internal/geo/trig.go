package geo

import "math"

// Distances show four decimals of up to 20,000 km in meters, and so the last bits of sines. C's library
// rounds sin, cos and asin correctly, nearly always; package math is off by one in the last place now and
// then, and then so is the distance in every some thousandth reply. Here they are computed in pairs of
// floats, to some 68 bits, and rounded once.

// pair is hi + lo, lo less than half a unit in the last place of hi.
type pair struct{ hi, lo float64 }

func sum(a, b float64) pair {
	s := a + b
	c := s - a
	return pair{s, (a - (s - c)) + (b - c)}
}

func product(a, b float64) pair {
	p := a * b
	return pair{p, math.FMA(a, b, -p)}
}

func (a pair) plus(b pair) pair {
	s := sum(a.hi, b.hi)
	return sum(s.hi, s.lo+a.lo+b.lo)
}

func (a pair) times(b pair) pair {
	p := product(a.hi, b.hi)
	return sum(p.hi, p.lo+math.FMA(a.hi, b.lo, float64(a.lo*b.hi)))
}

func (a pair) negative() pair { return pair{-a.hi, -a.lo} }

// sines are those of 0 to 8 sixteenths of pi.
var sines = [9]pair{
	{},
	{0.19509032201612828, -7.991079068461731e-18},
	{0.3826834323650898, -1.0050772696461588e-17},
	{0.5555702330196022, 4.709410940561677e-17},
	{0.7071067811865476, -4.833646656726457e-17},
	{0.8314696123025452, 1.4073856984728024e-18},
	{0.9238795325112867, 1.7645047084336677e-17},
	{0.9807852804032304, 1.8546939997825006e-17},
	{1, 0},
}

// sineOf is the sine of n sixteenths of pi.
func sineOf(n int) pair {
	n &= 31
	switch {
	case n <= 8:
		return sines[n]
	case n <= 16:
		return sines[16-n]
	}
	return sineOf(n - 16).negative()
}

var halfPi = pair{1.5707963267948966, 6.123233995736766e-17}

// sineAndCosine is for angles of up to a few times pi.
func sineAndCosine(x float64) (sine, cosine pair) {
	// A sixteenth of pi in three parts: n times the first is exact.
	const part1, part2, part3 = 0.1963495408493614, 6.737878572697649e-16, 1.0598034575461124e-32
	n := math.Round(x / part1)
	p := product(n, part2)
	r := sum(x-float64(n*part1), -p.hi)
	r = sum(r.hi, r.lo-p.lo-float64(n*part3))

	// Taylor's series for what is left, up to 0.1: its later terms in single floats.
	rr := r.times(r)
	z := rr.hi
	late := 1.0/120 + z*(-1.0/5040+z*(1.0/362880+z*(-1.0/39916800)))
	third := sum(-0.16666666666666666, float64(z*late)-9.25185853854297e-18)
	s := r.plus(r.times(rr).times(third))
	late = 1.0/24 + z*(-1.0/720+z*(1.0/40320+z*(-1.0/3628800)))
	c := pair{1, 0}.plus(rr.times(sum(-0.5, float64(z*late))))

	if n == 0 {
		return s, c
	}
	k := int(n)
	sineN, cosineN := sineOf(k), sineOf(k+8)
	return sineN.times(c).plus(cosineN.times(s)), cosineN.times(c).plus(sineN.times(s).negative())
}

func sine(x float64) float64 {
	s, _ := sineAndCosine(x)
	return s.hi
}

func cosine(x float64) float64 {
	_, c := sineAndCosine(x)
	return c.hi
}

// arcsine is for 0 to 1; beyond, no number.
func arcsine(x float64) float64 {
	if !(x < 1) {
		return math.Asin(x)
	}
	if x < 0.5 {
		return arcsineOf(pair{x, 0}).hi
	}
	// Half the angle that is missing to pi/2 has the sine sqrt((1-x)/2).
	z := (1 - x) / 2
	root := math.Sqrt(z)
	half := arcsineOf(sum(root, math.FMA(-root, root, z)/(2*root)))
	return halfPi.plus(pair{-2 * half.hi, -2 * half.lo}).hi
}

// arcsineOf is math.Asin and one step of Newton's.
func arcsineOf(x pair) pair {
	y := math.Asin(x.hi)
	s, c := sineAndCosine(y)
	left := x.plus(s.negative())
	return sum(y, (left.hi+left.lo)/c.hi)
}
