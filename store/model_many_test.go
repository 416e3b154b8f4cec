package store

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// TestRandomCommandsOfManyAtOnceDoWhatASimpleMapDoes has several clients play on the same keys of one store,
// so that loads overlap with each other's changes, with write-back, unloading and sweeps. The map is changed
// where the store is, under the keyspace lock.
func TestRandomCommandsOfManyAtOnceDoWhatASimpleMapDoes(t *testing.T) {
	first := testrand.Number(t, 1)
	for seed := first; !t.Failed() && seed < first+2; seed++ {
		t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) { playTogether(newGame(t, seed)) })
	}
}

func playTogether(g *game) {
	for round := range 3 {
		stop, swept := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(swept)
			g.disturb(stop)
		}()
		var players sync.WaitGroup
		for n := range 4 {
			p := *g
			p.r, p.trace = rand.New(rand.NewPCG(g.r.Uint64(), uint64(n))), nil
			players.Go(func() {
				for range 60 {
					p.command()
				}
			})
		}
		players.Wait()
		close(stop)
		<-swept
		if g.t.Failed() {
			return
		}
		g.note("round %d", round)
		g.compare()
		checked(g.t, g.st)
		g.now += int64(g.r.IntN(400))
	}
}

// disturb sweeps, unloads and flushes until it is stopped.
func (g *game) disturb(stop chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		switch n % 3 {
		case 0:
			g.st.Sweep(g.now)
		case 1:
			unloadAll(g.st)
		case 2:
			if err := g.st.Flush(); err != nil {
				g.t.Errorf("flush: %v", err)
			}
		}
	}
}
