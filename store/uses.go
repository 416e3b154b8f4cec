package store

// How often a key is used is counted while somebody asked for it (OBJECT FREQ, redis-cli --hotkeys;
// maxmemory-policy *-lfu), as Redis does (evict.c): in 8 bits, the more seldom the higher the count is, and one
// less for each time without use. Memory alone knows it: a key that was unloaded begins again as a new one does.
const usesOfNew = 5

// UseCounting is how uses are counted: lfu-log-factor, and lfu-decay-time in ms (0 = counts do not decay).
type UseCounting struct {
	LogFactor, DecayMillis int64
}

// CountUses turns the counting on, or off with nil. The store keeps c, which does not change any more.
func (st *Store) CountUses(c *UseCounting) { st.countUses.Store(c) }

// CountsUses reports whether uses are counted.
func (st *Store) CountsUses() bool { return st.countUses.Load() != nil }

// use notes a use of the key at now, unix ms.
func (st *Store) use(o *object, now int64) {
	if o.hits < 255 {
		o.hits++
	}
	if c := st.countUses.Load(); c != nil {
		n := o.frequency(c, now)
		if n < 255 && st.luck.once(max(n-usesOfNew, 0)*c.LogFactor+1) {
			n++
		}
		o.countedAs(n)
	}
	o.setUsed(now)
}

func (o *object) countedAs(n int64) {
	o.uses = uint8(n)
	o.set(counted, true)
}

// usedShift makes the 32 bits for the time of the last use last for years: 128 ms each. 0 stands for no use.
const usedShift = 7

// setUsed notes that the last use was at ms, unix ms.
func (o *object) setUsed(ms int64) { o.lastUse = max(1, uint32(ms>>usedShift)) }

// idle is the time from the last use to now in ms, 0 if there was none.
func (o *object) idle(now int64) int64 {
	if o.lastUse == 0 {
		return 0
	}
	since := int64(int32(uint32(now>>usedShift) - o.lastUse))
	if since < 0 { // the clock was set back
		return 0
	}
	return since<<usedShift | now&(1<<usedShift-1)
}

// sinceUse is idle, and for ever if there was none.
func (o *object) sinceUse(now int64) int64 {
	if o.lastUse == 0 {
		return now
	}
	return o.idle(now)
}

// longestIdle is as long as a key can look unused.
const longestIdle = int64(8*365*24) * 3600_000

// frequency is the count at now.
func (o *object) frequency(c *UseCounting, now int64) int64 {
	n := int64(usesOfNew)
	if o.is(counted) {
		n = int64(o.uses)
	}
	if o.lastUse == 0 || c == nil || c.DecayMillis == 0 {
		return n
	}
	if idle := o.idle(now); idle >= c.DecayMillis { // seldom: it saves a division
		n = max(0, n-idle/c.DecayMillis)
	}
	return n
}

// luck is chance for each use of a key: xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
// generators, scrambled"). The keyspace lock guards it. [A use of a key that was used some hundred times takes 5.6 ns;
// with math/rand, which serves all threads, and the division above it took 10.3.]
type luck uint64

// once is true one time in n, at random; always if n is 1.
func (l *luck) once(n int64) bool {
	if n <= 1 {
		return true
	}
	x := uint64(*l)
	if x == 0 {
		x = 0x9e3779b97f4a7c15
	}
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*l = luck(x)
	return x*0x2545f4914f6cdd1d>>32*uint64(min(n, 1<<31))>>32 == 0
}

// Frequency is the key's count of uses, for OBJECT FREQ, which is itself no use; ok is false if the key is not there.
func (v *View) Frequency(key []byte) (n int64, ok bool) {
	o := v.peekHead(key)
	if o == nil {
		return 0, false
	}
	return o.frequency(v.st.countUses.Load(), v.now), true
}

// SetFrequency sets the key's count of uses, 0 to 255.
func (tx *Tx) SetFrequency(key []byte, n int64) {
	if o := tx.head(key); o.typ != None {
		o.countedAs(n)
		o.setUsed(tx.now)
	}
}

// used makes the key's use that of another object, whose key it gets.
func (o *object) used(from *object) {
	o.uses, o.lastUse = from.uses, from.lastUse
	o.set(counted, from.is(counted))
}
