package store

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/ncruces/go-sqlite3"
)

// ErrPanic says that a call into SQLite ended in a panic. It has one for memory that it does not get; any other is a defect, there or
// here. The connection is not used again, and the data is where it was: in the journal, or in the file.
var ErrPanic = errors.New("the database library panicked")

// A panicked is the error that a panic has become. The stack says where it began: a defect is to be found.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v: %v", ErrPanic, p.value) }
func (p *panicked) Unwrap() error { return ErrPanic }

// guarded runs fn and turns a panic into an error.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p, debug.Stack()}
		}
	}()
	return fn()
}

// outOfMemory reports whether a panic is the library's for memory. SQLite itself has been told of that by a null pointer,
// which it is made for: the connection can still be closed. After any other panic it may be in the middle of something.
func outOfMemory(err error) bool {
	var p *panicked
	if !errors.As(err, &p) {
		return false
	}
	cause, is := p.value.(error)
	return is && cause.Error() == "sqlite3: out of memory"
}

// abandon gives up a connection that has panicked. One that can not be closed is left to the garbage collector, which closes its
// files, and with them gives back its locks.
func abandon(c *sqlite3.Conn, err error) {
	if outOfMemory(err) && guarded(func() error { return closeConn(c) }) == nil {
		return
	}
	runtime.GC()
}
