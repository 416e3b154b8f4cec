package machine

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
)

// used_memory knows of Go's heap and of what stands beside it, as SQLite's memory does. Memory
// that other tests have left may go meanwhile: one measurement in several is enough.
func TestUsedMemoryIsNotLessThanWhatIsHeld(t *testing.T) {
	const size = 64 << 20
	grows := func(hold func() (release func())) bool {
		for range 8 {
			debug.FreeOSMemory()
			before := ReadProcess()
			release := hold()
			now := ReadProcess()
			release()
			if now.Used < now.Objects+now.Stacks {
				t.Errorf("used_memory %d is less than Go's objects and stacks, %d", now.Used, now.Objects+now.Stacks)
			}
			if now.Used-before.Used >= size*9/10 {
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
