package expire

import (
	"sync"
	"sync/atomic"
	"time"
)

// Sweeper removes expired keys without client traffic: hz times a second it asks its
// target to remove what is due, in slices short enough that commands keep their latency,
// and goes on at once while slices come back full.
type Sweeper struct {
	target Target
	stop   chan struct{}
	done   sync.WaitGroup
	paused atomic.Bool

	mu     sync.Mutex
	period time.Duration // between two sweeps
}

// Target is what a Sweeper sweeps: the store.
type Target interface {
	// Sweep removes some of what is due at now (unix ms) and reports whether more is left.
	Sweep(now int64) (more bool)
}

// Resting is a target that knows when there will be something to sweep.
type Resting interface {
	// Rest is for how many milliseconds from now (unix ms) nothing is due, unless stirred is told that something has
	// changed.
	Rest(now int64) (millis int64, stirred <-chan struct{})
}

// Start sweeps target hz times a second until Stop.
func Start(target Target, hz int) *Sweeper {
	s := &Sweeper{target: target, stop: make(chan struct{})}
	s.SetHz(hz)
	s.done.Add(1)
	go s.run()
	return s
}

// SetHz changes the number of sweeps a second; it takes effect after the current wait.
func (s *Sweeper) SetHz(hz int) {
	s.mu.Lock()
	s.period = time.Second / time.Duration(max(1, min(hz, 500)))
	s.mu.Unlock()
}

// SetPaused suspends the sweeping, for tests of what expires without it (DEBUG SET-ACTIVE-EXPIRE).
func (s *Sweeper) SetPaused(paused bool) { s.paused.Store(paused) }

// Stop ends the sweeping and waits for the slice under way.
func (s *Sweeper) Stop() {
	close(s.stop)
	s.done.Wait()
}

// rest waits while the target has nothing to sweep. ok is false after Stop.
func (s *Sweeper) rest() (ok bool) {
	target, rests := s.target.(Resting)
	if !rests {
		return true
	}
	millis, stirred := target.Rest(NowMillis())
	return millis == 0 || s.wait(time.Duration(millis)*time.Millisecond, stirred)
}

// wait waits for so long, or until it is told to go on.
func (s *Sweeper) wait(length time.Duration, goOn <-chan struct{}) (ok bool) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-s.stop:
		return false
	case <-goOn:
	case <-timer.C:
	}
	return true
}

func (s *Sweeper) run() {
	defer s.done.Done()
	for {
		s.mu.Lock()
		period := s.period
		s.mu.Unlock()
		if !s.rest() || !s.wait(period, nil) {
			return
		}
		for !s.paused.Load() && s.target.Sweep(NowMillis()) {
			select {
			case <-s.stop:
				return
			default:
			}
		}
	}
}
