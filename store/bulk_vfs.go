package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// bulkVFS keeps the temporary files of an import, in which SQLite sorts, beside the database that is being made: a
// container may have no other room. They are gone when they are closed, and with the directory.
type bulkVFS struct {
	vfs.VFS
	dir  string
	real bool // it stands on the operating system's
}

// registerBulkVFS makes one over another VFS, "" for the operating system's.
func registerBulkVFS(on, dir string) (name string) {
	name = fmt.Sprint("diskette-bulk-", doubtVFSs.Add(1))
	vfs.Register(name, bulkVFS{vfs.Find(on), dir, on == ""})
	return name
}

func unregisterBulkVFS(name string) {
	vfs.Unregister(name)
	vfs.Unregister("pages:" + name)
}

func (v bulkVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return vfsutil.WrapOpen(v.VFS, name, flags)
}

func (v bulkVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name != nil && name.String() != "" {
		if v.real {
			createPrivate(name.String(), flags)
		}
		return vfsutil.WrapOpenFilename(v.VFS, name, flags)
	}
	f, err := os.CreateTemp(v.dir, "sort-*.tmp")
	if err != nil {
		return nil, flags, err
	}
	return &sortFile{f}, flags, nil
}

// sortFile is a temporary file of one connection's.
type sortFile struct{ f *os.File }

func (f *sortFile) Close() error {
	return errors.Join(f.f.Close(), os.Remove(filepath.Clean(f.f.Name())))
}

func (f *sortFile) ReadAt(p []byte, at int64) (int, error)  { return f.f.ReadAt(p, at) }
func (f *sortFile) WriteAt(p []byte, at int64) (int, error) { return f.f.WriteAt(p, at) }
func (f *sortFile) Truncate(size int64) error               { return f.f.Truncate(size) }
func (f *sortFile) Sync(vfs.SyncFlag) error                 { return nil }
func (f *sortFile) Size() (int64, error)                    { return f.f.Seek(0, io.SeekEnd) }

func (f *sortFile) Lock(vfs.LockLevel) error         { return nil }
func (f *sortFile) Unlock(vfs.LockLevel) error       { return nil }
func (f *sortFile) CheckReservedLock() (bool, error) { return false, nil }
func (f *sortFile) SectorSize() int                  { return 0 }

func (f *sortFile) DeviceCharacteristics() vfs.DeviceCharacteristic { return 0 }
