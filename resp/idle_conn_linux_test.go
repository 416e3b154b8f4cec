package resp

import (
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"diskette/compat_test/testprocess"
)

// idleConnBytes is the heap that an idle connection in a loop may keep. It keeps 780 to 820, and some 50 of places in
// maps and lists, which stay from one round to the next.
const idleConnBytes = 900

func TestAnIdleConnectionInALoopKeepsLittleMemory(t *testing.T) {
	testprocess.Own(t, func() { idleConnectionsKeepLittle(t) })
}

// One server has all the connections: what a second one's start takes, and what is left of the first, would count.
func idleConnectionsKeepLittle(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	talk(t, addr).do("RPUSH l" + strings.Repeat(" element", 1000))
	for _, c := range []struct{ what, sends string }{
		{"has sent nothing", ""},
		{"has sent a command", "PING\r\n"},
		{"has read a long reply", "LRANGE l 0 -1\r\n"},
		{"has used MULTI", "MULTI\r\nPING\r\nEXEC\r\n"},
	} {
		got := keptByIdle(t, addr, s, c.sends)
		t.Logf("a connection that %s keeps %d bytes", c.what, got)
		if got > idleConnBytes {
			t.Errorf("want %d at most", idleConnBytes)
		}
	}
}

// keptByIdle is the heap that the server keeps for a connection that has sent something and rests. The first round
// makes what is kept for all that come later: Go lets go of no goroutine's place. Of three more the middle one counts,
// because the server lets go of what its start has taken, a megabyte, while one of them goes on.
func keptByIdle(t *testing.T, addr string, s *Server, sends string) (bytes int) {
	keptByThese(t, addr, s, sends)
	var kept []int
	for range 3 {
		kept = append(kept, keptByThese(t, addr, s, sends))
	}
	slices.Sort(kept)
	return kept[1]
}

// keptByThese is a round. The clients are bare descriptors, which take no heap.
func keptByThese(t *testing.T, addr string, s *Server, sends string) (bytes int) {
	const connections = 1000
	to := netip.MustParseAddrPort(addr)
	sockets := make([]int, 0, connections)
	defer func() {
		for _, fd := range sockets {
			unix.Close(fd)
		}
		inLoop(t, s, 1)
	}()
	reply := make([]byte, 64<<10)
	inLoop(t, s, 1)
	before := heapKept()
	for range connections {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		sockets = append(sockets, fd)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
			t.Fatal(err)
		}
		if sends == "" {
			continue
		}
		if _, err := unix.Write(fd, []byte(sends)); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(fd, reply); n <= 0 {
			t.Fatal(n, err)
		}
	}
	inLoop(t, s, 1+connections)
	return int(heapKept()-before) / connections
}

// heapKept is what the heap holds that is used.
func heapKept() int64 {
	runtime.GC()
	runtime.GC() // the second empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
