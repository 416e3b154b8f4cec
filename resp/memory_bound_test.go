package resp

import "testing"

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
