package store

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// migrateFile brings a file of an older version to this one, on a connection of its own: only here are rows long.
func migrateFile(dir, vfs string) error {
	c, err := openDB(dir, vfs, migrationMemory, false)
	if err != nil {
		return err
	}
	var version int64
	err = errors.Join(setUp(c, mostWriterCache), queryInts(c, `SELECT user_version FROM pragma_user_version`, &version))
	if err == nil && version == 1 {
		err = migrateRuns(c)
	}
	if err == nil && version < schemaVersion {
		err = beginCut(c)
	}
	if err == nil {
		err = cutRows(c)
	}
	if err == nil {
		err = sealPages(c)
	}
	if err = errors.Join(err, closeConn(c)); err != nil {
		return fmt.Errorf("bring the file from version %d to %d: %w", version, schemaVersion, err)
	}
	return nil
}

// migrateRuns brings a file of version 1, in which list elements and stream entries had a row each, to
// version 2, in one transaction: killed in the middle, or on a full disk, it leaves the file as it was.
func migrateRuns(c *sqlite3.Conn) error {
	err := c.Exec(`BEGIN IMMEDIATE; DROP VIEW lists; DROP VIEW streams;` + schema + `PRAGMA user_version = 2;`)
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
			err = errors.Join(put.BindInt64(1, id), put.BindInt64(2, n), put.BindBlob(3, notNil(gaps)),
				put.BindBlob(4, data), put.Exec())
		}
	}}
	for err == nil && rows.Step() {
		if rows.ColumnInt64(0) != id {
			b.endRun()
			id = rows.ColumnInt64(0)
		}
		b.addColumns(rows.ColumnInt64(1), rows, 2)
	}
	b.endRun()
	return errors.Join(err, rows.Err())
}

// Version 3 has the table pieces, and no long rows. Those of a file of version 2 are cut one by one, because together
// they may be larger than the WAL ought to become. The file is of version 3 from the first on, so that no older
// program takes a head for a whole; a fact in meta says that there may be more, and a start that finds it goes on.

const cutting = "cutting_rows"

func beginCut(c *sqlite3.Conn) error {
	err := c.Exec(`BEGIN IMMEDIATE;` + schema + `INSERT INTO meta (name, value) VALUES ('` + cutting + `', 1); COMMIT`)
	if err != nil && !c.GetAutocommit() {
		err = errors.Join(err, c.Exec(`ROLLBACK`))
	}
	return err
}

// rowsToCut reports whether a start that was to cut the long rows of a file has not come to its end.
func rowsToCut(c *sqlite3.Conn) (bool, error) {
	var n int64
	err := queryInts(c, `SELECT count(*) FROM meta WHERE name = '`+cutting+`'`, &n)
	return n > 0, err
}

func cutRows(c *sqlite3.Conn) error {
	if err := cutNames(c); err != nil {
		return err
	}
	for t := hashFields; int(t) < len(tables); t++ {
		for i, col := range tables[t].stored() {
			if col.kind == blobColumn {
				if err := cutColumn(c, tables[t].name, col.name, i+1); err != nil {
					return err
				}
			}
		}
	}
	return c.Exec(`DELETE FROM meta WHERE name = '` + cutting + `'`)
}

// cutColumn cuts the rows of a table that have too much in a column. They are found by their lengths alone.
func cutColumn(c *sqlite3.Conn, table, column string, part int) error {
	long, err := idsOf(c, fmt.Sprintf(`SELECT id, n FROM %s WHERE length(%s) > %d`, table, column, chunkBytes))
	for _, row := range long {
		id, n := row[0], row[1]
		if err == nil {
			err = cut(c, fmt.Sprintf(`SELECT %s FROM %s WHERE id = %d AND n = %d`, column, table, id, n), id, n, part,
				func(whole []byte) (rest []byte, sql string, row []byte) {
					return whole[chunkBytes:],
						fmt.Sprintf(`UPDATE %s SET %s = ?1 WHERE id = %d AND n = %d`, table, column, id, n), head(whole)
				})
		}
	}
	return err
}

// cutNames does the same for the names of keys.
func cutNames(c *sqlite3.Conn) error {
	long, err := idsOf(c, fmt.Sprintf(`SELECT id, 0 FROM keys WHERE length(key) > %d OR length(key) = %d
		AND NOT EXISTS (SELECT 1 FROM pieces p WHERE p.id = keys.id AND p.n = 0
		AND p.part = %d)`, longName, longName, namePart))
	for _, row := range long {
		id := row[0]
		if err == nil {
			err = cut(c, fmt.Sprintf(`SELECT key FROM keys WHERE id = %d`, id), id, 0, namePart,
				func(whole []byte) (rest []byte, sql string, row []byte) {
					return whole, fmt.Sprintf(`UPDATE keys SET key = ?1 WHERE id = %d`, id), storedName(whole)
				})
		}
	}
	return err
}

// cut moves what is too long of one row's column to pieces, in a transaction.
func cut(
	c *sqlite3.Conn, find string, id, n int64, part int,
	divide func(whole []byte) (rest []byte, sql string, row []byte),
) error {
	s, _, err := c.Prepare(find)
	if err != nil {
		return err
	}
	var whole []byte
	if s.Step() {
		whole = append(whole, s.ColumnRawBlob(0)...)
	}
	if err := s.Close(); err != nil {
		return err
	}
	rest, sql, row := divide(whole)
	err = c.Exec(`BEGIN IMMEDIATE`)
	for piece := 0; len(rest) > 0 && err == nil; piece++ {
		err = execBind(c, `INSERT OR REPLACE INTO pieces (id, n, part, piece, data) VALUES (?1, ?2, ?3, ?4, ?5)`,
			id, n, part, piece, head(rest))
		rest = rest[len(head(rest)):]
	}
	if err == nil {
		err = execBind(c, sql, row)
	}
	if err != nil {
		return errors.Join(err, c.Exec(`ROLLBACK`))
	}
	if err := c.Exec(`COMMIT`); err != nil {
		return err
	}
	_, _, err = c.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
	return err
}

func execBind(c *sqlite3.Conn, sql string, args ...any) error {
	s, _, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	return errors.Join(bind(s, args...), s.Exec(), s.Close())
}

// idsOf reads the two integers of each row.
func idsOf(c *sqlite3.Conn, sql string) (ids [][2]int64, err error) {
	s, _, err := c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	for s.Step() {
		ids = append(ids, [2]int64{s.ColumnInt64(0), s.ColumnInt64(1)})
	}
	return ids, errors.Join(s.Err(), s.Close())
}
