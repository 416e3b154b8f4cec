package resp

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
)

// used_memory knows of Go's heap and of what stands beside it, as SQLite's memory does. Memory that other tests have left may go
// meanwhile: one measurement in several is enough.
func TestUsedMemoryIsNotLessThanWhatIsHeld(t *testing.T) {
	const size = 64 << 20
	grows := func(hold func() (release func())) bool {
		for range 8 {
			debug.FreeOSMemory()
			before := readMemory()
			release := hold()
			now := readMemory()
			release()
			if now.used < now.objects+now.stacks {
				t.Errorf("used_memory %d is less than Go's objects and stacks, %d", now.used, now.objects+now.stacks)
			}
			if now.used-before.used >= size*9/10 {
				return true
			}
		}
		return false
	}
	touch := func(b []byte) {
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	}
	if !grows(func() func() {
		held := make([]byte, size)
		touch(held)
		return func() { runtime.KeepAlive(held) }
	}) {
		t.Error("64 MB of the heap do not show")
	}
	if runtime.GOOS == "linux" && !grows(func() func() {
		mapped, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			t.Fatal(err)
		}
		touch(mapped)
		return func() { _ = syscall.Munmap(mapped) }
	}) {
		t.Error("64 MB beside the heap do not show")
	}
}

// What clients make the server hold counts towards maxmemory: keys are unloaded for it.
func TestBuffersLeaveLessOfMaxmemoryForKeys(t *testing.T) {
	addr, s := startServing(t)
	const limit = 64 << 20
	s.cfg.MaxMemory.Store(limit)
	if s.boundHotSet(); s.store.MaxMemory() != limit {
		t.Fatalf("without buffers the bound is %d", s.store.MaxMemory())
	}
	c := talk(t, addr)
	c.send("PING")
	c.want("+PONG")
	for _, part := range []int64{4 << 20, 20 << 20, 100 << 20} {
		s.clients.each(func(cl *client) { cl.gathered.Store(part) })
		s.boundHotSet()
		want := limit - max(0, part-limit/bufferShare)
		got := s.store.MaxMemory()
		if part > limit && got != limit/keysShare || part <= limit && (got > want || got < want-64<<10) {
			t.Errorf("with buffers of %d the bound is %d", part, got)
		}
	}
}
