package numbers

import (
	"bytes"
	"math/big"
	"regexp"
	"strings"
)

// INCRBYFLOAT computes as Redis does on x86-64, in that processor's long double: 64 bits of
// mantissa and 15 of exponent. It writes 17 digits after the point (C's %.17Lf) and cuts the
// zeros at their end: 0.1 + 0.2 is then 0.3, which it is not in 64-bit floats.
const (
	longDoubleBits = 64
	longDoubleMax  = 16384  // every value is below 2 to this power
	longDoubleMin  = -16446 // and what is below 2 to this one rounds to zero
	longDoubleText = 5 << 10
)

var (
	decimalFloat = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$`)
	hexFloat     = regexp.MustCompile(`^[+-]?0x([\da-f]+\.?[\da-f]*|\.[\da-f]+)(p[+-]?\d+)?$`)
	infinite     = regexp.MustCompile(`^[+-]?inf(inity)?$`)
)

// ParseLongDouble reads what C's strtold does, without spaces: decimal, hexadecimal or
// infinite. Not a number, or one beyond the range of long double, is refused as in Redis.
func ParseLongDouble(b []byte) (f *big.Float, ok bool) {
	if len(b) >= longDoubleText {
		return nil, false
	}
	text, base := strings.ToLower(string(b)), 10
	f = new(big.Float).SetPrec(longDoubleBits)
	switch {
	case infinite.MatchString(text):
		return f.SetInf(text[0] == '-'), true
	case hexFloat.MatchString(text):
		text, base = strings.Replace(text, "0x", "", 1), 16
	case !decimalFloat.MatchString(text):
		return nil, false
	}
	if _, _, err := f.Parse(text, base); err != nil || f.IsInf() {
		return nil, false
	}
	power := f.MantExp(nil)
	return f, f.Sign() == 0 || power <= longDoubleMax && power > longDoubleMin
}

// AddLongDouble is a + b; ok is false when the sum is infinite or no number.
func AddLongDouble(a, b *big.Float) (sum *big.Float, ok bool) {
	if a.IsInf() || b.IsInf() {
		return nil, false
	}
	sum = new(big.Float).SetPrec(longDoubleBits).Add(a, b)
	return sum, sum.MantExp(nil) <= longDoubleMax
}

// FormatLongDouble writes a number as INCRBYFLOAT does.
func FormatLongDouble(f *big.Float) []byte {
	text := f.Append(nil, 'f', 17)
	text = bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte("."))
	if string(text) == "-0" {
		return text[1:]
	}
	return text
}
