package store

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// A page of a scan comes from the tables in one of two ways. The walk by id is right when
// most keys belong to the space and match: it stops after count matches, or with those that it has found when they are
// dense. When it has looked at walkRows in vain, the ids of all matches are listed from the index on names, and
// the list serves the following calls too: a whole scan then costs in proportion to what
// matches, not to the number of keys, nor to its square.

// scanPage is rows of a space in id order. last is the id up to which the tables were seen, 0 = to the end.
type scanPage struct {
	rows []scanRow
	last int64
}

const (
	walkRows = 1000
	dense    = 8 // of so many rows that a walk sees one matches: to look each match up by its id costs about as much
)

// scanLists are the id lists of the scans that were last active. A list stays complete up to its
// top, because new keys get higher ids, until a key that was born before is renamed into its range.
type scanLists struct {
	mu      sync.Mutex
	lists   []scanList // oldest use first
	renames int        // write-backs that renamed keys
}

// scanList is the ids of the keys of a space with a prefix, as they stood once, up to top.
type scanList struct {
	space  int64
	prefix string
	ids    []int64
	top    int64 // the newest key's id of all when the list was made, or its own last id when it is cut off
}

// forget drops the lists after a write-back that renamed keys. Until the store forgets these renames, scans
// know these keys from memory.
func (l *scanLists) forget() {
	l.mu.Lock()
	l.lists = nil
	l.renames++
	l.mu.Unlock()
}

// The lists take at most maxLists * maxListed * 8 bytes, 32 MB.
const (
	maxLists  = 4
	maxListed = 1 << 20
)

func (st *Store) scanPage(space, cursor int64, count int, o ScanOptions) (page scanPage, err error) {
	err = st.readers.use(func(r *reader) error {
		ids, top, ok := st.lists.after(space, o.Prefix, cursor, count)
		if !ok {
			done, err := r.walk(&page, space, cursor, count, o.Prefix)
			if err != nil || done {
				return err
			}
			if ids, top, err = st.lists.build(r, space, o.Prefix, cursor, count); isDamage(err) && page.last > cursor {
				_ = st.failed(place{op: scanning}, err)
				return nil // what the walk has found, and so on without the list
			} else if err != nil {
				return err
			}
		}
		page, err = r.byID(space, o.Prefix, ids, top)
		return err
	})
	return page, err
}

const scanColumns = `SELECT id, key, type, expires_ms FROM `

// walk reads on by id; done = it found count matches or came to the end.
func (r *reader) walk(page *scanPage, space, cursor int64, count int, prefix string) (done bool, err error) {
	rows := max(walkRows, 2*count)
	q, err := r.stmt(`SELECT id, key, type, expires_ms, space = ?2 AND key >= ?3 AND (?4 IS NULL OR key < ?4)
		FROM keys WHERE id >= ?1 ORDER BY id LIMIT ?5`)
	if err != nil {
		return false, err
	}
	defer q.Reset()
	low, high := prefixRange(prefix)
	if err := bind(q, behind(cursor), space, low, high, rows); err != nil {
		return false, err
	}
	seen := 0
	page.last = cursor
	for len(page.rows) < count && q.Step() {
		seen++
		if q.ColumnBool(4) {
			row, err := r.scanRow(q)
			if err != nil {
				return page.cutOff(cursor, page.last, err)
			}
			page.rows = append(page.rows, row)
		}
		page.last = q.ColumnInt64(0)
	}
	if err := q.Err(); err != nil {
		return page.cutOff(cursor, page.last, err)
	}
	if len(page.rows) == count {
		return true, nil
	}
	if seen < rows {
		page.last = 0
		return true, nil
	}
	return len(page.rows) > rows/dense, nil
}

// behind is the first id that is above a cursor. To look from there on reads no page that ends with the cursor's row.
func behind(cursor int64) int64 { return min(cursor, math.MaxInt64-1) + 1 }

// cutOff ends a page before what is damaged, if anything is before it: the next call meets it first. last is the
// id up to which the tables could be read.
func (p *scanPage) cutOff(cursor, last int64, err error) (done bool, _ error) {
	switch {
	case !isDamage(err):
		return false, err
	case last > cursor:
		p.last = last
		return true, nil
	}
	return false, &unreadableRow{last, err}
}

// byID reads the rows of listed ids, leaving out those that are gone or renamed. With them the tables are seen up
// to top.
func (r *reader) byID(space int64, prefix string, ids []int64, top int64) (page scanPage, err error) {
	q, err := r.stmt(scanColumns + `keys WHERE id = ?1 AND space = ?2 AND key >= ?3 AND (?4 IS NULL OR key < ?4)`)
	if err != nil {
		return page, err
	}
	defer q.Reset()
	low, high := prefixRange(prefix)
	for i, id := range ids {
		if err := bind(q, id, space, low, high); err != nil {
			return page, err
		}
		var row scanRow
		there := q.Step()
		if there {
			row, err = r.scanRow(q)
		}
		if err = cmp.Or(err, q.Reset()); err != nil {
			_, err = page.cutOff(ids[0]-1, ids[max(0, i-1)]-int64(max(0, 1-i)), err)
			return page, err
		}
		if there {
			page.rows = append(page.rows, row)
		}
	}
	page.last = top
	return page, nil
}

func (r *reader) scanRow(q *sqlite3.Stmt) (scanRow, error) {
	name, err := r.name(q.ColumnInt64(0), q.ColumnRawBlob(1))
	return scanRow{q.ColumnInt64(0), name, Type(q.ColumnInt64(2)), q.ColumnInt64(3)}, err
}

// after returns the next count ids of a list that was made before, and the id up to
// which the tables are seen with them, 0 = to the end; ok is false when there is no such list.
func (l *scanLists) after(space int64, prefix string, cursor int64, count int) (ids []int64, top int64, ok bool) {
	if cursor == 0 {
		return nil, 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.lists, func(s scanList) bool { return s.space == space && s.prefix == prefix })
	if i < 0 {
		return nil, 0, false
	}
	s := l.lists[i]
	l.lists = append(slices.Delete(l.lists, i, i+1), s)
	at, found := slices.BinarySearch(s.ids, cursor)
	if !found || at+1 == len(s.ids) { // not our cursor, or the end: keys born since are found anew
		return nil, 0, false
	}
	ids, top = s.page(at+1, count)
	return ids, top, true
}

// page returns up to count ids from place at on.
func (s *scanList) page(at, count int) (ids []int64, top int64) {
	ids = s.ids[at:min(len(s.ids), at+count)]
	if at+count < len(s.ids) {
		return ids, ids[len(ids)-1]
	}
	return ids, s.top
}

// build lists the matches after the cursor and returns the first count of them.
func (l *scanLists) build(r *reader, space int64, prefix string, cursor int64, count int) ([]int64, int64, error) {
	low, high := prefixRange(prefix)
	below := ``
	if high != nil {
		below = ` AND key < ?3`
	}
	l.mu.Lock()
	renames := l.renames
	l.mu.Unlock()
	list := scanList{space: space, prefix: prefix}
	// The largest id is read before the list: the list may know more than that, not less.
	if err := queryInts(r.c, `SELECT coalesce(max(id), 0) FROM keys`, &list.top); err != nil {
		return nil, 0, err
	}
	q, err := r.stmt(`SELECT id FROM keys INDEXED BY keys_by_name WHERE space = ?1 AND key >= ?2` + below +
		` AND id > ?4 ORDER BY id LIMIT ?5`)
	if err != nil {
		return nil, 0, err
	}
	defer q.Reset()
	if err := bind(q, space, low, high, cursor, maxListed); err != nil {
		return nil, 0, err
	}
	for q.Step() {
		list.ids = append(list.ids, q.ColumnInt64(0))
	}
	if err := q.Err(); err != nil {
		return nil, 0, err
	}
	switch n := len(list.ids); {
	case n == maxListed:
		list.top = list.ids[n-1]
	case n > 0:
		list.top = max(list.top, list.ids[n-1])
	case list.top <= cursor: // the keys that the walk saw are gone
		list.top = 0
	}
	ids, top := list.page(0, count)
	if len(list.ids) > count {
		l.mu.Lock()
		l.lists = slices.DeleteFunc(l.lists, func(s scanList) bool { return s.space == space && s.prefix == prefix })
		if len(l.lists) == maxLists {
			l.lists = slices.Delete(l.lists, 0, 1)
		}
		if l.renames == renames {
			l.lists = append(l.lists, list)
		}
		l.mu.Unlock()
	}
	return ids, top, nil
}

// prefixRange is the range of names low <= name < high that begin with the prefix; high is nil
// when there is no upper bound (an empty prefix, or one of 0xff bytes).
func prefixRange(prefix string) (low, high []byte) {
	high = []byte(prefix)
	for i := len(high) - 1; i >= 0; i-- {
		if high[i] < 0xff {
			high[i]++
			return append(emptyString, prefix...), high[:i+1]
		}
	}
	return append(emptyString, prefix...), nil
}

// stmt returns the reader's prepared statement for an SQL text.
func (r *reader) stmt(sql string) (*sqlite3.Stmt, error) {
	if s := r.scanned[sql]; s != nil {
		return s, nil
	}
	s, _, err := r.c.Prepare(sql)
	if err == nil {
		r.scanned[sql] = s
	}
	return s, err
}

// bind binds integers and blobs to a statement's parameters, in order.
func bind(s *sqlite3.Stmt, args ...any) error {
	for i, a := range args {
		var err error
		switch a := a.(type) {
		case int:
			err = s.BindInt(i+1, a)
		case int64:
			err = s.BindInt64(i+1, a)
		case string:
			err = s.BindText(i+1, a)
		case []byte:
			err = s.BindBlob(i+1, a) // nil = NULL
		}
		if err != nil {
			return err
		}
	}
	return nil
}
