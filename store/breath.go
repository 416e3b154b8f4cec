package store

import (
	"runtime"
	"time"
)

// A breath keeps a goroutine that works for long, loading or writing back, from holding up clients. It lets
// others run that can, and now and then it sleeps: the Go scheduler looks for what the network has brought
// only when it has nothing else to run, or every 10 ms; while every core's turn is taken by such work, a
// client's command would wait for that.
type breath struct {
	steps int
	since time.Time // of the last sleep
}

const (
	breathSteps  = 16 // of 1 to 20 us
	breathPeriod = 2 * time.Millisecond
	breathSleep  = 50 * time.Microsecond // up to 1 ms when there is nothing else to do
)

// step is called after a statement or row; n is how many rows it stands for.
func (b *breath) step(n int) {
	if b.steps += n; b.steps < breathSteps {
		return
	}
	b.steps = 0
	runtime.Gosched()
	if now := time.Now(); now.Sub(b.since) > breathPeriod {
		if !b.since.IsZero() {
			time.Sleep(breathSleep)
		}
		b.since = time.Now()
	}
}
