package expire

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

const now = int64(1_700_000_000_000)

func TestDeadlinesAreAbsoluteMilliseconds(t *testing.T) {
	for _, c := range []struct {
		n    int64
		unit Unit
		want int64
	}{
		{10, Seconds, now + 10_000}, {10, Millis, now + 10},
		{10, UnixSeconds, 10_000}, {10, UnixMillis, 10},
	} {
		if got, err := Deadline(c.n, c.unit, now); err != nil || got != c.want {
			t.Errorf("Deadline(%d, %d) = %d, %v; want %d", c.n, c.unit, got, err, c.want)
		}
	}
}

func TestDeadlinesThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		n    int64
		unit Unit
	}{
		{math.MaxInt64, Seconds}, {math.MaxInt64 / 1000, Seconds}, {math.MaxInt64, Millis}, {math.MaxInt64, UnixSeconds},
	} {
		if _, err := AnyDeadline(c.n, c.unit, now); !errors.Is(err, ErrInvalid) {
			t.Errorf("AnyDeadline(%d, %d): %v, want ErrInvalid", c.n, c.unit, err)
		}
	}
	for _, n := range []int64{0, -1} {
		if _, err := Deadline(n, Seconds, now); !errors.Is(err, ErrInvalid) {
			t.Errorf("Deadline(%d): %v, want ErrInvalid", n, err)
		}
	}
	if got, err := AnyDeadline(-5, Seconds, now); err != nil || got != now-5000 {
		t.Errorf("AnyDeadline(-5) = %d, %v: EXPIRE takes deadlines that have passed", got, err)
	}
}

func TestConditionsCompareWithTheOldDeadline(t *testing.T) {
	for _, c := range []struct {
		cond      Condition
		old, next int64
		want      bool
	}{
		{0, 0, 5, true}, {0, 9, 5, true},
		{IfNone, 0, 5, true}, {IfNone, 9, 5, false},
		{IfSome, 0, 5, false}, {IfSome, 9, 5, true},
		{IfGreater, 0, 5, false}, {IfGreater, 4, 5, true}, {IfGreater, 5, 5, false},
		{IfLess, 0, 5, true}, {IfLess, 6, 5, true}, {IfLess, 5, 5, false},
		{IfSome | IfGreater, 0, 5, false}, {IfSome | IfLess, 0, 5, false}, {IfSome | IfLess, 6, 5, true},
	} {
		if got := c.cond.Allows(c.old, c.next); got != c.want {
			t.Errorf("%b.Allows(%d, %d) = %v", c.cond, c.old, c.next, got)
		}
	}
}

func TestDueAtTheMillisecond(t *testing.T) {
	if Due(0, now) || Due(now+1, now) || !Due(now, now) {
		t.Error("a deadline is due from its millisecond on, and 0 is never due")
	}
}

type entry struct{ slot int32 }

func (e *entry) Slot() int32     { return e.slot }
func (e *entry) SetSlot(n int32) { e.slot = n }

func TestQueueAgreesWithASortedList(t *testing.T) {
	var q Queue[*entry]
	deadlines := map[*entry]int64{}
	all := make([]*entry, 300)
	for i := range all {
		all[i] = &entry{}
	}
	r := testrand.New(t, 1)
	for range 20_000 {
		e := all[r.IntN(len(all))]
		deadline := int64(r.IntN(1000)) // 0 takes it out
		q.Set(e, deadline)
		if delete(deadlines, e); deadline != 0 {
			deadlines[e] = deadline
		}
		if q.Len() != len(deadlines) {
			t.Fatalf("%d entries, want %d", q.Len(), len(deadlines))
		}
		first := int64(math.MaxInt64)
		for _, d := range deadlines {
			first = min(first, d)
		}
		if d, e, ok := q.First(); ok != (len(deadlines) > 0) || ok && (d != first || deadlines[e] != d) {
			t.Fatalf("First = %d, want %d", d, first)
		}
	}
	var due, want []*entry
	q.EachDue(500, func(e *entry) bool {
		due = append(due, e)
		return true
	})
	for e, d := range deadlines {
		if d <= 500 {
			want = append(want, e)
		}
	}
	if len(due) != len(want) || slices.ContainsFunc(want, func(e *entry) bool { return !slices.Contains(due, e) }) {
		t.Fatalf("EachDue visited %d, want %d", len(due), len(want))
	}
}

// restingTarget has nothing to sweep for an hour, unless it is stirred.
type restingTarget struct {
	sweeps, rests chan struct{}
	stirred       chan struct{}
}

func (r *restingTarget) Sweep(int64) bool { r.sweeps <- struct{}{}; return false }

func (r *restingTarget) Rest(int64) (int64, <-chan struct{}) {
	r.rests <- struct{}{}
	return time.Hour.Milliseconds(), r.stirred
}

func TestASweeperRestsUntilItsTargetIsStirred(t *testing.T) {
	r := &restingTarget{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	s := Start(r, 500)
	for range 3 {
		<-r.rests
		select {
		case <-r.sweeps:
			t.Fatal("it swept while it was to rest")
		case r.stirred <- struct{}{}:
		}
		<-r.sweeps
	}
	<-r.rests
	s.Stop() // while it rests
}
