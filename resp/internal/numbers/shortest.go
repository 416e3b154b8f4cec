package numbers

import (
	"math"
	"math/big"
	"math/bits"
	"sync"
)

// Redis finds the digits of a score with Grisu2 (Florian Loitsch, Printing Floating-Point Numbers Quickly and
// Accurately with Integers), which gives one digit more than the fewest for a number in two thousand. So that
// scores come out the same, down to those, it is done here in the same way, which strconv's is not.

// A scaled is frac * 2^exp.
type scaled struct {
	frac uint64
	exp  int
}

// normalized has the highest bit of its frac set.
func (s scaled) normalized() scaled {
	n := bits.LeadingZeros64(s.frac)
	return scaled{s.frac << n, s.exp - n}
}

func (s scaled) times(t scaled) scaled {
	high, low := bits.Mul64(s.frac, t.frac)
	return scaled{high + low>>63, s.exp + t.exp + 64}
}

const (
	firstPower = -348 // the powers of ten that are kept
	stepPower  = 8
	powers     = 87
)

var powersOfTen = sync.OnceValue(func() []scaled {
	table := make([]scaled, powers)
	for i := range table {
		n := int64(firstPower + stepPower*i)
		ten := new(big.Float).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(max(n, -n)), nil))
		f := new(big.Float).SetPrec(64)
		if n < 0 {
			f.Quo(big.NewFloat(1), ten)
		} else {
			f.Set(ten)
		}
		exp := f.MantExp(f) - 64
		table[i].frac, _ = f.SetMantExp(f, 64).Uint64()
		table[i].exp = exp
	}
	return table
})

// powerFor is a power of ten whose product with a number of that exponent has one from -60 to -32.
func powerFor(exp int) (n int, power scaled) {
	table := powersOfTen()
	i := (int(float64(-(exp+powers))*math.Log10(2)) - firstPower) / stepPower
	for {
		switch got := exp + table[i].exp + 64; {
		case got < -60:
			i++
		case got > -32:
			i--
		default:
			return firstPower + stepPower*i, table[i]
		}
	}
}

// shortestDigits returns digits and a power with f = digits * 10^power. f is above 0.
func shortestDigits(f float64) (digits []byte, power int) {
	b := math.Float64bits(f)
	w := scaled{b & (1<<52 - 1), max(int(b>>52), 1) - 1075}
	if b>>52 > 0 {
		w.frac |= 1 << 52
	}
	// What lies between low and high reads back as f.
	high := scaled{w.frac<<1 + 1, w.exp - 1}.normalized()
	shift := 1
	if w.frac == 1<<52 {
		shift = 2
	}
	low := scaled{(w.frac<<shift - 1) << (w.exp - shift - high.exp), high.exp}

	n, ten := powerFor(high.exp)
	w, high, low = w.normalized().times(ten), high.times(ten), low.times(ten)
	high.frac--
	low.frac++
	digits, power = digitsBetween(low.frac, w.frac, high.frac, -high.exp)
	return digits, power - n
}

// digitsBetween gives the digits of a number from low to high, as near to w as so many digits
// allow. All have point bits behind the binary point.
func digitsBetween(low, w, high uint64, point int) (digits []byte, power int) {
	digits = make([]byte, 0, 20)
	within, away := high-low, high-w
	whole, part := high>>point, high&(1<<point-1)
	div := uint64(1e9)
	for power = 9; power >= 0; power-- {
		digits = appendDigit(digits, whole/div)
		whole %= div
		if rest := whole<<point + part; rest <= within {
			lowerLast(digits, within, rest, div<<point, away)
			return digits, power
		}
		div /= 10
	}
	for {
		part, within, away = part*10, within*10, away*10
		digits = appendDigit(digits, part>>point)
		part &= 1<<point - 1
		if part < within {
			lowerLast(digits, within, part, 1<<point, away)
			return digits, power
		}
		power--
	}
}

// appendDigit leaves out zeros at the beginning.
func appendDigit(digits []byte, digit uint64) []byte {
	if digit == 0 && len(digits) == 0 {
		return digits
	}
	return append(digits, byte('0'+digit))
}

// lowerLast takes the last digit down while that brings the number nearer. rest is how far it
// is below the upper end, away how far it should be, unit what one of the digit is.
func lowerLast(digits []byte, within, rest, unit, away uint64) {
	for rest < away && within-rest >= unit && (rest+unit < away || away-rest > rest+unit-away) {
		digits[len(digits)-1]--
		rest += unit
	}
}
