package store

import (
	"fmt"
	"testing"
	"time"

	"diskette/compat_test/testprocess"
)

// TestASmallKeyTakesLittleMemory: a key of 16 and a value of 100 bytes take at most 240 bytes of the heap [221
// measured; 375 before objects were made small], and are counted for what they take.
func TestASmallKeyTakesLittleMemory(t *testing.T) {
	testprocess.Own(t, func() { aSmallKeyTakesLittleMemory(t) })
}

func aSmallKeyTakesLittleMemory(t *testing.T) {
	const keys = 40_000
	delay := restDelay
	restDelay = time.Millisecond
	t.Cleanup(func() { restDelay = delay }) // the store is closed by then
	st := opened(t, t.TempDir(), func(o *Options) { o.MaxMemory = 1 << 30; o.WriteBackDelay = time.Millisecond })
	set := func(from, to int) {
		value := make([]byte, 100)
		for i := from; i < to; i++ {
			key := fmt.Appendf(nil, "key:%012d", i)
			st.Lock()
			tx := st.Begin(0, testNow)
			tx.Want(key, NeedHead)
			tx.SetString(key, value, 0)
			seen := tx.End()
			st.Unlock()
			if i%1000 == 999 {
				st.WaitForRoom()
				if err := st.Wait(seen); err != nil {
					t.Fatal(err)
				}
			}
		}
		flushed(t, st)
		eventually(t, "rest", func() bool {
			st.wb.mu.Lock()
			defer st.wb.mu.Unlock()
			return st.wb.spare != nil && cap(st.wb.pending.entries)+cap(st.wb.spare.entries) == 0
		})
	}
	set(0, keys) // what is there however many keys there are
	before, counted := heapBytes(), st.hotBytes
	set(keys, 3*keys)
	each, counts := float64(heapBytes()-before)/(2*keys), float64(st.hotBytes-counted)/(2*keys)
	t.Logf("%.1f bytes of the heap a key, counted for %.1f", each, counts)
	if each > 240 {
		t.Errorf("a key of 16 and a value of 100 bytes take %.1f bytes of the heap", each)
	}
	if counts < each*0.8 || counts > each*1.25 {
		t.Errorf("such a key takes %.1f bytes and counts for %.1f", each, counts)
	}
}
