package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// An open loop sends its requests at planned times, whether or not the ones before have been answered, and counts how
// long each took from the moment that it was planned for. A client that waits for a reply before it sends the next
// request leaves out those that it would have sent meanwhile: of a stop of 100 ms it sees a request a connection, and
// the others, which would have had to wait as well, are missing in its percentiles (coordinated omission, by Gil Tene's
// word; wrk2 counts as this does).
//
// One thread serves all connections, which take turns, by select(2), whose timeout is finer than the millisecond of
// Go's own network poller. Nothing is kept of a request: the n-th of a connection has its time by its number.

const (
	steadyAtOnce   = 64               // requests of one write
	steadyPatience = 30 * time.Second // how long replies may be out behind the last request
	steadyLongest  = 10 * time.Minute // longer waits are counted as this
)

// steadyLoad is a load of so many requests a second; of 0, each connection sends its next one when it has the reply.
type steadyLoad struct {
	connections int
	rate        float64
	time        time.Duration
	request     func(b []byte, i int) []byte // appends the i-th request
	from        int                          // the number of the next run's first request
}

// at is when the i-th request is planned for, from the start.
func (l *steadyLoad) at(i int) time.Duration {
	return time.Duration(float64(i) / l.rate * float64(time.Second))
}

// due is how many requests are planned for before now.
func (l *steadyLoad) due(now time.Duration) int {
	n := int(min(now, l.time).Seconds() * l.rate)
	for l.at(n) < min(now, l.time) {
		n++
	}
	return n
}

// steadyResult is what a run showed. Times are in us.
type steadyResult struct {
	waits, late *hdrhistogram.Histogram
	intime      int           // requests that were answered before the time was over
	time        time.Duration // for which requests were sent
	cpu         time.Duration // the server's
}

func newSteadyResult() *steadyResult {
	fresh := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, steadyLongest.Microseconds(), 3) }
	return &steadyResult{waits: fresh(), late: fresh()}
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d, 0), steadyLongest).Microseconds()) // it fails beyond the bounds alone
}

func (r *steadyResult) add(other *steadyResult) {
	r.waits.Merge(other.waits)
	r.late.Merge(other.late)
	r.intime += other.intime
	r.time += other.time
	r.cpu += other.cpu
}

func (r *steadyResult) achieved() float64 { return float64(r.intime) / r.time.Seconds() }

// wait is a percentile, in ms.
func (r *steadyResult) wait(percent float64) float64 {
	return float64(r.waits.ValueAtPercentile(percent)) / 1000
}

func (r *steadyResult) figures(highest float64) steady {
	return steady{
		Highest: highest, Achieved: r.achieved(),
		P50Millis: r.wait(50), P99Millis: r.wait(99), P999Millis: r.wait(99.9), MaxMillis: r.wait(100),
		LateP999: float64(r.late.ValueAtPercentile(99.9)) / 1000, LateMax: float64(r.late.Max()) / 1000,
		ServerMicros: ratio(r.cpu.Seconds()*1e6, float64(r.waits.TotalCount())),
	}
}

// steadyConn is a connection of the loop. Its j-th request is the (j*connections+place)-th of all.
type steadyConn struct {
	fd             int
	place          int
	sent, answered int
	began          time.Duration // without a rate: when the request under way was sent
	out            []byte        // what the socket has not taken yet
	room           []byte        // out's
	skip           int           // bytes to come of the string under way, its line's end included
	line           []byte        // the beginning of a line whose end has not come
}

// steadyLoop is one run.
type steadyLoop struct {
	*steadyLoad
	*steadyResult
	conns  []*steadyConn
	start  time.Time
	noted  int // requests whose time has come
	open   int // requests without a reply
	buffer []byte
}

// run sends the load to s and returns when all of it has been answered.
func (l *steadyLoad) run(ctx context.Context, s *server) (*steadyResult, error) {
	lp := &steadyLoop{steadyLoad: l, steadyResult: newSteadyResult(), buffer: make([]byte, 64<<10)}
	lp.steadyResult.time = l.time
	defer func() {
		for _, c := range lp.conns {
			unix.Close(c.fd)
		}
	}()
	for i := range l.connections {
		fd, err := steadyConnect(s.port)
		if err != nil {
			return nil, err
		}
		lp.conns = append(lp.conns, &steadyConn{fd: fd, place: i})
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	lp.start = time.Now()
	for {
		now := time.Since(lp.start)
		if err := lp.send(now); err != nil {
			return nil, err
		}
		switch {
		case now >= l.time && lp.open == 0:
			l.from += lp.sent()
			return lp.steadyResult, nil
		case now >= l.time+steadyPatience:
			return nil, fmt.Errorf("%d requests without a reply %s after the last one", lp.open, steadyPatience)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		if err := lp.receive(lp.pause(now)); err != nil {
			return nil, err
		}
	}
}

func steadyConnect(port int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	if err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err = errors.Join(err, unix.SetNonblock(fd, true)); err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

func (lp *steadyLoop) sent() (n int) {
	for _, c := range lp.conns {
		n += c.sent
	}
	return n
}

// pause is how long there is nothing to send.
func (lp *steadyLoop) pause(now time.Duration) time.Duration {
	const longest = 100 * time.Millisecond // ctx may end
	if lp.rate == 0 || now >= lp.steadyLoad.time {
		return longest
	}
	return min(max(lp.at(lp.noted)-now, 0), longest)
}

// send sends what is due.
func (lp *steadyLoop) send(now time.Duration) error {
	if lp.rate > 0 {
		for due := lp.due(now); lp.noted < due; lp.noted++ {
			record(lp.late, now-lp.at(lp.noted))
			lp.open++
		}
	}
	for _, c := range lp.conns {
		for lp.build(c, now); len(c.out) > 0; lp.build(c, now) {
			n, err := unix.Write(c.fd, c.out)
			if err == unix.EAGAIN {
				break
			}
			if err != nil && err != unix.EINTR {
				return err
			}
			c.out = c.out[max(n, 0):]
		}
	}
	return nil
}

// build makes the bytes of a connection's requests that are due.
func (lp *steadyLoop) build(c *steadyConn, now time.Duration) {
	if len(c.out) > 0 {
		return
	}
	c.out = c.room[:0]
	if lp.rate == 0 {
		if c.sent == c.answered && now < lp.steadyLoad.time {
			c.began = now
			lp.open++
			lp.next(c)
		}
	} else {
		for n := 0; lp.number(c, c.sent) < lp.noted && n < steadyAtOnce; n++ {
			lp.next(c)
		}
	}
	c.room = c.out
}

func (lp *steadyLoop) number(c *steadyConn, j int) int { return j*len(lp.conns) + c.place }

func (lp *steadyLoop) next(c *steadyConn) {
	c.out = lp.request(c.out, lp.from+lp.number(c, c.sent))
	c.sent++
}

// receive waits for replies, or for so long, and reads what has come.
func (lp *steadyLoop) receive(pause time.Duration) error {
	var readable, writable unix.FdSet
	highest := 0
	for _, c := range lp.conns {
		if highest = max(highest, c.fd); c.sent > c.answered {
			readable.Set(c.fd)
		}
		if len(c.out) > 0 {
			writable.Set(c.fd)
		}
	}
	timeout := unix.NsecToTimeval(pause.Nanoseconds())
	switch n, err := unix.Select(highest+1, &readable, &writable, nil, &timeout); {
	case err == unix.EINTR || n == 0:
		return nil
	case err != nil:
		return err
	}
	now := time.Since(lp.start)
	for _, c := range lp.conns {
		if !readable.IsSet(c.fd) {
			continue
		}
		n, err := unix.Read(c.fd, lp.buffer)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return errors.New("the server has closed a connection")
		}
		answered, err := c.replies(lp.buffer[:n])
		if err != nil {
			return err
		}
		for range answered {
			lp.note(c, now)
		}
	}
	return nil
}

// note counts a reply.
func (lp *steadyLoop) note(c *steadyConn, now time.Duration) {
	planned := c.began
	if lp.rate > 0 {
		planned = lp.at(lp.number(c, c.answered))
	}
	record(lp.waits, now-planned)
	c.answered++
	lp.open--
	if now <= lp.steadyLoad.time {
		lp.intime++
	}
}

// replies counts the replies that end in data: lines, and strings, of which only the length is looked at.
func (c *steadyConn) replies(data []byte) (n int, err error) {
	for len(data) > 0 {
		if c.skip > 0 {
			step := min(c.skip, len(data))
			data = data[step:]
			if c.skip -= step; c.skip == 0 {
				n++
			}
			continue
		}
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if c.line, data = append(c.line, line...), rest; !whole {
			return n, nil
		}
		line = bytes.TrimSuffix(c.line, []byte("\r"))
		c.line = c.line[:0]
		switch {
		case len(line) > 0 && (line[0] == '+' || line[0] == ':'), string(line) == "$-1":
			n++
		case len(line) > 1 && line[0] == '$':
			size, err := strconv.Atoi(string(line[1:]))
			if err != nil || size < 0 {
				return n, fmt.Errorf("a reply begins with %q", line)
			}
			c.skip = size + len("\r\n")
		default:
			return n, fmt.Errorf("a reply begins with %q", line)
		}
	}
	return n, nil
}
