// Package testport finds ports for the servers that tests start as other processes, in which a test can not hand over a
// listener. A port of the system's choice that is closed again (127.0.0.1:0) may be anybody's before the server has it,
// and again whenever the server is restarted: go test runs packages side by side, and they open hundreds a minute.
package testport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The system gives nobody a port of these: Linux's own begin at 32768, those of others later.
const (
	lowest = 10_000
	ports  = 8_000
)

// Free returns a TCP port on which nothing listens at any address, and which no other caller gets, in any process,
// before the test ends. UDP's port of that number is taken as the sign of that: it is let go when a process dies.
func Free(t testing.TB) string {
	t.Helper()
	var err error
	for range ports {
		port := strconv.Itoa(lowest + rand.IntN(ports))
		var sign net.PacketConn
		if sign, err = net.ListenPacket("udp4", "127.0.0.1:"+port); err != nil {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", ":"+port); err != nil {
			sign.Close()
			continue
		}
		l.Close()
		t.Cleanup(func() { sign.Close() })
		return port
	}
	t.Fatalf("no port is free: %v", err)
	return ""
}
