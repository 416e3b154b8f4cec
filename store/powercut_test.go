package store

import (
	"errors"
	"flag"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"diskette/internal/testrand"
	"diskette/store/journal"
)

var powerCuts = flag.Int("powercut", 0, "how many states of a disk after a power cut to start on, with seeds of their own")

const cutsATrial = 60

func TestAPowerCutLeavesEverythingPromised(t *testing.T) {
	states, first := 360, testrand.Number(t, 1)
	if testing.Short() {
		states = 120
	}
	if *powerCuts > 0 {
		states, first = *powerCuts, testrand.Seed(t)
	}
	begin, tried := time.Now(), 0
	for seed := first; tried < states && !t.Failed(); seed++ {
		t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) {
			h := newTrial(t, seed)
			h.run()
			tried += h.cuts(cutsATrial)
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

// cuts lets the power go so many times, anywhere, and starts on what is left.
func (h *trial) cuts(n int) (tried int) {
	events := h.tape.taken()
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
		h.startOn(g, p, fmt.Sprintf("power cut after event %d, with %s", p, c.what), h.r.IntN(4) == 0)
		if h.t.Failed() {
			break
		}
	}
	return tried
}

// startOn starts a store on what a power cut left, a second time if `again`: on what a power cut during the first start left.
func (h *trial) startOn(g image, events int, where string, again bool) {
	h.t.Helper()
	root := fastDir(h.t)
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
		h.keep(g, events, where, why)
		return
	}
	os.RemoveAll(root)
	if !again {
		return
	}
	for range 2 {
		p := h.r.IntN(len(second.events) + 1)
		for m.seq < p {
			m.take(second.events[m.seq])
		}
		c := m.cut(h.r)
		g := m.image(c)
		h.startOn(g, events, fmt.Sprintf("%s; and again in the start, after event %d of %d, with %s", where, p, len(second.events), c.what), false)
	}
}

func (h *trial) startIn(root string, events int, options ...func(*Options)) (why string) {
	st, err := tryOpen(filepath.Join(root, "data"), append(options, func(o *Options) { o.ReserveBytes, o.Databases = -1, trialDBs })...)
	if err != nil {
		return fmt.Sprint("the start refuses: ", err)
	}
	defer st.Close()
	if why := h.misfit(hashed(everything(h.t, st)), events); why != "" {
		return why
	}
	if err := errors.Join(st.Check(), st.Close()); err != nil {
		return err.Error()
	}
	return ""
}

// keep reports a failure and keeps the state that it came from.
func (h *trial) keep(g image, events int, where, why string) {
	h.t.Helper()
	dir := h.t.ArtifactDir()
	_ = g.write(dir)
	var b strings.Builder
	for i, e := range h.tape.taken() {
		mark := ""
		if e.failed {
			mark = " FAILED"
		}
		fmt.Fprintf(&b, "%d %s %s %s at %d, %d bytes%s\n", i, kinds[e.Op], e.Path, e.To, e.At, len(e.Data), mark)
	}
	_ = os.WriteFile(filepath.Join(dir, "events"), []byte(b.String()), 0o644)
	lines := strings.Split(b.String(), "\n")
	h.t.Errorf("%s:\n%s\non disk:\n%slast events:\n%s", where, why, g, strings.Join(lines[max(0, events-30):min(events, len(lines))], "\n"))
}

func (tp *tape) taken() []event {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.events[:len(tp.events):len(tp.events)]
}

var _ = maphash.String
