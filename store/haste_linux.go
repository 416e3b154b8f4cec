package store

import (
	"io"
	"os"
	"syscall"
)

// Locks of an open file description (fcntl(2)), which the syscall package has no names for. They have nothing to do
// with those of flock(2).
const (
	ofdGetLock = 36
	ofdSetLock = 37
)

func hasteLock(kind int16) *syscall.Flock_t {
	return &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: 0, Len: 1}
}

// takeHaste takes the lock of those who wait for a write-back.
func takeHaste(f *os.File) error {
	return syscall.FcntlFlock(f.Fd(), ofdSetLock, hasteLock(syscall.F_RDLCK))
}

// hasteIsTaken reports whether somebody else has it.
func hasteIsTaken(f *os.File) bool {
	l := hasteLock(syscall.F_WRLCK)
	return syscall.FcntlFlock(f.Fd(), ofdGetLock, l) == nil && l.Type != syscall.F_UNLCK
}
