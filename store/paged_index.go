package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// The tables of hashes, sets and sorted sets have no index on names: most collections are small, and are loaded whole.
// Those that are large get one when that turns out to be of use: see paged.want. It is two tables:
//
//	element_index   id, hash of the name, n     of each row of the key whose hash is below a bound
//	indexed_keys    id, elements, below         how many rows element_index has of the key; the bound
//
// A key is indexed when the bound is above all hashes. Until then maintain raises it (paged_build.go), and its elements
// are found as ever. From the first on write-back keeps what is below the bound, in the transaction that
// changes the rows (I4): the row's name says where its entry is, so that the changes of a fold may be written
// again. meta's indexed_lsn is the LSN up to which that was done: a program that knows nothing of all this leaves it
// behind, and what it has served is indexed anew.

const (
	hashBits = 48 // SQLite keeps them in 6 bytes
	// toClear in the place of the bound: the entries are not to be trusted and go first.
	toClear = -1
	// pagedElements and pagedBytes in memory are the size from which a collection is large.
	pagedElements = 32 << 10
	pagedBytes    = 8 << 20
	leastPaged    = 16
	// mostWanted is how many keys may wait for an index at a time.
	mostWanted = 1 << 10
)

// elementHash is that of an element's name. It is cut from SHA-256, so that nobody finds names that share one.
func elementHash(name []byte) int64 {
	sum := sha256.Sum256(head(name))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> (64 - hashBits))
}

// indexSchema is the part of the schema that files of this version may lack.
func indexSchema() string {
	from := strings.Index(schema, "CREATE TABLE IF NOT EXISTS element_index")
	to := strings.Index(schema, "-- The views")
	return schema[from:to]
}

// paged is what memory knows of the keys whose elements are indexed. It has a lock of its own, which is the last.
type paged struct {
	mu      sync.Mutex
	indexed map[int64]struct{}
	wanted  map[int64]struct{} // large ones that are not
	working bool               // an index was worked on when that was tried last
}

func (p *paged) works(did bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working = did
}

// isUnfinished reports whether an index is to be made that is not complete.
func (p *paged) isUnfinished() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.working || len(p.wanted) > 0
}

func (p *paged) isIndexed(id int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.indexed[id]
	return ok
}

func (p *paged) count() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(len(p.indexed))
}

// want asks for an index of a key's elements. Whoever asks too early or for no good does no harm.
func (p *paged) want(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.indexed[id]; ok || len(p.wanted) >= mostWanted {
		return
	}
	if p.wanted == nil {
		p.wanted = map[int64]struct{}{}
	}
	p.wanted[id] = struct{}{}
}

func (p *paged) takeWanted() (ids []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.wanted {
		ids = append(ids, id)
	}
	clear(p.wanted)
	return ids
}

func (p *paged) set(id int64, indexed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !indexed {
		delete(p.indexed, id)
		return
	}
	if p.indexed == nil {
		p.indexed = map[int64]struct{}{}
	}
	p.indexed[id] = struct{}{}
}

// isLarge reports whether a collection in memory is one that should not be loaded whole again.
func (st *Store) isLarge(c collection) bool {
	n, most := c.length(), cmp.Or(st.opts.pagedElements, pagedElements)
	return n >= most || n >= leastPaged && c.size() >= pagedBytes && st.opts.pagedElements == 0
}

// wantIndex is called for a collection that memory lets go of.
func (st *Store) wantIndex(o *object) {
	if o.coll() != nil && hasParts(o.typ) && st.isLarge(o.coll()) {
		st.paged.want(o.id)
	}
}

// noteLarge is called for a key that was read: a collection that was found too large for memory to hold well should be
// the last time that it is loaded whole.
func (st *Store) noteLarge(o *object) {
	switch {
	case !hasParts(o.typ):
	case o.coll() != nil && o.coll().size() > st.maxMemory.Load()/8,
		o.coll() == nil && o.outline() != nil && o.outline().part == nil &&
			o.outline().shape.Len >= cmp.Or(st.opts.pagedElements, pagedElements):
		if o.coll() == nil || st.isLarge(o.coll()) {
			st.paged.want(o.id)
		}
	}
}

// indexKept reports whether the program that has changed the tables last has kept the index.
func indexKept(c *sqlite3.Conn) (bool, error) {
	var indexed, applied int64
	err := queryInts(c, `SELECT coalesce((SELECT value FROM meta WHERE name = 'indexed_lsn'), 0),
		max(coalesce((SELECT value FROM meta WHERE name = 'applied_lsn'), 0),
			coalesce((SELECT value FROM meta WHERE name = 'ahead_lsn'), 0))`, &indexed, &applied)
	return indexed == applied, err
}

// readIndexed reads which keys are indexed, and to what bound. What another program has left is marked to be made anew.
func (w *writer) readIndexed(c *sqlite3.Conn) error {
	kept, err := indexKept(c)
	if err != nil {
		return err
	}
	s, _, err := c.Prepare(`SELECT id, below FROM indexed_keys`)
	if err != nil {
		return err
	}
	defer s.Close()
	w.indexed, w.build = map[int64]int64{}, nil
	w.filters.dropAll()
	for s.Step() {
		w.indexed[s.ColumnInt64(0)] = s.ColumnInt64(1)
	}
	if err := s.Err(); err != nil {
		return err
	}
	if kept || len(w.indexed) == 0 {
		return nil
	}
	for id := range w.indexed {
		w.indexed[id] = toClear
	}
	return c.Exec(`UPDATE indexed_keys SET below = ` + itoa(toClear))
}

// serveParts makes the writer tell of the indexes that are complete.
func (w *writer) serveParts(p *paged, f *filters) {
	w.paged, w.filters.shown = p, f
	for id, below := range w.indexed {
		p.set(id, below == allHashes)
	}
}

// distrustIndexes is called within a transaction when another program may have changed rows: all indexes are made anew.
func (w *writer) distrustIndexes() {
	if len(w.indexed) == 0 {
		return
	}
	for id := range w.indexed {
		w.indexed[id] = toClear
		if w.paged != nil {
			w.paged.set(id, false)
		}
	}
	w.build, w.distrust = nil, true
	w.filters.dropAll()
	w.run(w.distrustAll)
}

// letIndexGo forgets a key that is gone, and its entries.
func (w *writer) letIndexGo(id int64) {
	delete(w.indexed, id)
	w.filters.drop(id)
	if w.paged != nil {
		w.paged.set(id, false)
	}
}

// indexOwnRows brings changes of rows of one table into the indexes of their keys.
func (w *writer) indexOwnRows(f *fold, order []int32) {
	for len(order) > 0 {
		n := 1
		for n < len(order) && f.rows.at(order[n]).id == f.rows.at(order[0]).id {
			n++
		}
		w.indexRows(f, order[:n])
		order = order[n:]
	}
}

// indexEntry is a row's in the index of its key.
type indexEntry struct{ hash, n int64 }

func (e indexEntry) compare(other indexEntry) int {
	return cmp.Or(cmp.Compare(e.hash, other.hash), cmp.Compare(e.n, other.n))
}

// indexChange is what becomes of an entry.
type indexChange struct {
	indexEntry
	removed bool
}

// indexRows brings changes of one key's rows into the index, before they are written. They come in their order.
func (w *writer) indexRows(f *fold, order []int32) {
	r := f.rows.at(order[0])
	id, t := r.id, r.table
	below, ok := w.indexed[id]
	if !ok || !hasNames(tables[t].typ) || w.err != nil {
		return
	}
	w.indexing = w.indexing[:0]
	for _, i := range order {
		r := f.rows.at(i)
		var name []byte
		if r.removed {
			if name = w.elementName(t, id, r.n); name == nil {
				continue // it is gone, and its entry with it
			}
		} else if name = (&columnReader{r.data}).blob(); name == nil {
			w.err = cmp.Or(w.err, errBadRecord)
		}
		if w.err != nil {
			return
		}
		change := indexChange{indexEntry{elementHash(name), r.n}, r.removed}
		if w.build != nil && w.build.id == id {
			w.build.changed(change, below)
		}
		if change.hash < below {
			w.indexing = append(w.indexing, change)
		}
	}
	// Neighbours share pages.
	slices.SortFunc(w.indexing, func(a, b indexChange) int { return a.compare(b.indexEntry) })
	w.changeIndex(id, w.indexing)
}

// countRuns counts what a merge adds to the elements of a list or stream, or takes away, before it is written. Where
// the old run is left as it is, the rows are none of its.
func (w *writer) countRuns(f *fold, order []int32) {
	m := &w.merging
	below, ok := w.indexed[m.id]
	if !ok || w.err != nil {
		return
	}
	grew := int64(0)
	old := m.old.rows
	for _, i := range order {
		r := f.rows.at(i)
		for len(old) > 0 && old[0].n < r.n {
			old = old[1:]
		}
		was := len(old) > 0 && old[0].n == r.n || m.old.there && len(m.old.rows) == 0 && m.old.n == r.n
		by := int64(0)
		switch {
		case was && r.removed:
			by = -1
		case !was && !r.removed:
			by = 1
		}
		if w.build != nil && w.build.id == m.id && (r.n <= w.build.at || w.build.all) {
			w.build.counted += by
		}
		grew += by
	}
	if below == allHashes && grew != 0 {
		w.run(w.countEntries, m.id, grew)
	}
}

// changeIndex writes entries and counts them.
func (w *writer) changeIndex(id int64, changes []indexChange) {
	grew := int64(0)
	for _, c := range changes {
		s, by := w.putEntry, int64(1)
		if c.removed {
			s, by = w.dropEntry, -1
		}
		w.bindID(s, id)
		w.bindInt(s, 2, c.hash)
		w.bindInt(s, 3, c.n)
		w.step(s)
		if w.err != nil {
			return
		}
		if !c.removed {
			w.filters.put(id, c.hash)
		}
		if w.c.Changes() > 0 { // else an earlier attempt has done it
			grew += by
		}
	}
	if grew != 0 {
		w.run(w.countEntries, id, grew)
	}
}

// elementName reads the name of an element that is to be removed, nil if its row is not there.
func (w *writer) elementName(t table, id, n int64) (name []byte) {
	s := w.rowName[t]
	w.bindID(s, id)
	w.bindInt(s, 2, n)
	if w.err != nil {
		return nil
	}
	if s.Step() {
		name = append([]byte{}, s.ColumnRawBlob(0)...)
	}
	w.err = s.Reset()
	return name
}
