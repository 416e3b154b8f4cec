package store

import (
	"context"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// ErrNoStatement says that a text has no SQL statement.
var ErrNoStatement = errors.New("there is no SQL statement")

// Query runs SQL statements, which can read and nothing else. begin hears the names of a statement's columns, and row
// one row of values after the other: nil, int64, float64, string, or []byte, which is only good until row returns. A
// statement without columns has neither.
func (o *Outside) Query(ctx context.Context, sql string, begin func(columns []string) error, row func(values []any) error) error {
	defer o.interruptedBy(ctx)()
	err := o.r.guard(func() error {
		ran := false
		for strings.TrimSpace(sql) != "" {
			s, rest, err := o.r.c.Prepare(sql)
			if err != nil {
				return err
			}
			if sql = rest; s == nil { // a comment
				continue
			}
			ran = true
			err = rows(s, begin, row)
			if closed := s.Close(); err == nil { // else it says the same again
				err = closed
			}
			if err != nil {
				return err
			}
		}
		if !ran {
			return ErrNoStatement
		}
		return nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return o.nameDamage(err)
}

func rows(s *sqlite3.Stmt, begin func([]string) error, row func([]any) error) error {
	columns := make([]string, s.ColumnCount())
	if len(columns) == 0 {
		for s.Step() {
		}
		return s.Err()
	}
	for i := range columns {
		columns[i] = s.ColumnName(i)
	}
	if err := begin(columns); err != nil {
		return err
	}
	values := make([]any, len(columns))
	for s.Step() {
		for i := range values {
			switch s.ColumnType(i) {
			case sqlite3.INTEGER:
				values[i] = s.ColumnInt64(i)
			case sqlite3.FLOAT:
				values[i] = s.ColumnFloat(i)
			case sqlite3.TEXT:
				values[i] = s.ColumnText(i)
			case sqlite3.BLOB:
				values[i] = s.ColumnRawBlob(i)
			default:
				values[i] = nil
			}
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return s.Err()
}

// interruptedBy has a context end what SQLite does, until the returned function is called.
func (o *Outside) interruptedBy(ctx context.Context) (stop func()) {
	old := o.r.c.SetInterrupt(ctx)
	return func() {
		if o.r.c != nil {
			o.r.c.SetInterrupt(old)
		}
	}
}
