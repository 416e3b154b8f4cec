package wire

import (
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unique"

	"golang.org/x/sys/unix"
)

// A PolledConn is a connection that a Poll waits for, or for a while a goroutine of its own. It is a net.Conn, whose
// deadlines are for reads alone.
type PolledConn struct {
	// Owner is the caller's. It is set before the first Join.
	Owner any

	poll     *Poll
	fd       int32
	leftIt   bool         // Leave was called, and Join was not yet
	users    atomic.Int64 // system calls under way; closedUsers is added when it is closed
	remote   netip.AddrPort
	local    unique.Handle[netip.AddrPort] // many connections have the same
	released atomic.Bool

	joined   atomic.Bool // Wait returns it; else nobody does, and reads wait
	queued   atomic.Bool // Wait has returned it, or will, and it was not taken up yet
	readable atomic.Bool // something has come since a read found the end
	ended    atomic.Bool // so has the end of the stream, or of the connection
	urgent   atomic.Bool // the client sends urgent bytes (MSG_OOB), at which a read stops short of what is behind them
	writable atomic.Bool // the system takes more than at the last try
	expired  atomic.Bool // the deadline has passed

	mu struct {
		sync.Mutex
		seldom *seldom // nil until it is needed
	}
}

// seldom is what a connection that rests in its loop, with no deadline, does without.
type seldom struct {
	waits    [2]chan struct{} // have room for one: something has changed that it looks at; nil = it has never waited
	deadline time.Time        // for reads; zero = there is none
	timer    *time.Timer
	rings    time.Time // when the timer does; zero = it does not
}

// Who waits for a connection.
const (
	reader = iota
	writer
)

// seldomLocked is made when it is needed first. The caller holds c.mu.
func (c *PolledConn) seldomLocked() *seldom {
	if c.mu.seldom == nil {
		c.mu.seldom = new(seldom)
	}
	return c.mu.seldom
}

const closedUsers = math.MinInt64

// Join gives the connection to Wait, from the goroutine that reads from it. That must not use it any more. If there is
// more to be read that nobody will tell of, Wait returns it in any case.
func (c *PolledConn) Join(more bool) {
	c.comeBack()
	c.joined.Store(true)
	// Between the last read and now something may have been told to nobody: each side first writes and then reads.
	if more || c.readable.Load() || c.expired.Load() || c.users.Load() < 0 {
		c.wake()
	}
}

// Leave takes the connection from Wait: the goroutine that was to serve it reads from it from now on.
func (c *PolledConn) Leave() {
	c.joined.Store(false)
	c.leftIt = true
	c.poll.away.Add(1)
}

// Retire comes before the Close of whoever serves the connection: Wait does not return it any more.
func (c *PolledConn) Retire() {
	c.joined.Store(false)
	c.comeBack()
}

func (c *PolledConn) comeBack() {
	if c.leftIt {
		c.leftIt = false
		c.poll.away.Add(-1)
	}
}

// Queue says that the connection is to be served again, by whoever serves the Poll; ok = it is not to be anyhow.
func (c *PolledConn) Queue() (ok bool) { return !c.queued.Swap(true) }

// Joined reports whether Wait returns it.
func (c *PolledConn) Joined() bool { return c.joined.Load() }

// TakeUp begins to serve a connection that Wait has returned. It is false if there is nothing to do: it has left.
func (c *PolledConn) TakeUp() bool {
	c.queued.Store(false)
	return c.joined.Load()
}

// mayHaveMore says that something may wait to be read of which the system will not tell.
func (c *PolledConn) mayHaveMore() bool { return c.readable.Load() }

// moreMayCome lets the next read try, whether or not something is told.
func (c *PolledConn) moreMayCome() { c.readable.Store(true) }

// wake comes after a change of what a read looks at.
func (c *PolledConn) wake() {
	if c.joined.Load() {
		if !c.queued.Swap(true) {
			c.poll.mu.Lock()
			c.poll.mu.due = append(c.poll.mu.due, c)
			c.poll.ringLocked()
			c.poll.mu.Unlock()
		}
		return
	}
	c.tell(reader)
}

func (c *PolledConn) tell(who int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.seldom == nil {
		return
	}
	select {
	case c.mu.seldom.waits[who] <- struct{}{}:
	default: // it has been told; nil: it has never waited
	}
}

// hears returns what tell tells somebody by.
func (c *PolledConn) hears(who int) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.seldomLocked()
	if s.waits[who] == nil {
		s.waits[who] = make(chan struct{}, 1)
	}
	return s.waits[who]
}

// use begins a system call on the descriptor, done ends it. The descriptor is closed by whoever is the last to leave.
func (c *PolledConn) use() bool {
	if c.users.Add(1) < 0 {
		c.done()
		return false
	}
	return true
}

func (c *PolledConn) done() {
	if c.users.Add(-1) == closedUsers {
		c.release()
	}
}

func (c *PolledConn) release() {
	if c.released.Swap(true) {
		return
	}
	p := c.poll
	_ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, int(c.fd), nil) // a copy of the descriptor may live on
	p.mu.Lock()
	p.mu.conns[c.fd] = nil
	p.mu.count--
	if p.mu.ended && p.mu.count == 0 {
		p.ringLocked()
	}
	p.mu.Unlock()
	unix.Close(int(c.fd)) // last: the number is another's from here on
}

// IsClosed reports whether Close was called.
func (c *PolledConn) IsClosed() bool { return c.users.Load() < 0 }

// Close closes the connection. Whoever waits for it hears of it.
func (c *PolledConn) Close() error {
	for {
		users := c.users.Load()
		if users < 0 {
			return net.ErrClosed
		}
		if c.users.CompareAndSwap(users, users+closedUsers) {
			c.mu.Lock()
			if s := c.mu.seldom; s != nil && s.timer != nil {
				s.timer.Stop()
			}
			c.mu.Unlock()
			c.wake()
			c.tell(writer)
			if users == 0 {
				c.release()
			}
			return nil
		}
	}
}

// read is RawConn's Read: attempt is called, once there may be something to read, until it says that it is done. If it
// may not wait it returns ErrNotYet instead.
func (c *PolledConn) read(attempt func(fd uintptr) (done bool), mayWait bool) error {
	for {
		switch {
		case c.users.Load() < 0:
			return net.ErrClosed
		case c.readable.Load(): // before the deadline: it is no silence if nobody has read
			// First: what comes from now on is told once more.
			c.readable.Store(false)
			if !c.use() {
				return net.ErrClosed
			}
			done := attempt(uintptr(c.fd))
			c.done()
			if done {
				if c.ended.Load() || c.urgent.Load() {
					c.readable.Store(true) // until the end itself is read, or that there is no more
				}
				return nil
			}
		case c.expired.Load():
			return os.ErrDeadlineExceeded
		case !mayWait:
			return ErrNotYet
		default:
			c.awaitReadable()
		}
	}
}

// awaitReadable waits until there is something for read to look at, or has been.
func (c *PolledConn) awaitReadable() {
	heard := c.hears(reader)
	if c.readable.Load() || c.expired.Load() || c.users.Load() < 0 {
		return
	}
	if c.leftIt { // it does not work meanwhile
		c.poll.away.Add(-1)
		defer c.poll.away.Add(1)
	}
	<-heard
}

// Read is net.Conn's.
func (c *PolledConn) Read(p []byte) (n int, err error) {
	failure := c.read(func(fd uintptr) bool {
		n, err = readDescriptor(fd, p)
		return err != syscall.EAGAIN
	}, true)
	switch {
	case failure != nil:
		return 0, failure
	case n == 0 && err == nil && len(p) > 0:
		return 0, io.EOF
	case n == len(p):
		c.readable.Store(true)
	}
	return n, err
}

// Write is net.Conn's: it waits until all is taken.
func (c *PolledConn) Write(p []byte) (n int, err error) {
	heard := c.hears(writer)
	for {
		c.writable.Store(false)
		if !c.use() {
			return n, net.ErrClosed
		}
		sent, err := writeDescriptor(uintptr(c.fd), p[n:])
		c.done()
		n += max(sent, 0)
		switch {
		case err != nil && err != syscall.EAGAIN:
			return n, err
		case n == len(p):
			return n, nil
		case err == nil:
			continue
		}
		for !c.writable.Load() && c.users.Load() >= 0 {
			<-heard
		}
	}
}

// receive is Guard's, for one read.
func (c *PolledConn) receive(to intake, wait bool) (n, room int, err error) {
	failed := c.read(func(fd uintptr) (done bool) {
		n, room, done, err = readInto(fd, to)
		return done
	}, wait)
	if n == room && n > 0 || err != nil { // of what is behind it nobody will tell
		c.moreMayCome()
	}
	if failed != nil {
		return 0, 0, failed
	}
	return n, room, err
}

// tryWrite sends what of p goes at once.
func (c *PolledConn) tryWrite(p []byte) (n int, err error) {
	if !c.use() {
		return 0, net.ErrClosed
	}
	defer c.done()
	n, err = writeDescriptor(uintptr(c.fd), p)
	if err == syscall.EAGAIN {
		err = nil
	}
	return n, err
}

// LocalAddr is net.Conn's.
func (c *PolledConn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local.Value()) }

// RemoteAddr is net.Conn's.
func (c *PolledConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline is SetReadDeadline.
func (c *PolledConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline is not for this connection.
func (c *PolledConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline is net.Conn's. A deadline that is moved on costs nothing until its timer rings.
func (c *PolledConn) SetReadDeadline(t time.Time) error {
	if c.users.Load() < 0 {
		return net.ErrClosed
	}
	c.mu.Lock()
	s := c.seldomLocked()
	s.deadline = t
	left := time.Until(t)
	passed := !t.IsZero() && left <= 0
	c.expired.Store(passed)
	if !t.IsZero() && !passed && (s.rings.IsZero() || t.Before(s.rings)) {
		c.ringLocked(left)
	}
	c.mu.Unlock()
	if passed {
		c.wake()
	}
	return nil
}

// ringLocked sets the timer. The caller holds c.mu.
func (c *PolledConn) ringLocked(after time.Duration) {
	s := c.seldomLocked()
	s.rings = time.Now().Add(after)
	if s.timer == nil {
		s.timer = time.AfterFunc(after, c.ring)
	} else {
		s.timer.Reset(after)
	}
}

// ring is the timer's.
func (c *PolledConn) ring() {
	c.mu.Lock()
	s := c.mu.seldom
	s.rings = time.Time{}
	left := time.Until(s.deadline)
	passed := !s.deadline.IsZero() && left <= 0
	if passed {
		c.expired.Store(true)
	} else if !s.deadline.IsZero() && c.users.Load() >= 0 {
		c.ringLocked(left)
	}
	c.mu.Unlock()
	if passed {
		c.wake()
	}
}

// File returns a copy of the descriptor.
func (c *PolledConn) File() (*os.File, error) {
	var fd int
	var failure error
	if err := c.Control(func(own uintptr) { fd, failure = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, os.NewSyscallError("fcntl", failure)
	}
	return os.NewFile(uintptr(fd), c.RemoteAddr().String()), nil
}

// SyscallConn is syscall.Conn's.
func (c *PolledConn) SyscallConn() (syscall.RawConn, error) { return c.raw(), nil }

func (c *PolledConn) raw() syscall.RawConn { return rawPolled{c} }

// Control is RawConn's.
func (c *PolledConn) Control(what func(fd uintptr)) error {
	if !c.use() {
		return net.ErrClosed
	}
	defer c.done()
	what(uintptr(c.fd))
	return nil
}

type rawPolled struct{ *PolledConn }

// Read is RawConn's.
func (r rawPolled) Read(attempt func(fd uintptr) (done bool)) error { return r.read(attempt, true) }

// Write is RawConn's, for one attempt.
func (r rawPolled) Write(attempt func(fd uintptr) (done bool)) error {
	return r.Control(func(fd uintptr) { attempt(fd) })
}
