package store

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A filter knows the hashes of all names that the index of one key has, and of a few others: that a name is not in it
// is known without a look at the tables. HSET of a new field, SADD and ZADD ask for each whether it is there, and so
// does whoever uses HGET or SISMEMBER of what mostly is not.
//
// It is a Bloom filter of blocks, one to a cache line. The writer alone fills it. A name whose element is not in the
// part's generations is in the tables or nowhere (I5), and what is in the tables is in the filter:
//
//	what was there before   is read from the index in slices; the filter is asked from then on
//	what comes              is put in when its entry is written, before the transaction is committed and so before
//	                        the part may let go of the element
//	what goes               stays in, and costs a look-up
//
// It is made when many names were looked up in vain, again when it is too full, and goes when nobody has asked it for
// a while, when its index goes, and when all filters together would take more than filterShare of maxmemory. What they
// take counts towards the hot set.
//
// HSET of new fields on a hash of six million with maxmemory 64mb, in pipelines of 100: 31 us of the server's CPU each
// without, a third of it look-ups, and 18.5 with; SADD and ZADD alike. The rest is write-back's, most of it the index,
// of which nearly every new entry changes a page of its own.

const (
	// filterShare of maxmemory is for filters.
	filterShare = 4
	// usualFilterBits are a name's where there is room: one in a hundred is looked up in vain. With leastFilterBits one
	// in seven is.
	usualFilterBits = 10
	leastFilterBits = 5
	// filterRoom is how many names there is room for, in quarters of those that there are at first.
	filterRoom = 6
	// filterAfter is how many names are looked up in vain before a filter is wanted, and this part of those that there
	// are: to make it costs a tenth of a look-up for each of these.
	filterAfter = 256
	filterPart  = 64
	// filterSlice is how many entries are read between two looks at the clock.
	filterSlice = 8192

	filterBlock = 512
)

type nameFilter struct {
	blocks [][filterBlock / 64]atomic.Uint64
	asked  atomic.Bool // since the writer looked last

	// The writer's.
	at    int64 // hashes up to this one were read; allHashes = all were
	names int64 // how many were put in
	room  int64 // for how many it was made
}

func newNameFilter(room, bytes int64) *nameFilter {
	blocks := max(bytes*8/filterBlock, 1)
	return &nameFilter{blocks: make([][filterBlock / 64]atomic.Uint64, blocks), at: -1, room: room}
}

func (f *nameFilter) bytes() int64 { return int64(len(f.blocks)) * filterBlock / 8 }

// place is a hash's block and the six bits of it that stand for it, nine bits of the result each.
func (f *nameFilter) place(hash int64) (block *[filterBlock / 64]atomic.Uint64, which uint64) {
	h := uint64(hash) * 0x9E3779B97F4A7C15
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	at, _ := bits.Mul64(h, uint64(len(f.blocks)))
	return &f.blocks[at], (h ^ h>>29) * 0xBF58476D1CE4E5B9 >> 10
}

func (f *nameFilter) put(hash int64) {
	f.names++
	block, which := f.place(hash)
	for range 6 {
		block[which>>6&7].Or(1 << (which & 63))
		which >>= 9
	}
}

// lacks reports whether the hash is surely not in it.
func (f *nameFilter) lacks(hash int64) bool {
	block, which := f.place(hash)
	for range 6 {
		if block[which>>6&7].Load()>>(which&63)&1 == 0 {
			return true
		}
		which >>= 9
	}
	return false
}

// filters are those of the keys that are indexed. Commands ask for one that is complete, or for one to be made.
type filters struct {
	mu     sync.Mutex
	ready  map[int64]*nameFilter
	wanted map[int64]struct{}

	owed atomic.Int64 // bytes that came or went and are not in the hot set's sum yet
}

// of returns a key's filter, nil if there is none that is complete.
func (p *filters) of(id int64) *nameFilter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready[id]
}

// want asks for one. Whoever asks too early or for no good does no harm.
func (p *filters) want(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready[id] != nil || len(p.wanted) >= mostWanted {
		return
	}
	if p.wanted == nil {
		p.wanted = map[int64]struct{}{}
	}
	p.wanted[id] = struct{}{}
}

// take takes one of those that are wanted.
func (p *filters) take() (id int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.wanted {
		delete(p.wanted, id)
		return id, true
	}
	return 0, false
}

// set puts a filter in the place of the one that there was; nil = there is none any more.
func (p *filters) set(id int64, f *nameFilter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.ready[id]; old != nil {
		p.owed.Add(-old.bytes())
	}
	if f == nil {
		delete(p.ready, id)
		return
	}
	if p.ready == nil {
		p.ready = map[int64]*nameFilter{}
	}
	p.ready[id] = f
	p.owed.Add(f.bytes())
}

// unused takes out the filters that nobody has asked since the last call, and returns their keys.
func (p *filters) unused() (ids []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, f := range p.ready {
		if !f.asked.Swap(false) {
			ids = append(ids, id)
		}
	}
	return ids
}
