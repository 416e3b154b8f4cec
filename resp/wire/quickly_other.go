//go:build unix && !linux

package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// readDescriptor reads once from a non-blocking descriptor.
func readDescriptor(fd uintptr, p []byte) (int, error) { return retried(syscall.Read, fd, p) }

// writeDescriptor writes once to a non-blocking descriptor.
func writeDescriptor(fd uintptr, p []byte) (int, error) { return retried(syscall.Write, fd, p) }

// pollNow looks at descriptors, of which there is at least one, without waiting.
func pollNow(fds []unix.PollFd) (n int, err error) { return unix.Poll(fds, 0) }
