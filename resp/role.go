package resp

import "sync"

// roles has batons run by goroutines that have run one before, where there is one. A goroutine that leaves a loop to
// load a key works deep in SQLite, and a new one's stack grows to that in several steps, each a copy of all that stands
// on it. With SETs at random, of which each loads a key, that was 7.6 % of the server's processor time, and is 0.1. The
// collector halves a stack of which three quarters are not used: one that waits costs little, its next load one step.
type roles struct {
	mu    sync.Mutex
	idle  []chan baton // whom each waits on, who came last at the end: its stack is in the processor's cache
	ended bool
}

// mostIdle is how many goroutines wait for a baton at most.
const mostIdle = 64

// run has a baton run by another goroutine than the caller, who may hold any lock.
func (r *roles) run(b baton) {
	r.mu.Lock()
	n := len(r.idle) - 1
	if n < 0 {
		r.mu.Unlock()
		go r.serve(b)
		return
	}
	next := r.idle[n]
	r.idle = r.idle[:n]
	r.mu.Unlock()
	next <- b
}

// serve is a goroutine that runs batons.
func (r *roles) serve(b baton) {
	next := make(chan baton, 1) // who gives one does not wait
	for ok := true; ok; b, ok = <-next {
		b.run()
		if !r.rest(next) {
			return
		}
	}
}

// rest notes that a goroutine waits for a baton; if not, it ends.
func (r *roles) rest(next chan baton) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || len(r.idle) == mostIdle {
		return false
	}
	r.idle = append(r.idle, next)
	return true
}

// end lets all end that wait, and those that run as soon as they have run.
func (r *roles) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for _, next := range r.idle {
		close(next)
	}
	r.idle = nil
}
