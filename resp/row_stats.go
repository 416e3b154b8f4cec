package resp

import (
	"sync/atomic"
	"time"

	"diskette/resp/internal/numbers"
)

// rowStats are a command's figures for INFO commandstats and latencystats: see observe.go.
type rowStats struct {
	calls, rejected, failed atomic.Int64
	timed, nanos            atomic.Int64                      // the sampled calls, and their time
	times                   atomic.Pointer[numbers.Histogram] // of the sampled calls; nil = there was none
}

// took keeps the time of a sampled call.
func (s *rowStats) took(took time.Duration, tracking bool) {
	s.nanos.Add(took.Nanoseconds())
	s.timed.Add(1)
	if !tracking {
		return
	}
	h := s.times.Load()
	if h == nil {
		s.times.CompareAndSwap(nil, new(numbers.Histogram))
		h = s.times.Load()
	}
	if h != nil { // else a CONFIG RESETSTAT came in between
		h.Add(took)
	}
}

// microseconds is the time of all calls, as the sample has it.
func (s *rowStats) microseconds(calls int64) int64 {
	n := s.timed.Load()
	if n == 0 {
		return 0
	}
	return int64(float64(s.nanos.Load()) / float64(n) / 1000 * float64(calls))
}

func (s *rowStats) reset() {
	for _, n := range []*atomic.Int64{&s.calls, &s.rejected, &s.failed, &s.timed, &s.nanos} {
		n.Store(0)
	}
	s.times.Store(nil)
}
