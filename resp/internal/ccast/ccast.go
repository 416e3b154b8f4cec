package ccast

import "math"

// Int64 is (long long)f: what does not fit, and what is no number, is the least integer.
func Int64(f float64) int64 {
	if f >= -1<<63 && f < 1<<63 {
		return int64(f)
	}
	return math.MinInt64
}

// Int32 is (int)f: what does not fit, and what is no number, is the least one.
func Int32(f float64) int32 {
	if f > math.MinInt32-1 && f < math.MaxInt32+1 {
		return int32(f)
	}
	return math.MinInt32
}

// Uint64 is (unsigned long)f: a negative number keeps the bits that it has as a signed one,
// what is too large is 0, and what is no number is 1<<63.
func Uint64(f float64) uint64 {
	switch {
	case f >= 1<<64:
		return 0
	case f >= 1<<63:
		return uint64(f)
	}
	return uint64(Int64(f))
}
