package machine

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// PaceCollector has Go's heap grow less between two collections the larger it is. Go lets it double: with a
// million keys in memory that is 225 MB of garbage, and most of what a server does makes none: GET, INCR and SET over a
// key allocate nothing. Who does, a new key or a field's new value, pays for the collections, some 0.1 us of
// processor time for each key in memory and collection; with less room than this HSET took 5 % more of it.
//
//	live heap   grows by, MB
//	  40 MB            40
//	 100               60
//	 240               78
//	2400              348
//
// Where keys may take little (KeysWithin) that would be nearly as much as they: a third of it, or 16 MB, is the most.
// A hash that outgrew maxmemory 64mb had 134 MB of heap, of which 84 were live, and the process 195 to 215 MB of RSS.
//
// Who sets GOGC gets what he says. It is for the whole process, and is called once.
func PaceCollector() {
	if os.Getenv("GOGC") == "" && !pacing.Swap(true) {
		afterEachCollection(pace)
	}
}

var pacing atomic.Bool

// keysWithin is what KeysWithin was told; 0 = no bound.
var keysWithin atomic.Int64

// KeysWithin tells how many bytes keys may take in memory.
func KeysWithin(bytes int64) { keysWithin.Store(bytes) }

// room is how many bytes a heap may grow by of which so many are live.
func room(live int64) int64 {
	most := min(live, 48<<20+live/8)
	if keys := keysWithin.Load(); live <= 2*keys {
		most = min(most, max(keys/3, leastRoom))
	}
	return most // of a heap with much else in it each collection is dear
}

const leastRoom = 16 << 20

// percent is room as the collector takes it.
func percent(live int64) int {
	if live <= 0 {
		return 100
	}
	return int(math.Round(100 * float64(room(live)) / float64(live)))
}

var paced = 100 // the collector's goroutine's

func pace() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	want := percent(int64(sample[0].Value.Uint64()))
	if off := want - paced; off*off*100 > paced*paced { // a tenth: each call stops the world for some 20 us
		paced = want
		debug.SetGCPercent(want)
	}
}

// afterEachCollection calls fn after each, in the goroutine of finalizers: it costs an idle process nothing.
func afterEachCollection(fn func()) {
	type sentinel struct{ _ [16]byte }
	var again func(*sentinel)
	again = func(s *sentinel) {
		fn()
		runtime.SetFinalizer(s, again)
	}
	runtime.SetFinalizer(&sentinel{}, again)
}
