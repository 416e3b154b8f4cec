//go:build unix

package resp

import "syscall"

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
