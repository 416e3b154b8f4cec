package bench

import (
	"math/rand/v2"
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"diskette/resp/cli/target"
)

// loops drive connections by epoll and plain system calls, one loop a thread: on a small machine the generator takes
// its processor time from the server, and a goroutine a connection takes half as much again as such a loop.
type loops struct {
	where       string // for messages
	address     net.Addr
	connections int
	threads     int
	digits      int
}

// newPlain drives connections without TLS.
func newPlain(o *options, address net.Addr) driver {
	return &loops{o.Where(), address, o.connections, max(o.threads, 1), o.precision}
}

// A loop has some of the connections.
type loop struct {
	*loops
	load    *load
	poll    int // epoll's descriptor
	figures *latencies
	random  *rand.PCG
	buffer  []byte
	busy    int // connections that wait for something
	conns   []*socket
}

// A socket is a connection, by its descriptor.
type socket struct {
	stream
	fd         int
	place      int // among its loop's
	connecting bool
	waits      bool // for a connection or for replies
}

// eagerly is how many connections are opened before the server's queue of them is given time.
const eagerly = 64

func (d *loops) run(l *load) ([]*latencies, time.Duration, error) {
	all := make([]*loop, min(d.threads, d.connections))
	parts := make([]*latencies, len(all))
	for n := range all {
		poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			return nil, 0, err
		}
		parts[n] = newLatencies(d.digits)
		all[n] = &loop{loops: d, load: l, poll: poll, figures: parts[n], random: newRandom(), buffer: make([]byte, readBytes)}
		defer all[n].close()
	}
	for n := range d.connections {
		if n > 0 && n%eagerly == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if err := all[n%len(all)].add(l); err != nil {
			return nil, 0, err
		}
		if l.over.Load() {
			return nil, 0, errStopped
		}
	}
	start := time.Now()
	done := make(chan struct{})
	for _, lp := range all {
		go func() {
			if err := lp.turn(); err != nil {
				l.fail(err)
			}
			done <- struct{}{}
		}()
	}
	for range all {
		<-done
	}
	return parts, time.Since(start), nil
}

func (lp *loop) close() {
	for _, c := range lp.conns {
		unix.Close(c.fd)
	}
	unix.Close(lp.poll)
	lp.load.live.Add(int64(-len(lp.conns)))
}

// add makes a connection more.
func (lp *loop) add(l *load) error {
	c := &socket{stream: l.newStream(lp.figures, lp.random), place: len(lp.conns)}
	if err := lp.connect(c); err != nil {
		return err
	}
	lp.conns = append(lp.conns, c)
	l.live.Add(1)
	return nil
}

// connect begins to connect: the first bytes are sent when epoll says that they can be.
func (lp *loop) connect(c *socket) error {
	fd, err := connectTo(lp.address)
	if err != nil {
		return lp.unreachable(err)
	}
	// Edges alone: what has come is read until there is nothing more, and no call of epoll is made for a request.
	events := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(c.place)}
	if err := unix.EpollCtl(lp.poll, unix.EPOLL_CTL_ADD, fd, &events); err != nil {
		unix.Close(fd)
		return err
	}
	c.fd, c.connecting, c.waits = fd, true, true
	lp.busy++
	return nil
}

// connectTo opens a socket that does not block and begins to connect it.
func connectTo(address net.Addr) (fd int, err error) {
	var to unix.Sockaddr
	family := unix.AF_INET
	switch a := address.(type) {
	case *net.TCPAddr:
		if ip := a.IP.To4(); ip != nil {
			to = &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}
			break
		}
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Port: a.Port, Addr: [16]byte(a.IP.To16()), ZoneId: zoneOf(a)}
	default:
		family, to = unix.AF_UNIX, &unix.SockaddrUnix{Name: address.String()}
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if family != unix.AF_UNIX {
		for _, o := range [][3]int{
			{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			// A machine that is gone without a word is found out, however long its last command might have taken.
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 10},
			{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
			{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 4},
			{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30_000},
		} {
			if err == nil {
				err = unix.SetsockoptInt(fd, o[0], o[1], o[2])
			}
		}
	}
	for wait := time.Millisecond; err == nil; wait *= 2 {
		err = unix.Connect(fd, to)
		if err != unix.EAGAIN || wait > target.ConnectTimeout { // a Unix socket whose queue is full
			break
		}
		time.Sleep(wait)
		err = nil
	}
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

func zoneOf(a *net.TCPAddr) uint32 {
	if i, err := net.InterfaceByName(a.Zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}

func (d *loops) unreachable(err error) error { return unreachable(d.where, err) }

// turn handles events until no connection waits for anything.
func (lp *loop) turn() error {
	events := make([]unix.EpollEvent, 256)
	for lp.busy > 0 && !lp.load.over.Load() {
		n, err := unix.EpollWait(lp.poll, events, int(tick.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if err := lp.handle(lp.conns[e.Fd]); err != nil {
				return err
			}
		}
	}
	return nil
}

// handle does whatever a connection can do now.
func (lp *loop) handle(c *socket) error {
	if c.connecting {
		n, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && n != 0 {
			err = syscall.Errno(n)
		}
		if err != nil {
			return lp.unreachable(err)
		}
		if _, err := unix.Getpeername(c.fd); err != nil { // not yet
			return nil
		}
		c.connecting = false
		return lp.next(c, true)
	}
	if len(c.out) > 0 {
		if err := c.send(); err != nil {
			return err
		}
	}
	for c.waits {
		n, errno := transfer(unix.SYS_READ, c.fd, lp.buffer)
		switch {
		case errno == unix.EAGAIN:
			return nil
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return broken(errno)
		case n == 0:
			return errClosed
		}
		done, err := c.receive(lp.buffer[:n])
		if err != nil {
			return err
		}
		if done {
			return lp.done(c)
		}
		if n < len(lp.buffer) {
			return nil
		}
	}
	return nil
}

// done goes on when everything has come.
func (lp *loop) done(c *socket) error {
	if lp.load.keep {
		return lp.next(c, false)
	}
	unix.Close(c.fd)
	lp.rest(c)
	return lp.connect(c)
}

// next sends the next pipeline, if there is to be one.
func (lp *loop) next(c *socket, fresh bool) error {
	if !c.begin(fresh) {
		lp.rest(c)
		return nil
	}
	return c.send()
}

func (lp *loop) rest(c *socket) {
	c.waits = false
	lp.busy--
}

// send writes what the socket takes; epoll says when it takes more.
func (c *socket) send() error {
	for len(c.out) > 0 {
		n, errno := transfer(unix.SYS_WRITE, c.fd, c.out)
		switch errno {
		case 0:
			c.out = c.out[n:]
		case unix.EAGAIN:
			return nil
		case unix.EINTR:
		default:
			return broken(errno)
		}
	}
	return nil
}

// transfer reads or writes without telling Go's scheduler, which is right for a socket that never blocks.
func transfer(call uintptr, fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n), errno
}
