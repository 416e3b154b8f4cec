package lualib

import (
	"errors"
	"runtime"
	"runtime/metrics"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// ErrMemory ends a script that holds more than Limits.Memory.
var ErrMemory = errors.New("not enough memory")

const (
	// maxString is proto-max-bulk-len: a longer string could never leave the script.
	maxString = 512 << 20
	// maxArray is the first index that a table keeps by hash, whatever the indexes below it.
	maxArray = 1 << 22

	ticksPerLook = 1 << 10          // between two looks at the clock
	lookEvery    = time.Millisecond // between two looks at memory, and two calls of Limits.Tick
	bytesPerLook = 8 << 20          // allocated, to our knowledge, between two looks at memory
	valueBytes   = 16
)

// Limits bound what a script may use.
type Limits struct {
	Memory int64        // bytes that scripts may hold at once; beyond it they get an error
	Tick   func() error // called every few thousand loop iterations or calls, at most every ms or so; an error ends the script, and no pcall catches it
}

// budget is what a running script has used.
type budget struct {
	ticks    int       // until the next look at the clock
	looked   time.Time // the last look
	bytes    int64     // allocated since then, as far as we know
	heap     int64     // in use when the script began
	heapSeen bool      // heap is set
	sample   [1]metrics.Sample
}

func (b *budget) begin() {
	*b = budget{ticks: ticksPerLook, looked: b.looked}
	b.sample[0].Name = "/memory/classes/heap/objects:bytes"
}

func (b *budget) inUse() int64 {
	metrics.Read(b.sample[:])
	return int64(b.sample[0].Value.Uint64())
}

// tick is hiddenTick: it runs once for each turn of a loop and each call of a function.
func (s *State) tick(L *lua.LState) int {
	if s.used.ticks--; s.used.ticks <= 0 {
		s.look(L)
	}
	return 0
}

// spend counts work that a library function does, in ticks.
func (s *State) spend(L *lua.LState, ticks int) {
	if s.used.ticks -= ticks; s.used.ticks <= 0 {
		s.look(L)
	}
}

// allocate counts bytes that are about to be allocated.
func (s *State) allocate(L *lua.LState, bytes int) {
	s.used.bytes += int64(bytes)
	if s.used.bytes < bytesPerLook {
		return
	}
	if m := s.limits.Memory; m > 0 && int64(bytes) > m {
		s.end(L, ErrMemory)
	}
	s.checkMemory(L, int64(bytes))
}

// look is the slow part of a tick.
func (s *State) look(L *lua.LState) {
	s.endAgain(L)
	s.used.ticks = ticksPerLook
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

// checkMemory compares the heap with what it was at the script's first look. What the heap gained
// may be garbage, so nothing is held against the script before a collection.
func (s *State) checkMemory(L *lua.LState, wanted int64) {
	s.used.bytes = 0
	if s.limits.Memory <= 0 {
		return
	}
	if !s.used.heapSeen {
		s.used.heap, s.used.heapSeen = s.used.inUse(), true
	}
	if s.used.inUse()+wanted-s.used.heap <= s.limits.Memory {
		return
	}
	runtime.GC()
	held := s.used.inUse() + wanted
	// What was garbage when the script began is gone now, and must not count as room for it.
	s.used.heap = min(s.used.heap, held)
	if held-s.used.heap > s.limits.Memory {
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
