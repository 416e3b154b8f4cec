package store

import (
	"fmt"
	"testing"
	"time"
)

// TestLoopsRestWhenThereIsNothingToDo, and a change wakes them: it is written back as soon as ever.
func TestLoopsRestWhenThereIsNothingToDo(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay = 10 * time.Millisecond })
	for round := range 2 {
		eventually(t, "their rest", func() bool {
			fold, apply := st.turns.fold.Load(), st.turns.apply.Load()
			time.Sleep(2 * restPeriod)
			return st.turns.fold.Load()-fold <= 4 && st.turns.apply.Load()-apply <= 4
		})
		mustSet(t, st, fmt.Sprint(round), "v")
		eventually(t, "write-back", func() bool { return st.applied.Load() == st.journal.Last() })
	}
}

// TestTheSweeperMayRestUntilTheNextDeadline, but not while something has just changed, nor longer than restPeriod.
func TestTheSweeperMayRestUntilTheNextDeadline(t *testing.T) {
	st := opened(t, t.TempDir())
	rest := func(now int64) int64 {
		millis, _ := st.Rest(now)
		return millis
	}
	settle := func(now int64) {
		flushed(t, st)
		for range 3 {
			st.Sweep(now)
		}
	}
	deadline := func(key string, in int64) {
		must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow+in) })
	}
	deadline("a", 100_000)
	if settle(testNow); rest(testNow) != 0 {
		t.Error("it may rest right after a change")
	}
	if n := rest(testNow); n != restPeriod.Milliseconds() {
		t.Errorf("without anything due it may rest for %d ms", n)
	}
	_, stirred := st.Rest(testNow)
	deadline("b", 300)
	select {
	case <-stirred:
	default:
		t.Error("nothing tells it of a change")
	}
	settle(testNow)
	if rest(testNow); rest(testNow) != 300 {
		t.Errorf("with a key that is due in 300 ms it may rest for %d", rest(testNow))
	}
	unloadAll(st)
	if n := rest(testNow); n != 300 {
		t.Errorf("when the key is on disk alone it may rest for %d", n)
	}
	if settle(testNow + 300); rest(testNow+300) != 0 {
		t.Error("it may rest right after a key has expired")
	}
	wantAbsent(t, st, "b")
}

// TestWhatNobodyUsesIsUnloaded, for as long as nobody comes back, and is there afterwards.
func TestWhatNobodyUsesIsUnloaded(t *testing.T) {
	st := opened(t, t.TempDir())
	const keys = 3 * idleSlice
	for i := range keys {
		mustSet(t, st, fmt.Sprint(i), "v")
	}
	wantAbsent(t, st, "none")
	must(t, st, 0, []string{"dying"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow+5000) })
	calls := 0
	if st.UnloadIdle(func() bool { calls++; return calls < 2 }) {
		t.Error("it went on although somebody was back")
	}
	if n := st.HotKeys(); n == 0 || n >= keys {
		t.Errorf("%d names are in memory, and one slice is not", n)
	}
	before, _ := st.Uses()
	if !st.UnloadIdle(func() bool { return true }) || st.HotKeys() != 0 || st.hotBytes != 0 {
		t.Errorf("%d names are in memory", st.HotKeys())
	}
	if after, known := st.Uses(); !known || after != before {
		t.Error("unloading counts as a use of keys")
	}
	loads := st.Loads()
	for i := range keys {
		wantGet(t, st, fmt.Sprint(i), "v")
	}
	wantAbsent(t, st, "none")
	if n := st.Loads() - loads; n != keys+1 {
		t.Errorf("%d loads", n)
	}
	checked(t, st)
	st.Sweep(testNow + 6000)
	wantAbsent(t, st, "dying")
}
