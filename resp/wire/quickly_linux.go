package wire

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// quickBytes is up to how many bytes a system call moves without telling the Go scheduler of it.
const quickBytes = largeBuffer

// readDescriptor reads once from a non-blocking descriptor.
func readDescriptor(fd uintptr, p []byte) (int, error) {
	return quickly(syscall.SYS_READ, syscall.Read, fd, p)
}

// writeDescriptor writes once to a non-blocking descriptor.
func writeDescriptor(fd uintptr, p []byte) (int, error) {
	return quickly(syscall.SYS_WRITE, syscall.Write, fd, p)
}

// quickly makes a system call that never waits. Go keeps a watch on those it knows of: one that takes longer
// than 20 us, as the write to a connection on the same machine often does, loses its turn to another thread,
// which has to be woken and then competes for the very core that the call still computes on; and the thread
// that watches wakes up every 20 us as long as it finds such calls.
func quickly(trap uintptr, slow func(int, []byte) (int, error), fd uintptr, p []byte) (int, error) {
	if len(p) > quickBytes {
		return retried(slow, fd, p)
	}
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// pollNow looks at descriptors, of which there is at least one, without waiting, and without
// telling the Go scheduler: see quickly.
func pollNow(fds []unix.PollFd) (n int, err error) {
	var atOnce unix.Timespec
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))),
			uintptr(len(fds)),
			uintptr(unsafe.Pointer(&atOnce)), 0, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
