package diskcache

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"diskette/resp/internal/pickle"
)

// A Form is how a cache's Disk writes keys and values.
type Form string

const (
	Auto  Form = "auto"  // found out from the keys
	Plain Form = "plain" // as Disk does
	JSON  Form = "json"  // as JSONDisk does
)

// The modes of a value: DiskCache's core.py.
const (
	modeRaw    = 1 // in the row as it is
	modeBinary = 2 // in a file
	modeText   = 3 // in a file, UTF-8
	modePickle = 4 // in the row, or in a file
)

var (
	errTooLong = errors.New("it is longer than a value may be (proto-max-bulk-len)")
	errNoKey   = errors.New("the key is nan, which DiskCache does not find again either")
)

// plain is a column as text: a float as Python's repr has it.
func plain(s *sqlite3.Stmt, column int) []byte {
	switch s.ColumnType(column) {
	case sqlite3.INTEGER:
		return strconv.AppendInt(nil, s.ColumnInt64(column), 10)
	case sqlite3.FLOAT:
		return []byte(pickle.Float(s.ColumnFloat(column)))
	case sqlite3.NULL: // SQLite keeps a nan so
		return []byte("nan")
	}
	return append([]byte{}, s.ColumnRawBlob(column)...)
}

func (c *Cache) key(s *sqlite3.Stmt) ([]byte, error) {
	switch {
	case s.ColumnType(0) == sqlite3.NULL:
		return nil, errNoKey
	case s.ColumnInt(1) == 0:
		return c.unpickled(s.ColumnRawBlob(0))
	case c.Form == JSON:
		return c.fromJSON(s.ColumnRawBlob(0))
	}
	return plain(s, 0), nil
}

func (c *Cache) value(s *sqlite3.Stmt, dir string) (b []byte, err error) {
	mode, inRow := s.ColumnInt(4), s.ColumnType(5) == sqlite3.NULL
	switch {
	case mode == modeRaw && inRow:
		b = plain(s, 6)
	case mode == modePickle && inRow:
		b = s.ColumnRawBlob(6)
	case !inRow && (mode == modeBinary || mode == modeText || mode == modePickle):
		if b, err = c.file(dir, s.ColumnText(5)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("a value in mode %d is unknown", mode)
	}
	switch {
	case mode == modePickle:
		return c.unpickled(b)
	case c.Form == JSON && (mode == modeRaw || mode == modeBinary):
		text, err := c.fromJSON(b)
		if err != nil && mode == modeBinary && !errors.Is(err, errTooLong) {
			return b, nil // JSONDisk stores what it was given as an open file as it is
		}
		return text, err
	case len(b) > c.o.Bytes:
		return nil, errTooLong
	}
	return b, nil
}

// file reads a value's file, which a row names.
func (c *Cache) file(dir, name string) ([]byte, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("its file %.100q is not in the directory", name)
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(c.o.Bytes)+1))
	if err == nil && len(b) > c.o.Bytes {
		err = errTooLong
	}
	return b, err
}

func (c *Cache) unpickled(b []byte) ([]byte, error) {
	v, err := pickle.Read(b)
	if err != nil {
		return nil, err
	}
	text, err := pickle.Text(v, c.o.Bytes)
	if err == nil && len(text) > c.o.Bytes {
		err = errTooLong
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{}, text...), nil // it may be SQLite's memory
}

// inflated is what JSONDisk has compressed.
func inflated(b []byte, most int) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, int64(most)+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > most:
		return nil, errTooLong
	case !json.Valid(text):
		return nil, errors.New("what was compressed is no JSON")
	}
	return text, nil
}

// fromJSON is a string's text, and the JSON of anything else.
func (c *Cache) fromJSON(b []byte) ([]byte, error) {
	text, err := inflated(b, c.o.Bytes)
	if err != nil {
		return nil, fmt.Errorf("it is not of JSONDisk: %w", err)
	}
	var s string
	if text[0] == '"' && json.Unmarshal(text, &s) == nil {
		return []byte(s), nil
	}
	return text, nil
}
