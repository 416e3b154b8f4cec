package store

import "math"

// ordering is the state of the evictor's scan. Its fields are the evictor's; by and missing belong to the keyspace
// lock, too.
type ordering struct {
	by      *Bounds // that the Orders follow
	missing bool    // some Order has not heard of all keys that are on disk: a scan is to begin
	from    int64   // id behind which the scan goes on
	under   bool    // a scan is under way
	tried   int     // attempts at the slice

	deadline byDeadline
}

// orderSlice is how many rows are read for the Orders at a time.
const orderSlice = 512

// followBounds switches the Orders.
func (st *Store) followBounds() {
	b := st.Bounds()
	if st.order.by == b {
		return
	}
	st.Lock()
	for db := range st.opts.Databases {
		st.orderSpace(db, b)
	}
	st.orderUnwritten()
	st.order.by = b
	st.Unlock()
	st.reserve.follow(st)
}

// orderUnwritten tells the Orders of keys that the tables do not have yet, or have elsewhere.
func (st *Store) orderUnwritten() {
	load := func(id int64, o *object) {
		if s := o.space; o.id == id && s.order != nil && s.db >= 0 {
			s.order.Load(id, max(o.bytesOnDisk(), 0), o.deadline != 0)
			st.room.dbs[s.db].bytes.Store(s.order.Bytes())
		}
	}
	for _, b := range st.births {
		load(b.id, b.o)
	}
	for id, n := range st.renamed.byID {
		load(id, n.o)
	}
}

// scanForOrder tells the Orders of the next slice of rows; false = they know all there are.
func (st *Store) scanForOrder() (more bool, err error) {
	sc := &st.order
	st.Lock()
	if sc.missing {
		sc.missing, sc.under, sc.from = false, st.order.by.limited(), 0
	}
	st.beginReading()
	st.Unlock()
	if !sc.under {
		return false, nil
	}
	rows, err := st.rowHeads(func(r *reader) ([]rowHead, error) { return r.headsFrom(sc.from, orderSlice) })
	if err != nil {
		return false, err
	}
	st.Lock()
	defer st.Unlock()
	if sc.missing { // began anew
		return true, nil
	}
	if sc.tried++; st.readingIsStale() && sc.tried < 100 {
		return true, nil
	}
	sc.tried = 0
	spaces := st.spacesLocked()
	for i := range rows {
		st.orderRow(spaces[rows[i].space], &rows[i])
	}
	for db := range st.room.dbs {
		if o := st.dbs[db].order; o != nil {
			st.room.dbs[db].bytes.Store(o.Bytes())
		}
	}
	if sc.under = len(rows) == orderSlice; sc.under {
		sc.from = rows[len(rows)-1].id
	}
	return sc.under, nil
}

// orderRow tells an Order of a row. What memory knows is newer. A key that was renamed stands in its row by a name that
// is nobody's now, or another key's: that memory knows the name says nothing of the key.
func (st *Store) orderRow(s *space, r *rowHead) {
	if s == nil || s.order == nil {
		return
	}
	o := s.keys.get(r.name)
	if renamed := st.renamed.of(r.id); renamed != nil {
		o = renamed
	}
	switch {
	case o == nil || o.unknown():
		s.order.Load(r.id, r.bytes, r.deadline != 0)
	case o.id == r.id && o.typ != None && o.space.order != nil:
		bytes := o.bytesOnDisk()
		if bytes < 0 {
			bytes = r.bytes
		}
		o.space.order.Load(r.id, bytes, o.deadline != 0)
	}
}

// A reading is a look at rows without the lock, for what is then done under it by what they say. It is stale if a key
// was changed since it began and has left memory by then: then nothing says that the row is another now.
type reading struct {
	applied uint64
	stale   bool
}

func (st *Store) beginReading() { st.reading = reading{applied: st.applied.Load()} }

// readingForgot is told of what leaves memory.
func (st *Store) readingForgot(o *object) {
	if o.lsn > st.reading.applied {
		st.reading.stale = true
	}
	if o.lsn > st.tally.reading.applied {
		st.tally.reading.stale = true
	}
}

func (st *Store) readingIsStale() bool { return st.reading.stale }

// rowHead is what of a row the evictor wants to know.
type rowHead struct {
	id, space, deadline int64
	name                string
	typ                 Type
	bytes               int64
}

// rowHeads reads some, without the keyspace lock.
func (st *Store) rowHeads(read func(*reader) ([]rowHead, error)) (rows []rowHead, err error) {
	err = st.readers.load(func(r *reader) error {
		rows, err = read(r)
		return err
	})
	if err != nil {
		return nil, st.failed(place{op: evicting}, err)
	}
	st.worked(place{op: evicting})
	return rows, nil
}

const headColumns = `SELECT id, space, key, type, expires_ms, CASE WHEN chunked > 0 THEN chunked ELSE length(value) END
	FROM keys `

// headsFrom reads the rows behind an id.
func (r *reader) headsFrom(id int64, n int) ([]rowHead, error) {
	rows, err := r.heads(nil, headColumns+`WHERE id > ?1 ORDER BY id LIMIT ?2`, id, int64(n))
	for i := range rows {
		if h := &rows[i]; err == nil && h.typ != TypeString {
			var bytes int64
			bytes, err = r.elementBytes(h.id, h.typ)
			h.bytes += bytes
		}
	}
	return rows, err
}

// headsOf reads the rows of ids, which ascend. Those that are near one another are read together.
func (r *reader) headsOf(ids []int64) (rows []rowHead, err error) {
	const near = 16
	for len(ids) > 0 && err == nil {
		n := 1
		for n < len(ids) && ids[n] > ids[n-1] && ids[n]-ids[n-1] <= near {
			n++
		}
		rows, err = r.heads(rows, headColumns+`WHERE id BETWEEN ?1 AND ?2`, ids[0], ids[n-1])
		ids = ids[n:]
	}
	return rows, err
}

func (r *reader) heads(rows []rowHead, sql string, args ...any) ([]rowHead, error) {
	q, err := r.stmt(sql)
	if err != nil {
		return nil, err
	}
	defer q.Reset()
	if err := bind(q, args...); err != nil {
		return nil, err
	}
	var b breath
	for q.Step() {
		b.step(1)
		h := rowHead{id: q.ColumnInt64(0), space: q.ColumnInt64(1), typ: Type(q.ColumnInt64(3)), deadline: q.ColumnInt64(4)}
		if h.name, err = r.name(h.id, q.ColumnRawBlob(2)); err != nil {
			return nil, err
		}
		h.bytes = keyBytesOnDisk(len(h.name), q.ColumnInt64(5), h.deadline != 0)
		rows = append(rows, h)
	}
	return rows, q.Err()
}

// elementBytes is about what a collection's rows take. It reads them a slice at a time.
func (r *reader) elementBytes(id int64, t Type) (bytes int64, err error) {
	for _, table := range tablesOf(t) {
		last := int64(math.MinInt64)
		for more := true; more; {
			var rows, some int64
			if rows, last, some, err = r.sliceBytes(tables[table].bytesSQL(), id, last); err != nil {
				return 0, err
			}
			bytes += some
			more = rows == countRows
		}
	}
	pieces, err := r.pieceBytes(id)
	return bytes + pieces, err
}

func (r *reader) sliceBytes(sql string, id, behind int64) (rows, last, bytes int64, err error) {
	s, err := r.stmt(sql)
	if err != nil {
		return 0, 0, 0, err
	}
	defer s.Reset()
	if err := bind(s, id, behind); err != nil {
		return 0, 0, 0, err
	}
	s.Step()
	var b breath
	b.step(breathSteps)
	return s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnInt64(2), s.Err()
}

func (d *tableDef) bytesSQL() string {
	size := `16`
	for _, c := range d.stored() {
		if c.kind == blobColumn {
			size += ` + length(` + c.name + `)`
		} else {
			size += ` + 8`
		}
	}
	return `SELECT count(*), max(n), sum(size) FROM (SELECT n, ` + size + ` AS size FROM ` + d.name +
		` WHERE id = ?1 AND n > ?2 ORDER BY n LIMIT ` + itoa(countRows) + `)`
}
