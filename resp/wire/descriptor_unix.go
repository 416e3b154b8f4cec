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

// DescriptorsReadable says of each descriptor whether something waits there: bytes, or a
// connection that is to be accepted. nil is one that is not looked at.
func DescriptorsReadable(descriptors []syscall.RawConn) []bool {
	readable := make([]bool, len(descriptors))
	if len(descriptors) == 0 {
		return readable
	}
	fds := make([]unix.PollFd, len(descriptors))
	for i, raw := range descriptors {
		fds[i] = unix.PollFd{Fd: -1, Events: unix.POLLIN} // poll passes it over
		if raw != nil {
			_ = raw.Control(func(fd uintptr) { fds[i].Fd = int32(fd) }) // it may be closed
		}
	}
	if n, err := pollNow(fds); n <= 0 || err != nil {
		return readable
	}
	for i := range fds {
		readable[i] = fds[i].Revents != 0
	}
	return readable
}
