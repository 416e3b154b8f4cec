package movein

import (
	"context"
	"time"

	"diskette/store"
)

// Options say what is imported, and how.
type Options struct {
	// Names are those of Redis's files in a directory.
	Names Names
	// Appending says that Redis was run with appendonly yes: it would read the append only file.
	Appending bool

	CutTornEnd  bool // aof-load-truncated: the beginning of a command at the end of an append only file is left out
	NoChecksum  bool // rdbchecksum no
	SkipModules bool // leave out values of modules
	Prefix      bool // of a damaged file, keep what stands before the fault
	StringBytes int64
	ByCommand   bool // a command has been told to import, and no server: it has other advice

	Store store.Options // of the directory to import into
	// Commands begins to run commands on a store.
	Commands func(*store.Store) Commands
	// Databases says into which database what of another one goes; it is left where it is if the map does not have it.
	Databases map[int]int
	// Progress is called now and then.
	Progress func(Progress)
	Now      func() time.Time
}

// Names are the names of Redis's files, by its configuration.
type Names struct {
	Dump      string // dbfilename
	AppendDir string // appenddirname
	Append    string // appendfilename
}

// Commands runs commands, as a server does for its clients.
type Commands interface {
	Run(args [][]byte) error
	Close()
}

// Progress is how far an import is.
type Progress struct {
	Bytes, Total int64 // of the files
	Read         int64 // keys that were read
	Expired      int64 // of these, the ones that were left out because their deadline has passed
	Commands     int64
	Indexing     bool // all is read, and the index on the names is being made
	Took         time.Duration
}

// Percent is how much of the files has been read.
func (p *Progress) Percent() float64 { return 100 * float64(p.Bytes) / float64(max(p.Total, 1)) }

// Left is about how long it still takes to read the files.
func (p *Progress) Left() time.Duration {
	if p.Bytes <= 0 {
		return 0
	}
	return time.Duration(float64(p.Took) * float64(p.Total-p.Bytes) / float64(p.Bytes))
}

// Result is what an import has done.
type Result struct {
	Progress
	Source         string // the file's name
	Keys           int64  // that are there
	Libraries      int
	ModulesSkipped int64
	Fault          error // what of a damaged file was met: what stands behind it is not here
	Torn           error // what the end of an append only file had, and is not here
}

// A stage is what runs the commands of a source on what is imported so far.
type stage func(context.Context, *store.Store) error

// every is how often Progress is called.
const every = 100 * time.Millisecond

// cancelled is the error of an import that was told to end.
func cancelled(ctx context.Context) error { return context.Cause(ctx) }
