package store

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
)

// turnsBeside counts how often another goroutine gets the only processor while work has it.
func turnsBeside(work func()) int64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var turns atomic.Int64
	stop, begun, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		close(begun)
		for {
			select {
			case <-stop:
				return
			default:
				turns.Add(1)
				runtime.Gosched()
			}
		}
	}()
	<-begun
	before := turns.Load()
	work()
	n := turns.Load() - before
	close(stop)
	<-done
	return n
}

// nowhere is a file that keeps nothing.
type nowhere struct{ vfs.File }

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

func TestPagesAreWrittenWhileClientsHaveTheirTurns(t *testing.T) {
	d := &doubtVFS{doubts: map[string]*doubt{}}
	f, _, err := d.wrap("pages", nowhere{}, vfs.OPEN_READWRITE|vfs.OPEN_MAIN_DB, nil)
	if err != nil {
		t.Fatal(err)
	}
	const pages = 40 * breathSteps
	write := func() {
		page := make([]byte, pageBytes)
		for i := range int64(pages) {
			if _, err := f.WriteAt(page, i*pageBytes); err != nil {
				t.Error(err)
			}
		}
	}
	d.serving.Store(true)
	const least = pages / breathSteps / 2 // the scheduler may have another goroutine run now and then
	if n := turnsBeside(write); n < least {
		t.Errorf("while %d pages were written others had %d turns, want %d", pages, n, least)
	}
}

func TestRowsAreSortedWhileClientsHaveTheirTurns(t *testing.T) {
	w := &writer{}
	w.serving.Store(true)
	for i := range 100_000 {
		w.places = append(w.places, rowPlace{id: int64(i) * 7919 % 100_003, place: int32(i)})
	}
	var order []int32
	n := turnsBeside(func() { order = w.inOrder() })
	if least := int64(100_000 * 5 / breathCompared); n < least { // a sort compares each more often than that
		t.Errorf("while 100,000 rows were sorted others had %d turns, want %d", n, least)
	}
	for i := 1; i < len(order); i++ {
		if a, b := int64(order[i-1])*7919%100_003, int64(order[i])*7919%100_003; a >= b {
			t.Fatalf("row %d comes before row %d", a, b)
		}
	}
}

func TestLongWorkIsToldWhileItGoesOn(t *testing.T) {
	for len(labor.begun) > 0 || Laboring() { // what a test before has left
		select {
		case <-LaborBegins():
		case <-time.After(laborPause):
		}
	}
	var b breath
	told := 0
	for began := time.Now(); labor.last.Load() < began.Add(20*breathPeriod).UnixNano(); {
		if b.step(breathSteps); time.Since(began) > time.Minute {
			t.Fatal("work that goes on for a minute is not noted")
		}
		select {
		case <-LaborBegins():
			told++
		default:
		}
	}
	if told == 0 {
		t.Error("nobody was told")
	}
}

// When a store is closed its clients are gone: its last write-back gives way to nobody.
func TestTheLastWriteBackTakesNoBreath(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use, func(o *Options) { o.WriteBackDelay = time.Hour })
	for i := range 200 {
		mustSet(t, st, fmt.Sprint("k", i), "v")
	}
	if !st.wb.w.serving.Load() {
		t.Error("a store that is open does not give way")
	}
	var writes, gaveWay atomic.Int64
	d.breakWith(func(_ int, kind, file string, _ int) error {
		if kind == "write" && strings.HasPrefix(file, databaseFile) {
			writes.Add(1)
			if st.wb.w.serving.Load() {
				gaveWay.Add(1)
			}
		}
		return nil
	})
	closed(t, st)
	if writes.Load() == 0 || gaveWay.Load() > 0 {
		t.Errorf("of %d writes %d gave way", writes.Load(), gaveWay.Load())
	}
}
