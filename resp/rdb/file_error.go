package rdb

import (
	"errors"
	"fmt"
)

var (
	// ErrNotRDB is a kind of ErrFormat: the input does not begin as an RDB file does.
	ErrNotRDB = fmt.Errorf("%w: not an RDB file", ErrFormat)
	// ErrVersion is that of a file of a version that is not known here.
	ErrVersion = errors.New("rdb: a version that is not known")
	// ErrModule is that of a value of a module in a form that can not even be passed over.
	ErrModule = errors.New("rdb: a value of a module that can not be passed over")
)

// A FileError is what is wrong with a file, or what its source said. Unwrap gives the kind: ErrNotRDB, ErrVersion,
// ErrFormat, ErrTruncated, ErrTooLarge, ErrModule, ErrChecksum, or the error of the source.
type FileError struct {
	Offset          int64 // where the fault was seen; of a compact encoding, where that begins
	Found, Expected string
	InKey           bool // the fault is in the value of Key, in database DB
	DB              int
	Key             string
	Err             error
}

func (e *FileError) Error() string {
	in := ""
	if e.InKey {
		in = fmt.Sprintf(", in the value of key %.100q of database %d", e.Key, e.DB)
	}
	if e.Found == "" {
		return fmt.Sprintf("at offset %d%s: %v", e.Offset, in, e.Err)
	}
	return fmt.Sprintf("at offset %d%s: found %s, expected %s", e.Offset, in, e.Found, e.Expected)
}

func (e *FileError) Unwrap() error { return e.Err }

// fileError is r.err as a FileError.
func (f *FileReader) fileError() *FileError {
	inKey := f.inKey || f.inSkip && f.record.Kind == RecordModule
	e := &FileError{Offset: f.r.offset(), Err: f.r.err, InKey: inKey, DB: f.db}
	if inKey {
		e.Key = f.record.Key
	}
	var what *fault
	if errors.As(f.r.err, &what) {
		e.Offset, e.Found, e.Expected, e.Err = what.offset, what.found, what.expected, what.kind
	}
	return e
}
