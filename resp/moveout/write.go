package moveout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"diskette/resp/rdb"
	"diskette/store"
)

// Options say how a file is written.
type Options struct {
	File      rdb.FileWriterOptions
	Redis     string // the version of Redis that the file says it is of
	Program   string // our own version: see Ours
	UsedBytes int64  // of memory
	Facts     []Fact // what else the file says of itself
	Libraries string // the hash in the server's own database that has the libraries of functions

	NoKeys, NoLibraries bool // they are left out

	// Progress is called now and then.
	Progress func(Progress)
}

// A Fact is what a file says of itself, such as repl-id.
type Fact struct{ Name, Text string }

// Progress is how far a file is.
type Progress struct {
	Keys, Total int64 // Total counts keys that have expired, too
	Bytes       int64
	Took        time.Duration
}

// Result is what was written, and what was not.
type Result struct {
	Progress
	Version   int       // of the file
	Moment    time.Time // that it is of
	Changes   int64     // the store's count of them that the file has
	Libraries int
	// FieldDeadlines and LibrariesLeft are what the version of the file has no words for: deadlines that were left out
	// with their fields kept, and libraries.
	FieldDeadlines int64
	LibrariesLeft  int
	// RowsSetAside are rows that the database has never taken, and so are not in the file.
	RowsSetAside int64
}

// Warning says what is not in the file, "" = all is.
func (r *Result) Warning() string {
	switch {
	case r.RowsSetAside > 0:
		return fmt.Sprintf("%d rows that were set aside (INFO's rows_set_aside) are not in the file", r.RowsSetAside)
	case r.FieldDeadlines > 0:
		return fmt.Sprintf("%d fields of hashes are in the file without their deadlines, for which it needs "+
			"export-rdb-version 12, of Redis 7.4", r.FieldDeadlines)
	case r.LibrariesLeft > 0:
		return fmt.Sprintf("%d libraries of functions are not in the file, for which it needs export-rdb-version 10 "+
			"or more, of Redis 7.0", r.LibrariesLeft)
	}
	return ""
}

// programFact is the name of the fact that says which version of Diskette has written a file. Redis passes over what
// it does not know.
const programFact = "diskette-ver"

// Write writes a snapshot as an RDB file.
func Write(ctx context.Context, out io.Writer, s *store.Snapshot, o Options) (Result, error) {
	w := &writer{o: o, f: rdb.NewFileWriter(out, o.File), start: time.Now()}
	w.result.Version, w.result.Changes, w.result.RowsSetAside = cmp.Or(o.File.Version, 11), s.Changes, s.SetAside
	w.result.Moment = s.Time()
	for _, d := range s.Databases {
		if !o.NoKeys {
			w.result.Total += d.Keys
		}
	}
	err := w.head(s)
	for _, d := range s.Databases {
		if err == nil && !o.NoKeys {
			err = w.database(ctx, s, d)
		}
	}
	if err == nil {
		err = w.f.Finish()
	}
	w.result.Bytes, w.result.Took = w.f.Bytes(), time.Since(w.start)
	return w.result, err
}

// writer is a file under way.
type writer struct {
	o      Options
	f      *rdb.FileWriter
	start  time.Time
	toldAt time.Time
	result Result
	part   part
}

// head writes what stands before the keys.
func (w *writer) head(s *store.Snapshot) error {
	facts := append([]Fact{{"redis-ver", w.o.Redis}, {"redis-bits", "64"},
		{"ctime", strconv.FormatInt(s.TimeMs/1000, 10)},
		{"used-mem", strconv.FormatInt(w.o.UsedBytes, 10)}}, w.o.Facts...)
	for _, fact := range append(facts, Fact{"aof-base", "0"}, Fact{programFact, w.o.Program}) {
		if err := w.f.Aux(fact.Name, fact.Text); err != nil {
			return err
		}
	}
	if w.o.NoLibraries {
		return nil
	}
	return s.OwnHash(w.o.Libraries, func(e *store.SnapshotElement) error {
		err := w.f.Function(e.Value)
		if errors.Is(err, rdb.ErrNotInVersion) {
			w.result.LibrariesLeft++
			return nil
		}
		w.result.Libraries++
		return err
	})
}

func (w *writer) database(ctx context.Context, s *store.Snapshot, d store.SnapshotDatabase) error {
	if err := w.f.SelectDB(d.Number); err != nil {
		return err
	}
	if err := w.f.Sizes(uint64(d.Keys), uint64(d.Expiring)); err != nil {
		return err
	}
	err := s.Keys(d, func(k *store.SnapshotKey) error {
		w.result.Keys++
		if w.result.Keys%64 == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			w.progress()
		}
		return w.key(k)
	})
	if err != nil {
		return fmt.Errorf("write the keys of database %d: %w", d.Number, err)
	}
	return nil
}

// tellEvery is how often Progress is called.
const tellEvery = 100 * time.Millisecond

func (w *writer) progress() {
	if w.o.Progress == nil {
		return
	}
	if now := time.Now(); now.Sub(w.toldAt) >= tellEvery {
		w.toldAt = now
		at := w.result.Progress
		at.Bytes, at.Took = w.f.Bytes(), now.Sub(w.start)
		w.o.Progress(at)
	}
}

// Percent is how much of the keys is written.
func (p *Progress) Percent() float64 { return 100 * float64(p.Keys) / float64(max(p.Total, 1)) }

// Left is about how long it still takes.
func (p *Progress) Left() time.Duration {
	return time.Duration(float64(p.Took) * float64(max(p.Total-p.Keys, 0)) / float64(max(p.Keys, 1)))
}
