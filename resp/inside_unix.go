//go:build unix

package resp

import (
	"net"
	"os"
	"syscall"
)

// socketEnd is one end of socketPair.
type socketEnd = *net.UnixConn

// socketPair makes a connection within the process.
func socketPair() (ours, theirs socketEnd, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if ours, err = endOf(fds[0]); err != nil {
		syscall.Close(fds[1])
		return nil, nil, err
	}
	if theirs, err = endOf(fds[1]); err != nil {
		ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// endOf takes a descriptor over.
func endOf(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "inside")
	defer f.Close() // FileConn has made a copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}
