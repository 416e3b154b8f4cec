package store

import (
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"diskette/store/files"
)

// The means of the tests are tested here, where a fault of theirs would pass for one of the store.

// source is random numbers from a function.
type source func() uint64

func (s source) Uint64() uint64 { return s() }

// What the tests take for a power cut must be one: files of two instants hold values that nobody ever stored.
func TestAPowerCutIsOfOneInstantThoughWriteBackIsUnderWay(t *testing.T) {
	d := newDisk(t)
	underWay, goOn := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	d.watch = func(c files.Call, _ bool) {
		if c.Op == files.Write && filepath.Base(c.Path) == databaseFile+"-wal" && armed.Swap(false) {
			close(underWay)
			<-goOn
		}
	}
	st := opened(t, t.TempDir(), d.use)
	mustSet(t, st, "k", longBytes(100_000)) // some 25 pages, each a write
	armed.Store(true)
	st.kickWriteBack()
	<-underWay
	ops, asked := d.ops(), 0
	cut := make(chan string)
	go func() {
		defer close(cut)
		cut <- d.powerCut(t, st.dir, rand.New(source(func() uint64 {
			if asked++; d.op != ops { // the disk is held
				t.Errorf("change %d is to be forgotten, and the files are those of change %d", d.op, ops)
			}
			return 0
		})))
	}()
	eventually(t, "the power cut's wait for the write", func() bool {
		if d.still.TryRLock() {
			d.still.RUnlock()
			return false
		}
		return true
	})
	close(goOn) // the next write waits for the power cut
	dir := <-cut
	if asked == 0 {
		t.Error("there was nothing to forget")
	}
	flushed(t, st)
	wantGet(t, opened(t, dir, d.use), "k", longBytes(100_000))
}

func TestATestThatFailsInACommandLeavesAStoreThatCanBeClosed(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	unloadAll(st)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command(st, 0, testNow, []string{"k"}, func(*Tx, [][]byte) { runtime.Goexit() }) // as t.Fatal does
	}()
	<-ended
	if !st.mu.TryLock() {
		t.Error("nobody would have unlocked the keyspace")
	}
	st.mu.Unlock()
	closed(t, st)
}
