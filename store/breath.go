package store

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A breath keeps a goroutine that works for long, loading or writing back, from holding up clients. It lets
// others run that can, and now and then it sleeps: the Go scheduler looks for what the network has brought
// only when it has nothing else to run, or every 10 ms; while every core's turn is taken by such work, a
// client's command would wait for that.
//
// SET:GET 1:1 at 15,000/s over a million keys, two busy cores (a load average of 20), in turns with
// redis-server, four turns of 12 s. In ms, lowest and highest of a turn:
//
//	                                          p99        p99.9      max
//	Redis, with a rewrite in each turn        11 - 18    27 - 62    35 - 75
//	commits and checkpoints without a breath  16 - 28    34 - 49    46 - 61
//	with it, and commands on both cores
//	while there is long work (resp/procs.go)  11 - 13    19 - 31    23 - 39
//
// On one processor a checkpoint of some 2,000 pages had it for up to 19 ms on end, and a commit for 21.
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
		if now.Sub(b.since) < laborPause {
			noteLabor(now)
		}
		b.since = time.Now()
	}
}

// labor is what is known of the process's long work, of whichever store: when some took a breath last, in unix ns.
var labor = struct {
	last  atomic.Int64
	begun chan struct{}
}{begun: make(chan struct{}, 1)}

// laborPause is how long one breath may come after another for the two to be of one work.
const laborPause = 50 * time.Millisecond

func noteLabor(now time.Time) {
	if before := labor.last.Swap(now.UnixNano()); now.UnixNano()-before > laborPause.Nanoseconds() {
		signal(labor.begun)
	}
}

// LaborBegins tells that work has gone on for some ms beside clients: a write-back, a checkpoint, a large value that is
// loaded. It is told once until it is over.
func LaborBegins() <-chan struct{} { return labor.begun }

// Laboring reports whether there was such work a moment ago.
func Laboring() bool { return time.Now().UnixNano()-labor.last.Load() < 2*laborPause.Nanoseconds() }
