package store

import (
	"testing"
	"time"
)

// While a write-back is under way writers may fill half of the next at once, and the rest with its time.
func TestWritersAreSlowedDownBeforeTheyAreStopped(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackRows, o.WriteBackDelay = 100, time.Hour })
	p := &st.wb.pace
	fill := func(from, to int) {
		for i := from; i < to; i++ {
			mustSet(t, st, "k"+itoa(int64(i)), "v")
		}
	}
	begin := func(now time.Time) {
		p.perRow = time.Millisecond
		p.begin(now, 1000)
	}
	aheadAfter := func(elapsed time.Duration) bool {
		begin(time.Now().Add(-elapsed))
		return st.ahead()
	}

	fill(0, 40)
	if aheadAfter(0) {
		t.Error("40 rows of 100 are too many when a write-back begins")
	}
	fill(40, 70)
	if !aheadAfter(0) {
		t.Error("70 rows of 100 are not too many when a write-back begins")
	}
	if aheadAfter(600 * time.Millisecond) {
		t.Error("70 rows of 100 are too many after 600 ms of a write-back of 1,000 ms")
	}

	begin(time.Now().Add(time.Hour)) // it does not come to an end by itself
	done := make(chan struct{})
	go func() {
		st.WaitForRoom()
		close(done)
	}()
	select {
	case <-done:
		t.Error("a writer went on before the write-back was done")
	case <-time.After(20 * mendingPause):
	}
	p.end(time.Now())
	<-done
	if st.ahead() {
		t.Error("writers are too far ahead of no write-back")
	}
}

// How long a row takes is told by write-backs of many rows, and follows them slowly.
func TestThePaceFollowsWriteBack(t *testing.T) {
	var p pace
	wrote := func(rows int, took time.Duration) time.Duration {
		now := time.Now()
		p.begin(now, rows)
		p.end(now.Add(took))
		return p.perRow
	}
	if got := wrote(10, time.Second); got != 0 {
		t.Errorf("ten rows told %v a row", got)
	}
	if got := wrote(1000, time.Second); got != time.Millisecond {
		t.Errorf("1,000 rows in 1 s told %v a row", got)
	}
	if got := wrote(1000, 5*time.Second); got != 2*time.Millisecond {
		t.Errorf("1,000 rows in 5 s after that told %v a row", got)
	}
}
