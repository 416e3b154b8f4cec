package numbers

import (
	"math"
	"strconv"
	"strings"

	"diskette/resp/internal/words"
)

// Scores are read as C's strtod does and written as Redis 7.2 does: with the fewest digits that read back the same.

// ParseDouble reads a score: a number and nothing else, within the range of a 64-bit float.
func ParseDouble(b []byte) (f float64, ok bool) {
	if len(b) == 0 || words.IsSpace(b[0]) {
		return 0, false
	}
	if isPlain(b) {
		if f, err := strconv.ParseFloat(words.ViewString(b), 64); err == nil {
			return f, true
		}
	}
	f, n, fits := Strtod(b)
	return f, n == len(b) && fits && !math.IsNaN(f)
}

// isPlain reports whether b has digits and the like alone, so that Go reads it as C does.
func isPlain(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return len(b) <= 24
}

// Strtod is C's: it reads the number that b begins with, after blanks, and returns how many bytes
// it took, 0 if there is no number. What is out of range is infinite, or zero, and does not fit.
func Strtod(b []byte) (f float64, n int, fits bool) {
	s := string(b)
	start := 0
	for start < len(s) && words.IsSpace(s[start]) {
		start++
	}
	i := start
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	rest := strings.ToLower(s[i:min(len(s), i+8)])
	for _, word := range []string{"infinity", "inf", "nan"} {
		if strings.HasPrefix(rest, word) {
			f, _ = strconv.ParseFloat(word, 64)
			if s[start] == '-' {
				f = -f
			}
			return f, i + len(word), true
		}
	}
	end, text := decimalEnd(s, i), ""
	if strings.HasPrefix(rest, "0x") {
		end, text = hexEnd(s, i)
	}
	if end == i {
		return 0, 0, true
	}
	if text == "" {
		text = s[i:end]
	}
	f, err := strconv.ParseFloat(text, 64)
	fits = err == nil && (f != 0 || strings.Trim(mantissa(text), "0.") == "")
	if s[start] == '-' {
		f = -f
	}
	return f, end, fits
}

// mantissa is a number without its exponent and its prefix.
func mantissa(text string) string {
	if hex, ok := strings.CutPrefix(strings.ToLower(text), "0x"); ok {
		digits, _, _ := strings.Cut(hex, "p")
		return digits
	}
	digits, _, _ := strings.Cut(strings.ToLower(text), "e")
	return digits
}

// digitsEnd is where digits with perhaps a point among them end, start if there is no digit.
func digitsEnd(s string, start int, isDigit func(c byte) bool) int {
	i, digits, point := start, 0, false
	for ; i < len(s); i++ {
		if isDigit(s[i]) {
			digits++
		} else if s[i] == '.' && !point {
			point = true
		} else {
			break
		}
	}
	if digits == 0 {
		return start
	}
	return i
}

// exponentEnd is where an exponent ends that begins with the letter at start; start if it is none.
func exponentEnd(s string, start int, letter byte) int {
	i := start
	if i == len(s) || s[i]|0x20 != letter {
		return start
	}
	i++
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	first := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == first {
		return start
	}
	return i
}

func decimalEnd(s string, start int) int {
	end := digitsEnd(s, start, func(c byte) bool { return c >= '0' && c <= '9' })
	if end == start {
		return start
	}
	return exponentEnd(s, end, 'e')
}

// hexEnd is where a hexadecimal number ends, and the number as Go reads it: with an exponent. A
// 0x without digits is a 0.
func hexEnd(s string, start int) (end int, text string) {
	digits := digitsEnd(s, start+2, func(c byte) bool {
		return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
	})
	if digits == start+2 {
		return start + 1, "0"
	}
	if end = exponentEnd(s, digits, 'p'); end > digits {
		return end, s[start:end]
	}
	return digits, s[start:digits] + "p0"
}

// FormatDigits writes a score with 17 digits, as C's %.17g does.
func FormatDigits(f float64) string {
	if math.IsInf(f, 0) {
		return FormatDouble(f)
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}

// FormatDouble writes a score as Redis 7.2 does (d2string in util.c).
func FormatDouble(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	case f == 0 && math.Signbit(f):
		return "-0"
	case f == math.Trunc(f) && math.Abs(f) <= math.MaxInt64/2:
		return strconv.FormatInt(int64(f), 10)
	}
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	digits, power := shortestDigits(f)
	return sign + layOut(string(digits), power)
}

// layOut writes digits * 10^power: plainly if that is not much longer, else with an exponent.
func layOut(digits string, power int) string {
	n := len(digits)
	exp := power + n - 1
	switch {
	case power >= 0 && exp < n+7:
		return digits + strings.Repeat("0", power)
	case power < 0 && (power > -7 || exp > -4 && exp < 4):
		if exp >= 0 {
			return digits[:exp+1] + "." + digits[exp+1:]
		}
		return "0." + strings.Repeat("0", -exp-1) + digits
	}
	if n > 1 {
		digits = digits[:1] + "." + digits[1:]
	}
	sign := "+"
	if exp < 0 {
		sign, exp = "-", -exp
	}
	return digits + "e" + sign + strconv.Itoa(exp)
}
