package testrand

import (
	"fmt"
	"slices"
	"testing"
)

// listener is a test that another one listens to.
type listener struct {
	testing.TB
	failed bool
	said   []string
	after  []func()
}

func (l *listener) Name() string               { return "a test that fails" }
func (l *listener) Helper()                    {}
func (l *listener) Cleanup(f func())           { l.after = append(l.after, f) }
func (l *listener) Failed() bool               { return l.failed }
func (l *listener) Logf(f string, args ...any) { l.said = append(l.said, fmt.Sprintf(f, args...)) }

func numbers(t testing.TB, stream uint64) (all []int) {
	r := New(t, stream)
	for range 10 {
		all = append(all, r.IntN(1000))
	}
	return all
}

func TestWithoutASeedTheNumbersAreTheSameAtEachRun(t *testing.T) {
	t.Setenv("DISKETTE_SEED", "")
	first := numbers(t, 1)
	if again := numbers(t, 1); !slices.Equal(first, again) {
		t.Errorf("%v, then %v", first, again)
	}
	if other := numbers(t, 2); slices.Equal(first, other) {
		t.Errorf("two streams have the same numbers: %v", other)
	}
	if one, other := Seed(t), Seed(t); one == other {
		t.Errorf("a search has the seed %d twice", one)
	}
}

func TestASeedIsObeyedAndNamedWhenATestFails(t *testing.T) {
	t.Setenv("DISKETTE_SEED", "12")
	twelve := numbers(t, 1)
	l := &listener{TB: t}
	if got := Seed(l); got != 12 {
		t.Errorf("Seed is %d", got)
	}
	New(l, 1)
	t.Setenv("DISKETTE_SEED", "13")
	if slices.Equal(numbers(t, 1), twelve) {
		t.Errorf("two seeds have the same numbers: %v", twelve)
	}
	for _, l.failed = range []bool{false, true} {
		l.said = nil
		for _, f := range l.after {
			f()
		}
		if told := slices.Equal(l.said, []string{"repeat with DISKETTE_SEED=12"}); told != l.failed {
			t.Errorf("failed is %v, said is %q", l.failed, l.said)
		}
	}
}
