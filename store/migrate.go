package store

import (
	"errors"

	"github.com/ncruces/go-sqlite3"
)

// migrateRuns brings a file of version 1, in which list elements and stream entries had a row each, to version 2, in one
// transaction: killed in the middle, or on a full disk, it leaves the file as it was.
func migrateRuns(c *sqlite3.Conn) error {
	err := c.Exec(`BEGIN IMMEDIATE; DROP VIEW lists; DROP VIEW streams;` + schema)
	for _, t := range []struct {
		from string
		to   table
	}{{"list_elements", listElements}, {"stream_entries", streamEntries}} {
		if err == nil {
			err = gatherRuns(c, t.from, &tables[t.to])
		}
		if err == nil {
			err = c.Exec(`DROP TABLE ` + t.from)
		}
	}
	if err != nil {
		return errors.Join(err, c.Exec(`ROLLBACK`))
	}
	return c.Exec(`COMMIT`)
}

// gatherRuns puts the rows of a table into runs of another.
func gatherRuns(c *sqlite3.Conn, from string, to *tableDef) error {
	columns := ""
	for _, column := range to.columns {
		columns += ", " + column.name
	}
	rows, _, err := c.Prepare(`SELECT id, n` + columns + ` FROM ` + from + ` ORDER BY id, n`)
	if err != nil {
		return err
	}
	defer rows.Close()
	put, _, err := c.Prepare(to.putSQL(1))
	if err != nil {
		return err
	}
	defer put.Close()
	var id int64
	b := runBuilder{d: to, limit: runBytes, write: func(n int64, gaps, data []byte) {
		if err == nil {
			err = errors.Join(put.BindInt64(1, id), put.BindInt64(2, n), put.BindBlob(3, notNil(gaps)), put.BindBlob(4, data), put.Exec())
		}
	}}
	for err == nil && rows.Step() {
		if rows.ColumnInt64(0) != id {
			b.end()
			id = rows.ColumnInt64(0)
		}
		b.addColumns(rows.ColumnInt64(1), rows, 2)
	}
	b.end()
	return errors.Join(err, rows.Err())
}
