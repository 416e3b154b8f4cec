package numbers

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestScoresAreWrittenAsRedisDoes(t *testing.T) {
	for text, f := range map[string]float64{
		"0": 0, "-0": math.Copysign(0, -1), "inf": math.Inf(1), "-inf": math.Inf(-1), "nan": math.NaN(),
		"3": 3, "-17": -17, "3.3": 3.3, "-0.1": -0.1, "0.000001": 1e-6, "1e-7": 1e-7, "1.1e-7": 1.1e-7, "0.001234567": 0.001234567, "1.2345e-5": 0.000012345,
		"100000000000000000": 1e17, "4611686018427387904": 1 << 62, "9223372036854776000": 1 << 63, "1e+19": 1e19, "-1e+22": -1e22, "12345678901234567000": 12345678901234567890,
		"1.2345612345678e+5": 123456.12345678, "1234.56789": 1234.56789,
		"5e-324": 5e-324, "1.7976931348623157e+308": math.MaxFloat64, "2.2250738585072014e-308": 0x1p-1022,
		"0.49597088938424583":   0.4959708893842458, // Grisu2's digit too many
		"3.1302723558873817e+5": 313027.2355887382,
	} {
		if got := FormatDouble(f); got != text {
			t.Errorf("%v is written as %s, not %s", f, got, text)
		}
	}
}

func TestScoresReadBackAsTheyWere(t *testing.T) {
	longer := 0
	const n = 100_000
	for range n {
		f := math.Float64frombits(rand.Uint64())
		if math.IsNaN(f) || f == 0 {
			continue
		}
		text := FormatDouble(f)
		if back, ok := ParseDouble([]byte(text)); !ok || back != f {
			t.Fatalf("%b is written as %s and read as %b", f, text, back)
		}
		if math.IsInf(f, 0) {
			continue
		}
		fewest, _, _ := strings.Cut(strconv.FormatFloat(math.Abs(f), 'e', -1, 64), "e")
		if digits, _ := shortestDigits(math.Abs(f)); len(digits) > len(strings.Replace(fewest, ".", "", 1)) {
			longer++
		}
	}
	if longer > n/200 {
		t.Errorf("%d of %d have more digits than they need", longer, n)
	}
}

func TestScoresAreReadAsCDoes(t *testing.T) {
	for text, want := range map[string]float64{
		"1": 1, "-1.5": -1.5, "+2": 2, ".5": 0.5, "5.": 5, "1e3": 1e3, "1E-2": 0.01, "0x10": 16, "0X1p4": 16, "-0x.8": -0.5, "0x1.8p-1": 0.75,
		"inf": math.Inf(1), "-Infinity": math.Inf(-1), "+INF": math.Inf(1), "0e999999": 0, "0x0p-9999": 0, "5e-324": 5e-324, "00012": 12,
		"0.1000000000000000055511151231257827021181583404541015625": 0.1,
	} {
		if f, ok := ParseDouble([]byte(text)); !ok || f != want {
			t.Errorf("%q is %v, %v", text, f, ok)
		}
	}
	for _, text := range []string{"", " 1", "1 ", "x", "1x", "nan", "-nan", "nan(1)", "1e", "1e+", "0x", "0xg", "1_0", "--1", "+-1", ".", "-", "e5", "1e400", "-1e400", "1e-400", "0x1p-2000", "1.2.3", "infx", "1\x00"} {
		if f, ok := ParseDouble([]byte(text)); ok {
			t.Errorf("%q is %v", text, f)
		}
	}
	for text, taken := range map[string]int{"": 0, "  12x": 4, "0x": 1, "0x1p": 3, "1e+": 1, "1ex": 1, "inf7": 3, "infinit": 3, " \t-.5e1z": 7, "abc": 0, "1e400": 5} {
		if _, n, _ := Strtod([]byte(text)); n != taken {
			t.Errorf("of %q %d bytes are a number, not %d", text, n, taken)
		}
	}
}

func BenchmarkFormatDouble(b *testing.B) {
	for i := range b.N {
		FormatDouble(float64(i) + 0.37)
	}
}
