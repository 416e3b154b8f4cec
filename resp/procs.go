package resp

import (
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"diskette/resp/internal/machine"
	"diskette/store"
)

// Where no event loop serves clients (run ends at the first one), the server runs their commands on one of two cores
// unless there is work for both. Commands that come
// one at a time are mostly system calls around a short hold of one lock; spread over both cores they take the
// client's core away, and each side wakes the other for a command or two instead of a dozen. Measured with 50
// connections and no pipelines, beside redis-server on the same two cores: GET 0.71 of its throughput on two, 0.95
// to 1.1 on one; SET 0.75 and 0.92; SET under appendfsync always costs 11.9 us of processor time on two and 9.8 on
// one, at the same rate: while a goroutine is in the fsync, the others run on the core that it left. GETs in
// pipelines of 16 have a p99 of 4.8 times Redis's on two and 1.7 on one, at 1.08 and 1.13 of its throughput: with
// the client there are three busy threads for two cores, and the one that the kernel sets aside for a slice of
// some 4 ms leaves a client in the middle of its batch. Pipelines of changes and loads from disk gain from the
// second core: INCR in pipelines of 16 has 1.1 of the throughput on two and 1.03 on one, and a p99 of 1.7 and 2.2.
//
// Long work beside the commands, such as a write-back, gets the second core, for they would wait for it on one: see
// store/breath.go for what that does to the slowest of them. So does the collector, from before it begins, for Go does
// not change the number while it is at work: a million keys take it half a second to a second of processor time. SET
// EX 5 of new keys at 13,000/s beside a million others, two cores that others used as well (a load average of 25), in
// turns, three of 20 s each; ms, of each turn:
//
//	                               p99               p99.9             max
//	the collector on one core      242  336  1,869   365  475  2,167   422  532  2,255
//	on two, as the commands then    22   49    114    36   71    283    61   95    398

const (
	procsPeriod = 100 * time.Millisecond
	// procsCalm is how many periods without work for both cores give one back.
	procsCalm = 5
	// fewClients leave the cores idle most of the time, and are answered sooner by two: 0.98 of redis-server's
	// throughput with one client, against 0.84.
	fewClients = 4
	// A heap that grows by less than procsGrowth bytes in a period is not expected to be collected soon. procsAhead is
	// how many periods before a collection both cores are given back.
	procsGrowth = 64 << 10
	procsAhead  = 10
	// procsIdle is how many periods without a command let it sleep until there is one.
	procsIdle = 50
)

// procs decides from time to time how many cores commands run on.
type procs struct {
	all, now int
	calm     int
	commands int64 // totals when it last looked
	batches  int64
	changes  int64
	loads    int64
	heap     int64 // bytes

	idle   int           // periods without a command
	asleep atomic.Bool   // it does not look before the next command
	woken  chan struct{} // has room for one
}

// newProcs returns nil where there is nothing to decide: other than two cores, or GOMAXPROCS set by the user.
func newProcs() *procs {
	if n := runtime.GOMAXPROCS(0); n == 2 && os.Getenv("GOMAXPROCS") == "" {
		return &procs{all: n, now: n, calm: procsCalm - 1, woken: make(chan struct{}, 1)}
	}
	return nil
}

// most is how many cores commands may run on.
func (p *procs) most() int {
	if p == nil {
		return runtime.GOMAXPROCS(0)
	}
	return p.all
}

// look takes the totals of commands, of the batches that they came in, of those that changed something and of keys
// loaded from disk, how many clients there are, and whether there is long work beside them.
func (p *procs) look(commands, batches, changes, loads int64, clients int, labor bool) {
	c, b, ch, l := commands-p.commands, batches-p.batches, changes-p.changes, loads-p.loads
	p.commands, p.batches, p.changes, p.loads = commands, batches, changes, loads
	switch {
	case labor || c > 4*b && ch > c/4 || l > 100 && l > c/20:
		p.calm = 0
		p.set(p.all)
	case 0 < clients && clients <= fewClients:
		p.set(p.all)
	default:
		if p.calm++; p.calm >= procsCalm {
			p.set(1)
		}
	}
}

func (p *procs) set(n int) {
	if p.now != n {
		p.now = n
		runtime.GOMAXPROCS(n)
	}
}

// collecting takes how many bytes the heap has, and with how many the collector begins at the earliest. It reports
// whether that is at work, or will be within some periods. A heap that hardly grows may be near it for hours.
func (p *procs) collecting(bytes, collected int64) bool {
	grown := bytes - p.heap
	p.heap = bytes
	return grown >= procsGrowth && bytes+procsAhead*grown >= collected
}

// run looks every procsPeriod until stop is closed. It ends when there are event loops: what they run is one core's,
// and what they leave to others the rest's.
func (p *procs) run(s *Server, stop <-chan struct{}) {
	tick := time.NewTimer(procsPeriod)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			p.set(p.all) // the end is write-back's
			return
		case <-tick.C:
		case <-p.woken:
		case <-store.LaborBegins():
		}
		if s.loops.serve.Load() {
			p.set(p.all)
			return
		}
		commands := s.stats.commands.Load()
		if p.idle++; commands != p.commands {
			p.idle = 0
		}
		p.look(commands, s.stats.batches.Load(), int64(s.store.Committed()), s.store.Loads(), s.clients.count(), store.Laboring() || p.collecting(machine.Heap()))
		if p.idle < procsIdle {
			tick.Reset(procsPeriod)
		} else if p.asleep.Store(true); s.stats.commands.Load() != commands {
			p.wake()
		}
	}
}

// wake is called after each batch of commands.
func (p *procs) wake() {
	if p != nil && p.asleep.Load() && p.asleep.CompareAndSwap(true, false) {
		select {
		case p.woken <- struct{}{}:
		default: // run has been woken by something else since, and has not taken the last one
		}
	}
}
