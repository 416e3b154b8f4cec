package store

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testrand"
	"diskette/store/files"
	"diskette/store/journal"
)

// What a disk may hold after a power cut is tried as the ALICE study did (Pillai et al., OSDI 2014): changes
// are played on a store whose every write, fsync, rename and deletion is recorded, by a VFS under SQLite and
// package files under the rest; states of the disk are built from that (medium, choice), at any point, and a
// store is started on each, a quarter of them with another cut in that start. What was promised until then
// must be there: all acknowledged records under always, under everysec those that an fsync covers; a record
// is whole or not there, none is missing before another, and Check passes. A start that refuses is a failure.
// Half of the runs have a disk whose writes and fsyncs fail at random, and a process that is killed then.
//
// Directories are simpler here than pages: an fsync of one that fails leaves its names to the next.
//
// 3,028 states took 80 s of processor time, so those of go test take about 7. They found: a failed fsync of
// the journal gave the segment a successor, and a start after a power cut refused the torn one in the middle;
// a start that met a disk error closed the database so that the next one missed its WAL; one that was cut off
// when it created the database was refused by its rollback journal; a new segment was emptied by a second try
// when the state file named it already.
//
// The seed says what is played. Goroutines run as they like, so a second run may have other
// states: a state that fails is kept with its events by go test -artifacts.
var powerCuts = flag.Int("powercut", 0, "how many states of a disk after a power cut to start on, with seeds of their own")

const cutsATrial = 60

func TestAPowerCutLeavesEverythingPromised(t *testing.T) {
	states, first := shorter(240, 80), testrand.Number(t, 1)
	if *powerCuts > 0 {
		states, first = *powerCuts, testrand.Seed(t)
	}
	begin, tried := time.Now(), 0
	for seed := first; tried < states && !t.Failed(); seed++ {
		t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) {
			h := newTrial(t, seed)
			h.run()
			n, wrong := h.cuts(cutsATrial)
			h.report(wrong)
			tried += n
		})
	}
	t.Logf("%d states in %v", tried, time.Since(begin))
}

// fastDir is a directory for a state, in memory where there is such a file system: what is in it is read once.
func fastDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "powercut")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func newTrial(t testing.TB, seed uint64) *trial {
	lumpsFrom(t, 2)
	h := &trial{t: t, r: rand.New(rand.NewPCG(seed, 11))}
	h.policy = []journal.Policy{journal.Always, journal.Always, journal.EverySec}[seed%3]
	h.trouble = seed%2 == 1
	return h
}

// run is three lives, which end by a kill, a restart, and the last of the power cuts.
func (h *trial) run() {
	h.live(fastDir(h.t))
	h.play(40)
	for range 2 {
		if h.trouble && h.r.IntN(2) == 0 { // a bad end
			h.machine.breakWith(h.fault())
			for range 1 + h.r.IntN(4) {
				h.change()
			}
			_ = h.st.Flush()
			h.kill()
		} else if h.r.IntN(2) == 0 {
			h.kill()
		} else {
			h.restart()
		}
		h.play(40)
	}
	h.machine.breakWith(nil)
	_ = h.st.Flush()
}

// cuts lets the power go so many times, anywhere, and starts on what is left, until something is wrong with that.
func (h *trial) cuts(n int) (tried int, wrong *failure) {
	events := h.events()
	at := make([]int, n)
	for i := range at {
		at[i] = h.r.IntN(len(events) + 1)
		if i%2 == 0 { // about a start
			l := h.lives[h.r.IntN(len(h.lives))]
			at[i] = max(0, min(l.opened-20+h.r.IntN(60), len(events)))
		}
	}
	slices.Sort(at)
	m := newMedium()
	seen := map[uint64]bool{}
	for _, p := range at {
		for m.seq < p {
			m.take(events[m.seq])
		}
		c := m.cut(h.r)
		g := m.image(c)
		if id := g.hash(stateSeed); seen[id] {
			continue
		} else {
			seen[id] = true
		}
		tried++
		where := fmt.Sprintf("power cut after event %d, with %s", p, c.what)
		if wrong := h.startOn(g, p, where, h.r.IntN(4) == 0); wrong != nil {
			return tried, wrong
		}
	}
	return tried, nil
}

// everywhere lets the power go after each event from one on, so that the disk has nothing that it need not have.
func (h *trial) everywhere(from int) (wrong *failure) {
	events := h.events()
	m := newMedium()
	var last uint64
	for p := range len(events) + 1 {
		if p >= from {
			g := m.image(upTo(-1))
			if id := g.hash(stateSeed); id != last {
				last = id
				if wrong := h.startOn(g, p, fmt.Sprintf("power cut after event %d, with nothing unsynced", p), false); wrong != nil {
					return wrong
				}
			}
		}
		if p < len(events) {
			m.take(events[p])
		}
	}
	return nil
}

// events are what the disk has seen, without what it was said to do and did not.
func (h *trial) events() []event {
	events := slices.Clone(h.tape.taken())
	for i, e := range events {
		if e.Op == files.Sync && h.lie != "" && strings.HasSuffix(e.Path, h.lie) {
			events[i] = event{Call: files.Call{Op: -1}}
		}
	}
	return events
}

// failure is a state of the disk that a store does not start on as it should.
type failure struct {
	image  image
	events int
	where  string
	why    string
}

// startOn starts a store on what a power cut left, a second time if `again`: on what a power
// cut during the first start left.
func (h *trial) startOn(g image, events int, where string, again bool) *failure {
	h.t.Helper()
	root := fastDir(h.t)
	defer os.RemoveAll(root)
	g.otherBoot()
	if err := g.write(root); err != nil {
		h.t.Fatal(err)
	}
	var second tape
	m := holding(root)
	use := func(*Options) {}
	if again {
		use = newMachine(h.t, &second, root).use
	}
	if why := h.startIn(root, events, use); why != "" {
		return &failure{g, events, where, why}
	}
	if !again {
		return nil
	}
	for range 2 {
		p := h.r.IntN(len(second.events) + 1)
		for m.seq < p {
			m.take(second.events[m.seq])
		}
		c := m.cut(h.r)
		where := fmt.Sprintf("%s; and again in the start, after event %d of %d, with %s", where, p, len(second.events), c.what)
		if wrong := h.startOn(m.image(c), events, where, false); wrong != nil {
			return wrong
		}
	}
	return nil
}

func (h *trial) startIn(root string, events int, use func(*Options)) (why string) {
	st, err := tryOpen(filepath.Join(root, "data"), use, func(o *Options) { o.ReserveBytes, o.Databases = -1, trialDBs })
	if err != nil {
		return fmt.Sprint("the start refuses: ", err)
	}
	defer st.Close()
	holds, err := everything(st)
	if err != nil {
		return err.Error()
	}
	if why := h.misfit(hashed(holds), events); why != "" {
		return why
	}
	if err := errors.Join(st.Check(), st.Close()); err != nil {
		return err.Error()
	}
	return ""
}

// report fails the test and keeps the state and the events that led to it.
func (h *trial) report(f *failure) {
	h.t.Helper()
	if f == nil {
		return
	}
	dir := h.t.ArtifactDir()
	_ = f.image.write(dir)
	var lines []string
	for i, e := range h.tape.taken() {
		mark := ""
		if e.failed {
			mark = " FAILED"
		}
		lines = append(lines, fmt.Sprintf("%d %s %s %s at %d, %d bytes%s", i, kinds[e.Op], e.Path, e.To, e.At, len(e.Data), mark))
	}
	_ = os.WriteFile(filepath.Join(dir, "events"), []byte(strings.Join(lines, "\n")), 0o644)
	h.t.Errorf("%s:\n%s\non disk (kept with -artifacts):\n%slast events:\n%s", f.where, f.why, f.image,
		strings.Join(lines[max(0, f.events-30):min(f.events, len(lines))], "\n"))
}

func (tp *tape) taken() []event {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.events[:len(tp.events):len(tp.events)]
}
