//go:build !unix

package resp

import "net"

// socketEnd is one end of socketPair.
type socketEnd = net.Conn

// socketPair makes a connection within the process.
func socketPair() (ours, theirs socketEnd, err error) {
	ours, theirs = net.Pipe()
	return ours, theirs, nil
}
