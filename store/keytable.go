package store

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"unsafe"
)

// A keyTable finds the objects of a space by their names. It takes some 12 bytes a name, where a Go map with
// strings as keys takes 38, and reads no string's header on the way; and it grows and shrinks in
// steps of a few hundred names, some 20 us each, however large it is, for it does so under the keyspace lock.
//
// It is extendible hashing: a directory of segments by the first bits of a name's hash, and in a segment groups of
// eight places as in a Swiss table. A group's tags, seven bits of the hash each, are compared all at
// once. A segment that is full gets more groups, and beyond the most is split in two; the directory, eight
// bytes a segment, is copied when it doubles.
type keyTable struct {
	seed  maphash.Seed
	dir   []*segment
	depth uint8 // len(dir) = 1 << depth
	names int
}

type segment struct {
	groups []group
	live   int32 // places with an object
	spent  int32 // places that are not empty: with an object, or with what was one
	depth  uint8 // bits of the hash that its names have in common
}

type group struct {
	tags    uint64 // a byte a place: tagEmpty, tagGone, or seven bits of the hash
	objects [groupPlaces]*object
}

const (
	groupPlaces = 8
	tagEmpty    = 0x80
	tagGone     = 0xfe
	everyTag    = 0x0101010101010101
	everyHigh   = 0x80 * everyTag
	allEmpty    = tagEmpty * everyTag

	maxDepth = 25 // more than hash bits there are is for whoever has 10 billion names in memory
)

// groupSteps are the sizes that a segment has, in groups. They fill the allocator's sizes: a group has 72 bytes.
var groupSteps = [...]int{1, 2, 4, 7, 14, 28, 42, 56, 74}

// fullAt is how many places of a segment may be used.
func fullAt(groups int) int32 { return int32(groups*groupPlaces - groups) }

func newKeyTable() keyTable { return keyTable{seed: maphash.MakeSeed()} }

func (t *keyTable) len() int { return t.names }

// get returns the name's object, nil if there is none.
func (t *keyTable) get(name string) *object {
	if t.names == 0 {
		return nil
	}
	return t.find(maphash.String(t.seed, name), name)
}

func (t *keyTable) getBytes(name []byte) *object { return t.get(viewString(name)) }

// has reports whether o is in the table, and not an object that once was.
func (t *keyTable) has(o *object) bool { return t.get(o.name()) == o }

func (t *keyTable) segment(hash uint64) *segment { return t.dir[hash>>(64-t.depth)] }

func (t *keyTable) find(hash uint64, name string) *object {
	s := t.segment(hash)
	tag := tagBits(hash)
	for i := s.home(hash); ; {
		g := &s.groups[i]
		for m := matches(g.tags, tag); m != 0; m &= m - 1 {
			if o := g.objects[bits.TrailingZeros64(m)/8]; o != nil && o.name() == name {
				return o
			}
		}
		if empties(g.tags) != 0 {
			return nil
		}
		if i++; i == len(s.groups) {
			i = 0
		}
	}
}

// tagBits is a tag in every byte.
func tagBits(hash uint64) uint64 { return (hash & 0x7f) * everyTag }

// matches has the high bit of every byte that equals the tag, and perhaps of one behind such a byte that does not:
// the name decides.
func matches(tags, tag uint64) uint64 {
	x := tags ^ tag
	return (x - everyTag) &^ x & everyHigh
}

// empties has the high bit of every byte that is tagEmpty.
func empties(tags uint64) uint64 { return tags &^ (tags << 6) & everyHigh }

// vacant has the high bit of every byte that is tagEmpty or tagGone.
func vacant(tags uint64) uint64 { return tags & everyHigh }

// home is the group at which a search begins. It does not use the hash's first bits, which a segment's names share.
func (s *segment) home(hash uint64) int {
	return int(uint64(uint32(hash>>7)) * uint64(len(s.groups)) >> 32)
}

// put adds an object whose name is not there.
func (t *keyTable) put(o *object) {
	if t.dir == nil {
		t.dir, t.depth = []*segment{newSegment(1, 0)}, 0
	}
	hash := maphash.String(t.seed, o.name())
	s := t.segment(hash)
	for s.spent >= fullAt(len(s.groups)) {
		t.makeRoom(hash, s)
		s = t.segment(hash)
	}
	s.put(hash, o)
	t.names++
}

func newSegment(groups int, depth uint8) *segment {
	s := &segment{groups: make([]group, groups), depth: depth}
	for i := range s.groups {
		s.groups[i].tags = allEmpty
	}
	return s
}

func (s *segment) put(hash uint64, o *object) {
	for i := s.home(hash); ; {
		g := &s.groups[i]
		if m := vacant(g.tags); m != 0 {
			at := bits.TrailingZeros64(m) &^ 7
			if byte(g.tags>>at) == tagEmpty {
				s.spent++
			}
			g.tags = g.tags&^(0xff<<at) | hash&0x7f<<at
			g.objects[at/8] = o
			s.live++
			return
		}
		if i++; i == len(s.groups) {
			i = 0
		}
	}
}

// makeRoom gives a full segment another size, or splits it.
func (t *keyTable) makeRoom(hash uint64, s *segment) {
	for _, n := range groupSteps {
		if s.live < fullAt(n)-fullAt(n)/8 {
			t.resize(s, n)
			return
		}
	}
	if s.depth == maxDepth {
		t.resize(s, len(s.groups)*2)
		return
	}
	if s.depth == t.depth {
		dir := make([]*segment, 2*len(t.dir))
		for i, s := range t.dir {
			dir[2*i], dir[2*i+1] = s, s
		}
		t.dir, t.depth = dir, t.depth+1
	}
	half := groupsFor(s.live/2 + s.live/8) // with less, each half gets another size soon: a third more garbage
	low, high := newSegment(half, s.depth+1), newSegment(half, s.depth+1)
	s.each(func(o *object) bool {
		h := maphash.String(t.seed, o.name())
		to := low
		if h>>(63-s.depth)&1 != 0 {
			to = high
		}
		if to.spent >= fullAt(len(to.groups)) {
			t.resize(to, groupsFor(to.live+to.live/7+1))
		}
		to.put(h, o)
		return true
	})
	first, n := t.span(hash, s.depth)
	for i := range n {
		if i < n/2 {
			t.dir[first+i] = low
		} else {
			t.dir[first+i] = high
		}
	}
}

// span is which places of the directory the segment of a hash has that is so deep.
func (t *keyTable) span(hash uint64, depth uint8) (first, n int) {
	n = 1 << (t.depth - depth)
	return int(hash>>(64-t.depth)) &^ (n - 1), n
}

func groupsFor(live int32) int {
	for _, n := range groupSteps {
		if live <= fullAt(n) {
			return n
		}
	}
	return int(live)/(groupPlaces-1) + 1
}

func (t *keyTable) resize(s *segment, groups int) {
	old := *s
	*s = *newSegment(groups, s.depth)
	old.each(func(o *object) bool {
		s.put(maphash.String(t.seed, o.name()), o)
		return true
	})
}

// delete takes an object out that is there; otherwise it does nothing.
func (t *keyTable) delete(o *object) {
	if t.names == 0 {
		return
	}
	hash := maphash.String(t.seed, o.name())
	s := t.segment(hash)
	if !s.delete(hash, o) {
		return
	}
	switch t.names--; {
	case t.names == 0:
		t.dir, t.depth = nil, 0
	case len(s.groups) > 1 && s.live < fullAt(len(s.groups))/4:
		t.resize(s, groupsFor(s.live+s.live/4+1))
		t.merge(hash, s)
	}
}

func (s *segment) delete(hash uint64, o *object) bool {
	tag := tagBits(hash)
	for i := s.home(hash); ; {
		g := &s.groups[i]
		for m := matches(g.tags, tag); m != 0; m &= m - 1 {
			at := bits.TrailingZeros64(m) &^ 7
			if g.objects[at/8] != o {
				continue
			}
			g.objects[at/8] = nil
			s.live--
			to := uint64(tagGone) // a search for another name goes on behind it
			if empties(g.tags) != 0 {
				to = tagEmpty
				s.spent--
			}
			g.tags = g.tags&^(0xff<<at) | to<<at
			return true
		}
		if empties(g.tags) != 0 {
			return false
		}
		if i++; i == len(s.groups) {
			i = 0
		}
	}
}

// merge joins a segment that has become small with its other half, if that is small, too.
func (t *keyTable) merge(hash uint64, s *segment) {
	const small = 64
	for s.depth > 0 && s.live < small {
		other := t.segment(hash ^ 1<<(64-s.depth))
		if other.depth != s.depth || other.live >= small {
			return
		}
		both := newSegment(groupsFor(s.live+other.live+8), s.depth-1)
		for _, half := range []*segment{s, other} {
			half.each(func(o *object) bool {
				both.put(maphash.String(t.seed, o.name()), o)
				return true
			})
		}
		first, n := t.span(hash, both.depth)
		for i := range n {
			t.dir[first+i] = both
		}
		s = both
	}
}

func (s *segment) each(fn func(o *object) bool) bool {
	for i := range s.groups {
		for _, o := range s.groups[i].objects {
			if o != nil && !fn(o) {
				return false
			}
		}
	}
	return true
}

// each calls fn for all objects until it returns false. fn must not change the table.
func (t *keyTable) each(fn func(o *object) bool) {
	for i := 0; i < len(t.dir); {
		s := t.dir[i]
		if !s.each(fn) {
			return
		}
		i += 1 << (t.depth - s.depth)
	}
}

// from calls fn for the objects whose names have a hash that is not below one, in order of whole segments, until they
// are n or more, or all; next is the hash to go on from. Objects that stay are met once by calls that go on so,
// though segments are split and joined in between.
func (t *keyTable) from(hash uint64, n int, fn func(o *object)) (next uint64, more bool) {
	for i := int(hash >> (64 - t.depth)); i < len(t.dir); {
		s := t.dir[i]
		first, places := t.span(hash, s.depth)
		begun := uint64(first)<<(64-t.depth) != hash // a part of it was looked at, before it was joined with that
		s.each(func(o *object) bool {
			if !begun || maphash.String(t.seed, o.name()) >= hash {
				fn(o)
			}
			return true
		})
		if i = first + places; i == len(t.dir) {
			break
		}
		hash = uint64(i) << (64 - t.depth)
		if n -= int(s.live); n <= 0 {
			return hash, true
		}
	}
	return 0, false
}

// some returns up to n of the objects.
func (t *keyTable) some(n int) []*object {
	some := make([]*object, 0, min(n, t.names))
	t.each(func(o *object) bool {
		if len(some) < n {
			some = append(some, o)
		}
		return len(some) < n
	})
	return some
}

// ahead looks up names all at once, so that the waits for memory overlap: each pass reads what the one before
// has found the place of. found[i] is nil if there is no such name. Those of one name are looked up once, as far as
// they stand one behind the other [RPOP from one list in pipelines of 16: 1.94 us of processor time when each was, and
// lists were searched for members, 1.62 now; LPUSH 2.22 and 1.98].
func (t *keyTable) ahead(names [][]byte, found *[aheadKeys]*object) {
	clear(found[:])
	if t.names == 0 {
		return
	}
	var hashes [aheadKeys]uint64
	var groups [aheadKeys]*group
	names = names[:min(len(names), aheadKeys)]
	for i, name := range names {
		if i > 0 && bytes.Equal(name, names[i-1]) {
			continue
		}
		h := maphash.Bytes(t.seed, name)
		s := t.segment(h)
		hashes[i], groups[i] = h, &s.groups[s.home(h)]
	}
	for i := range names {
		if groups[i] == nil {
			continue // as the one before
		}
		if m := matches(groups[i].tags, tagBits(hashes[i])); m != 0 {
			found[i] = groups[i].objects[bits.TrailingZeros64(m)/8]
		}
	}
	for i, name := range names {
		if groups[i] == nil {
			found[i] = found[i-1]
		} else if o := found[i]; o == nil || o.name() != viewString(name) {
			found[i] = t.find(hashes[i], viewString(name))
		}
	}
}

const _ = uint(72 - unsafe.Sizeof(group{})) // groupSteps are made for it
