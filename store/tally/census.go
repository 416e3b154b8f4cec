package tally

import (
	"slices"
	"strings"
)

// A Key is one of a census.
type Key struct {
	ID     int64
	Bytes  int64  // on disk, about
	Born   int64  // unix ms; 0 = before anybody counted
	Prefix string // up to the second ':'
}

const (
	// Large is the size from which a key's probability to be in a census grows with its size.
	Large     = 64 << 10
	largeUnit = 4 << 10

	filterBits = 1 << 14
	staleBits  = 512 // keys that the filter may have that are gone
)

// A Census is a sample of the keys of a database, by id.
type Census struct {
	most  int  // keys in it
	shift uint // of keys that are not large, one in 1<<shift is in it

	keys []Key
	at   map[int64]int32 // where in keys

	// filter has a bit for each key that is there for its size alone, and some for those that were.
	filter *[filterBits / 64]uint64
	stale  int

	changed [Parts]bool // since it was last kept
	last    string      // the prefix that came last

	found   int64 // the id that find has found last, 0 = none
	foundAt int32 // where; Delete and thin forget it, which move keys
}

// keptPrefix is a copy of a prefix, mostly one that is there.
func (c *Census) keptPrefix(prefix string) string {
	if prefix != c.last {
		c.last = strings.Clone(prefix)
	}
	return c.last
}

// NewCensus is one of at most so many keys.
func NewCensus(most int) *Census {
	c := &Census{most: most, at: map[int64]int32{}}
	c.Moved()
	return c
}

// dice is where an id falls among all numbers: evenly, whatever ids there are.
func dice(id int64) uint64 {
	x := uint64(id) * 0x9e3779b97f4a7c15
	x ^= x >> 32
	return x * 0xd6e8feb86659fd93
}

// Concerns reports whether a key that is not large, in memory and on disk, may be in the census, or ought to be. It is
// quick, for it is asked at each change.
func (c *Census) Concerns(id int64) bool {
	d := dice(id)
	return d>>1>>(63-c.shift) == 0 || c.filter != nil && c.filter[d>>6%(filterBits/64)]>>(d&63)&1 != 0
}

// weight is for how many a key of that size stands.
func (c *Census) weight(bytes int64) float64 {
	w := float64(uint64(1) << c.shift)
	if bytes >= Large {
		w = max(1, w*largeUnit/float64(bytes))
	}
	return w
}

// wants reports whether a key of that size is one of the sample.
func (c *Census) wants(id, bytes int64) bool {
	d := dice(id)
	if d>>1>>(63-c.shift) == 0 {
		return true
	}
	return bytes >= Large && float64(d) < (1<<64)/c.weight(bytes)
}

// find is where a key is in keys. A queue changes many times in a row: so the last answer is kept.
func (c *Census) find(id int64) (n int32, there bool) {
	if id == c.found && c.found != 0 {
		return c.foundAt, true
	}
	if n, there = c.at[id]; there {
		c.found, c.foundAt = id, n
	}
	return n, there
}

// Put tells of a key that is new or has changed. bytes < 0 = nobody knows; born is that of a new one. The name is not
// kept.
func (c *Census) Put(id, bytes, born int64, name string) {
	n, there := c.find(id)
	switch {
	case there:
		if k := &c.keys[n]; bytes >= 0 && k.Bytes != bytes {
			if !c.wants(id, bytes) {
				c.Delete(id)
				return
			}
			k.Bytes = bytes
			c.changed[partOf(id)] = true
			c.noteLarge(id)
		}
	case c.wants(id, bytes):
		_, second := Prefixes(name)
		c.add(Key{id, max(bytes, 0), born, c.keptPrefix(second)})
		for len(c.keys) > c.most {
			c.thin()
		}
	}
}

// Rename tells of a key's new name.
func (c *Census) Rename(id int64, name string) {
	n, there := c.at[id]
	if _, second := Prefixes(name); there && c.keys[n].Prefix != second {
		c.keys[n].Prefix = c.keptPrefix(second)
		c.changed[partOf(id)] = true
	}
}

func (c *Census) add(k Key) {
	c.at[k.ID] = int32(len(c.keys))
	c.keys = append(c.keys, k)
	c.changed[partOf(k.ID)] = true
	c.noteLarge(k.ID)
}

// noteLarge puts a key that is there for its size alone into the filter.
func (c *Census) noteLarge(id int64) {
	d := dice(id)
	if d>>1>>(63-c.shift) == 0 {
		return
	}
	if c.filter == nil {
		c.filter = new([filterBits / 64]uint64)
	}
	c.filter[d>>6%(filterBits/64)] |= 1 << (d & 63)
}

// Delete tells of a key that is gone. It returns what the census had of it, and for how many it stood, 0 = it had none.
func (c *Census) Delete(id int64) (k Key, weight float64) {
	n, there := c.at[id]
	if !there {
		return Key{}, 0
	}
	c.found = 0
	k = c.keys[n]
	weight = c.weight(k.Bytes)
	last := len(c.keys) - 1
	c.keys[n] = c.keys[last]
	c.at[c.keys[n].ID] = n
	c.keys[last] = Key{}
	c.keys = c.keys[:last]
	delete(c.at, id)
	c.changed[partOf(id)] = true
	if dice(id)>>1>>(63-c.shift) != 0 {
		if c.stale++; c.stale > staleBits {
			c.refilter()
		}
	}
	return k, weight
}

// thin leaves every second of the keys out.
func (c *Census) thin() {
	c.shift++
	c.found = 0
	old := c.keys
	c.keys, c.at = make([]Key, 0, c.most+1), make(map[int64]int32, c.most)
	for _, k := range old {
		if c.wants(k.ID, k.Bytes) {
			c.at[k.ID] = int32(len(c.keys))
			c.keys = append(c.keys, k)
		}
	}
	c.Moved()
	c.refilter()
}

func (c *Census) refilter() {
	c.filter, c.stale = nil, 0
	for _, k := range c.keys {
		c.noteLarge(k.ID)
	}
}

// Moved says that all of it is to be kept anew.
func (c *Census) Moved() {
	for i := range c.changed {
		c.changed[i] = true
	}
}

// Has reports whether a key is in it.
func (c *Census) Has(id int64) bool { _, there := c.at[id]; return there }

// Len is how many keys are in it.
func (c *Census) Len() int { return len(c.keys) }

// Sparse reports whether it has far fewer keys than it may: those that it was thinned for are gone.
func (c *Census) Sparse() bool { return c.shift > 0 && len(c.keys) < c.most/8 }

// Widen makes it one of more of the keys, of which there are so many now: the owner tells of those that it lacks.
func (c *Census) Widen(live int64) {
	shift := uint(0)
	for live>>shift > int64(c.most) {
		shift++
	}
	c.shift = min(c.shift, shift)
	c.Moved()
	c.refilter()
}

// One is for how many a key that is not large stands.
func (c *Census) One() int64 { return 1 << c.shift }

// Sample is a copy of the keys, for a look without the owner's lock.
func (c *Census) Sample() Sample { return c.SampleIn(nil) }

// SampleIn is Sample in the room that keys has, if it is enough: who holds a lock makes it before.
func (c *Census) SampleIn(keys []Key) Sample {
	return Sample{keys: append(keys[:0], c.keys...), of: Census{shift: c.shift}}
}

// A Sample is what a census was at one moment.
type Sample struct {
	keys []Key
	of   Census
}

// Share is what the keys with a prefix are, about.
type Share struct {
	Keys, Bytes float64
	Ages        Ages // at the time of the look, of those whose birth is known
}

func (s *Share) add(k *Key, weight float64, now int64) {
	s.Keys += weight
	s.Bytes += weight * float64(k.Bytes)
	if k.Born > 0 {
		s.Ages.Add(float64(max(now-k.Born, 0)), weight)
	}
}

// Scale makes a Share larger or smaller.
func (s *Share) Scale(by float64) {
	s.Keys, s.Bytes = s.Keys*by, s.Bytes*by
	s.Ages.Millis, s.Ages.Keys = s.Ages.Millis*by, s.Ages.Keys*by
}

// Shares adds the keys up, at now in unix ms: all of them, by their first and by their second prefix.
func (s *Sample) Shares(now int64) (all Share, first, second map[string]*Share) {
	first, second = map[string]*Share{}, map[string]*Share{}
	for i := range s.keys {
		k := &s.keys[i]
		w := s.of.weight(k.Bytes)
		all.add(k, w, now)
		shareOf(first, FirstOf(k.Prefix)).add(k, w, now)
		shareOf(second, k.Prefix).add(k, w, now)
	}
	return all, first, second
}

func shareOf(m map[string]*Share, prefix string) *Share {
	s := m[prefix]
	if s == nil {
		s = &Share{}
		m[prefix] = s
	}
	return s
}

// IDs are those of the keys, ascending.
func (s *Sample) IDs() []int64 {
	ids := make([]int64, len(s.keys))
	for i := range s.keys {
		ids[i] = s.keys[i].ID
	}
	slices.Sort(ids)
	return ids
}
