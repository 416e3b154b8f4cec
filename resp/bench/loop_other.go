//go:build !linux

package bench

import "net"

// newPlain drives connections without TLS.
func newPlain(o *options, _ net.Addr) driver { return &routines{o} }
