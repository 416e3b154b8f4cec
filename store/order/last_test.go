package order

import "testing"

func TestTheLastKeyCanBeEvicted(t *testing.T) {
	for _, policy := range []Policy{LRU, LFU, Random, LRS, LRM} {
		o := New(policy)
		o.Born(1, "last", 100, false)
		o.Evicted(1, "last")
		if o.Keys() != 0 || o.Bytes() != 0 {
			t.Errorf("policy %v: %d keys of %d bytes are left", policy, o.Keys(), o.Bytes())
		}
		o.Born(2, "last", 100, false)
		o.Evicted(2, "last")
	}
}
