package ccast

import (
	"math"
	"testing"
)

// The values are what gcc's code gives on amd64.
func TestWhatDoesNotFitIsAsOnAMD64(t *testing.T) {
	for _, c := range []struct {
		f   float64
		i64 int64
		i32 int32
		u64 uint64
	}{
		{0, 0, 0, 0},
		{math.Copysign(0, -1), 0, 0, 0},
		{1.9, 1, 1, 1},
		{-1.9, -1, -1, math.MaxUint64},
		{math.MaxInt32, math.MaxInt32, math.MaxInt32, math.MaxInt32},
		{math.MaxInt32 + 0.5, math.MaxInt32, math.MaxInt32, math.MaxInt32},
		{1 << 31, 1 << 31, math.MinInt32, 1 << 31},
		{-1<<31 - 0.5, -1 << 31, -1 << 31, 1<<64 - 1<<31},
		{-1<<31 - 1, -1<<31 - 1, math.MinInt32, 1<<64 - 1<<31 - 1},
		{1<<63 - 1024, 1<<63 - 1024, math.MinInt32, 1<<63 - 1024},
		{1 << 63, math.MinInt64, math.MinInt32, 1 << 63},
		{-1 << 63, math.MinInt64, math.MinInt32, 1 << 63},
		{1<<64 - 2048, math.MinInt64, math.MinInt32, 1<<64 - 2048},
		{1 << 64, math.MinInt64, math.MinInt32, 0},
		{1e30, math.MinInt64, math.MinInt32, 0},
		{-1e30, math.MinInt64, math.MinInt32, 1 << 63},
		{math.Inf(1), math.MinInt64, math.MinInt32, 0},
		{math.Inf(-1), math.MinInt64, math.MinInt32, 1 << 63},
		{math.NaN(), math.MinInt64, math.MinInt32, 1 << 63},
	} {
		if i64, i32, u64 := Int64(c.f), Int32(c.f), Uint64(c.f); i64 != c.i64 || i32 != c.i32 || u64 != c.u64 {
			t.Errorf("%v: %d, %d, %d; want %d, %d, %d", c.f, i64, i32, u64, c.i64, c.i32, c.u64)
		}
	}
}
