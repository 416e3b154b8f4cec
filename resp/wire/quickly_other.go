//go:build unix && !linux

package wire

import "syscall"

// readDescriptor reads once from a non-blocking descriptor.
func readDescriptor(fd uintptr, p []byte) (int, error) { return retried(syscall.Read, fd, p) }

// writeDescriptor writes once to a non-blocking descriptor.
func writeDescriptor(fd uintptr, p []byte) (int, error) { return retried(syscall.Write, fd, p) }
