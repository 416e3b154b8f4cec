package resp

import (
	"sync"
	"testing"
)

// told is a role that calls a function.
type told func()

func (t told) run() { t() }

func TestARoleGoesToAGoroutineThatHasHadOne(t *testing.T) {
	var r roles
	defer r.end()
	idle := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.idle)
	}
	ran := make(chan struct{})
	for range 100 { // one after the other
		r.run(told(func() { ran <- struct{}{} }))
		<-ran
		until(t, "it waits for the next", func() bool { return idle() == 1 })
	}
	const many = 2 * mostIdle
	var running, goOn sync.WaitGroup
	running.Add(many)
	goOn.Add(1)
	for range many { // all at once: each has one
		r.run(told(func() { running.Done(); goOn.Wait() }))
	}
	running.Wait()
	if n := idle(); n != 0 {
		t.Errorf("%d wait while all are needed", n)
	}
	goOn.Done()
	until(t, "so many wait as may", func() bool { return idle() == mostIdle })
}

func TestGoroutinesThatWaitForARoleEndWithTheServer(t *testing.T) {
	var r roles
	ended := make(chan struct{})
	stay := make(chan struct{})
	r.run(told(func() {}))
	until(t, "it waits", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.idle) == 1 })
	waits := r.idle[0]
	go func() {
		r.serve(told(func() { <-stay }))
		close(ended)
	}()
	r.end()
	if _, open := <-waits; open {
		t.Error("one that waited was given a role")
	}
	close(stay)
	<-ended // and one that runs ends when it has run
}
