package store

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHoldsOfTheLockAreToldWithWhoHadThem(t *testing.T) {
	st := opened(t, t.TempDir())
	ctx, end := context.WithCancel(t.Context())
	defer end()
	watched := make(chan []Holds)
	go func() {
		holds, err := st.WatchHolds(ctx)
		if err != nil {
			t.Error(err)
		}
		watched <- holds
	}()
	eventually(t, "the watch", func() bool { return st.mu.watch.Load() != nil })
	if _, err := st.WatchHolds(ctx); err != ErrWatched {
		t.Errorf("a second one: %v", err)
	}
	const least = 20 * time.Millisecond
	holdFor(st, least)
	for range 5 {
		mustSet(t, st, "k", "v")
	}
	end()
	holds := <-watched
	if !slices.IsSortedFunc(holds, func(a, b Holds) int { return int(b.Longest - a.Longest) }) {
		t.Error("the longest does not come first")
	}
	at := slices.IndexFunc(holds, func(h Holds) bool { return strings.HasSuffix(h.Where[0], "holdFor") })
	if at < 0 || holds[at].Count != 1 || holds[at].Longest < least || holds[at].Total != holds[at].Longest {
		t.Fatalf("the hold of %v is not told: %+v", least, holds)
	}
	// It was asleep meanwhile: a processor has done nothing for it.
	if cpu := holds[at].LongestCPU; threadTime() > 0 && (cpu <= 0 || cpu > holds[at].Longest) {
		t.Errorf("of %v it took %v of a processor's time", holds[at].Longest, cpu)
	}
	sets := 0
	for _, h := range holds {
		if h.Where[0] == "store.lastly" { // in which the harness runs a command
			sets += h.Count
		}
	}
	if sets != 5 {
		t.Errorf("%d holds of commands, want 5: %+v", sets, holds)
	}
	if st.mu.watch.Load() != nil {
		t.Error("somebody watches still")
	}
}

// holdFor holds the keyspace lock.
func holdFor(st *Store, d time.Duration) {
	st.Lock()
	time.Sleep(d)
	st.Unlock()
}
