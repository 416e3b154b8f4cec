package lua

import (
	"iter"
	"math"
)

// LTable is a table after ltable.c of Lua 5.1.5. It has an array part, for the keys from 1 to some power of two of
// which more than half are in use, and a hash part of a power of two of nodes, chained by Brent's variation: a node
// that is not in its main place moves away for one that would be. Sizes change only when a key comes for which no node
// is free. A script sees all of this in #, in the order of pairs and in unpack, so it is the same here step by step,
// the hash of strings and numbers included.
type LTable struct {
	Metatable *LTable
	Readonly  bool // scripts can not change it: see Redis's lua_enablereadonlytable

	array    []LValue // nil of Go where there is no value
	nodes    []node   // of a power of two, or none
	lastFree int      // all nodes from here on are taken
	id       uint32
}

// node is a place in the hash part. Its value is nil of Go when it is free or was set to nil; its key stays then, so
// that next can go on from it.
type node struct {
	key, value LValue
	hash       uint32
	next       int32 // the node after it in its chain, or -1
}

const (
	maxBits      = 26
	maxArraySize = 1 << maxBits

	valueBytes = 16
	nodeBytes  = 40
	// countedGrowth is how many bytes a table may grow by at once without the memory limit's looking at it.
	countedGrowth = 1 << 10
)

func newTable(array, hash int) *LTable {
	t := &LTable{}
	if array > 0 {
		t.array = make([]LValue, array)
	}
	t.setNodes(hash)
	return t
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

// toInt is C's conversion to a 32-bit int, with which Lua 5.1 looks for whole numbers.
func toInt(n LNumber) (int, bool) {
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		i := int(n)
		return i, LNumber(i) == n
	}
	return 0, false
}

// arrayIndex is the key as an index that the array part may hold, or -1.
func arrayIndex(key LValue) int {
	if n, ok := key.(LNumber); ok {
		if i, whole := toInt(n); whole {
			return i
		}
	}
	return -1
}

func orNil(v LValue) LValue {
	if v == nil {
		return LNil
	}
	return v
}

// RawGet is a field without metamethods.
func (t *LTable) RawGet(key LValue) LValue {
	switch k := key.(type) {
	case LString:
		return t.getString(string(k), hashString(string(k)))
	case LNumber:
		if i, whole := toInt(k); whole {
			return t.RawGetInt(i)
		}
		return t.getNumber(k)
	}
	if v := t.find(key); v != nil {
		return orNil(*v)
	}
	return LNil
}

// RawGetInt is RawGet for a whole number.
func (t *LTable) RawGetInt(i int) LValue {
	if uint(i-1) < uint(len(t.array)) {
		return orNil(t.array[i-1])
	}
	return t.getNumber(LNumber(i))
}

// RawGetString is RawGet for a string.
func (t *LTable) RawGetString(key string) LValue { return t.getString(key, hashString(key)) }

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

// find is luaH_get: the place of a key's value, or nil of Go if the table does not know the key.
func (t *LTable) find(key LValue) *LValue {
	if i := arrayIndex(key); uint(i-1) < uint(len(t.array)) {
		return &t.array[i-1]
	}
	if n := t.findNode(key); n >= 0 {
		return &t.nodes[n].value
	}
	return nil
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

// slot is luaH_set: the place of a key's value, made if the table did not know it. The key is neither nil nor not a
// number. L, if it is not nil, has what the table grows by counted, which may end its script.
func (t *LTable) slot(L *LState, key LValue) *LValue {
	if i := arrayIndex(key); uint(i-1) < uint(len(t.array)) {
		return &t.array[i-1]
	}
	hash, lowBits := hashOf(key)
	if len(t.nodes) > 0 {
		place := t.place(hash, lowBits)
		if at := t.findHashed(key, hash, place); at >= 0 {
			return &t.nodes[at].value
		}
		if n := t.claim(place); n != nil {
			n.key, n.hash = key, hash
			return &n.value
		}
	}
	t.rehash(L, key)
	return t.slot(L, key)
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

func ceilLog2(n int) int {
	log := 0
	for 1<<log < n {
		log++
	}
	return log
}

// setNodes makes an empty hash part for that many keys.
func (t *LTable) setNodes(size int) {
	if size > 0 {
		size = 1 << ceilLog2(size)
	}
	t.lastFree = size
	if size == 0 {
		t.nodes = nil
		return
	}
	t.nodes = make([]node, size)
	for i := range t.nodes {
		t.nodes[i].next = -1
	}
}

// rehash makes room for one more key, which is extra.
func (t *LTable) rehash(L *LState, extra LValue) {
	var counts [maxBits + 1]int // of the keys between 2^(i-1) and 2^i
	indexes := t.countArray(&counts)
	all := indexes
	for i := range t.nodes {
		if n := &t.nodes[i]; n.value != nil {
			indexes += countIndex(n.key, &counts)
			all++
		}
	}
	indexes += countIndex(extra, &counts)
	all++
	array, inArray := arraySize(&counts, indexes)
	t.resize(L, array, all-inArray)
}

func countIndex(key LValue, counts *[maxBits + 1]int) int {
	if i := arrayIndex(key); i > 0 && i <= maxArraySize {
		counts[ceilLog2(i)]++
		return 1
	}
	return 0
}

func (t *LTable) countArray(counts *[maxBits + 1]int) (all int) {
	i := 1
	for log, limit := 0, 1; log <= maxBits; log, limit = log+1, limit*2 {
		end := limit
		if end > len(t.array) {
			if end = len(t.array); i > end {
				break
			}
		}
		n := 0
		for ; i <= end; i++ {
			if t.array[i-1] != nil {
				n++
			}
		}
		counts[log] += n
		all += n
	}
	return all
}

// arraySize is computesizes: the largest power of two of which more than half would be in use, and how many keys that
// takes.
func arraySize(counts *[maxBits + 1]int, indexes int) (size, used int) {
	sum := 0
	for i, power := 0, 1; power/2 < indexes; i, power = i+1, power*2 {
		if counts[i] > 0 {
			sum += counts[i]
			if sum > power/2 {
				size, used = power, sum
			}
		}
		if sum == indexes {
			break
		}
	}
	return size, used
}

func (t *LTable) resize(L *LState, array, hash int) {
	if L != nil {
		if grows := max(array-len(t.array), 0)*valueBytes + hash*nodeBytes; grows > countedGrowth {
			L.G.Allocate(L, grows)
		}
	}
	old, oldNodes := t.array, t.nodes
	if array > len(old) {
		t.array = make([]LValue, array)
		copy(t.array, old)
	}
	t.setNodes(hash)
	if array < len(old) {
		t.array = append([]LValue(nil), old[:array]...)
		for i := array; i < len(old); i++ {
			if old[i] != nil {
				*t.slot(nil, box(LNumber(i+1))) = old[i]
			}
		}
	}
	for i := len(oldNodes) - 1; i >= 0; i-- {
		if n := &oldNodes[i]; n.value != nil {
			*t.slot(nil, n.key) = n.value
		}
	}
}

// store writes into a place of a table.
func store(slot *LValue, v LValue) {
	if isNil(v) {
		*slot = nil
	} else {
		*slot = v
	}
}

// RawSet sets a field without metamethods. The key is neither nil nor not a number.
func (t *LTable) RawSet(key, v LValue) { store(t.slot(nil, key), v) }

// RawSetInt is RawSet for a whole number.
func (t *LTable) RawSetInt(i int, v LValue) {
	if uint(i-1) < uint(len(t.array)) {
		store(&t.array[i-1], v)
		return
	}
	t.RawSet(box(LNumber(i)), v)
}

// RawSetString is RawSet for a string.
func (t *LTable) RawSetString(key string, v LValue) { t.RawSet(LString(key), v) }

// Append sets the field behind the last one.
func (t *LTable) Append(v LValue) { t.RawSetInt(t.Len()+1, v) }

// Len is what # gives: a border, the same one as in C.
func (t *LTable) Len() int {
	high := len(t.array)
	if high > 0 && t.array[high-1] == nil {
		low := 0
		for high-low > 1 {
			if middle := (low + high) / 2; t.array[middle-1] == nil {
				high = middle
			} else {
				low = middle
			}
		}
		return low
	}
	if len(t.nodes) == 0 {
		return high
	}
	return t.searchBeyond(high)
}

// searchBeyond is unbound_search.
func (t *LTable) searchBeyond(low int) int {
	high := low + 1
	for !isNil(t.RawGetInt(high)) {
		low = high
		if high *= 2; high > math.MaxInt32 { // the table was built to make this slow
			for low = 1; !isNil(t.RawGetInt(low)); low++ {
			}
			return low - 1
		}
	}
	for high-low > 1 {
		if middle := (low + high) / 2; isNil(t.RawGetInt(middle)) {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

// Next is the field after that of a key in the table's order; LNil is before the first and after the last. known is
// false for a key that the table does not know.
func (t *LTable) Next(key LValue) (k, v LValue, known bool) {
	i := 0
	switch at := arrayIndex(key); {
	case isNil(key):
	case at > 0 && at <= len(t.array):
		i = at
	default:
		n := t.findNode(key)
		if n < 0 {
			return LNil, LNil, false
		}
		i = len(t.array) + n + 1
	}
	k, v = t.from(i)
	return k, v, true
}

func (t *LTable) from(i int) (k, v LValue) {
	for ; i < len(t.array); i++ {
		if t.array[i] != nil {
			return box(LNumber(i + 1)), t.array[i]
		}
	}
	for i -= len(t.array); i < len(t.nodes); i++ {
		if n := &t.nodes[i]; n.value != nil {
			return n.key, n.value
		}
	}
	return LNil, LNil
}

// All are the fields in the table's order. Those that are there may change meanwhile, but none may come.
func (t *LTable) All() iter.Seq2[LValue, LValue] {
	return func(yield func(key, value LValue) bool) {
		for k, v := t.from(0); !isNil(k); k, v, _ = t.Next(k) {
			if !yield(k, v) {
				return
			}
		}
	}
}
