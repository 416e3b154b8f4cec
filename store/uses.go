package store

import "math/rand/v2"

// How often a key is used is counted while somebody asked for it (OBJECT FREQ, redis-cli --hotkeys; maxmemory-policy *-lfu), as Redis
// does (evict.c) with its defaults for lfu-log-factor and lfu-decay-time: in 8 bits, the more seldom the higher the count is, and
// one less for each minute without use. Memory alone knows it: a key that was unloaded begins again as a new one does.
const (
	usesOfNew       = 5
	usesLogFactor   = 10
	usesDecayMillis = 60_000
)

// CountUses turns the counting on or off.
func (st *Store) CountUses(on bool) { st.countUses.Store(on) }

// CountsUses reports whether uses are counted.
func (st *Store) CountsUses() bool { return st.countUses.Load() }

// use notes a use of the key at now, unix ms.
func (st *Store) use(o *object, now int64) {
	if st.countUses.Load() {
		o.countUse(now)
	}
	o.used = now
}

func (o *object) countUse(now int64) {
	n := o.frequency(now)
	if n < 255 && rand.Float64()*float64(max(n-usesOfNew, 0)*usesLogFactor+1) < 1 {
		n++
	}
	o.uses = uint16(n + 1)
}

// frequency is the count at now.
func (o *object) frequency(now int64) int {
	n := usesOfNew
	if o.uses > 0 {
		n = int(o.uses) - 1
	}
	if o.used == 0 {
		return n
	}
	return max(0, n-int(max(0, now-o.used)/usesDecayMillis))
}

// Frequency is the key's count of uses, for OBJECT FREQ, which is itself no use; ok is false if the key is not there.
func (v *View) Frequency(key []byte) (n int, ok bool) {
	o := v.peek(key)
	if o == nil {
		return 0, false
	}
	return o.frequency(v.now), true
}

// SetFrequency sets the key's count of uses, 0 to 255.
func (tx *Tx) SetFrequency(key []byte, n int) {
	if o := tx.entry(key); o.typ != None {
		o.uses, o.used = uint16(n+1), tx.now
	}
}
