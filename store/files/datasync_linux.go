package files

import (
	"os"
	"syscall"
)

// datasync is fdatasync(2): the data and the file's length, not its times. The file may be closed
// meanwhile; os.ErrClosed says that it was before the call began.
func datasync(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var syncErr error
	err = raw.Control(func(fd uintptr) {
		for {
			syncErr = syscall.Fdatasync(int(fd))
			if syncErr != syscall.EINTR {
				return
			}
		}
	})
	if err != nil {
		return os.ErrClosed // Control has no other error
	}
	return os.NewSyscallError("fdatasync", syncErr)
}
