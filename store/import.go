package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/files"
)

// An Import makes a directory's first database out of data that comes from elsewhere, all or nothing. It works in a
// directory within the data directory:
//
//	NewImport       import.tmp/ is removed, if an import before was interrupted, and made anew
//	Bulk            rows go straight into the tables of import.tmp/diskette.db
//	Open            what can not be told as rows is done by a Store on import.tmp/, which is then closed
//	Finish          the database, which needs nothing beside it now, is fsynced and renamed to diskette.db;
//	                import.tmp/ is removed
//
// Until that rename a start finds no database, and a start that ends later has one that is whole.
type Import struct {
	opts     Options
	disk     files.Disk
	dirOwner *Store // has the directory; not opened
	now      time.Time
	made     []string // what was not there before: directories, and the lock last
}

const importDir = "import.tmp"

// ErrHasData says that the directory to import into has data.
var ErrHasData = errors.New("the data directory has a database already: import into a new directory")

// Fresh reports whether a directory has neither a database nor anything else that a server on it has left.
func Fresh(dir string) bool {
	for _, name := range append(allFiles, intentName) {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			return false
		}
	}
	return true
}

// NewImport takes a directory, which is created if it is not there. Dir, MaxMemory, Databases, AllowNetworkFS, Log
// and what is for tests of the options count.
func NewImport(o Options) (im *Import, err error) {
	if o.Log == nil {
		o.Log = func(string, error, ...any) {}
	}
	im = &Import{opts: o, disk: files.Disk{Fault: o.Fault}, now: time.Now()}
	owner := &Store{opts: o, dir: o.Dir, disk: im.disk}
	im.dirOwner = owner
	im.made = absentOf(filepath.Join(o.Dir, lockFile))
	begun := im // what is returned is nil then
	defer func() {
		if err != nil {
			err = owner.hindered(err)
			err = errors.Join(err, begun.leave())
		}
	}()
	if err := owner.openDir(); err != nil {
		return nil, err
	}
	if !Fresh(o.Dir) {
		return nil, fmt.Errorf("%s: %w", o.Dir, ErrHasData)
	}
	if err := im.remove(); err != nil {
		return nil, fmt.Errorf("remove what an interrupted import has left: %w", err)
	}
	if err := im.disk.MkdirAll(im.dir(), 0o755); err != nil {
		return nil, fmt.Errorf("create %s: %w", im.dir(), err)
	}
	return im, nil
}

func (im *Import) dir() string { return filepath.Join(im.opts.Dir, importDir) }

// remove removes the directory of an import.
func (im *Import) remove() error { return removeImport(im.disk, im.opts.Dir) }

// removeImport removes what an import has left in a data directory, the database first: nobody shall take it for one.
func removeImport(disk files.Disk, dir string) error {
	dir = filepath.Join(dir, importDir)
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(disk.Remove(filepath.Join(dir, databaseFile)), os.RemoveAll(dir))
}

// absentOf is a name and the directories above it, the uppermost first, that are not there.
func absentOf(path string) (all []string) {
	for {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			return all
		}
		all = append([]string{path}, all...)
		path = filepath.Dir(path)
	}
}

// leave gives a directory up that has no database: what NewImport has made of it is removed, the lock while it is held.
// What somebody has put into it meanwhile keeps it.
func (im *Import) leave() error {
	lock := im.dirOwner.lock
	for i := len(im.made) - 1; i >= 0; i-- {
		if lock == nil && i == len(im.made)-1 && filepath.Base(im.made[i]) == lockFile {
			continue // it is another's
		}
		if os.Remove(im.made[i]) != nil {
			break
		}
	}
	if lock == nil {
		return nil
	}
	return lock.Close()
}

// Open opens what was imported so far, for changes that are no rows. The caller closes the store before Finish.
func (im *Import) Open(o Options) (*Store, error) {
	o.Dir, o.AllowNetworkFS, o.Log = im.dir(), true, im.opts.Log
	return Open(o)
}

// Finish makes what was imported the directory's database, and returns the number of its keys. The source is what
// meta names it by, with the time.
func (im *Import) Finish(source string) (keys int64, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(im.dirOwner.hindered(err), im.remove(), im.leave())
			return
		}
		err = errors.Join(err, im.dirOwner.lock.Close())
	}()
	if keys, err = im.note(source); err != nil {
		return 0, fmt.Errorf("note the import: %w", err)
	}
	from, to := filepath.Join(im.dir(), databaseFile), filepath.Join(im.opts.Dir, databaseFile)
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(im.disk.Sync(f), f.Close()); err != nil {
		return 0, fmt.Errorf("fsync the imported database: %w", err)
	}
	// A note that is there is of other data, which somebody has taken away.
	if err := im.disk.Remove(filepath.Join(im.opts.Dir, backupNote)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("remove the note of the last backup: %w", err)
	}
	if err := im.disk.Rename(from, to); err != nil {
		return 0, fmt.Errorf("name the imported database: %w", err)
	}
	if err := im.disk.SyncDir(im.opts.Dir); err != nil {
		return 0, fmt.Errorf("name the imported database: %w", err)
	}
	return keys, im.remove() // what it leaves, the next start removes
}

// Abort gives the import up: the directory is as it was.
func (im *Import) Abort() error {
	return errors.Join(im.remove(), im.leave())
}

// change opens the database, which is closed before and after, and needs nothing beside it then.
func (im *Import) change(fn func(c *sqlite3.Conn) error) error {
	return guarded(func() error {
		c, err := openDB(im.dir(), "", writerMemory.Load(), false)
		if err != nil {
			return err
		}
		if err = fn(c); err == nil {
			_, err = c.Config(noCheckpointOnClose, false)
		}
		return errors.Join(err, closeConn(c))
	})
}

// note writes into meta what was imported.
func (im *Import) note(source string) (keys int64, err error) {
	err = im.change(func(c *sqlite3.Conn) error {
		err := queryInts(c, `SELECT coalesce(sum(keys), 0) FROM spaces WHERE db IS NOT NULL AND db <> `+
			itoa(int64(ownNumber)), &keys)
		if err != nil {
			return err
		}
		// A copy of a directory whose data was imported says so of itself: that is not this import.
		if err := c.Exec(`DELETE FROM meta WHERE name LIKE '` + importedPrefix + `%'`); err != nil {
			return err
		}
		return execBind(c, `INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2), ('imported_keys', ?3)`,
			importedPrefix+source, im.now.UnixMilli(), keys)
	})
	return keys, err
}

// MoveDatabases gives what was imported into databases other numbers. What has a number that another one gets must
// itself get another, or be empty.
func (im *Import) MoveDatabases(to map[int]int) error {
	return im.change(func(c *sqlite3.Conn) error {
		spaces, err := spaceOf(c)
		if err != nil {
			return err
		}
		numbers := map[int]int64{}
		for db, space := range spaces {
			if _, moves := to[db]; !moves {
				numbers[db] = space
			}
		}
		for from, number := range to {
			space, there := spaces[from]
			if !there {
				continue
			}
			if other, taken := numbers[number]; taken {
				var keys int64
				if err := queryInts(c, `SELECT keys FROM spaces WHERE space = `+itoa(other), &keys); err != nil {
					return err
				}
				if keys > 0 {
					return fmt.Errorf("database %d can not go into %d, which has keys of its own", from, number)
				}
			}
			numbers[number] = space
		}
		sql := `BEGIN; UPDATE spaces SET db = NULL;`
		for db, space := range numbers {
			sql += fmt.Sprintf(`UPDATE spaces SET db = %d WHERE space = %d;`, db, space)
		}
		return c.Exec(sql + `COMMIT`)
	})
}

// importedPrefix begins the name of the row in meta that says what was imported, and when.
const importedPrefix = "imported from "

// Imported is what a database's first data came from.
type Imported struct {
	Source string // as Finish was given it; "" = the database began empty
	Time   time.Time
	Keys   int64
}

// Imported tells where the data came from, at the start.
func (st *Store) Imported() Imported { return st.imported }

// readImported reads what Finish has noted.
func (st *Store) readImported() error {
	s, _, err := st.wb.w.c.Prepare(`SELECT substr(name, ?1), value,
		coalesce((SELECT value FROM meta WHERE name = 'imported_keys'), 0) FROM meta WHERE name LIKE ?2`)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := bind(s, int64(len(importedPrefix)+1), importedPrefix+"%"); err != nil {
		return err
	}
	if s.Step() {
		st.imported = Imported{Source: s.ColumnText(0), Time: time.UnixMilli(s.ColumnInt64(1)), Keys: s.ColumnInt64(2)}
	}
	return s.Err()
}
