package main

import (
	"errors"
	"io"

	"diskette/store"
)

// sqlCommand is diskette sql.
type sqlCommand struct {
	Dir       string `arg:"" help:"The data directory, the server's --dir, or a backup."`
	Statement string `arg:"" optional:"" help:"What to ask; without it, or with -, the standard input is read."`
	JSON      bool   `name:"json" xor:"form" help:"Write an array of objects, a line each; of each statement one."`
	CSV       bool   `name:"csv" xor:"form" help:"Write comma-separated values (RFC 4180)."`
	Recover   bool   `help:"Of a server that was killed, bring what the journal has into the tables first."`
}

// Help is what --help says besides.
func (sqlCommand) Help() string {
	return `Statements can read and nothing else. The views are all_keys, strings, hashes, lists, sets, zsets, streams and
stream_consumer_groups; store/schema.sql in the source describes them and the tables. A value that is no text is x'...' in a table
and in CSV, and {"base64": "..."} in JSON.`
}

// Run does it.
func (c *sqlCommand) Run(s *session) error {
	sql := c.Statement
	if sql == "" || sql == "-" {
		text, err := io.ReadAll(s.in)
		if err != nil {
			return err
		}
		sql = string(text)
	}
	o, err := s.look(c.Dir, c.Recover)
	if err != nil {
		return err
	}
	var w rowWriter
	switch {
	case c.JSON:
		w = &jsonRows{out: s.out}
	case c.CSV:
		w = newCSVRows(s.out)
	default:
		w = &tableRows{out: s.out}
	}
	err = o.Query(s.ctx, sql, w.begin, w.row)
	if errors.Is(err, store.ErrNoStatement) {
		err = usageError{err.Error()}
	}
	if ended := w.end(); err == nil {
		err = ended
	}
	if closed := o.Close(); err == nil {
		err = closed
	}
	return err
}
