package store

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// A rescue copies the rows of a damaged database that can be read into the tables of a new one. Rows stand in
// order of their keys, so what can not be read is a hole between two keys: the walk goes on behind it, which
// it finds by steps that grow by an eighth, and then goes back by halves to where the hole ends.
//
// A row that does not come behind the one before it is such a hole, too: pages that each have their checksum
// may lead to each other in rings and in every direction, if they are not of one time, and a walk along them
// would not end.
type rescue struct {
	from, to *sqlite3.Conn
	holes    []hole
}

// hole is where rows of a table are lost: between the keys after and before, which are the ids
// and, but for keys and spaces, the second part of the primary key.
type hole struct {
	table         string
	after, before rowKey
	end           bool // nothing is known to come behind it
	cause         error
}

// rowKey is the first part of a row's primary key, and the second where there is one.
type rowKey struct{ id, n int64 }

func (k rowKey) compare(other rowKey) int {
	return cmp.Or(cmp.Compare(k.id, other.id), cmp.Compare(k.n, other.n))
}

var errOrder = errors.New("the pages do not go together: rows are not in order")

// rescued is a table to copy: the primary key's first one or two columns, both integers.
type rescued struct {
	name string
	key  []string
}

func rescuedTables() []rescued {
	all := []rescued{{"spaces", []string{"space"}}, {"keys", []string{"id"}}, {"chunks", []string{"id", "n"}},
		{"pieces", []string{"id", "n"}}}
	for t := hashFields; int(t) < len(tables); t++ {
		all = append(all, rescued{tables[t].name, []string{"id", "n"}})
	}
	return all
}

const least = -1 << 63

// table copies one table.
func (r *rescue) table(t rescued) error {
	columns, err := columnsOf(r.to, t.name)
	if err != nil {
		return err
	}
	put, _, err := r.to.Prepare(`INSERT OR REPLACE INTO ` + t.name + ` (` + strings.Join(columns, ", ") + `) VALUES (` +
		strings.Repeat(", ?", len(columns))[2:] + `)`)
	if err != nil {
		return err
	}
	defer put.Close()
	return r.each(t, columns, func(s *sqlite3.Stmt) error {
		for i := range columns {
			if err := copyColumn(put, i+1, s, len(t.key)+i); err != nil {
				return err
			}
		}
		put.Step()
		if err := put.Reset(); err != nil {
			return fmt.Errorf("write a row of %s: %w", t.name, err)
		}
		return nil
	})
}

// each gives all rows of a table that can be read to visit: the key's columns, and behind them the others. Where there
// are rows that can not, it notes a hole.
func (r *rescue) each(t rescued, columns []string, visit func(s *sqlite3.Stmt) error) error {
	w := walk{rescue: r, table: t, at: rowKey{least, least}}
	last := rowKey{least, least}
	w.sql = `SELECT ` + strings.Join(t.key, ", ") + `, ` + strings.Join(columns, ", ") + ` FROM ` + t.name + ` WHERE ` +
		w.from() + ` ORDER BY ` + strings.Join(t.key, ", ")
	for {
		readErr, err := w.rows(visit, &last)
		if err != nil {
			return err
		}
		if readErr == nil {
			return nil
		}
		more := w.skip(last)
		h := hole{table: t.name, after: last, before: w.at, end: !more, cause: readErr}
		r.holes = append(r.holes, h)
		if !more {
			return nil
		}
	}
}

// columnsOf lists a table's columns.
func columnsOf(c *sqlite3.Conn, table string) (names []string, err error) {
	s, _, err := c.Prepare(`SELECT name FROM pragma_table_info('` + table + `')`)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for s.Step() {
		names = append(names, s.ColumnText(0))
	}
	return names, s.Err()
}

// walk goes through a table from a place on.
type walk struct {
	*rescue
	table rescued
	sql   string
	at    rowKey
}

// from is the condition that a row stands at the place or behind it.
func (w *walk) from() string {
	if len(w.table.key) == 1 {
		return w.table.key[0] + ` >= ?1`
	}
	return `(` + strings.Join(w.table.key, ", ") + `) >= (?1, ?2)`
}

func (w *walk) bind(s *sqlite3.Stmt, at rowKey) error {
	if len(w.table.key) == 1 {
		return s.BindInt64(1, at.id)
	}
	return bind(s, at.id, at.n)
}

// rows visits the rows from w.at on, until the end or one that can not be read.
func (w *walk) rows(visit func(s *sqlite3.Stmt) error, last *rowKey) (readErr, err error) {
	s, _, err := w.rescue.from.Prepare(w.sql)
	if err != nil {
		return err, nil // the table itself
	}
	defer s.Close()
	if err := w.bind(s, w.at); err != nil {
		return nil, err
	}
	for s.Step() {
		k := w.rowKey(s)
		if k.compare(w.at) < 0 || k.compare(*last) <= 0 {
			return errOrder, nil
		}
		if err := visit(s); err != nil {
			return nil, err
		}
		*last = k
	}
	return s.Err(), nil
}

// copyColumn binds a column of a row to a parameter of a statement of another connection.
func copyColumn(to *sqlite3.Stmt, param int, from *sqlite3.Stmt, column int) error {
	switch from.ColumnType(column) {
	case sqlite3.INTEGER:
		return to.BindInt64(param, from.ColumnInt64(column))
	case sqlite3.FLOAT:
		return to.BindFloat(param, from.ColumnFloat(column))
	case sqlite3.NULL:
		return to.BindNull(param)
	case sqlite3.TEXT:
		return to.BindText(param, from.ColumnText(column))
	}
	return to.BindBlob(param, notNil(from.ColumnRawBlob(column)))
}

func (w *walk) rowKey(s *sqlite3.Stmt) rowKey {
	k := rowKey{s.ColumnInt64(0), least}
	if len(w.table.key) > 1 {
		k.n = s.ColumnInt64(1)
	}
	return k
}

// skip moves w.at behind what can not be read after the place last; false = to the table's end.
func (w *walk) skip(last rowKey) bool {
	start := rowKey{last.id, last.n}
	if len(w.table.key) > 1 && last.id != least {
		if w.gallop(func(by int64) rowKey { return rowKey{start.id, start.n + by} }, 1<<62-max(0, start.n)) {
			return true
		}
	}
	if start.id == least { // ids are not negative
		start.id = -1
	}
	return w.gallop(func(by int64) rowKey { return rowKey{start.id + by, least} }, 1<<62-max(0, start.id))
}

// gallop looks for the first place of those that to gives, by growing steps, from which a row can be read.
func (w *walk) gallop(to func(by int64) rowKey, most int64) bool {
	for bad, step := int64(0), int64(1); bad+step <= most; step = max(1, (bad+step)/8) {
		good := bad + step
		if !w.readable(to(good)) {
			bad = good
			continue
		}
		for good-bad > 1 {
			if middle := bad + (good-bad)/2; w.readable(to(middle)) {
				good = middle
			} else {
				bad = middle
			}
		}
		w.at = to(good)
		return true
	}
	return false
}

// readable reports whether there is a row from a place on and the first can be read.
func (w *walk) readable(at rowKey) bool {
	s, _, err := w.rescue.from.Prepare(w.sql + ` LIMIT 1`)
	if err != nil {
		return false
	}
	defer s.Close()
	return w.bind(s, at) == nil && s.Step() && w.rowKey(s).compare(at) >= 0
}
