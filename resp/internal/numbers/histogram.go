package numbers

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A Histogram counts times in buckets that are at most 1/32 wide of what they count: 32 to each
// doubling of the nanoseconds, up to some 2 s, which stands for all that took longer.
type Histogram struct {
	buckets [histogramBuckets]atomic.Uint32
}

const (
	histogramBits    = 5
	histogramBuckets = (31 - histogramBits + 1) << histogramBits
)

// bucket is where a time is counted.
func bucket(nanos int64) int {
	if nanos < 1<<histogramBits {
		return int(max(nanos, 0))
	}
	e := bits.Len64(uint64(nanos)) - 1 - histogramBits // what is shifted away
	return min(e<<histogramBits+int(nanos>>e), histogramBuckets-1)
}

// bucketTop is the longest time that a bucket counts, in nanoseconds.
func bucketTop(i int) int64 {
	if i < 2<<histogramBits {
		return int64(i)
	}
	e := i>>histogramBits - 1
	return (int64(i-e<<histogramBits)+1)<<e - 1
}

// Add counts a time.
func (h *Histogram) Add(took time.Duration) { h.buckets[bucket(took.Nanoseconds())].Add(1) }

// Total is how many times were counted.
func (h *Histogram) Total() (n int64) {
	for i := range h.buckets {
		n += int64(h.buckets[i].Load())
	}
	return n
}

// Percentile is the time, in nanoseconds, within which so many percent of the calls ended.
func (h *Histogram) Percentile(percent float64) int64 {
	total := h.Total()
	wanted := max(1, int64(percent/100*float64(total)+0.5))
	var n int64
	for i := range h.buckets {
		if n += int64(h.buckets[i].Load()); n >= wanted {
			return bucketTop(i)
		}
	}
	return 0
}

// A step of LATENCY HISTOGRAM: so many calls took at most so long.
type histogramStep struct{ Micros, Calls int64 }

// Steps are the doublings in which calls ended, as Redis cuts them: at 1.024 microseconds times a power of two.
// The sample's counts are scaled to calls, how many calls there were.
func (h *Histogram) Steps(calls int64) (steps []histogramStep) {
	total := h.Total()
	var n, before int64
	next := 0
	for top := int64(1024); n < total; top *= 2 {
		for ; next < histogramBuckets && (next <= bucket(top) || next == histogramBuckets-1); next++ {
			n += int64(h.buckets[next].Load())
		}
		if n > before {
			steps = append(steps, histogramStep{(top + top/128 - 1) / 1000, n * calls / total})
			before = n
		}
	}
	return steps
}
