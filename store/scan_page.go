package store

import (
	"cmp"
	"math"

	"github.com/ncruces/go-sqlite3"
)

// A page of a scan comes from the tables in one of two ways. The walk by id is right when most keys belong to the
// space and match: it stops after count matches, or with those that it has found when they are dense. When it has
// looked at walkRows in vain, the index on names goes on, from name to name: scan_names.go. Either way no call looks
// at more than it is asked for, or some thousand rows.

// scanPage is rows of a space in id order. last is the id up to which the tables were seen, 0 = to the end.
type scanPage struct {
	rows   []scanRow
	ids    []int64 // of all rows that were looked at
	last   int64
	looked int // rows that were looked at, those of other spaces included
}

const (
	walkRows = 1000
	dense    = 8 // of so many rows that a walk sees one matches: it goes on
	// scanStep is how many keys of a scan are found by one look at the tables and joined under one hold of the lock.
	scanStep = 1000
)

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
	page.last = cursor
	for len(page.rows) < count && q.Step() {
		page.looked++
		if q.ColumnBool(4) {
			row, err := r.scanRow(q)
			if err != nil {
				return page.cutOff(cursor, page.last, err)
			}
			page.rows = append(page.rows, row)
		}
		page.last = q.ColumnInt64(0)
		page.ids = append(page.ids, page.last)
	}
	if err := q.Err(); err != nil {
		return page.cutOff(cursor, page.last, err)
	}
	if len(page.rows) == count {
		return true, nil
	}
	if page.looked == rows && len(page.rows) >= rows/dense {
		return true, nil
	}
	if page.looked < rows {
		page.last = 0
		return true, nil
	}
	return false, nil
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

// byID reads the rows of listed keys, leaving out those that are gone or renamed since.
func (r *reader) byID(space int64, prefix string, listed []scanRow) (rows []scanRow, err error) {
	q, err := r.stmt(scanColumns + `keys WHERE id = ?1 AND space = ?2 AND key >= ?3 AND (?4 IS NULL OR key < ?4)`)
	if err != nil {
		return nil, err
	}
	defer q.Reset()
	low, high := prefixRange(prefix)
	for i := range listed {
		if err := bind(q, listed[i].id, space, low, high); err != nil {
			return nil, err
		}
		var row scanRow
		there := q.Step()
		if there {
			row, err = r.scanRow(q)
		}
		if err = cmp.Or(err, q.Reset()); err != nil {
			return nil, err
		}
		if there {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (r *reader) scanRow(q *sqlite3.Stmt) (scanRow, error) {
	name, err := r.name(q.ColumnInt64(0), q.ColumnRawBlob(1))
	return scanRow{q.ColumnInt64(0), name, Type(q.ColumnInt64(2)), q.ColumnInt64(3)}, err
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
