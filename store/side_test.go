package store

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"diskette/compat_test/testprocess"
)

// What is told of the memory for keys on disk is what the heap has of it.
func TestWhatIsKnownOfKeysOnDiskIsCountedForWhatItTakes(t *testing.T) {
	testprocess.Own(t, func() {
		const keys = 300_000
		delay := restDelay
		restDelay = time.Millisecond
		t.Cleanup(func() { restDelay = delay }) // the store is closed by then
		st := opened(t, t.TempDir(), func(o *Options) { o.MaxMemory, o.WriteBackDelay = 1<<30, time.Millisecond })
		for from := 0; from < keys; from += 1000 {
			var names []string
			for i := range 1000 {
				names = append(names, fmt.Sprint("key:", from+i))
			}
			st.WaitForRoom()
			must(t, st, 0, names, func(tx *Tx, k [][]byte) {
				for _, key := range k {
					tx.SetString(key, []byte("v"), 0)
				}
			})
		}
		unloadAll(st)
		flushed(t, st)
		unloadAll(st)
		eventually(t, "rest", func() bool {
			st.wb.mu.Lock()
			defer st.wb.mu.Unlock()
			return st.wb.spare != nil && cap(st.wb.pending.entries)+cap(st.wb.spare.entries) == 0
		})
		if orders, _ := st.SideBytes(); orders != 0 {
			t.Errorf("without a bound %d bytes are told", orders)
		}
		before := heapBytes()
		eventually(t, "the end of what rest gives back", func() bool {
			was := before
			time.Sleep(20 * time.Millisecond)
			before = heapBytes()
			return before > was-16<<10
		})
		st.SetBounds(&Bounds{Policy: AllKeysLFU})
		ordersAgree(t, st)
		is, told := heapBytes()-before, int64(0)
		eventually(t, "what is told", func() bool {
			told, _ = st.SideBytes()
			return told > is*9/10-64<<10
		})
		t.Logf("%d bytes are told, and the heap has %d more", told, is)
		if told > is*11/10+64<<10 || told < 2*keys {
			t.Errorf("%d bytes are told, and the heap has %d more", told, is)
		}
	})
}

// What is known of holes is counted for what it takes.
func TestWhatIsKnownOfHolesIsCountedForWhatItTakes(t *testing.T) {
	testprocess.Own(t, func() {
		p := &packing{}
		before := heapBytes()
		p.forget()
		for n := range int64(40_000) {
			p.born(n << rangeBits)
		}
		is, told := heapBytes()-before, p.memory()
		t.Logf("%d bytes are told, and the heap has %d more", told, is)
		if told < is*2/3 || told > is*3/2 {
			t.Errorf("%d bytes are told, and the heap has %d more", told, is)
		}
		runtime.KeepAlive(p)
	})
}
