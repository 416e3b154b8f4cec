package wire

import (
	"encoding/binary"
	"io"
	"math"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Poll waits for many connections at once, by an epoll descriptor of its own: Go's poller knows nothing of them. One
// goroutine at a time calls Wait, the connections' own methods anybody.
//
// A wait that is short stays on its thread, which Go's scheduler takes for busy: to leave it and to come back costs a
// tenth to a half of a command (Stay). Only then does the thread sleep as Go knows it. The kernel's timer for that wait
// must not be short: a processor that sleeps for less than its next tick has to set its clock for it, twice [a command
// a connection at a time, PING: 15.0 us with 1 ms, 11.3 with 10 ms and 11.0 with 100 ms].
//
// A connection is registered once, for edges: the system tells of each arrival once, and what is told is kept in the
// connection until a read has found the end of what has come. So there is no system call but the wait, the read and the
// write. Three designs lost: to leave the sockets in Go's poller as well, which is told of each arrival too and wakes
// up a thread for it; levels in place of edges, for which the system looks at each socket once more a turn; and the
// epoll descriptor itself in Go's poller, with that poller's wake-up before each of ours.
type Poll struct {
	// Stay lets Wait keep its thread for a while. There must be cores for the others.
	Stay bool

	fd, bell int // epoll, and an eventfd that ends a wait
	events   []unix.EpollEvent
	asleep   atomic.Bool  // Wait may have to be woken
	away     atomic.Int64 // connections that a goroutine of their own works for

	mu struct {
		sync.Mutex
		conns []*PolledConn // by descriptor
		count int
		due   []*PolledConn // to be served, for another reason than what the system has told
		ended bool
	}
}

// A PolledConn is a connection that a Poll waits for, or for a while a goroutine of its own. It is a net.Conn, whose
// deadlines are for reads alone.
type PolledConn struct {
	// Owner is the caller's. It is set before the first Join.
	Owner any

	poll          *Poll
	fd            int
	local, remote net.Addr
	leftIt        bool         // Leave was called, and Join was not yet
	users         atomic.Int64 // system calls under way; closedUsers is added when it is closed
	released      atomic.Bool

	joined   atomic.Bool // Wait returns it; else nobody does, and reads wait
	queued   atomic.Bool // Wait has returned it, or will, and it was not taken up yet
	readable atomic.Bool // something has come since a read found the end
	ended    atomic.Bool // so has the end of the stream, or of the connection
	writable atomic.Bool // the system takes more than at the last try
	expired  atomic.Bool // the deadline has passed

	mu struct {
		sync.Mutex
		reader, writer chan struct{} // have room for one: something of the above has changed; nil = nobody has waited
		deadline       time.Time
		timer          *time.Timer
		rings          time.Time // when the timer does; zero = it does not
	}
}

const closedUsers = math.MinInt64

// NewPoll makes a Poll.
func NewPoll() (*Poll, error) {
	p := &Poll{events: make([]unix.EpollEvent, 128)}
	var err error
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if p.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		unix.Close(p.fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	bell := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(p.bell)}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, p.bell, &bell); err != nil {
		p.release()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return p, nil
}

func (p *Poll) release() {
	unix.Close(p.bell)
	unix.Close(p.fd)
}

// Take makes a connection the Poll's, out of Go's poller. nc is closed then, and on an error as it was.
func (p *Poll) Take(nc *net.TCPConn) (*PolledConn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &PolledConn{poll: p, local: nc.LocalAddr(), remote: nc.RemoteAddr()}
	closed := raw.Control(func(fd uintptr) { c.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if closed != nil {
		return nil, closed
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	p.mu.Lock()
	if p.mu.ended {
		p.mu.Unlock()
		unix.Close(c.fd)
		return nil, net.ErrClosed
	}
	if len(p.mu.conns) <= c.fd {
		p.mu.conns = append(p.mu.conns, make([]*PolledConn, c.fd+1-len(p.mu.conns))...)
	}
	p.mu.conns[c.fd] = c
	p.mu.count++
	p.mu.Unlock()
	// What has come by now is told at once.
	edges := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(c.fd)}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, c.fd, &edges); err != nil {
		p.mu.Lock()
		p.mu.conns[c.fd] = nil
		if p.mu.count--; p.mu.count == 0 && p.mu.ended {
			p.ringLocked()
		}
		p.mu.Unlock()
		unix.Close(c.fd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	_ = nc.Close() // Go's poller lets go of it; the descriptor stays open by its copy
	return c, nil
}

// stay is for how long Wait stays on its thread.
const stay = 10 * time.Millisecond

// Wait adds to ready the connections that something has come for, or that are to be served for another reason. If
// needed it waits for one. over = the Poll was ended, has no connections any more, and is gone.
func (p *Poll) Wait(ready []*PolledConn, needed bool) (all []*PolledConn, over bool) {
	for had := len(ready); ; {
		if ready, over = p.takeDue(ready); over {
			return ready, true
		}
		ready = p.collect(ready, 0)
		if len(ready) > had || !needed {
			return ready, false
		}
		if runtime.GOMAXPROCS(0) == 1 {
			runtime.Gosched() // whoever can run has to before the only thread sleeps
		}
		p.asleep.Store(true)
		if !p.anyDue() {
			if p.Stay && p.away.Load() == 0 {
				ready = p.collect(ready, stay)
			}
			if len(ready) == had && !p.anyDue() {
				ready = p.collect(ready, -1)
			}
		}
		p.asleep.Store(false)
		if len(ready) > had {
			ready, over = p.takeDue(ready)
			return ready, over
		}
	}
}

// collect adds what the system tells within so long; negative = however long that takes.
func (p *Poll) collect(ready []*PolledConn, wait time.Duration) []*PolledConn {
	n := p.await(wait)
	if n <= 0 {
		return ready
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events[:n] {
		if int(e.Fd) == p.bell || int(e.Fd) >= len(p.mu.conns) {
			continue // what the bell is rung for is found without being told
		}
		c := p.mu.conns[e.Fd]
		if c == nil {
			continue
		}
		if e.Events&unix.EPOLLOUT != 0 && !c.writable.Swap(true) {
			c.tell(&c.mu.writer)
		}
		if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			c.ended.Store(true)
		} else if e.Events&unix.EPOLLIN == 0 {
			continue
		}
		c.readable.Store(true)
		switch {
		case !c.joined.Load():
			c.tell(&c.mu.reader)
		case !c.queued.Swap(true):
			ready = append(ready, c)
		}
	}
	return ready
}

// await is epoll_wait. A signal ends it as if the time were over.
func (p *Poll) await(wait time.Duration) (events int) {
	first, most := uintptr(unsafe.Pointer(unsafe.SliceData(p.events))), uintptr(len(p.events))
	var n uintptr
	var errno syscall.Errno
	switch {
	case wait < 0: // Go's scheduler is told, or all would wait
		forever := -1
		n, _, errno = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), first, most, uintptr(forever), 0, 0)
	case wait == 0:
		n, _, errno = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), first, most, 0, 0, 0)
	default:
		length := [2]int64{0, int64(wait)} // the kernel's timespec: seconds and nanoseconds, on all processors
		n, _, errno = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), first, most,
			uintptr(unsafe.Pointer(&length)), 0, 0)
	}
	if errno != 0 { // interrupted; or, with Linux before 5.11, there is no such wait: the next one is without end
		return 0
	}
	return int(n)
}

// takeDue adds those that are to be served for another reason.
func (p *Poll) takeDue(ready []*PolledConn) (all []*PolledConn, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, c := range p.mu.due {
		// It may join in between, and find that it is queued: so that is over before it is asked whether it has joined.
		if c.queued.Store(false); !c.joined.Load() {
			c.tell(&c.mu.reader)
		} else if !c.queued.Swap(true) {
			ready = append(ready, c)
		}
		p.mu.due[i] = nil
	}
	p.mu.due = p.mu.due[:0]
	if p.mu.ended && p.mu.count == 0 && len(ready) == 0 {
		p.release()
		return ready, true
	}
	return ready, false
}

func (p *Poll) anyDue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mu.due) > 0 || p.mu.ended && p.mu.count == 0
}

// End lets Wait end when there are no connections any more.
func (p *Poll) End() {
	p.mu.Lock()
	p.mu.ended = true
	p.ringLocked()
	p.mu.Unlock()
}

// ringLocked ends a Wait that waits. The caller holds p.mu, so that the bell is there.
func (p *Poll) ringLocked() {
	if p.asleep.Load() {
		_, _ = unix.Write(p.bell, binary.NativeEndian.AppendUint64(nil, 1))
	}
}

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
	c.tell(&c.mu.reader)
}

func (c *PolledConn) tell(who *chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case *who <- struct{}{}:
	default: // it has been told; nil: nobody has ever waited
	}
}

// hears returns what tell tells somebody by.
func (c *PolledConn) hears(who *chan struct{}) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *who == nil {
		*who = make(chan struct{}, 1)
	}
	return *who
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
	_ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, c.fd, nil) // a copy of the descriptor may live on
	p.mu.Lock()
	p.mu.conns[c.fd] = nil
	p.mu.count--
	if p.mu.ended && p.mu.count == 0 {
		p.ringLocked()
	}
	p.mu.Unlock()
	unix.Close(c.fd) // last: the number is another's from here on
}

// Close closes the connection. Whoever waits for it hears of it.
func (c *PolledConn) Close() error {
	for {
		users := c.users.Load()
		if users < 0 {
			return net.ErrClosed
		}
		if c.users.CompareAndSwap(users, users+closedUsers) {
			c.mu.Lock()
			if c.mu.timer != nil {
				c.mu.timer.Stop()
			}
			c.mu.Unlock()
			c.wake()
			c.tell(&c.mu.writer)
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
				if c.ended.Load() {
					c.readable.Store(true) // until the end itself is read
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
	heard := c.hears(&c.mu.reader)
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
	heard := c.hears(&c.mu.writer)
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

// LocalAddr is net.Conn's.
func (c *PolledConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is net.Conn's.
func (c *PolledConn) RemoteAddr() net.Addr { return c.remote }

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
	c.mu.deadline = t
	left := time.Until(t)
	passed := !t.IsZero() && left <= 0
	c.expired.Store(passed)
	if !t.IsZero() && !passed && (c.mu.rings.IsZero() || t.Before(c.mu.rings)) {
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
	c.mu.rings = time.Now().Add(after)
	if c.mu.timer == nil {
		c.mu.timer = time.AfterFunc(after, c.ring)
	} else {
		c.mu.timer.Reset(after)
	}
}

// ring is the timer's.
func (c *PolledConn) ring() {
	c.mu.Lock()
	c.mu.rings = time.Time{}
	t := c.mu.deadline
	left := time.Until(t)
	passed := !t.IsZero() && left <= 0
	if passed {
		c.expired.Store(true)
	} else if !t.IsZero() && c.users.Load() >= 0 {
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
	return os.NewFile(uintptr(fd), c.remote.String()), nil
}

// SyscallConn is syscall.Conn's.
func (c *PolledConn) SyscallConn() (syscall.RawConn, error) { return rawPolled{c}, nil }

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
