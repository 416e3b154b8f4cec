//go:build !unix

package wire

import (
	"errors"
	"syscall"
)

// canReadDescriptors says whether readDescriptor works on this system.
const canReadDescriptors = false

// What follows is never called where canReadDescriptors is false.

func readDescriptor(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func writeDescriptor(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func descriptorEnded(uintptr) bool { return false }

func DescriptorsReadable(descriptors []syscall.RawConn) []bool { return make([]bool, len(descriptors)) }
