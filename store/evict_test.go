package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// evictedNames notes what was evicted, by database and name.
type evictedNames struct {
	sync.Mutex
	names map[string]bool
	n     int64
}

func (e *evictedNames) use(o *Options) {
	e.names = map[string]bool{}
	o.Hooks.Evicted = func(db int, key string) {
		e.Lock()
		e.names[fmt.Sprint(db, " ", key)] = true
		e.n++
		e.Unlock()
	}
}

func (e *evictedNames) count() int64 {
	e.Lock()
	defer e.Unlock()
	return e.n
}

func (e *evictedNames) has(db int, key string) bool {
	e.Lock()
	defer e.Unlock()
	return e.names[fmt.Sprint(db, " ", key)]
}

// withDeadlines gives keys of database 0 a deadline each.
func withDeadlines(t *testing.T, st *Store, prefix string, from, to int, deadline func(i int) int64) {
	t.Helper()
	for i := from; i < to; i++ {
		must(t, st, 0, []string{fmt.Sprint(prefix, i)}, func(tx *Tx, k [][]byte) { tx.SetDeadline(k[0], deadline(i)) })
	}
}

func TestAPolicySaysWhatGoes(t *testing.T) {
	const n, later = 400, int64(1) << 42
	value := strings.Repeat("v", 1000)
	for policy := AllKeysLRU; policy <= VolatileLRM; policy++ {
		t.Run(policy.String(), func(t *testing.T) {
			var gone evictedNames
			st := opened(t, t.TempDir(), gone.use)
			setMany(t, st, 0, "old:", 0, n, value)
			setMany(t, st, 0, "used:", 0, n, value)
			setMany(t, st, 0, "stays:", 0, n, value)
			withDeadlines(t, st, "old:", 0, n, func(i int) int64 { return later + int64(i) })
			withDeadlines(t, st, "used:", 0, n, func(i int) int64 { return 2*later - int64(i) })
			flushed(t, st)
			st.SetBounds(&Bounds{Policy: policy})
			ordersAgree(t, st)
			if gone.count() > 0 {
				t.Fatal("keys went while there was no bound")
			}
			for range 3 {
				for i := range n {
					wantGet(t, st, fmt.Sprint("used:", i), value)
				}
				unloadAll(st) // the Order hears of it
			}
			for range 4 { // a policy that goes by what is stored needs some to tell early from late
				setMany(t, st, 0, "used:", 0, n, value)
			}
			withDeadlines(t, st, "used:", 0, n, func(i int) int64 { return 2*later - int64(i) })
			flushed(t, st)
			bytes := st.room.dbs[0].bytes.Load()
			st.SetBounds(&Bounds{Policy: policy, Databases: map[int]DatabaseBound{0: {Disk: bytes * 4 / 5}}})
			eventually(t, "the bound", func() bool { return st.room.dbs[0].bytes.Load() <= bytes*4/5 })
			old, used, stays := 0, 0, 0
			for i := range n {
				if gone.has(0, fmt.Sprint("old:", i)) {
					old++
				}
				if gone.has(0, fmt.Sprint("used:", i)) {
					used++
				}
				if gone.has(0, fmt.Sprint("stays:", i)) {
					stays++
				}
			}
			if went := old + used + stays; went < n/2 || went > n {
				t.Errorf("%d of %d keys went for a fifth of the bytes", went, 3*n)
			}
			if policy.Volatile() && stays > 0 {
				t.Errorf("%d keys without a deadline went", stays)
			}
			if policy != AllKeysRandom && policy != VolatileRandom && used > (old+stays)/10 {
				t.Errorf("%d went that were used and stored last; of the others %d", used, old+stays)
			}
			if policy == VolatileTTL {
				for i := range old {
					if !gone.has(0, fmt.Sprint("old:", i)) {
						t.Fatalf("old:%d stayed, and is among the %d that expire first", i, old)
					}
				}
			}
			quiet(t, st)
			flushed(t, st)
			checked(t, st)
			ordersAgree(t, st)
		})
	}
}

func TestADatabaseIsFullWhereNothingMayGo(t *testing.T) {
	value := strings.Repeat("v", 1000)
	st := opened(t, t.TempDir(), bounded(&Bounds{Policy: NoEviction, Databases: map[int]DatabaseBound{
		1: {Disk: 50_000}, 2: {Disk: 50_000, Policy: VolatileLRU, HasPolicy: true}, 3: {Disk: 50_000, Policy: AllKeysLRU, HasPolicy: true},
	}}))
	for db := range 4 {
		setMany(t, st, db, "k", 0, 100, value)
	}
	if st.Full(0) {
		t.Error("a database without a bound is full")
	}
	eventually(t, "full databases", func() bool { return st.Full(1) && st.Full(2) })
	eventually(t, "evictions", func() bool { return !st.Full(3) && st.room.dbs[3].bytes.Load() <= 50_000 })
	must(t, st, 2, []string{"k1", "k2", "k3", "k4"}, func(tx *Tx, k [][]byte) {
		for _, key := range k {
			tx.SetDeadline(key, 1<<42)
		}
	})
	eventually(t, "evictions of what got a deadline", func() bool {
		st.Lock()
		defer st.Unlock()
		return st.dbs[2].live == 96
	})
	if !st.Full(2) {
		t.Error("database 2 is not full though nothing is left that may go")
	}
	for db := 1; db < 3; db++ {
		must(t, st, db, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(db) })
		if st.Full(db) {
			t.Errorf("database %d is full after FLUSHDB", db)
		}
	}
	var figures []DatabaseStats
	st.Lock()
	figures = st.DatabaseStatsLocked(testNow)
	st.Unlock()
	if f := figures[3]; f.EvictedKeys != 100-f.Keys || f.DiskBytes > 50_000 || f.DiskBytes < 20_000 || figures[2].EvictedKeys != 4 {
		t.Errorf("the databases' figures are %+v", figures)
	}
	evictedAge := func() int64 {
		t.Helper()
		stats, err := st.Stats(false)
		if err != nil {
			t.Fatal(err)
		}
		return stats.EvictedAgeMillis
	}
	if age := evictedAge(); age < 0 {
		t.Errorf("keys were evicted, and their age is not known: %d", age)
	}
	st.ResetStats()
	if age := evictedAge(); age != -1 {
		t.Errorf("the age of no key is %d", age)
	}
}

func TestNoEvictionIsFullAtTheBoundAndHasRoomAgainAfterDeletions(t *testing.T) {
	st := opened(t, t.TempDir(), bounded(&Bounds{Disk: SmallestDisk}))
	watchDisk(t, st).Store(SmallestDisk + SmallestDisk/16)
	n := 0
	for ; !st.Full(0); n += 100 {
		if n > 100_000 {
			t.Fatal("never full")
		}
		setMany(t, st, 0, "k", n, n+100, strings.Repeat("v", 900))
	}
	if bytes := n * 900; bytes < SmallestDisk/2 {
		t.Errorf("full with %d bytes", bytes)
	}
	flushed(t, st)
	for i := range n / 2 {
		mustDel(t, st, fmt.Sprint("k", i))
	}
	if st.Full(0) {
		t.Error("full after half of the keys were deleted")
	}
	eventually(t, "room in the tables, too", func() bool { flushed(t, st); return !st.Full(0) })
	st.SetBounds(&Bounds{Disk: SmallestDisk, Policy: VolatileLRU})
	for more := 0; !st.Full(0); more += 100 {
		if more > n {
			t.Fatal("never full, though nothing may go")
		}
		setMany(t, st, 0, "more", more, more+100, strings.Repeat("v", 900))
	}
	st.SetBounds(&Bounds{Disk: 2 * SmallestDisk, Policy: VolatileLRU})
	if st.Full(0) {
		t.Error("full with twice the room")
	}
}

func TestALowerBoundIsReachedInSlicesAndTheFileFollows(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.ReserveBytes = 0 })
	setMany(t, st, 0, "k", 0, 20_000, strings.Repeat("v", 1500))
	setMany(t, st, 1, "k", 0, 4, strings.Repeat("v", 4*chunkBytes))
	must(t, st, 1, []string{"h"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for i := range 5000 {
			h.Set(fmt.Appendf(nil, "f%d", i), []byte("some value of a field"))
		}
	})
	flushed(t, st)
	for _, disk := range []int64{24 << 20, SmallestDisk} {
		st.SetBounds(&Bounds{Disk: disk, Policy: AllKeysLRU})
		eventually(t, fmt.Sprint("files of ", disk), func() bool { taken, _ := takenBy(st.dir, disk); return taken <= disk })
		if st.Full(0) {
			t.Error("full, though all may go")
		}
	}
	quiet(t, st)
	flushed(t, st)
	checked(t, st)
	ordersAgree(t, st)
	if used := st.room.mark.Load().used; used < SmallestDisk/2 { // of the 5.6 MB that the tables may take
		t.Errorf("%d bytes are left of a bound of %d", used, SmallestDisk)
	}
}

// What goes for a bound that is a little too low is few pages of a fold, which nobody else asks for.
func TestWhatIsEvictedIsWrittenBackWhereTheTablesTakeTooMuch(t *testing.T) {
	const n, value, slightly = 6000, 3000, 128 << 10
	st := opened(t, t.TempDir())
	setMany(t, st, 0, "k", 0, n, strings.Repeat("v", value))
	flushed(t, st)
	eventually(t, "the measure", func() bool { return st.room.mark.Load().used > n*value })
	b := &Bounds{Disk: 32 << 20}
	tooMuch := func() int64 {
		st.SetBounds(b)
		m := st.room.mark.Load()
		return m.used - st.limit(b, m)
	}
	for over := tooMuch(); over <= 0 || over > slightly; over = tooMuch() {
		b = &Bounds{Disk: b.Disk + (over-slightly/2)*3/4}
	}
	b = &Bounds{Disk: b.Disk, Policy: AllKeysLRU}
	st.SetBounds(b)
	eventually(t, "what is too much to go", func() bool { m := st.room.mark.Load(); return m.used <= st.limit(b, m) })
}

// TestWhatWasNotEvictedIsThereAfterAKill plays clients that set, change, rename and delete keys of all sizes in a
// bounded store, which is killed again and again.
func TestWhatWasNotEvictedIsThereAfterAKill(t *testing.T) {
	const disk = SmallestDisk
	r := rand.New(rand.NewPCG(testrand.Number(t, 1), 3))
	d := newDisk(t)
	var gone evictedNames
	by := func(o *Options) {
		d.use(o)
		bounded(&Bounds{Disk: disk, Policy: AllKeysLFU})(o)
		o.Hooks.Evicted = func(db int, key string) {
			gone.Lock()
			gone.names[key] = true
			gone.n++
			gone.Unlock()
		}
	}
	gone.names = map[string]bool{}
	st := opened(t, t.TempDir(), by)
	have := map[string]int{} // lengths
	for round := range shorter(4, 3) {
		for range 200 {
			key, size := fmt.Sprint("k", r.IntN(1<<15)), 1+r.IntN(12_000)
			if r.IntN(100) == 0 {
				size = chunkBytes + r.IntN(100_000)
			}
			if r.IntN(8) == 0 && len(have) > 0 {
				must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
				delete(have, key)
				continue
			}
			names := []string{key}
			for i := range r.IntN(20) {
				names = append(names, fmt.Sprint(key, "-", i))
			}
			must(t, st, 0, names, func(tx *Tx, k [][]byte) {
				for i := range k {
					tx.SetString(k[i], []byte(strings.Repeat("v", size)), 0)
					gone.Lock() // from here on it was not evicted
					delete(gone.names, names[i])
					gone.Unlock()
				}
			})
			for _, name := range names {
				have[name] = size
			}
		}
		s := stats(t, st) // before the names: more may go meanwhile
		if evicted := gone.count(); s.EvictedKeys > evicted || s.EvictedKeys == 0 && round > 0 {
			t.Errorf("%d keys were evicted, and %d are counted", evicted, s.EvictedKeys)
		}
		dir := d.killed(t, st.dir)
		gone.Lock()
		names := maps.Clone(gone.names) // a kill may undo what comes after the copy, not what was before
		gone.Unlock()
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		st = opened(t, dir, by)
		checked(t, st)
		for _, key := range slices.Sorted(maps.Keys(have)) {
			v, ok, err := get(st, key)
			if err != nil || ok && len(v) != have[key] {
				t.Fatalf("GET %s = %d bytes, %v; want %d", key, len(v), err, have[key])
			}
			gone.Lock()
			since := gone.names[key] && !names[key]
			gone.Unlock()
			if !ok && !names[key] && !since {
				t.Fatalf("%s was acknowledged and never evicted, and is gone", key)
			}
			if !ok {
				delete(have, key)
			}
		}
	}
}

// TestAWriteWaitsForTheRoomThatEvictionMakes refuses what the journal writes for some time, as a disk does that is full
// although the reserve was given up: write-back was quicker to take that than the journal.
func TestAWriteWaitsForTheRoomThatEvictionMakes(t *testing.T) {
	defer func(d time.Duration) { mendingTime = d }(mendingTime)
	mendingTime = 5 * time.Minute
	for policy, wait := range map[Policy]bool{AllKeysLRU: true, AllKeysRandom: true, NoEviction: false} {
		t.Run(policy.String(), func(t *testing.T) {
			d := newDisk(t)
			st := opened(t, t.TempDir(), d.use, bounded(&Bounds{Policy: policy, Disk: 64 << 20}))
			for i := range 2000 { // what goes first
				mustSet(t, st, fmt.Sprint("older", i), strings.Repeat("v", 100))
			}
			flushed(t, st)
			mustSet(t, st, "k", "old")
			var refused atomic.Int64
			d.breakWith(func(_ int, kind, file string, _ int) error {
				if kind == "write" && file == "journal" && refused.Add(1) <= 10 {
					return errFull
				}
				return nil
			})
			switch err := set(st, "k", "new"); {
			case !wait && !IsDiskFull(err):
				t.Errorf("SET = %v", err)
			case wait && err != nil:
				t.Errorf("SET was refused: %v", err)
			case wait && refused.Load() <= 10:
				t.Errorf("SET was done while the disk took nothing: %d tries", refused.Load())
			}
			eventually(t, "room", func() bool { return st.WriteError() == nil })
			if got, there, err := get(reopened(t, st), "k"); wait && (err != nil || there && got != "new") {
				t.Errorf("GET = %q, %v, %v", got, there, err)
			}
		})
	}
}
