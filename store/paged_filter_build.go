package store

import (
	"time"

	"github.com/ncruces/go-sqlite3"
)

// keptFilters is what the writer knows of filters (paged_filter.go). It alone makes them and puts names in.
type keptFilters struct {
	shown  *filters // what commands ask; nil = the store does not serve yet
	of     map[int64]*nameFilter
	making *nameFilter // not complete, of this key
	key    int64
	looked time.Time // when it was last asked which are used
}

// filterPause is how often it is looked for filters that nobody asks.
const filterPause = time.Minute

// put notes a name that comes into the index of a key.
func (k *keptFilters) put(id, hash int64) {
	if f := k.of[id]; f != nil {
		f.put(hash)
	}
	if k.making != nil && k.key == id {
		k.making.put(hash)
	}
}

// drop lets a key's filter go.
func (k *keptFilters) drop(id int64) {
	if k.making != nil && k.key == id {
		k.making = nil
	}
	if k.of[id] != nil {
		delete(k.of, id)
		k.shown.set(id, nil)
	}
}

func (k *keptFilters) dropAll() {
	for id := range k.of {
		k.drop(id)
	}
	k.making = nil
}

func (k *keptFilters) bytes() (sum int64) {
	for _, f := range k.of {
		sum += f.bytes()
	}
	if k.making != nil {
		sum += k.making.bytes()
	}
	return sum
}

// fillFilters works on filters for a while; did = there was something to do. The keyspace lock is not held.
func (st *Store) fillFilters(share time.Duration) (did bool, err error) {
	for end := time.Now().Add(share); ; {
		more := false
		err = st.wb.w.guard(func() error {
			more, err = st.wb.w.filterSlice(st.maxMemory.Load() / filterShare)
			return err
		})
		did = did || more
		if err != nil || !more || !time.Now().Before(end) {
			return did, err
		}
	}
}

// filtersBetween does so between two write-backs.
func (st *Store) filtersBetween(share time.Duration) {
	if _, err := st.fillFilters(share); err != nil {
		st.maintenanceFailed(indexing, err)
	}
}

// filterSlice does a slice of what is to be done for filters, which may take so many bytes together.
func (w *writer) filterSlice(most int64) (did bool, err error) {
	k := &w.filters
	if k.shown == nil {
		return false, nil
	}
	if k.bytes() > most { // maxmemory is less than it was
		k.dropAll()
	}
	if now := time.Now(); now.Sub(k.looked) > filterPause {
		k.looked = now
		for _, id := range k.shown.unused() {
			k.drop(id)
		}
	}
	if k.making == nil {
		if err := w.beginFilter(most); err != nil || k.making == nil {
			return false, err
		}
	}
	return true, w.readForFilter()
}

// beginFilter chooses a key: one whose filter is too full, or one for which a filter is wanted.
func (w *writer) beginFilter(most int64) error {
	k := &w.filters
	id, ok := int64(0), false
	for full, f := range k.of {
		if f.names > f.room {
			id, ok = full, true
			k.drop(full)
			break
		}
	}
	if !ok {
		if id, ok = k.shown.take(); !ok || k.of[id] != nil {
			return nil
		}
	}
	if w.indexed[id] != allHashes {
		return nil
	}
	var names int64
	if err := queryInts(w.c, `SELECT elements FROM indexed_keys WHERE id = `+itoa(id), &names); err != nil {
		return err
	}
	room := max(names, leastPaged) / 4 * filterRoom
	bytes := min(room*usualFilterBits/8, most-k.bytes())
	if room = min(room, bytes*8/leastFilterBits); room > names {
		k.making, k.key = newNameFilter(room, bytes), id
	}
	return nil
}

// readForFilter reads a slice of the entries. Those of one hash count once.
func (w *writer) readForFilter() error {
	k := &w.filters
	s := w.hashesFrom
	if err := bind(s, k.key, k.making.at, int64(filterSlice)); err != nil {
		return err
	}
	rows := 0
	for ; s.Step(); rows++ {
		k.making.at = s.ColumnInt64(0)
		k.making.put(k.making.at)
		if w.serving.Load() {
			w.breath.step(1)
		}
	}
	if err := s.Reset(); err != nil {
		return err
	}
	if rows < filterSlice {
		if k.of == nil {
			k.of = map[int64]*nameFilter{}
		}
		k.of[k.key] = k.making
		k.shown.set(k.key, k.making)
		k.making = nil
	}
	return nil
}

// checkFilters verifies that each complete filter knows all entries of its key. No write-back is under way.
func (r *reader) checkFilters(p *filters, fail func(string, ...any)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, f := range p.ready {
		s, _, err := r.c.Prepare(`SELECT hash FROM element_index WHERE id = ` + itoa(id))
		if err != nil {
			return err
		}
		if err := checkFilter(s, id, f, fail); err != nil {
			return err
		}
	}
	return nil
}

func checkFilter(s *sqlite3.Stmt, id int64, f *nameFilter, fail func(string, ...any)) error {
	defer s.Close()
	missing := 0
	for s.Step() {
		if f.lacks(s.ColumnInt64(0)) {
			missing++
		}
	}
	if missing > 0 {
		fail("key %d: the filter of its names lacks %d entries of its index", id, missing)
	}
	return s.Err()
}
