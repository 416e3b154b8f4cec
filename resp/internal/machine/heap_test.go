package machine

import (
	"runtime"
	"runtime/debug"
	"testing"
)

var kept [][]byte

func TestTheHeapTellsWhenACollectionComes(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	kept = [][]byte{make([]byte, 64<<20)}
	defer func() { kept = nil }()
	runtime.GC()
	if bytes, collected := Heap(); bytes < 64<<20 || collected < bytes+32<<20 {
		t.Errorf("right after a collection of 64 MB: %d bytes, the next one at %d", bytes, collected)
	}
	var before, now runtime.MemStats
	for runtime.ReadMemStats(&before); now.NumGC <= before.NumGC; runtime.ReadMemStats(&now) {
		kept = append(kept, make([]byte, 1<<20))
		if bytes, collected := Heap(); bytes > collected {
			return
		}
	}
	t.Error("it came before the heap had what was told")
}
