package wire

import (
	"encoding/binary"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unique"
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

// PollDescriptors is how many descriptors a Poll has besides those of its connections.
const PollDescriptors = 2

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

// edges is what the system tells of.
const edges = unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// Take makes a connection the Poll's, out of Go's poller. nc is closed then, and on an error as it was.
func (p *Poll) Take(nc *net.TCPConn) (*PolledConn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	local, _ := nc.LocalAddr().(*net.TCPAddr) // nil = it is closed
	remote, _ := nc.RemoteAddr().(*net.TCPAddr)
	own := 0
	closed := raw.Control(func(fd uintptr) { own, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if closed != nil {
		return nil, closed
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	c := &PolledConn{poll: p, fd: int32(own), local: unique.Make(local.AddrPort()), remote: remote.AddrPort()}
	p.mu.Lock()
	if p.mu.ended {
		p.mu.Unlock()
		unix.Close(own)
		return nil, net.ErrClosed
	}
	if len(p.mu.conns) <= own {
		p.mu.conns = append(p.mu.conns, make([]*PolledConn, own+1-len(p.mu.conns))...)
	}
	p.mu.conns[own] = c
	p.mu.count++
	p.mu.Unlock()
	// What has come by now is told at once.
	edges := unix.EpollEvent{Events: edges, Fd: c.fd}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, own, &edges); err != nil {
		p.mu.Lock()
		p.mu.conns[own] = nil
		if p.mu.count--; p.mu.count == 0 && p.mu.ended {
			p.ringLocked()
		}
		p.mu.Unlock()
		unix.Close(own)
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
		// Whoever can run has to before the thread sleeps: what waits in this processor's queue is seen by others only
		// if they have nothing to do, and is else found when Go's monitor looks, after as much as 10 ms.
		if p.away.Load() > 0 || runtime.GOMAXPROCS(0) == 1 {
			runtime.Gosched()
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
			c.tell(writer)
		}
		if e.Events&unix.EPOLLPRI != 0 {
			c.urgent.Store(true)
		}
		if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			c.ended.Store(true)
		} else if e.Events&unix.EPOLLIN == 0 {
			continue
		}
		c.readable.Store(true)
		switch {
		case !c.joined.Load():
			c.tell(reader)
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
			c.tell(reader)
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
