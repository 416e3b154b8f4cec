package lua

import "math"

// The hash part of a table.

// node is a place in the hash part. Its value is nil of Go when it is free or was set to nil; its key stays then, so
// that next can go on from it.
type node struct {
	key, value LValue
	hash       uint32
	next       int32 // the node after it in its chain, or -1
}

// hashString is luaS_hash: of a long string it takes only some of the bytes.
func hashString(s string) uint32 {
	h := uint32(len(s))
	step := len(s)>>5 + 1
	for i := len(s); i >= step; i -= step {
		h ^= h<<5 + h>>2 + uint32(s[i-1])
	}
	return h
}

func hashNumber(n LNumber) uint32 {
	if n == 0 {
		return 0
	}
	bits := math.Float64bits(float64(n))
	return uint32(bits) + uint32(bits>>32)
}

// hashOf is a key's hash, and whether its main place is the hash's low bits rather than a remainder.
func hashOf(key LValue) (hash uint32, lowBits bool) {
	switch k := key.(type) {
	case LString:
		return hashString(string(k)), true
	case LNumber:
		return hashNumber(k), false
	case LBool:
		if k {
			return 1, true
		}
		return 0, true
	case *LTable:
		return identity(&k.id), false
	case *LFunction:
		return identity(&k.id), false
	case *LUserData:
		return identity(&k.id), false
	case *LState:
		return identity(&k.id), false
	}
	return 0, true
}

// place is mainposition: where a key of this hash belongs. There are nodes.
func (t *LTable) place(hash uint32, lowBits bool) int {
	last := uint32(len(t.nodes) - 1)
	if lowBits {
		return int(hash & last)
	}
	return int(hash % (last | 1))
}

func (t *LTable) placeOf(n *node) int {
	switch n.key.(type) {
	case LString, LBool:
		return t.place(n.hash, true)
	}
	return t.place(n.hash, false)
}

func (t *LTable) getString(key string, hash uint32) LValue {
	if len(t.nodes) == 0 {
		return LNil
	}
	for i := int32(hash & uint32(len(t.nodes)-1)); i >= 0; {
		n := &t.nodes[i]
		if n.hash == hash {
			if k, ok := n.key.(LString); ok && string(k) == key {
				return orNil(n.value)
			}
		}
		i = n.next
	}
	return LNil
}

func (t *LTable) getNumber(key LNumber) LValue {
	if len(t.nodes) == 0 {
		return LNil
	}
	for i := int32(t.place(hashNumber(key), false)); i >= 0; {
		n := &t.nodes[i]
		if k, ok := n.key.(LNumber); ok && k == key {
			return orNil(n.value)
		}
		i = n.next
	}
	return LNil
}

func (t *LTable) findNode(key LValue) int {
	if len(t.nodes) == 0 {
		return -1
	}
	hash, lowBits := hashOf(key)
	return t.findHashed(key, hash, t.place(hash, lowBits))
}

func (t *LTable) findHashed(key LValue, hash uint32, place int) int {
	for i := int32(place); i >= 0; i = t.nodes[i].next {
		if n := &t.nodes[i]; n.hash == hash && n.key != nil && RawEqual(n.key, key) {
			return int(i)
		}
	}
	return -1
}

// claim is newkey: a node for a new key whose main place is given, or nil if none is free.
func (t *LTable) claim(place int) *node {
	mp := &t.nodes[place]
	if mp.value == nil {
		return mp
	}
	free := t.freeNode()
	if free < 0 {
		return nil
	}
	n := &t.nodes[free]
	other := t.placeOf(mp)
	if other == place { // the node that is there is in its own place
		n.next = mp.next
		mp.next = int32(free)
		return n
	}
	for t.nodes[other].next != int32(place) {
		other = int(t.nodes[other].next)
	}
	t.nodes[other].next = int32(free)
	*n = *mp
	mp.next, mp.value = -1, nil
	return mp
}

func (t *LTable) freeNode() int {
	for t.lastFree > 0 {
		t.lastFree--
		if t.nodes[t.lastFree].key == nil {
			return t.lastFree
		}
	}
	return -1
}
