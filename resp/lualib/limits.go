package lualib

import (
	"errors"
	"runtime"
	"runtime/metrics"
	"time"

	"diskette/resp/lua"
)

// ErrMemory ends a script that holds more than Limits.Memory.
var ErrMemory = errors.New("not enough memory")

// TicksPerLook is how many ticks there are between two looks at the clock.
const TicksPerLook = 1 << 10

const (
	// maxString is proto-max-bulk-len: a longer string could never leave the script.
	maxString = 512 << 20

	lookEvery    = time.Millisecond // between two looks at memory, and two calls of Limits.Tick
	bytesPerLook = 8 << 20          // allocated, to our knowledge, between two looks at memory
	bytesPerTick = 1 << 10          // what is filled in the time of a tick
	valueBytes   = 16
)

// Limits bound what a script may use.
type Limits struct {
	// Memory is the bytes that scripts may hold at once; beyond it they get an error.
	Memory int64
	// Others is the heap's bytes that are no script's, as far as they change while scripts run; nil = none.
	Others func() int64
	// Defect is called when a function of this package or of the virtual machine panics; the script gets an error.
	Defect func(p any)
	// Tick is called every few thousand loop iterations or calls, at most every ms or so. An error of it ends
	// the script, and no pcall catches that.
	Tick func() error
}

// budget is what a running script has used.
type budget struct {
	looked   time.Time // the last look
	bytes    int64     // allocated since then, as far as we know
	heap     int64     // in use when the script began, as far as it was no garbage
	heapSeen bool      // heap is set
	cycles   uint64    // collections when heap was looked at
	sample   [3]metrics.Sample
}

func (b *budget) reset() {
	*b = budget{looked: b.looked}
	for i, name := range []string{"/memory/classes/heap/objects:bytes", "/gc/heap/live:bytes",
		"/gc/cycles/total:gc-cycles"} {
		b.sample[i].Name = name
	}
}

// inUse is the heap without what others are known to hold.
func (s *State) inUse() int64 {
	metrics.Read(s.used.sample[:])
	n := int64(s.used.sample[0].Value.Uint64())
	if s.limits.Others != nil {
		n -= s.limits.Others()
	}
	return n
}

// spend counts work that a library function does, in ticks.
func (s *State) spend(L *lua.LState, ticks int) {
	if L.G.Ticks -= ticks; L.G.Ticks <= 0 {
		s.look(L)
	}
}

// Spend counts what a function that is not of this package has done for a script: work in
// ticks, and bytes that the script may now hold. It may end the script.
func (s *State) Spend(L *lua.LState, ticks, bytes int) {
	s.spend(L, ticks)
	s.allocate(L, bytes)
}

// End ends the script with an error that none of its pcalls catches.
func (s *State) End(L *lua.LState, why error) { s.end(L, why) }

// allocate counts bytes that are about to be allocated, and filled.
func (s *State) allocate(L *lua.LState, bytes int) {
	if bytes >= bytesPerTick {
		s.spend(L, bytes/bytesPerTick)
	}
	s.used.bytes += int64(bytes)
	if s.used.bytes < bytesPerLook {
		return
	}
	if m := s.limits.Memory; m > 0 && int64(bytes) > m {
		s.end(L, ErrMemory)
	}
	s.checkMemory(L, int64(bytes))
}

// look is what happens at every TicksPerLook-th turn of a loop or call.
func (s *State) look(L *lua.LState) {
	s.endAgain(L)
	L.G.Ticks = TicksPerLook
	now := time.Now()
	if now.Sub(s.used.looked) < lookEvery {
		return
	}
	s.used.looked = now
	if s.limits.Tick != nil {
		if err := s.limits.Tick(); err != nil {
			s.end(L, err)
		}
	}
	s.checkMemory(L, 0)
}

// checkMemory compares the heap with what it was at the script's first look. What the heap gained may be
// garbage, so nothing is held against the script before a collection. And what was garbage at the first look
// must not count as room for the script: each collection since then shows how little was none.
func (s *State) checkMemory(L *lua.LState, wanted int64) {
	b := &s.used
	b.bytes = 0
	if s.limits.Memory <= 0 {
		return
	}
	used := s.inUse()
	live := used - int64(b.sample[0].Value.Uint64()) + int64(b.sample[1].Value.Uint64())
	switch cycles := b.sample[2].Value.Uint64(); {
	case !b.heapSeen:
		b.heap, b.heapSeen, b.cycles = used, true, cycles
	case cycles != b.cycles:
		b.heap, b.cycles = min(b.heap, live), cycles
	}
	if used+wanted-b.heap <= s.limits.Memory {
		return
	}
	runtime.GC()
	held := s.inUse()
	b.heap = min(b.heap, held)
	if held+wanted-b.heap > s.limits.Memory {
		s.end(L, ErrMemory)
	}
}

// text pushes a string that a library has made.
func (s *State) text(L *lua.LState, str string) int {
	L.Push(lua.LString(str))
	return 1
}

// roomFor ends in an error if a string of length bytes is too long, and counts it otherwise.
func (s *State) roomFor(L *lua.LState, length int) {
	if length > maxString || length < 0 {
		s.fail(L, "not enough memory")
	}
	s.allocate(L, length)
}
