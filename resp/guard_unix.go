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
