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

func newTable(array, hash int) *LTable {
	t := &LTable{}
	if array > 0 {
		t.array = make([]LValue, array)
	}
	t.setNodes(hash)
	return t
}

// NewStrings makes a table of copies of texts, as CreateTable with room for them and RawSetInt do. A single one, which
// most scripts' KEYS and ARGV have, lies in one piece of memory with its table.
func NewStrings(texts [][]byte) *LTable {
	var t *LTable
	if len(texts) == 1 {
		with := new(struct {
			table LTable
			array [1]LValue
		})
		t, with.table.array = &with.table, with.array[:]
	} else {
		t = newTable(len(texts), 0)
	}
	for i, text := range texts {
		t.array[i] = CopyString(text)
	}
	return t
}

// NewField makes a table with one field, which is named by a string, as NewTable and RawSet do. It lies in one piece of
// memory: 0.18 us where these take 0.37.
func NewField(name, value LValue) *LTable {
	with := new(struct {
		table LTable
		nodes [1]node
	})
	hash, _ := hashOf(name)
	with.nodes[0] = node{key: name, hash: hash, next: -1}
	store(&with.nodes[0].value, value)
	with.table.nodes, with.table.lastFree = with.nodes[:], 1
	return &with.table
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
