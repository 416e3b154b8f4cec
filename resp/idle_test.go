package resp

import (
	"testing"
	"time"
)

// Keys are unloaded when none was used for hot-idle, whatever a health check asks meanwhile; once, until one is used.
func TestKeysThatNobodyUsesAreUnloadedAfterHotIdle(t *testing.T) {
	addr, s := startServing(t)
	k := talk(t, addr)
	k.do("SET key value")
	k.do("CONFIG SET hot-idle 10m")
	now := time.Now()
	var idle idleness
	look := func(after time.Duration, inMemory bool) {
		t.Helper()
		now = now.Add(after)
		idle.look(s, now, nil)
		if n := s.store.HotKeys(); n > 0 != inMemory {
			t.Errorf("%v later memory knows %d names", after, n)
		}
	}
	look(0, true)
	k.do("PING")
	k.do("INFO")
	look(9*time.Minute, true)
	look(2*time.Minute, false)
	k.do("GET key")
	look(time.Minute, true)
	look(9*time.Minute, true)
	k.do("GET key")
	look(2*time.Minute, true)
	look(11*time.Minute, false)
	k.do("CONFIG SET hot-idle 0")
	k.do("GET key")
	look(time.Minute, true)
	look(1000*time.Hour, true)
}
