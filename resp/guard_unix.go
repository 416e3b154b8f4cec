//go:build unix

package resp

import "syscall"

// canReadDescriptors says whether readDescriptor works on this system.
const canReadDescriptors = true

// readDescriptor reads once from a non-blocking descriptor.
func readDescriptor(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

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
