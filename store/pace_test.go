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
	begin := func(now time.Time) { // of what takes a day, in which the machine may have other work for minutes
		p.allRows, p.allTime = 1000, float64(24*time.Hour)
		p.begin(now, 1000, 0)
	}
	aheadAfter := func(elapsed time.Duration) bool {
		begin(time.Now().Add(-elapsed))
		defer p.end(time.Now())
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
	if aheadAfter(14 * time.Hour) {
		t.Error("70 rows of 100 are too many after 14 hours of a write-back of 24")
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
	select {
	case <-done:
	case <-time.After(5 * time.Minute):
		t.Fatal("a writer waits although the write-back is done")
	}
	if st.ahead() {
		t.Error("writers are too far ahead of no write-back")
	}
}

// How long a write-back takes is told by those before: by the large ones more than by the small, and not by one that
// had to be tried again for long.
func TestThePaceFollowsWriteBack(t *testing.T) {
	var p pace
	now := time.Now()
	wrote := func(rows int, took time.Duration) (expected time.Duration) {
		p.begin(now, rows, 0)
		p.end(now.Add(took))
		p.begin(now, 1000, 0)
		return time.Duration(p.takes.Load()).Round(time.Millisecond)
	}
	for _, w := range []struct {
		rows       int
		took, next time.Duration
	}{
		{10, time.Second, 0},
		{1000, time.Second, time.Second},
		{9000, 3 * time.Second, 385 * time.Millisecond},
		{1000, time.Hour, 523 * time.Millisecond},
	} {
		if got := wrote(w.rows, w.took); got != w.next {
			t.Errorf("after %d rows in %v 1,000 are expected to take %v, not %v", w.rows, w.took, got, w.next)
		}
	}
}

// What the write-back under way has of the journal is no part of the next one.
func TestTheWriteBackUnderWayDoesNotFillTheNextOne(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay = time.Hour })
	tail := st.onDisk.Load().tail
	st.backlog.Add(tail)
	defer st.backlog.Add(-tail)
	if got := st.filled(); got != 0.5 {
		t.Errorf("a journal of half of what may wait fills the next fold to %v", got)
	}
	st.wb.pace.begin(time.Now(), 1000, tail)
	if got := st.filled(); got != 0 {
		t.Errorf("what is being written back fills the next fold to %v", got)
	}
	st.wb.pace.end(time.Now())
}
