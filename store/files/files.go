package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Op is a kind of change.
type Op int

const (
	Create   Op = iota // a file, emptied if it is there
	Write              // Data at offset At
	Truncate           // to At bytes
	Allocate           // At bytes on disk for a file that holds nothing
	Sync               // a file's data and length
	Remove             // a file
	Rename             // to the name To; it replaces what has that name
	Mkdir              // one directory
	SyncDir            // the names in a directory
)

// Call is one change, as a test is told of it.
type Call struct {
	Op   Op
	Path string
	To   string
	At   int64
	Data []byte // must not be kept or changed
}

// Disk makes changes. The zero value is the operating system's.
type Disk struct {
	// Fault, nil in production, is asked before every change. With an error the change fails; a write puts its first
	// `allow` bytes in the file before it does.
	Fault func(Call) (allow int, err error)
}

func (d Disk) ask(c Call) (allow int, err error) {
	if d.Fault == nil {
		return len(c.Data), nil
	}
	if allow, err = d.Fault(c); err != nil {
		return min(allow, len(c.Data)), err
	}
	return len(c.Data), nil
}

// Create opens an empty file of that name to write to it.
func (d Disk) Create(path string, mode fs.FileMode) (*os.File, error) {
	if _, err := d.ask(Call{Op: Create, Path: path}); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, mode)
}

// Write writes p at an offset; n bytes of it are there when it fails.
func (d Disk) Write(f *os.File, p []byte, at int64) (n int, err error) {
	allow, fault := d.ask(Call{Op: Write, Path: f.Name(), At: at, Data: p})
	n, err = f.WriteAt(p[:allow], at)
	if fault != nil {
		err = fault
	}
	return n, err
}

// Truncate makes the file that long.
func (d Disk) Truncate(f *os.File, size int64) error {
	if _, err := d.ask(Call{Op: Truncate, Path: f.Name(), At: size}); err != nil {
		return err
	}
	return f.Truncate(size)
}

// Allocate lets an empty file take up n bytes, with allocate, which may write what it likes.
func (d Disk) Allocate(f *os.File, n int64, allocate func(f *os.File, n int64) error) error {
	if _, err := d.ask(Call{Op: Allocate, Path: f.Name(), At: n}); err != nil {
		return err
	}
	return allocate(f, n)
}

// Sync fsyncs the file's data and length, not its times and not its name. os.ErrClosed: it was
// closed before that began.
func (d Disk) Sync(f *os.File) error {
	if _, err := d.ask(Call{Op: Sync, Path: f.Name()}); err != nil {
		return err
	}
	return datasync(f)
}

// Rewrite writes the bytes from one offset up to another over themselves. An fsync that fails can leave pages
// that are not on disk and that the kernel holds for clean: then the next fsync succeeds without writing
// them. After this it writes them. It relies on the page cache, which keeps such pages on ext4 and XFS: who
// can tell what must be there checks it first.
func (d Disk) Rewrite(f *os.File, from, to int64) error {
	b := make([]byte, min(to-from, 256<<10))
	for from < to {
		n, err := f.ReadAt(b[:min(int64(len(b)), to-from)], from)
		if err == nil || n > 0 {
			_, err = d.Write(f, b[:n], from)
		}
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// Remove deletes a file; one that is gone already is no error.
func (d Disk) Remove(path string) error {
	_, err := d.ask(Call{Op: Remove, Path: path})
	if err == nil {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Rename gives a file or directory another name. Both names must be in directories that are fsynced for it to last.
func (d Disk) Rename(from, to string) error {
	if _, err := d.ask(Call{Op: Rename, Path: from, To: to}); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// SyncDir makes what was created in dir, renamed in it or removed from it last.
func (d Disk) SyncDir(dir string) error {
	if _, err := d.ask(Call{Op: SyncDir, Path: dir}); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// MkdirAll creates dir and those above it that are missing. It fsyncs the names of those it
// creates, and dir's in any case: who created it may have been stopped before that.
func (d Disk) MkdirAll(dir string, mode fs.FileMode) error {
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	case err == nil:
		err := d.SyncDir(parent)
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EINVAL) {
			// A process that may not read or change the parent, as in a container with a root of its own kind, has
			// not created dir either.
			return nil
		}
		return err
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) {
		if err := d.MkdirAll(parent, mode); err != nil {
			return err
		}
	}
	if _, err := d.ask(Call{Op: Mkdir, Path: dir}); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.SyncDir(parent)
}
