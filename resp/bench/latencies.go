package bench

import (
	"github.com/HdrHistogram/hdrhistogram-go"
)

// The bounds of what is told apart, us. The lowest makes the finest step 8 us, as redis-benchmark's.
const (
	lowestLatency  = 10
	highestLatency = 3_000_000 // longer ones are counted as this
	usualDigits    = 3
)

// latencies are how long answers took, us, in buckets.
type latencies struct{ *hdrhistogram.Histogram }

// newLatencies keeps so many significant digits; 0 = the usual.
func newLatencies(digits int) *latencies {
	if digits == 0 {
		digits = usualDigits
	}
	return &latencies{hdrhistogram.New(lowestLatency, highestLatency, digits)}
}

func (h *latencies) record(us, times int64) {
	if times > 0 {
		_ = h.RecordValues(min(max(us, 0), highestLatency), times) // it fails beyond the bounds alone
	}
}

func (h *latencies) merge(other *latencies) { h.Merge(other.Histogram) }

// A step is a latency, and how many answers took no longer.
type step struct {
	percent float64
	us      int64
	count   int64
}

// byPercentile are the latencies of 0, 50, 75, 87.5 and so on to 100 per cent of the answers.
func (h *latencies) byPercentile() (steps []step) {
	if h.TotalCount() == 0 {
		return nil
	}
	before := int64(-1)
	brackets := h.CumulativeDistributionWithTicks(1)
	for n, b := range brackets {
		if b.Count != before || n == len(brackets)-1 {
			steps = append(steps, step{b.Quantile, b.ValueAt, b.Count})
		}
		before = b.Count
	}
	return steps
}

// The steps of byLatency, us.
const (
	narrowStep, narrowUpTo = 100, 2000
	wideStep               = 1000
)

// byLatency are the numbers of answers up to 0.1, 0.2 ... 2.0, 2.1, 3.1, 4.1 ms and so on, where they rise.
func (h *latencies) byLatency() (steps []step) {
	var count int64
	level, width, before := int64(narrowStep), int64(narrowStep), int64(-1)
	last := h.upTo(level)
	tell := func() {
		if count != before {
			steps = append(steps, step{100 * float64(count) / float64(h.TotalCount()), last, count})
		}
		if before = count; level > narrowUpTo {
			width = wideStep
		}
		level += width
		last = h.upTo(level)
	}
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		for bar.From > last {
			tell()
		}
		count += bar.Count
	}
	if count > 0 {
		tell()
	}
	return steps
}

// upTo is the highest latency that is not told apart from one.
func (h *latencies) upTo(us int64) int64 {
	for h.ValuesAreEquivalent(us, us+1) {
		us++
	}
	return us
}

// ms is a time in milliseconds.
func ms(us int64) float64 { return float64(us) / 1000 }
