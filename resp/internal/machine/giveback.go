package machine

import (
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// GiveBack collects garbage and gives free memory back to the system, if that is worth its while: if there is much,
// and if this did not take more than a fiftieth of the time lately. It does not wait for it.
func GiveBack() {
	if garbage() < worthwhile || !giving.CompareAndSwap(false, true) {
		return
	}
	if time.Since(gave) < 50*took {
		giving.Store(false)
		return
	}
	go func() {
		defer giving.Store(false)
		start := time.Now()
		debug.FreeOSMemory()
		gave = time.Now()
		took = gave.Sub(start)
	}()
}

const worthwhile = 8 << 20

var (
	giving atomic.Bool
	gave   time.Time     // when it was done last; whoever has set giving may read and set it
	took   time.Duration // how long it took then
)

// garbage is about what GiveBack would give back, in bytes: what is free, and what was made since the last collection.
func garbage() int64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return n(0) + n(1) + n(2) - n(3)
}
