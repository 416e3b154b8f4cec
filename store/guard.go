package store

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// ErrPanic says that a call into SQLite ended in a panic. The library has one for memory that it does not
// get; any other is a defect, there or here. The connection is not used again, and the data is where it was:
// in the journal, or in the file.
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

// abandon gives up a connection that has panicked, as the end of a process would: no call into SQLite, which
// may be in the middle of something and would perhaps commit it, but its files are closed and its memory, in
// which the WAL's index is mapped, is given back. Only then are its locks gone. The library has no call for
// that, so the one that its Close ends with is taken from inside.
func abandon(c *sqlite3.Conn) {
	if c == nil {
		return
	}
	err := guarded(func() error {
		inside := reflect.ValueOf(c).Elem().FieldByName("wrp")
		inside = reflect.NewAt(inside.Type(), inside.Addr().UnsafePointer()).Elem()
		inside.Interface().(io.Closer).Close() // of files that are closed already, it says so
		return nil
	})
	if err != nil {
		abandoned.Add(1)
	}
	runtime.GC() // closes the file of the WAL's index, which only the connection knew
}

// abandoned counts the connections of which the process keeps memory and locks.
var abandoned atomic.Int32

const mostAbandoned = 16 // a gigabyte at most

func tooManyAbandoned() error {
	if n := abandoned.Load(); n >= mostAbandoned {
		return fmt.Errorf("%w %d times: no connection is opened any more; restart the server", ErrPanic, n)
	}
	return nil
}
