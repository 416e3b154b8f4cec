package machine

import (
	"math"
	"runtime/metrics"
)

// Heap is how many bytes Go's heap has, those included that are garbage and not yet found to be, and with how many the
// collector begins at the earliest. It takes some us.
func Heap() (bytes, collected int64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/goal:bytes"}}
	metrics.Read(sample)
	live, goal := int64(sample[1].Value.Uint64()), int64(sample[2].Value.Uint64())
	if goal < live { // there is none: GOGC=off
		goal = math.MaxInt64
	}
	return int64(sample[0].Value.Uint64()), live + (goal-live)/10*7 // minTriggerRatioDistance in Go's mgcpacer.go
}
