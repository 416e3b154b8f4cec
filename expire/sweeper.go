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

func (s *Sweeper) run() {
	defer s.done.Done()
	for {
		s.mu.Lock()
		period := s.period
		s.mu.Unlock()
		select {
		case <-s.stop:
			return
		case <-time.After(period):
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
