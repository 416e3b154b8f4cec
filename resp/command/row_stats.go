package command

import (
	"sync/atomic"
	"time"

	"diskette/resp/internal/numbers"
)

// RowStats are a command's figures for INFO commandstats and latencystats: see resp/observe.go.
type RowStats struct {
	Calls, Rejected, Failed atomic.Int64
	timed, nanos            atomic.Int64                      // the sampled calls, and their time
	Times                   atomic.Pointer[numbers.Histogram] // of the sampled calls; nil = there was none
}

// Took keeps the time of a sampled call.
func (s *RowStats) Took(took time.Duration, tracking bool) {
	s.nanos.Add(took.Nanoseconds())
	s.timed.Add(1)
	if !tracking {
		return
	}
	h := s.Times.Load()
	if h == nil {
		s.Times.CompareAndSwap(nil, new(numbers.Histogram))
		h = s.Times.Load()
	}
	if h != nil { // else a CONFIG RESETSTAT came in between
		h.Add(took)
	}
}

// Microseconds is the time of all calls, as the sample has it.
func (s *RowStats) Microseconds(calls int64) int64 {
	n := s.timed.Load()
	if n == 0 {
		return 0
	}
	return int64(float64(s.nanos.Load()) / float64(n) / 1000 * float64(calls))
}

// Reset lets all figures begin at zero.
func (s *RowStats) Reset() {
	for _, n := range []*atomic.Int64{&s.Calls, &s.Rejected, &s.Failed, &s.timed, &s.nanos} {
		n.Store(0)
	}
	s.Times.Store(nil)
}
