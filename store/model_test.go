package store

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"diskette/internal/testrand"
)

// TestRandomCommandsDoWhatASimpleMapDoes runs seeded random commands on a store and on a map,
// with unloads, write-backs, sweeps, restarts and kills in between. STORE_MODEL_SECONDS makes the run longer,
// DISKETTE_SEED is the first of the seeds that are played.
func TestRandomCommandsDoWhatASimpleMapDoes(t *testing.T) {
	seconds := 8
	if s := os.Getenv("STORE_MODEL_SECONDS"); s != "" {
		fmt.Sscan(s, &seconds)
	}
	end, first := time.Now().Add(time.Duration(seconds)*time.Second), testrand.Number(t, 1)
	if seconds > 8 { // a long run looks for what the fixed seeds do not show
		first = testrand.Seed(t)
	}
	for seed := first; !t.Failed() && (seed < first+3 || time.Now().Before(end)); seed++ {
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
		g.st = reopened(t, g.st, g.options)
		g.compare()
		checked(t, g.st)
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
	trace   []string // the last commands, for the failure's report
	loans   []loan   // long values that were lent and must not change
	scan    *scanModel
}

type entryModel struct {
	typ      Type
	value    string  // of a string
	content  content // of a collection
	deadline int64
	birth    int
}

type loan struct{ lent, copied []byte }

// scanModel is a SCAN loop under way.
type scanModel struct {
	db, count int
	cursor    int64
	o         ScanOptions
	there     map[string]bool // keys there throughout so far
	returned  map[string]int
	births    map[int]string // of what was returned
}

func newGame(t *testing.T, seed uint64) *game {
	g := &game{t: t, r: rand.New(rand.NewPCG(seed, 7)), disk: newDisk(t), now: testNow}
	rows := []int{1, 10, 1 << 20}[g.r.IntN(3)]
	delay := []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Hour}[g.r.IntN(3)]
	memory := []int64{1, 20_000, 2 << 20, 1 << 30}[g.r.IntN(4)]
	g.options = func(o *Options) {
		g.disk.use(o)
		o.Databases, o.WriteBackRows, o.WriteBackDelay, o.MaxMemory, o.SegmentBytes = 4, rows, delay, memory, 64<<10
	}
	g.st = opened(t, t.TempDir(), g.options)
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
	case n < 66:
		g.command()
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
	case n < 99 && g.r.IntN(2) == 0:
		g.fullDisk()
	case n < 99:
		g.note("restart")
		g.st = reopened(g.t, g.st, g.options)
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

// command runs one to three changes or reads as one record.
func (g *game) command() {
	db := g.r.IntN(len(g.dbs))
	var names []string
	var plays []func(tx *Tx, k [][]byte)
	for range 1 + g.r.IntN(3)*g.r.IntN(2) {
		n, play := g.play(db)
		names = append(names, n...)
		at := len(names) - len(n)
		plays = append(plays, func(tx *Tx, k [][]byte) { play(tx, k[at:]) })
	}
	announced := names
	if g.r.IntN(10) == 0 { // a script's: nothing is known before
		announced = nil
	}
	err := command(g.st, db, g.now, announced, func(tx *Tx, k [][]byte) {
		if announced == nil {
			for _, n := range names {
				k = append(k, append(make([]byte, 0, len(n)+1), n...))
			}
		}
		for _, play := range plays {
			play(tx, k)
		}
	})
	if err != nil {
		g.fail("command: %v", err)
	}
}

// play chooses a command in a database, to be run on the store and the map at once.
func (g *game) play(db int) (names []string, fn func(tx *Tx, k [][]byte)) {
	key := g.key()
	one := []string{key}
	if g.r.IntN(3) == 0 {
		return one, g.collectionPlay(db, key)
	}
	switch n := g.r.IntN(40); {
	case n < 8:
		value, deadline := g.value(), g.deadline()
		return one, func(tx *Tx, k [][]byte) {
			g.note("set %d %.20q %d bytes deadline %d", db, key, len(value), deadline)
			tx.SetString(k[0], value, deadline)
			g.put(db, key, string(value), deadline)
		}
	case n < 10:
		value := g.value()
		return one, func(tx *Tx, k [][]byte) {
			g.note("update %d %.20q %d bytes", db, key, len(value))
			e, _ := g.live(db, key)
			err := tx.UpdateString(k[0], value, Whole)
			if !g.isString(db, key, err) {
				return
			}
			if err != nil {
				g.fail("update: %v", err)
			}
			g.put(db, key, string(value), e.deadline*int64(there(g.live(db, key))))
		}
	case n < 15:
		data := g.value()
		return one, func(tx *Tx, k [][]byte) {
			g.note("append %d %.20q %d bytes", db, key, len(data))
			e, ok := g.live(db, key)
			if !ok {
				e = entryModel{}
			}
			n, err := tx.Append(k[0], data)
			if !g.isString(db, key, err) {
				return
			}
			g.put(db, key, e.value+string(data), e.deadline)
			if err != nil || n != len(e.value)+len(data) {
				g.fail("append = %d, %v; want %d", n, err, len(e.value)+len(data))
			}
		}
	case n < 20:
		data, offset := g.value(), g.r.IntN(100)
		if len(data) == 0 {
			data = []byte("x")
		}
		if g.r.IntN(3) == 0 {
			offset = g.r.IntN(3 * chunkBytes)
		}
		return one, func(tx *Tx, k [][]byte) {
			g.note("setrange %d %.20q %d: %d bytes", db, key, offset, len(data))
			e, ok := g.live(db, key)
			if !ok {
				e = entryModel{}
			}
			b := []byte(e.value)
			if grow := offset + len(data) - len(b); grow > 0 {
				b = append(b, make([]byte, grow)...)
			}
			copy(b[offset:], data)
			n, err := tx.SetRange(k[0], offset, data)
			if !g.isString(db, key, err) {
				return
			}
			g.put(db, key, string(b), e.deadline)
			if err != nil || n != len(b) {
				g.fail("setrange = %d, %v; want %d", n, err, len(b))
			}
		}
	case n < 25:
		return one, func(tx *Tx, k [][]byte) {
			g.note("get %d %.20q", db, key)
			e, ok := g.live(db, key)
			v, err := tx.String(k[0])
			if !g.isString(db, key, err) {
				return
			}
			if err != nil || (v != nil) != ok || ok && string(v) != e.value {
				g.fail("get = %s, %v; want %s, %v", brief(string(v)), err, brief(e.value), ok)
			}
		}
	case n < 27:
		return one, func(tx *Tx, k [][]byte) {
			g.note("lend %d %.20q", db, key)
			if v, _ := tx.LendString(k[0]); len(v) >= shareBytes {
				g.loans = append(g.loans[max(0, len(g.loans)-3):], loan{v, bytes.Clone(v)})
			}
		}
	case n < 30:
		return one, func(tx *Tx, k [][]byte) {
			g.note("del %d %.20q", db, key)
			_, ok := g.live(db, key)
			if tx.Delete(k[0]) != ok {
				g.fail("del: want %v", ok)
			}
			g.gone(db, key)
		}
	case n < 33:
		deadline := []int64{0, g.now - 1, g.now, g.now + 1, g.now + 500, g.now + 5000}[g.r.IntN(6)]
		return one, func(tx *Tx, k [][]byte) {
			g.note("deadline %d %.20q %d", db, key, deadline)
			e, ok := g.live(db, key)
			if tx.SetDeadline(k[0], deadline) != ok {
				g.fail("set deadline: want %v", ok)
			}
			switch {
			case ok && deadline != 0 && deadline <= g.now:
				g.gone(db, key)
			case ok:
				e.deadline = deadline
				g.dbs[db][key] = e
			}
		}
	case n < 35:
		dst := g.key()
		return []string{key, dst}, func(tx *Tx, k [][]byte) {
			g.note("rename %d %.20q %.20q", db, key, dst)
			e, ok := g.live(db, key)
			if tx.Rename(k[0], k[1]) != ok {
				g.fail("rename: want %v", ok)
			}
			if ok && dst != key {
				g.carry(db, key, db, dst, e)
			}
		}
	case n < 36:
		to := g.r.IntN(len(g.dbs))
		if to == db {
			to = (db + 1) % len(g.dbs)
		}
		return one, func(tx *Tx, k [][]byte) {
			g.note("move %d %.20q to %d", db, key, to)
			e, ok := g.live(db, key)
			_, taken := g.live(to, key)
			if tx.Move(k[0], to) != (ok && !taken) {
				g.fail("move: want %v", ok && !taken)
			}
			if ok && !taken {
				g.carry(db, key, to, key, e)
			}
		}
	case n < 38:
		dst, to, replace := g.key(), g.r.IntN(len(g.dbs)), g.r.IntN(2) == 0
		if to == db && dst == key {
			to = (db + 1) % len(g.dbs)
		}
		return []string{key, dst}, func(tx *Tx, k [][]byte) {
			g.note("copy %d %.20q %d %.20q %v", db, key, to, dst, replace)
			e, ok := g.live(db, key)
			_, taken := g.live(to, dst)
			if done := ok && (!taken || replace); tx.Copy(k[0], to, k[1], replace) != done {
				g.fail("copy: want %v", done)
			} else if done {
				g.gone(to, dst)
				g.births++
				e.birth = g.births
				e.content = e.content.clone()
				g.dbs[to][dst] = e
			}
		}
	case n < 39 || g.r.IntN(4) > 0:
		return one, func(tx *Tx, k [][]byte) {
			g.note("deadline of %d %.20q", db, key)
			e, ok := g.live(db, key)
			d, got := tx.Deadline(k[0])
			if got != ok || ok && d != e.deadline || tx.TypeOf(k[0]) != e.typ && ok {
				g.fail("deadline = %d, %v; want %d, %v", d, got, e.deadline, ok)
			}
		}
	case g.r.IntN(2) == 0:
		return nil, func(tx *Tx, _ [][]byte) {
			g.note("flushdb %d", db)
			tx.FlushDB(db)
			g.dbs[db] = map[string]entryModel{}
			if g.scan != nil && g.scan.db == db {
				g.scan = nil
			}
		}
	default:
		b := g.r.IntN(len(g.dbs))
		return nil, func(tx *Tx, _ [][]byte) {
			g.note("swapdb %d %d", db, b)
			tx.SwapDB(db, b)
			g.dbs[db], g.dbs[b] = g.dbs[b], g.dbs[db]
			g.scan = nil
		}
	}
}

func there(_ entryModel, ok bool) int {
	if ok {
		return 1
	}
	return 0
}

// carry moves an entry with its birth from one name to another.
func (g *game) carry(db int, key string, to int, dst string, e entryModel) {
	g.gone(db, key)
	g.gone(to, dst)
	g.dbs[to][dst] = e
}

// liveKeys are the names in a database at the game's time that begin with prefix.
func (g *game) liveKeys(db int, prefix string) map[string]bool {
	keys := map[string]bool{}
	for k := range g.dbs[db] {
		if _, ok := g.live(db, k); ok && strings.HasPrefix(k, prefix) {
			keys[k] = true
		}
	}
	return keys
}

// scanStep begins a SCAN loop or takes its next page.
func (g *game) scanStep() {
	if g.scan == nil {
		s := &scanModel{db: g.r.IntN(len(g.dbs)), count: 1 + g.r.IntN(6), returned: map[string]int{}, births: map[int]string{}}
		if g.r.IntN(2) == 0 {
			prefix := []string{"a:", "b:1", "\xff", "\xff\xff"}[g.r.IntN(4)]
			s.o = ScanOptions{Prefix: prefix, Match: func(k []byte) bool { return bytes.HasPrefix(k, []byte(prefix)) }}
		}
		if g.r.IntN(4) == 0 {
			s.o.Type = TypeString
		}
		s.there = g.liveKeys(s.db, s.o.Prefix)
		maps.DeleteFunc(s.there, func(k string, _ bool) bool { return s.o.Type != None && g.dbs[s.db][k].typ != s.o.Type })
		g.scan = s
	}
	s := g.scan
	keys, next, _, err := g.st.Scan(s.db, s.cursor, s.count, g.now, s.o, false)
	if err != nil {
		g.fail("scan: %v", err)
	}
	g.note("scan %d cursor %d count %d prefix %q = %.20q, %d", s.db, s.cursor, s.count, s.o.Prefix, keys, next)
	for _, k := range keys {
		e, ok := g.live(s.db, k)
		if !ok {
			g.fail("scan returned %.20q, which is not there", k)
		}
		if other, twice := s.births[e.birth]; twice {
			g.fail("scan returned %.20q twice, first as %.20q", k, other)
		}
		s.births[e.birth] = k
		s.returned[k]++
	}
	if next != 0 {
		if next <= s.cursor {
			g.fail("scan's cursor went from %d to %d", s.cursor, next)
		}
		s.cursor = next
		return
	}
	for k := range s.there {
		if e, ok := g.live(s.db, k); ok && s.returned[k] != 1 && (s.o.Type == None || s.o.Type == e.typ) {
			g.fail("scan returned %.20q %d times though it was there throughout", k, s.returned[k])
		}
	}
	g.scan = nil
}

// counts compares DBSIZE and RANDOMKEY.
func (g *game) counts() {
	for db := range g.dbs {
		want := g.liveKeys(db, "")
		n, _, err := g.st.DBSize(db, g.now, false)
		if err != nil || n != int64(len(want)) {
			g.fail("dbsize %d = %d, %v; want %d", db, n, err, len(want))
		}
		key, _, ok, err := g.st.RandomKey(db, g.now, false)
		if err != nil || ok != (len(want) > 0) || ok && !want[key] {
			g.fail("randomkey %d = %.20q, %v, %v of %d keys", db, key, ok, err, len(want))
		}
	}
}

// compare reads everything.
func (g *game) compare() {
	g.note("compare")
	g.counts()
	for db, m := range g.dbs {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			e, ok := g.live(db, k)
			err := command(g.st, db, g.now, []string{k}, func(tx *Tx, keys [][]byte) {
				d, _ := tx.Deadline(keys[0])
				if ok && e.typ != TypeString {
					if got := collectionModels[e.typ].read(g, tx, keys[0]); tx.TypeOf(keys[0]) != e.typ || d != e.deadline || !got.equal(e.content) {
						g.fail("%v %.20q in %d = %v, deadline %d; want %v, deadline %d", e.typ, k, db, got, d, e.content, e.deadline)
					}
					return
				}
				v, _ := tx.String(keys[0])
				if (v != nil) != ok || ok && (string(v) != e.value || d != e.deadline) {
					g.fail("key %.20q in %d = %s, deadline %d; want %s, deadline %d, %v", k, db, brief(string(v)), d, brief(e.value), e.deadline, ok)
				}
			})
			if err != nil {
				g.fail("get: %v", err)
			}
		}
	}
}
