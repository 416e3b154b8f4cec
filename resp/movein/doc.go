// Package movein brings the data of a Redis into a directory that has no database yet: out of the files that Redis has
// left there, at the first start, or out of others.
//
//	Find     what there is, and what of it counts
//	Source   a snapshot (an RDB file), or an append only file of several parts
//	Run      the snapshot's keys go straight into the tables (store.Bulk); the commands of an append only file, and
//	         libraries of functions, then run on a store on what is there so far; and all of it becomes the
//	         directory's database at once, at the end (store.Import)
//
// Redis's files are read and never changed. Whatever ends the import leaves nothing that a start would take for a
// database, and the next start begins anew.
//
// Memory is bounded by the longest element, whatever the size of the file or of a collection: values are read and
// written in parts.
package movein

import (
	"errors"
	"fmt"
)

// ErrDamaged says that a file can not be imported to its end.
var ErrDamaged = errors.New("the file can not be read to its end")

// A FileError is what is wrong with a file that is to be imported.
type FileError struct {
	File string
	Err  error  // tells the place, what was found and what was expected
	Ways string // what the operator can do, "" = nothing here
}

func (e *FileError) Error() string {
	text := fmt.Sprintf("%s: %v; nothing was imported or changed", e.File, e.Err)
	if e.Ways != "" {
		text += ": " + e.Ways
	}
	return text
}

func (e *FileError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// ways are what the operator can do: give an option, which does something, or begin empty. option may be "".
func (o *Options) ways(option, does string) string {
	switch {
	case o.ByCommand && option == "":
		return ""
	case o.ByCommand:
		return "add " + option + " to " + does
	case option == "":
		return "start with --import no to begin empty"
	}
	return "start with " + option + " to " + does + ", or with --import no to begin empty"
}
