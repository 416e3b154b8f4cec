package resp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What clients make the server hold counts towards maxmemory: keys are unloaded for it.
func TestBuffersLeaveLessOfMaxmemoryForKeys(t *testing.T) {
	addr, s := startServing(t)
	const limit = 64 << 20
	s.cfg.MaxMemory.Store(limit)
	if s.boundHotSet(); s.store.MaxMemory() != limit {
		t.Fatalf("without buffers the bound is %d", s.store.MaxMemory())
	}
	c := talk(t, addr)
	c.send("PING")
	c.want("+PONG")
	for _, part := range []int64{4 << 20, 20 << 20, 100 << 20} {
		s.clients.each(func(cl *client) { cl.gathered.Store(part) })
		s.boundHotSet()
		want := limit - max(0, part-limit/bufferShare)
		got := s.store.MaxMemory()
		if part > limit && got != limit/keysShare || part <= limit && (got > want || got < want-64<<10) {
			t.Errorf("with buffers of %d the bound is %d", part, got)
		}
	}
}

// What eviction knows of keys on disk counts towards maxmemory, and INFO tells how much that is.
func TestWhatIsKnownOfKeysOnDiskLeavesLessOfMaxmemory(t *testing.T) {
	addr, s := startServing(t)
	c := talk(t, addr)
	c.do("CONFIG SET maxdisk 1gb maxmemory-policy allkeys-lfu")
	c.do("SET k v")
	limit := s.cfg.MaxMemory.Load()
	var orders, packing int64
	var info string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		orders, packing = s.store.SideBytes()
		info = c.do("INFO diskette")
		s.boundHotSet()
		if o, p := s.store.SideBytes(); o == orders && p == packing && orders > 0 { // they may move at any time
			break
		}
	}
	if orders == 0 || !strings.Contains(info, fmt.Sprint("\r\norder_bytes:", orders, "\r\n")) {
		t.Errorf("orders of %d bytes, and INFO has\n%s", orders, info)
	}
	if got := s.store.MaxMemory(); got > limit-orders-packing || got < limit-orders-packing-64<<10 {
		t.Errorf("with %d bytes of orders and %d of packing the bound is %d", orders, packing, got)
	}
}
