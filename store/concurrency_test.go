package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"diskette/compat_test/testrand"
	"diskette/expire"
)

// TestManyClientsAtOnce counts: every acknowledged increment must be there at the end, with write-back, unloading, the
// sweeper and scans running beside, and each client must read its own writes.
func TestManyClientsAtOnce(t *testing.T) {
	const clients, commands, counters = 16, 400, 20
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay, o.MaxMemory = time.Millisecond, 40_000 })
	sweeper := expire.Start(st, 200)
	var counted [counters]atomic.Int64
	var wg sync.WaitGroup
	for c := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := testrand.New(t, uint64(c))
			for i := range commands {
				now := expire.NowMillis()
				n := r.IntN(counters)
				err := command(st, 0, now, []string{fmt.Sprint("counter", n)}, func(tx *Tx, k [][]byte) {
					v, _ := tx.String(k[0])
					was, _ := strconv.ParseInt(string(v), 10, 64)
					_ = tx.UpdateInt(k[0], was+1)
				})
				if err != nil {
					t.Errorf("increment: %v", err)
					return
				}
				counted[n].Add(1)
				mine, value := fmt.Sprint("client", c, ":", i%50), strings.Repeat(fmt.Sprint(i, " "), 1+r.IntN(100))
				err = command(st, c%3, now, []string{mine}, func(tx *Tx, k [][]byte) {
					tx.SetString(k[0], []byte(value), []int64{0, now + int64(r.IntN(5)), now + 100_000}[r.IntN(3)])
				})
				if err == nil {
					err = command(st, c%3, now, []string{mine}, func(tx *Tx, k [][]byte) {
						if v, _ := tx.View.String(k[0]); v != nil && string(v) != value {
							t.Errorf("read %s, wrote %s", brief(string(v)), brief(value))
						}
					})
				}
				switch r.IntN(40) {
				case 0:
					_, _, _, err = st.Scan(c%3, 0, 20, now, ScanOptions{}, false)
				case 1:
					_, _, _, err = st.RandomKey(0, now, false)
				case 2:
					_, _, err = st.DBSize(c%3, now, false)
				case 3:
					err = st.Flush()
				case 4:
					_, err = st.Stats(false)
				case 5:
					err = command(st, 3, now, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(3); tx.SwapDB(4, 5) })
				}
				if err != nil {
					t.Errorf("command: %v", err)
					return
				}
			}
		}()
	}
	wg.Wait()
	sweeper.Stop()
	checked(t, st)
	st = reopened(t, st)
	for n := range counters {
		if want := counted[n].Load(); want > 0 {
			wantGet(t, st, fmt.Sprint("counter", n), fmt.Sprint(want))
		}
	}
	checked(t, st)
}

// coldStore holds n keys, cold0 and so on, all of them on disk alone, and one hot key.
func coldStore(t *testing.T, n int) (*disk, *Store) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	for i := range n {
		mustSet(t, st, fmt.Sprint("cold", i), strings.Repeat("v", 5000))
	}
	st = reopened(t, st, d.use)
	mustSet(t, st, "hot", "v")
	return d, st
}

// slowly makes reads of the database wait until the returned function is called.
func (d *disk) slowly() (goOn func()) {
	gate := make(chan struct{})
	d.mu.Lock()
	d.reading = func(file string) {
		if file == databaseFile {
			<-gate
		}
	}
	d.mu.Unlock()
	return sync.OnceFunc(func() {
		d.mu.Lock()
		d.reading = nil
		d.mu.Unlock()
		close(gate)
	})
}

func TestClientsThatAskForTheSameColdKeyLoadItOnce(t *testing.T) {
	d, st := coldStore(t, 1)
	goOn := d.slowly()
	defer goOn()
	var wg sync.WaitGroup
	for range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if v, ok, err := get(st, "cold0"); !ok || err != nil || len(v) != 5000 {
				t.Errorf("GET = %s, %v, %v", brief(v), ok, err)
			}
		}()
	}
	eventually(t, "the load's begin", func() bool {
		st.Lock()
		defer st.Unlock()
		o := st.dbs[0].keys.get("cold0")
		return o != nil && o.load() != nil
	})
	before := st.stats.loads
	goOn()
	wg.Wait()
	st.Lock()
	defer st.Unlock()
	if loads := st.stats.loads - before; loads != 1 {
		t.Fatalf("%d loads", loads)
	}
}

func TestASlowLoadDoesNotHoldUpHotKeys(t *testing.T) {
	d, st := coldStore(t, 1000)
	goOn := d.slowly()
	defer goOn()
	done := make(chan error, 3)
	for i := range 3 { // as many as there are readers
		go func() { _, _, err := get(st, fmt.Sprint("cold", 300*i)); done <- err }()
	}
	for i := range 1000 {
		mustSet(t, st, "hot", fmt.Sprint(i))
		wantGet(t, st, "hot", fmt.Sprint(i))
	}
	select {
	case <-done:
		t.Fatal("the load did not wait: this test shows nothing")
	default:
	}
	goOn()
	for range 3 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFlushDuringALoadLeavesTheBooksInOrder(t *testing.T) {
	d, st := coldStore(t, 10)
	st.SetMaxMemory(1)
	goOn := d.slowly()
	defer goOn()
	done := make(chan error)
	go func() { _, _, err := get(st, "cold0"); done <- err }()
	eventually(t, "the load's begin", func() bool {
		st.Lock()
		defer st.Unlock()
		o := st.dbs[0].keys.get("cold0")
		return o != nil && o.load() != nil
	})
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(0) })
	for range 10 {
		st.LetGo() // not Sweep: that would wait for the disk
	}
	goOn()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, st, "cold0")
	eventually(t, "the flushed database's end", func() bool {
		st.Sweep(testNow)
		st.Lock()
		defer st.Unlock()
		return len(st.flushed) == 0
	})
	checked(t, st)
}

func TestALoadThatFailsIsTriedAgain(t *testing.T) {
	d, st := coldStore(t, 1000)
	d.mu.Lock()
	d.broken = true
	d.mu.Unlock()
	if _, _, err := get(st, "cold500"); !errors.Is(err, ErrDiskFailed) {
		t.Fatalf("GET = %v", err)
	}
	wantGet(t, st, "hot", "v")
	d.mu.Lock()
	d.broken = false
	d.mu.Unlock()
	wantGet(t, st, "cold500", strings.Repeat("v", 5000))
	checked(t, st)
}

func TestManyKeysThatACommandComesUponAreLoadedTogether(t *testing.T) {
	d, st := coldStore(t, 1000)
	load := func() error {
		st.Lock()
		tx := st.Begin(0, testNow)
		wanted := 0
		for i := range 1000 {
			if tx.WantAlso(fmt.Append(nil, "cold", i), NeedValue) {
				wanted++
			}
		}
		f := tx.TakeFetch()
		st.Unlock()
		if wanted != 0 {
			t.Fatalf("%d keys are there already", wanted)
		}
		err := f.Load()
		st.Lock()
		f.Release()
		st.Unlock()
		return err
	}
	d.mu.Lock()
	d.broken = true
	d.mu.Unlock()
	if err := load(); err == nil {
		t.Fatal("a broken disk was read")
	}
	d.mu.Lock()
	d.broken = false
	d.mu.Unlock()
	st.readers.renew() // ends the transaction that failed
	before := st.Loads()
	if err := load(); err != nil {
		t.Fatal(err)
	}
	if n := st.Loads() - before; n != 1000 {
		t.Errorf("%d loads", n)
	}
	for i := range 1000 {
		wantGet(t, st, fmt.Sprint("cold", i), strings.Repeat("v", 5000))
	}
	if n := st.Loads() - before; n != 1000 {
		t.Errorf("%d loads at the end", n)
	}
	for _, o := range st.dbs[0].keys.some(1 << 20) {
		if o.pins() != 0 || o.load() != nil {
			t.Fatalf("%s is pinned %d times", o.name(), o.pins())
		}
	}
	checked(t, st)
}
