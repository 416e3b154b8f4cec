package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// TestRandomCommandsDoWhatASimpleMapDoes runs seeded random commands on a store and on a map,
// with unloads, write-backs, sweeps, restarts and kills in between. STORE_MODEL_SECONDS makes the run longer,
// DISKETTE_SEED is the first of the seeds that are played.
func TestRandomCommandsDoWhatASimpleMapDoes(t *testing.T) {
	seconds := shorter(8, 0)
	if s := os.Getenv("STORE_MODEL_SECONDS"); s != "" {
		fmt.Sscan(s, &seconds)
	}
	end, first := time.Now().Add(time.Duration(seconds)*time.Second), testrand.Number(t, 1)
	if seconds > 8 { // a long run looks for what the fixed seeds do not show
		first = testrand.Seed(t)
	}
	for seed := first; !t.Failed() && (seed < first+uint64(shorter(3, 2)) || time.Now().Before(end)); seed++ {
		playSeed(t, seed)
	}
}

func playSeed(t *testing.T, seed uint64) {
	t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) {
		g := newGame(t, seed)
		for range 600 {
			g.step()
		}
		g.compare()
		checked(t, g.st)
		g.tallies()
		if g.st.Bounds().limited() {
			ordersAgree(t, g.st)
		}
		g.keepTallies()
		g.st = reopened(t, g.st, g.options)
		g.beginTallies(g.kept)
		g.compare()
		checked(t, g.st)
		g.tallies()
		closed(t, g.st)
	})
}

// game is a store and the map that says what it must hold.
type game struct {
	t       *testing.T
	r       *rand.Rand
	disk    *disk
	st      *Store
	options func(*Options)
	now     int64
	dbs     []map[string]entryModel
	births  int
	trace   []string          // the last commands, for the failure's report
	loans   []loan            // long values that were lent and must not change
	kept    map[string][]byte // of the statistics
	scan    *scanModel
	parts   *partsSeen
	next    *string // the element that the next change is about; nil = some
}

type entryModel struct {
	typ      Type
	value    string  // of a string
	content  content // of a collection
	deadline int64
	birth    int
}

type loan struct{ lent, copied []byte }

func newGame(t *testing.T, seed uint64) *game {
	g := &game{t: t, r: rand.New(rand.NewPCG(seed, 7)), disk: newDisk(t), now: testNow}
	rows := []int{1, 10, 1 << 20}[g.r.IntN(3)]
	delay := []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Hour}[g.r.IntN(3)]
	memory := []int64{1, 20_000, 2 << 20, 1 << 30}[g.r.IntN(4)]
	small := []int64{1, 2_000, 0}[g.r.IntN(3)]
	bounds := []*Bounds{nil, {Disk: 1 << 40}}[seed%2] // Orders follow, and nothing goes
	lumpsFrom(t, []int{1, packElements + 1}[seed/2%2])
	paged, young := []int{0, 1, 5, 5}[g.r.IntN(4)], []int64{0, 1, 2_000}[g.r.IntN(3)]
	g.options = func(o *Options) {
		g.disk.use(o)
		o.Hooks.Evicted = g.evicted
		if seed%3 == 0 {
			packAll(o)
		}
		o.small, o.Bounds, o.pagedElements, o.youngBytes = small, bounds, paged, young
		o.Databases, o.WriteBackRows, o.WriteBackDelay, o.MaxMemory, o.SegmentBytes = 4, rows, delay, memory, 64<<10
	}
	g.st = opened(t, t.TempDir(), g.options)
	g.beginTallies(nil)
	for range 4 {
		g.dbs = append(g.dbs, map[string]entryModel{})
	}
	return g
}

func (g *game) fail(format string, args ...any) {
	g.t.Helper()
	g.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), strings.Join(g.trace[max(0, len(g.trace)-40):], "\n"))
}

func (g *game) note(format string, args ...any) {
	g.trace = append(g.trace, fmt.Sprintf(format, args...))
}

func (g *game) key() string {
	switch n := g.r.IntN(30); n {
	case 0:
		return ""
	case 1:
		return "long:" + strings.Repeat("k", 70_000)
	default:
		return fmt.Sprintf("%s%d", []string{"a:", "b:", "\xff\xff"}[n%3], g.r.IntN(12))
	}
}

func (g *game) value() []byte {
	n := 0
	switch g.r.IntN(20) {
	case 0:
	case 1:
		n = shareBytes - 2 + g.r.IntN(4)
	case 2:
		n = chunkBytes - 2 + g.r.IntN(4)
	case 3:
		n = chunkBytes + g.r.IntN(2*chunkBytes)
	default:
		n = g.r.IntN(200)
	}
	b := bytes.Repeat([]byte{byte('a' + g.r.IntN(26))}, n)
	if n > 0 {
		b[g.r.IntN(n)], b[n-1] = '!', '$'
	}
	return b
}

// deadline is none, far, near or past.
func (g *game) deadline() int64 {
	switch g.r.IntN(6) {
	case 0:
		return g.now + 1 + int64(g.r.IntN(2000))
	case 1:
		return g.now + 1_000_000
	}
	return 0
}

// live is the key's entry if it is there at the game's time.
func (g *game) live(db int, key string) (entryModel, bool) {
	e, ok := g.dbs[db][key]
	return e, ok && (e.deadline == 0 || e.deadline > g.now)
}

func (g *game) put(db int, key string, value string, deadline int64) {
	e, ok := g.live(db, key)
	if !ok || e.typ != TypeString {
		g.gone(db, key)
		g.births++
		e.birth = g.births
	}
	e.typ, e.value, e.content, e.deadline = TypeString, value, content{}, deadline
	g.dbs[db][key] = e
}

// isString reports that the key holds a string, or nothing; if not, err must say that it has the wrong type.
func (g *game) isString(db int, key string, err error) bool {
	e, ok := g.live(db, key)
	if !ok || e.typ == TypeString {
		return true
	}
	if err != ErrWrongType {
		g.fail("a string command on a %v: %v", e.typ, err)
	}
	return false
}

func (g *game) gone(db int, key string) {
	delete(g.dbs[db], key)
	if g.scan != nil && g.scan.db == db {
		delete(g.scan.there, key)
	}
}

func (g *game) step() {
	switch n := g.r.IntN(100); {
	case n < 60:
		g.command()
	case n < 66:
		g.evict()
	case n < 72:
		g.now += int64(g.r.IntN(400))
		g.note("now %d", g.now-testNow)
	case n < 77:
		g.note("sweep")
		g.st.Sweep(g.now)
	case n < 81:
		g.note("flush")
		flushed(g.t, g.st)
	case n < 85:
		g.note("unload all")
		unloadAll(g.st)
	case n < 95:
		g.scanStep()
	case n < 97:
		g.counts()
	case n < 98:
		g.note("check")
		checked(g.t, g.st)
		g.tallies()
		g.keepTallies()
	case n < 99 && g.r.IntN(2) == 0:
		g.fullDisk()
	case n < 99:
		g.note("restart")
		g.st = reopened(g.t, g.st, g.options)
		g.beginTallies(g.kept)
	default:
		g.crash()
	}
	for _, l := range g.loans {
		if !bytes.Equal(l.lent, l.copied) {
			g.fail("a lent value has changed")
		}
	}
}

// crash goes on with what a kill or a power cut leaves.
func (g *game) crash() {
	dir, what := "", "kill"
	if g.r.IntN(2) == 0 {
		dir = g.disk.killed(g.t, g.st.dir)
	} else {
		dir, what = g.disk.powerCut(g.t, g.st.dir, g.r), "power cut"
		g.kept = nil // they are lost with what they are of
	}
	g.note("%s", what)
	closed(g.t, g.st)
	os.RemoveAll(g.st.dir)
	g.reopen(dir)
	if g.r.IntN(2) == 0 {
		g.compare()
	}
}

func (g *game) reopen(dir string) {
	st, err := tryOpen(dir, g.options)
	if err != nil {
		g.fail("open: %v", err)
	}
	g.st = st
	g.t.Cleanup(func() { st.Close() })
	g.beginTallies(g.kept)
}

// fullDisk makes some of SQLite's writes fail, so that write-back goes in slices, and goes on with
// the store as it is or as a kill leaves it.
func (g *game) fullDisk() {
	failures, r := 1+g.r.IntN(4), rand.New(rand.NewPCG(g.r.Uint64(), 1))
	g.note("full disk for %d writes", failures)
	over := make(chan struct{})
	g.disk.breakWith(func(_ int, kind, file string, _ int) error {
		if kind != "write" || file == "journal" || failures == 0 || r.IntN(6) > 0 {
			return nil
		}
		if failures--; failures == 0 {
			close(over)
		}
		return errFull
	})
	for range 5 {
		g.command()
	}
	g.st.kickWriteBack()
	if g.r.IntN(2) == 0 {
		select {
		case <-over:
		case <-time.After(time.Duration(g.r.IntN(300)) * time.Millisecond):
		}
		dir := g.disk.killed(g.t, g.st.dir)
		g.note("killed")
		g.disk.breakWith(nil)
		g.st.Close()
		g.reopen(dir)
		g.compare()
		checked(g.t, g.st)
		return
	}
	eventually(g.t, "the write-back", func() bool { return g.st.Flush() == nil })
	g.disk.breakWith(nil)
	checked(g.t, g.st)
}
