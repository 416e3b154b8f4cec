package moveout

import (
	"errors"
	"os"
	"path/filepath"

	"diskette/resp/rdb"
	"diskette/store"
)

// A File is one that takes the place of another at once, when it is complete and on disk.
type File struct {
	*os.File
	path  string
	dirty int // bytes since the last fsync
}

// syncBytes is after how many bytes a file is fsynced while it is written, as Redis does
// (rdb-save-incremental-fsync): gigabytes at its end would hold up the fsyncs of the journal.
const syncBytes = 16 << 20

// Create begins a file that is to be at path, under a temporary name beside it. It is for its user alone, as the
// database is, or for those who may read the file in whose place it comes.
func Create(path, temporary string) (*File, error) {
	if err := store.NotOwn(path); err != nil {
		return nil, err
	}
	mode := os.FileMode(0o600)
	if before, err := os.Stat(path); err == nil && before.Mode().IsRegular() {
		mode = before.Mode().Perm()
	}
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), temporary), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	made := &File{File: f, path: path}
	if err := f.Chmod(mode); err != nil {
		return nil, errors.Join(err, made.Abort())
	}
	return made, nil
}

func (f *File) Write(b []byte) (n int, err error) {
	n, err = f.File.Write(b)
	if f.dirty += n; err == nil && f.dirty >= syncBytes {
		f.dirty = 0
		err = f.Sync()
	}
	return n, err
}

// Abort removes it.
func (f *File) Abort() error { return errors.Join(f.Close(), os.Remove(f.Name())) }

// Finish gives the file its name. After an error what was there before is there still, unless it says that the
// directory could not be fsynced.
func (f *File) Finish() error {
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Abort())
	}
	if err := f.Close(); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Ours reports whether a file is an RDB file that Write has begun.
func Ours(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	r := rdb.NewFileReader(f, rdb.FileOptions{})
	for {
		record, err := r.Next()
		if err != nil || record.Kind != rdb.RecordAux {
			return false
		}
		if record.Key == programFact {
			return true
		}
	}
}
