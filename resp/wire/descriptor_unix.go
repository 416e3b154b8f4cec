//go:build unix

package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// canReadDescriptors says whether readDescriptor works on this system.
const canReadDescriptors = true

// descriptorEnded reports whether the other side has closed a connection all of whose bytes have been read.
func descriptorEnded(fd uintptr) bool {
	var b [1]byte
	for {
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err == nil && n == 0 || err != nil && err != syscall.EAGAIN
		}
	}
}

// retried makes a system call again for as long as a signal interrupts it. n is never negative.
func retried(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (n int, err error) {
	for {
		n, err = call(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// GuardsReadable says of each connection whether bytes wait in its socket.
func GuardsReadable(guards []*Guard) []bool {
	readable := make([]bool, len(guards))
	fds := make([]unix.PollFd, len(guards))
	for i, g := range guards {
		fds[i] = unix.PollFd{Fd: -1, Events: unix.POLLIN} // one that is not looked at
		if g.socket.raw != nil {
			_ = g.socket.raw.Control(func(fd uintptr) { fds[i].Fd = int32(fd) }) // it may be closed
		}
	}
	if n, err := unix.Poll(fds, 0); n <= 0 || err != nil {
		return readable
	}
	for i := range fds {
		readable[i] = fds[i].Revents != 0
	}
	return readable
}
