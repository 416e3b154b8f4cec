package resp

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
)

// used_memory knows of Go's heap and of what stands beside it, as SQLite's memory does.
func TestUsedMemoryIsNotLessThanWhatIsHeld(t *testing.T) {
	const size = 64 << 20
	touch := func(b []byte) {
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	}
	debug.FreeOSMemory() // what other tests have left is not to go meanwhile
	before := readMemory()
	held := make([]byte, size)
	touch(held)
	if grew := readMemory().used - before.used; grew < size*9/10 {
		t.Errorf("64 MB of the heap: used_memory grew by %d", grew)
	}
	if now := readMemory(); now.used < now.objects+now.stacks {
		t.Errorf("used_memory %d is less than Go's objects and stacks, %d", now.used, now.objects+now.stacks)
	}
	if runtime.GOOS == "linux" {
		debug.FreeOSMemory()
		before = readMemory()
		mapped, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			t.Fatal(err)
		}
		touch(mapped)
		if grew := readMemory().used - before.used; grew < size*9/10 {
			t.Errorf("64 MB beside the heap: used_memory grew by %d", grew)
		}
		if err := syscall.Munmap(mapped); err != nil {
			t.Fatal(err)
		}
	}
	runtime.KeepAlive(held)
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
