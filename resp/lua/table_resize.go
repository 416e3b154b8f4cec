package lua

// How large the parts of a table are to be, when a key comes for which no node is free.

const (
	maxBits      = 26
	maxArraySize = 1 << maxBits

	valueBytes = 16
	nodeBytes  = 40
	// countedGrowth is how many bytes a table may grow by at once without the memory limit's looking at it.
	countedGrowth = 1 << 10
)

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
