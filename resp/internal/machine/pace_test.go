package machine

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"
)

func TestALargeHeapHasLittleRoomToGrow(t *testing.T) {
	for _, c := range []struct {
		live int64
		most int
	}{{0, 100}, {10 << 20, 100}, {100 << 20, 61}, {240 << 20, 33}, {10 << 30, 13}} {
		if p := percent(c.live); p > c.most || p < 1 {
			t.Errorf("a heap of %d MB grows by %d %%, at most %d are wanted", c.live>>20, p, c.most)
		}
	}
	for live, was := int64(1<<20), int64(0); live < 1<<36; live *= 2 {
		if room(live) < was {
			t.Errorf("a heap of %d MB has less room than half of it", live>>20)
		}
		was = room(live)
	}
}

func TestAHeapOfFewKeysHasRoomForAThirdOfThem(t *testing.T) {
	KeysWithin(60 << 20)
	defer KeysWithin(0)
	for live, want := range map[int64]int64{
		8 << 20: 8 << 20, 40 << 20: 20 << 20, 90 << 20: 20 << 20, 400 << 20: 98 << 20, // much else is in the last
	} {
		if got := room(live); got != want {
			t.Errorf("a heap of %d MB grows by %d MB, want %d", live>>20, got>>20, want>>20)
		}
	}
}

// TestTheCollectorIsPaced fills the heap: its goal comes near to it.
func TestTheCollectorIsPaced(t *testing.T) {
	t.Setenv("GOGC", "")
	PaceCollector()
	PaceCollector() // once is enough
	var rounds atomic.Int32
	afterEachCollection(func() { rounds.Add(1) })
	const live = 256 << 20
	var held [live >> 20][]byte
	for i := range held {
		held[i] = make([]byte, 1<<20)
	}
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		metrics.Read(goal)
		if n := goal[0].Value.Uint64(); n < live/4*7 && rounds.Load() > 3 {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("with %d MB in use the heap grows to %d MB; %d collections told of it", live>>20,
				goal[0].Value.Uint64()>>20, rounds.Load())
		}
	}
	runtime.KeepAlive(&held)
}
