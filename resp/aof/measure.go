package aof

import (
	"bytes"
	"errors"
	"io"

	"diskette/resp/rdb"
)

// A Measure is how far a file is right.
type Measure struct {
	Bytes int64 // the file's
	Right int64 // up to the end of the last whole command or block
	Why   string
	Err   error // what is wrong from Right on: ErrTorn, an *Error without a file, what snapshot returned; nil = nothing
}

// ErrTorn is that of a file that ends within a command, or within a block.
var ErrTorn = errTorn

// Measured reads one file of a set. One that begins as an RDB file does is given to snapshot, which reads that
// to its end and returns where it ends.
func Measured(file io.ReadSeeker, o Options, snapshot func(*rdb.FileReader) (end int64, err error)) (m Measure, err error) {
	if m.Bytes, err = file.Seek(0, io.SeekEnd); err != nil {
		return m, err
	}
	if _, err = file.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	magic := make([]byte, len("VALKEY"))
	n, err := io.ReadFull(file, magic)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return m, err
	}
	magic = magic[:n]
	if bytes.HasPrefix(magic, []byte("REDIS")) || bytes.HasPrefix(magic, []byte("VALKEY")) {
		m.Right, err = snapshot(rdb.NewFileReader(io.MultiReader(bytes.NewReader(magic), file), o.RDB))
		if err != nil {
			m.Right, m.Err = 0, err
			return m, nil
		}
	}
	r := Reader{o: o.withDefaults(), file: unclosed{file}}
	if err := r.scan(m.Right); err != nil {
		return m, err
	}
	m.Right, m.Err = r.extent.end, r.extent.err
	var broken *Error
	switch {
	case m.Err == nil:
	case errors.As(m.Err, &broken):
		m.Why = broken.Found + ", expected " + broken.Expected
	case m.Err == errTorn:
		m.Why = r.extent.why
	default:
		return m, m.Err
	}
	return m, nil
}

// unclosed is a file that belongs to somebody else.
type unclosed struct{ io.ReadSeeker }

func (unclosed) Close() error { return nil }
