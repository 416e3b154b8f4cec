package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"diskette/store/journal"
)

// TestAPlantedFaultIsFound shows that the bench can fail: where the WAL's fsync does nothing, the journal
// is dropped before its records are on disk; where the journal's does nothing, replies leave before that.
func TestAPlantedFaultIsFound(t *testing.T) {
	for _, file := range []string{"-wal", ".journal", databaseFile} {
		t.Run("an fsync of "+file+" that does nothing", func(t *testing.T) {
			var found *failure
			for seed := uint64(0); found == nil && seed < 20; seed++ {
				h := &trial{t: t, r: rand.New(rand.NewPCG(seed, 12)), lie: file}
				h.run()
				_, found = h.cuts(cutsATrial)
			}
			if found == nil {
				t.Fatal("it was not found")
			}
		})
	}
}

func (h *trial) put(key string) {
	value := make([]byte, 5000)
	for i := range value {
		value[i] = byte('a' + h.r.IntN(26))
	}
	h.record("put "+key, func() error {
		return command(h.st, 0, testNow, []string{key}, func(tx *Tx, k [][]byte) {
			tx.SetString(k[0], value, 0)
			h.look(tx, 0, k)
		})
	})
}

// newAlways is a trial of a disk that works until the test says otherwise.
func newAlways(t *testing.T) *trial {
	h := &trial{t: t, r: rand.New(rand.NewPCG(1, 13)), policy: journal.Always}
	h.live(fastDir(t))
	for i := range 5 {
		h.put(fmt.Sprint("before", i))
	}
	flushed(t, h.st)
	return h
}

// failing lets the changes of one kind to a file fail.
func failing(kinds, name string) fault {
	return func(_ int, kind, file string, _ int) error {
		if file == name && strings.Contains(kinds, kind) {
			return syscall.EIO
		}
		return nil
	}
}

const walFile = databaseFile + "-wal"

func TestAFailedFsyncOfTheWALIsNotBelievedByTheNextStart(t *testing.T) {
	h := newAlways(t)
	h.machine.breakWith(failing("sync", walFile))
	for i := range 5 {
		h.put(fmt.Sprint("on a broken disk", i))
	}
	if h.st.Flush() == nil {
		t.Fatal("the fsync did not fail")
	}
	from := h.tape.length()
	h.kill() // the frames are whole in the page cache
	flushed(t, h.st)
	h.put("after")
	h.report(h.everywhere(from))
}

func TestAFailedFsyncOfTheJournalIsNotBelievedByTheNextStart(t *testing.T) {
	h := newAlways(t)
	h.trouble = true
	h.machine.breakWith(func(op int, kind, file string, n int) error {
		return errors.Join(failing("sync", "journal")(op, kind, file, n), failing("write", walFile)(op, kind, file, n))
	})
	for i := range 5 {
		h.put(fmt.Sprint("on a broken disk", i))
	}
	h.trouble = false
	from := h.tape.length()
	h.kill()
	h.put("after")
	h.report(h.everywhere(from))
}

func TestAFailedFsyncAfterARecoveryIsNotBelievedByTheNextWriteBack(t *testing.T) {
	h := newAlways(t)
	h.machine.breakWith(failing("write", walFile))
	for i := range 5 {
		h.put(fmt.Sprint("to be recovered", i))
	}
	var syncs atomic.Int64
	h.atStart = func(_ int, kind, file string, _ int) error {
		if file == walFile && kind == "sync" {
			if syncs.Add(1) == 2 { // the first is that of the start, the second finishRecovery's
				return syscall.EIO
			}
		}
		return nil
	}
	from := h.tape.length()
	h.kill()
	eventually(t, "the fsync that fails", func() bool { return syncs.Load() >= 2 })
	h.put("after")
	flushed(t, h.st)
	h.report(h.everywhere(from))
}
