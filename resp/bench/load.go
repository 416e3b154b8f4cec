package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/cli/target"
)

// A load is one test while it runs: what its connections share.
type load struct {
	request  *request
	total    int64 // requests
	keep     bool  // connections are used for more than one pipeline
	keyspace uint64

	issued, done atomic.Int64 // requests
	latencies    atomic.Int64 // the sum of those of done, us
	live         atomic.Int64 // connections
	over         atomic.Bool  // no connection sends anything more

	mu struct {
		sync.Mutex
		err error // the first
	}
}

const (
	readBytes = 64 << 10
	tick      = 100 * time.Millisecond // how often a driver looks whether the load is over
)

var errStopped = errors.New("interrupted")

// fail ends the load with an error, if none has ended it.
func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.err == nil && !l.over.Load() {
		l.mu.err = err
	}
	l.over.Store(true)
}

func (l *load) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.err
}

// take says that another pipeline of requests may be sent.
func (l *load) take() bool {
	depth := int64(l.request.depth)
	return !l.over.Load() && l.issued.Add(depth)-depth < l.total
}

// A driver opens connections and calls their methods as bytes can be sent and have come. run returns when the load is
// through, or over.
type driver interface {
	run(l *load) ([]*latencies, time.Duration, error)
}

// A stream is one connection's state between its bytes: who drives it, writes and reads them.
type stream struct {
	load     *load
	figures  *latencies
	random   *rand.PCG
	own      []byte // the request's bytes
	out      []byte // what is still to be sent
	greeting int    // replies to it that are awaited
	awaited  int    // replies
	sent     int64  // us on the clock, when the first byte was about to be sent
	took     int64  // us until the first byte of the answer; -1 = none has come
	scan     scanner
	counting *sync.Mutex // of the figures; nil = nobody else has them
}

func (l *load) newStream(figures *latencies, random *rand.PCG) stream {
	return stream{load: l, figures: figures, random: random, own: l.request.own()}
}

// begin prepares the next pipeline of requests, unless there are enough.
func (s *stream) begin(fresh bool) bool {
	r := s.load.request
	if !s.load.take() {
		return false
	}
	if len(r.places) > 0 {
		r.fill(s.own, s.number)
	}
	s.out, s.greeting = s.own[r.greeting:], 0
	if fresh {
		s.out, s.greeting, s.scan = s.own, r.greeted, scanner{}
	}
	s.awaited, s.took = r.depth, -1
	s.sent = now()
	return true
}

// number is a random one of the keyspace.
func (s *stream) number() uint64 {
	if s.load.keyspace == 0 {
		return 0
	}
	return s.random.Uint64() % s.load.keyspace
}

// broken says that a connection can not be read or written any more.
func broken(err error) error { return target.Said("Error: " + target.Reason(err)) }

// serverError is an error reply.
type serverError string

func (e serverError) Error() string { return "Error from server: " + string(e) }

// receive takes what has come, and says whether everything that was awaited is there.
func (s *stream) receive(data []byte) (bool, error) {
	if s.took < 0 {
		s.took = now() - s.sent
	}
	replies := 0
	for len(data) > 0 {
		n, what, err := s.scan.next(data)
		if err != nil {
			return false, err
		}
		data = data[n:]
		switch {
		case what == refused:
			return false, serverError(s.scan.text)
		case what != answered:
		case s.greeting > 0:
			s.greeting--
		case s.awaited > 0: // there may be more than was asked for, to SUBSCRIBE for one
			s.awaited--
			replies++
		}
	}
	if replies > 0 {
		s.count(int64(replies))
	}
	return s.awaited == 0, nil
}

// count counts replies. The last pipelines may go beyond the total: those are done, too, but their latencies are left
// out.
func (s *stream) count(replies int64) {
	beyond := s.load.done.Add(replies) - s.load.total
	if replies -= max(beyond, 0); replies <= 0 {
		return
	}
	s.load.latencies.Add(replies * s.took)
	if s.counting != nil {
		s.counting.Lock()
		defer s.counting.Unlock()
	}
	s.figures.record(s.took, replies)
}

// clockStart is where the clock begins.
var clockStart = time.Now()

// now is a clock that goes on evenly, us.
func now() int64 { return time.Since(clockStart).Microseconds() }

// runLoad runs a load to its end; ctx may bring that forward.
func runLoad(ctx context.Context, d driver, l *load) (*figures, error) {
	stop := context.AfterFunc(ctx, func() { l.fail(errStopped) })
	defer stop()
	parts, took, err := d.run(l)
	if err != nil {
		l.fail(err)
	}
	f := &figures{done: l.done.Load(), took: took, latencies: newLatencies(0)}
	for n, part := range parts {
		if n == 0 {
			f.latencies = part
			continue
		}
		f.latencies.merge(part)
	}
	return f, l.failure()
}
