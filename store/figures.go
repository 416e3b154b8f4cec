package store

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"diskette/store/files"
)

// Figures describe a directory, as Outside finds it. Sizes are bytes.
type Figures struct {
	Dir           string
	Running       bool   // a server has it open
	LastEnd       string // "clean", "not clean" after a kill; "" while it runs, and of a file alone
	Format        int64  // version of the database file's format
	Keys          int64  // in all databases, with those that have expired and are not removed yet
	Expiring      int64  // those of them with a deadline
	DatabaseBytes int64
	FreeBytes     int64 // free pages inside the database file
	WALBytes      int64
	JournalBytes  int64
	Unapplied     int64 // records of the journal that the tables do not have
	SetAside      int64 // rows that the tables have never taken
	Imported      Imported
	Databases     []SnapshotDatabase // that have keys, in the order of their numbers
}

// Figures gathers them. It asks no table for all of its rows.
func (o *Outside) Figures() (f Figures, err error) {
	f = Figures{Dir: o.dir, Running: o.Running, Format: o.format, Unapplied: o.Unapplied()}
	if abs, err := filepath.Abs(o.dir); err == nil {
		f.Dir = abs
	}
	f.DatabaseBytes, f.WALBytes = fileBytes(o.file), fileBytes(o.file+"-wal")
	if o.alone == nil {
		f.JournalBytes = directoryBytes(filepath.Join(o.dir, "journal"))
		asides, err := readAsides(files.Disk{}, o.dir)
		if err != nil {
			return f, err
		}
		f.SetAside = asides.rows.Load()
	}
	s := Snapshot{r: o.r}
	if err := s.readDatabases(); err != nil {
		return f, o.nameDamage(err)
	}
	f.Databases = s.Databases
	for _, d := range f.Databases {
		f.Keys, f.Expiring = f.Keys+d.Keys, f.Expiring+d.Expiring
	}
	var running, free, when, keys int64
	err = o.r.guard(func() error {
		err := queryInts(o.r.c, `SELECT (SELECT count(*) FROM meta WHERE name = 'running' AND value <> 0),
			(SELECT freelist_count FROM pragma_freelist_count),
			coalesce((SELECT value FROM meta WHERE name LIKE '`+importedPrefix+`%'), 0),
			coalesce((SELECT value FROM meta WHERE name = 'imported_keys'), 0)`, &running, &free, &when, &keys)
		if err != nil || when == 0 {
			return err
		}
		q, err := o.r.stmt(`SELECT name FROM meta WHERE name LIKE '` + importedPrefix + `%'`)
		if err != nil {
			return err
		}
		defer q.Reset()
		if q.Step() {
			f.Imported = Imported{strings.TrimPrefix(q.ColumnText(0), importedPrefix), time.UnixMilli(when), keys}
		}
		return q.Err()
	})
	f.FreeBytes = free * pageBytes
	switch {
	case o.Running, o.alone != nil:
	case running != 0:
		f.LastEnd = "not clean"
	default:
		f.LastEnd = "clean"
	}
	return f, o.nameDamage(err)
}

// directoryBytes is the size of a directory's files.
func directoryBytes(dir string) (n int64) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}

// BringIn brings what the journal of a directory that no server has open holds into the tables, as a start of the
// server does, and closes it in order.
func BringIn(o Options) error {
	st, err := Open(o)
	if err != nil {
		return err
	}
	return st.Close()
}
