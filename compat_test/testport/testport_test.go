package testport

import (
	"net"
	"testing"
)

func TestAPortIsOneTestsUntilItEnds(t *testing.T) {
	var port string
	t.Run("a test", func(t *testing.T) {
		seen := make(map[string]bool)
		for range ports / 20 {
			port = Free(t)
			if seen[port] {
				t.Fatalf("%s is given away twice", port)
			}
			seen[port] = true
		}
		if l, err := net.ListenPacket("udp4", "127.0.0.1:"+port); err == nil {
			l.Close()
			t.Errorf("%s bears no sign that it is taken", port)
		}
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatalf("a server can not have it: %v", err)
		}
		l.Close()
	})
	l, err := net.ListenPacket("udp4", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("it is still taken after the test's end: %v", err)
	}
	l.Close()
}
