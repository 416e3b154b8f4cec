package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// alone is what is known of a database file that is looked at without a directory: a backup, or what another program
// has copied. Nothing keeps others from writing to it, so it is compared with what it was when the look ends.
type alone struct {
	foreign bool // another program has copied it: see Restored
	size    int64
	written time.Time
}

// errHalfAlone is ErrHalfBackup for a look.
var errHalfAlone = errors.New("the copy was made in the middle of a write-back: diskette restore refuses it; rows and counts were not compared")

// OpenOutsideFile opens a database file alone. Nothing beside it is read: what a journal or a WAL has is not in it.
// foreign says that another program has copied it from a directory without a server, so that its pages' checksums are
// not to be compared; of what was copied beside a server the file itself says so.
func OpenOutsideFile(file string, foreign bool) (o *Outside, err error) {
	if err := refuseIncrement(file); err != nil {
		return nil, err
	}
	if err := standsAlone(file); err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	// The directory is the file, so that nothing else can be opened in its place.
	o = &Outside{dir: file, file: file, alone: &alone{foreign: foreign, size: info.Size(), written: info.ModTime()}}
	seen, err := lookAtCopy(file, lookVFS)
	if err != nil {
		return nil, o.nameDamage(err)
	}
	o.alone.foreign = seen.running || foreign
	o.r = &reader{dir: o.dir, small: smallBytes, cache: besideCache}
	err = guarded(o.connect)
	if err == nil {
		err = o.begin(0)
	}
	if err != nil {
		return nil, errors.Join(o.nameDamage(err), o.Close())
	}
	o.Newest = o.LSN
	return o, nil
}

// standsAlone returns an error for a file that has something beside it without which it is not to be read.
func standsAlone(file string) error {
	path, err := filepath.Abs(file)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return err
	}
	if dir := filepath.Dir(path); filepath.Base(path) == databaseFile && isDataDir(dir) {
		return fmt.Errorf("%s is the database of a data directory: look at %s", file, dir)
	}
	for _, beside := range []string{"-wal", "-journal"} {
		info, err := os.Stat(path + beside)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && info.Size() > 0 {
			return fmt.Errorf("%s stands beside %s: a part of the database may be in it, and another program may have the file open; "+
				"look at a copy that is complete", path+beside, file)
		}
	}
	return nil
}

// unchanged returns an error if the file was written to since the look began.
func (a *alone) unchanged(file string) error {
	info, err := os.Stat(file)
	if err == nil && (info.Size() != a.size || !info.ModTime().Equal(a.written)) {
		err = fmt.Errorf("%s was written to meanwhile: what was read may be of two moments; do it again", file)
	}
	return err
}

// Alone reports whether it is a database file without a directory, and whether the checksums of its pages are not
// compared, because another program has made the copy.
func (o *Outside) Alone() (alone, foreign bool) {
	return o.alone != nil, o.alone != nil && o.alone.foreign
}

// nameDamage is the function of that name, in the words for a copy if it is one.
func (o *Outside) nameDamage(err error) error {
	if o.alone == nil {
		return nameDamage(o.dir, err)
	}
	if isDamage(err) && !errors.Is(err, ErrDamaged) && !errors.Is(err, errNoCopy) {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, o.file, plain(err))
	}
	return err
}
