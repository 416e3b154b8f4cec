package numbers

import (
	"math"
	"strconv"

	"diskette/resp/internal/words"
)

// ParseInt reads a decimal number as strictly as Redis (string2ll): no plus sign, no leading
// zero, no minus zero, no blank, nothing beyond 64 bits.
func ParseInt(b []byte) (int64, bool) {
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 || b[0] == '0' {
		return 0, false
	}
	var n uint64 // 19 digits fit
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if negative {
		return int64(-n), n <= -math.MinInt64
	}
	return int64(n), n <= math.MaxInt64
}

// ParseUint is Redis's string2ull: C's strtoull, but a plain negative number is refused.
func ParseUint(b []byte) (uint64, bool) {
	if n, ok := ParseInt(b); ok {
		return uint64(n), n >= 0
	}
	for len(b) > 0 && words.IsSpace(b[0]) {
		b = b[1:]
	}
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	for _, d := range b {
		if d < '0' || d > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(words.ViewString(b), 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}
