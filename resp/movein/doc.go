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
	Ways string // what the operator can do
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s: %v; nothing was imported or changed: %s", e.File, e.Err, e.Ways)
}

func (e *FileError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

const (
	waysOfOther  = "start with --import no to begin empty"
	waysOfDamage = "start with --import-damaged prefix to import what stands before the fault, or " + waysOfOther
	waysOfModule = "start with --import-skip-modules yes to leave out the values of modules, or " + waysOfOther
)
