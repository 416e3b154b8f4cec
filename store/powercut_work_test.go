package store

import (
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"diskette/store/files"
	"diskette/store/journal"
)

// tape records every change of the disk, in the order in which they are made.
type tape struct {
	mu     sync.Mutex
	events []event
}

func (tp *tape) length() int {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return len(tp.events)
}

// machine is a process on a disk that is recorded, under a directory of its own.
type machine struct {
	*disk
	root string
	off  bool // killed: the tape's
}

func newMachine(t testing.TB, tp *tape, root string) *machine {
	m := &machine{disk: newDisk(t), root: root}
	m.watch = func(c files.Call, failed bool) {
		tp.mu.Lock()
		defer tp.mu.Unlock()
		if m.off {
			return
		}
		c.Data = slices.Clone(c.Data)
		c.Path, c.To = m.relative(c.Path), m.relative(c.To)
		tp.events = append(tp.events, event{c, failed})
	}
	return m
}

func (m *machine) relative(path string) string {
	if path == "" {
		return ""
	}
	rel, err := filepath.Rel(m.root, path)
	if err != nil {
		panic(err)
	}
	return filepath.ToSlash(rel)
}

// state is a data set as far as it is compared: of each key a hash of all that it has.
type state map[string]uint64

// life is what was done on a store from one opening to the next.
type life struct {
	opened int // events until then
	steps  []step
}

// step is a record: what the store held after it, and when it was begun and promised, in events.
type step struct {
	what            string
	begun, promised int
	lsn             uint64
	holds           state
}

const never = math.MaxInt

// trial plays changes on a store, one after the other, and knows what it must hold after a power cut at any event.
type trial struct {
	t       testing.TB
	r       *rand.Rand
	tape    tape
	policy  journal.Policy
	machine *machine
	st      *Store
	lives   []life
	holds   []map[string]string // by database, each key's content as describe has it
	trouble bool                // the disk fails now and then
	expired []expiry            // the keys that a sweep has removed
	atStart fault               // how the disk fails from the next start on, other than at random
	lie     string              // an fsync of files whose names end so does nothing, and says that it has worked
}

const trialDBs = 2

func (h *trial) options(o *Options) {
	h.machine.use(o)
	o.Policy, o.Databases, o.SegmentBytes, o.ReserveBytes = h.policy, trialDBs, 8<<10, -1
	o.WriteBackDelay = 2 * time.Millisecond
	o.Hooks.Expired = func(db int, key string) { h.expired = append(h.expired, expiry{h.st.EventLSN(), db, key}) }
	o.upkeep = upkeep{walPages: 60, idleWalPages: 30, freePages: 20, packAll: true}
}

// live opens the store and begins a life. What a store that was just opened holds it has promised.
func (h *trial) live(root string) {
	h.machine = newMachine(h.t, &h.tape, root)
	if h.atStart != nil {
		h.machine.breakWith(h.atStart)
	} else if h.trouble {
		h.machine.breakWith(h.fault())
	}
	dir := filepath.Join(root, "data")
	st, err := tryOpen(dir, h.options)
	if err != nil { // the disk's fault
		if !h.trouble {
			h.t.Fatalf("open: %v", err)
		}
		h.machine.breakWith(nil)
		if st, err = tryOpen(dir, h.options); err != nil {
			h.t.Fatalf("open, when the disk works again: %v", err)
		}
	}
	h.t.Cleanup(func() { st.Close() })
	h.st = st
	if h.holds, err = everything(st); err != nil {
		h.t.Fatal(err)
	}
	if len(h.lives) > 0 {
		h.fits(hashed(h.holds), h.tape.length(), "a restart")
	}
	h.lives = append(h.lives, life{opened: h.tape.length(), steps: []step{
		{what: "open", begun: h.tape.length(), promised: h.tape.length(), lsn: st.journal.Last(), holds: hashed(h.holds)}}})
}

// fault is asked before each change: see disk.
type fault = func(op int, kind, file string, n int) error

// fault lets some changes fail: of all, of the fsyncs, or of the fsyncs of one file.
func (h *trial) fault() fault {
	r := rand.New(rand.NewPCG(h.r.Uint64(), 1))
	class, of := r.IntN(5), []int{1, 2, 5, 30}[r.IntN(4)]
	only := []string{databaseFile + "-wal", databaseFile, "journal"}[r.IntN(3)]
	return func(_ int, kind, file string, _ int) error {
		switch {
		case class > 0 && kind != "sync", class > 1 && file != only:
			return nil
		case class == 0 && r.IntN(max(4, of)) > 0, r.IntN(of) > 0:
			return nil
		}
		if (kind == "write" || kind == "create") && r.IntN(2) == 0 {
			return errFull
		}
		return syscall.EIO
	}
}

// kill ends the process, and begins the next one on what it has left.
func (h *trial) kill() {
	h.machine.still.Lock()
	h.tape.mu.Lock()
	h.machine.off = true
	h.tape.mu.Unlock()
	h.machine.still.Unlock()
	h.machine.breakWith(func(int, string, string, int) error { return syscall.EIO })
	old := h.st
	m := newMedium()
	for _, e := range h.tape.events {
		m.take(e)
	}
	root := h.t.TempDir()
	if err := m.image(upTo(m.seq)).write(root); err != nil {
		h.t.Fatal(err)
	}
	h.live(root)
	go old.Close()
}

func (h *trial) restart() {
	h.machine.breakWith(nil)
	eventually(h.t, "write-back", func() bool { return h.st.Flush() == nil })
	closed(h.t, h.st)
	h.promise()
	h.live(h.machine.root)
}

// promise notes which steps an fsync covers.
func (h *trial) promise() {
	now, synced := h.tape.length(), h.st.journal.Synced()
	steps := h.lives[len(h.lives)-1].steps
	for i := len(steps) - 1; i >= 0 && steps[i].promised == never; i-- {
		if steps[i].lsn <= synced {
			steps[i].promised = now
		}
	}
}

// record plays a change and makes it a step, unless it changes nothing: a reply that saw nothing new promises nothing.
func (h *trial) record(what string, do func() error) {
	s := step{what: what, begun: h.tape.length(), promised: never}
	before := h.st.journal.Last()
	err := do()
	if err != nil && !h.trouble {
		h.t.Fatalf("%s: %v", what, err)
	}
	if s.lsn = h.st.journal.Last(); s.lsn > before {
		s.holds = hashed(h.holds)
		h.add(s, err)
	}
	h.promise()
}

func (h *trial) add(s step, err error) {
	if err == nil && h.policy == journal.Always {
		s.promised = h.tape.length()
	}
	l := &h.lives[len(h.lives)-1]
	l.steps = append(l.steps, s)
}

// fits compares what a store holds with what it must hold after `events` events.
func (h *trial) fits(got state, events int, where string) {
	h.t.Helper()
	if why := h.misfit(got, events); why != "" {
		h.t.Fatalf("%s: %s", where, why)
	}
}

// misfit says why a state can not be what the first events left, if it can not.
func (h *trial) misfit(got state, events int) string {
	i := len(h.lives) - 1
	for i > 0 && h.lives[i].opened > events {
		i--
	}
	steps := h.lives[i].steps
	from, to := -1, 0
	for n, s := range steps {
		if s.promised <= events {
			from = n
		}
		if s.begun <= events {
			to = n
		}
	}
	if from < 0 { // the first opening is not over
		if len(got) == 0 {
			return ""
		}
		from = 0
	}
	for n := from; n <= to; n++ {
		if maps.Equal(steps[n].holds, got) {
			return ""
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "it must hold what was there after step %d of life %d, or up to step %d", from, i, to)
	for n, s := range steps {
		if maps.Equal(s.holds, got) {
			fmt.Fprintf(&b, ", and holds what was there after step %d", n)
		}
	}
	for n := max(0, from-2); n <= to; n++ {
		fmt.Fprintf(&b, "\n  step %d (LSN %d, begun at %d, promised at %d): %s; differs in %q",
			n, steps[n].lsn, steps[n].begun, steps[n].promised, steps[n].what, difference(steps[n].holds, got))
	}
	return b.String()
}

func difference(a, b state) (keys []string) {
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			keys = append(keys, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

var stateSeed = maphash.MakeSeed()

func hashed(dbs []map[string]string) state {
	s := state{}
	for db, m := range dbs {
		for key, content := range m {
			s[fmt.Sprint(db, ":", key)] = maphash.String(stateSeed, content)
		}
	}
	return s
}

// everything reads a whole store at testNow.
func everything(st *Store) ([]map[string]string, error) {
	dbs := make([]map[string]string, trialDBs)
	for db := range dbs {
		dbs[db] = map[string]string{}
		keys, err := tryScanAll(st, db, 100, ScanOptions{})
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			err := command(st, db, testNow, []string{key}, func(tx *Tx, k [][]byte) { dbs[db][key] = describe(tx, k[0]) })
			if err != nil {
				return nil, fmt.Errorf("read %q: %w", key, err)
			}
		}
	}
	return dbs, nil
}

// describe is all that a key has, "" if it is not there.
func describe(tx *Tx, key []byte) string {
	deadline, ok := tx.Deadline(key)
	if !ok {
		return ""
	}
	var b strings.Builder
	fmt.Fprint(&b, tx.TypeOf(key), " ", deadline, " ")
	switch tx.TypeOf(key) {
	case TypeString:
		v, _ := tx.String(key)
		b.Write(v)
	case TypeHash:
		hash, _ := tx.Hash(key)
		var fields []string
		hash.Each(func(field, value string) bool {
			fields = append(fields, fmt.Sprintf("%q %q,", field, value))
			return true
		})
		slices.Sort(fields)
		fmt.Fprint(&b, fields)
	case TypeList:
		list, _ := tx.List(key)
		list.Each(0, 1, func(_ int, value string) bool { fmt.Fprintf(&b, "%q,", value); return true })
	}
	return b.String()
}
