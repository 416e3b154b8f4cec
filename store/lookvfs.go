package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// lookVFS is the name of an SQLite VFS that changes nothing: no byte of the database and its WAL, no lock, no
// -shm. SQLite's own read-only connections recover the WAL into the -shm, create one that is missing, and
// delete a WAL that they find useless.
const lookVFS = "diskette-look"

// lookUnverifiedVFS is lookVFS for a start that does not compare the pages' checksums.
const lookUnverifiedVFS = lookVFS + "-unverified"

func init() {
	vfs.Register(lookVFS, looking{})
	vfs.Register(lookUnverifiedVFS, looking{unverified: true})
}

type looking struct{ unverified bool }

func (looking) FullPathname(name string) (string, error) { return filepath.Abs(name) }
func (looking) Delete(string, bool) error                { return sqlite3.READONLY }

func (looking) Access(name string, _ vfs.AccessFlag) (bool, error) {
	_, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (looking) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	flags = flags&^(vfs.OPEN_READWRITE|vfs.OPEN_CREATE) | vfs.OPEN_READONLY
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && flags&vfs.OPEN_MAIN_DB == 0 {
		return lookedAt{}, flags, nil // as if it were empty
	}
	if err != nil {
		return nil, flags, err
	}
	return lookedAt{f}, flags, nil
}

// lookedAt is a file that is only read; nil = an empty one.
type lookedAt struct{ file *os.File }

func (f lookedAt) ReadAt(p []byte, at int64) (int, error) {
	if f.file == nil {
		return 0, io.EOF
	}
	return f.file.ReadAt(p, at)
}

func (f lookedAt) Size() (int64, error) {
	if f.file == nil {
		return 0, nil
	}
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f lookedAt) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

func (lookedAt) WriteAt([]byte, int64) (int, error)              { return 0, sqlite3.READONLY }
func (lookedAt) Truncate(int64) error                            { return sqlite3.READONLY }
func (lookedAt) Sync(vfs.SyncFlag) error                         { return nil }
func (lookedAt) Lock(vfs.LockLevel) error                        { return nil } // the directory is locked
func (lookedAt) Unlock(vfs.LockLevel) error                      { return nil }
func (lookedAt) CheckReservedLock() (bool, error)                { return false, nil }
func (lookedAt) SectorSize() int                                 { return pageBytes }
func (lookedAt) DeviceCharacteristics() vfs.DeviceCharacteristic { return 0 }

// openLook opens a connection that changes nothing, to a database whose server is not running.
func openLook(path string, unverified bool) (*sqlite3.Conn, error) {
	name := lookVFS
	if unverified {
		name = lookUnverifiedVFS
	}
	return openLookOn(path, pagesOver(name), writerMemory.Load())
}

// openRescue is openLook for a file that is damaged: one that is shorter than its header says
// is read as far as it goes, and the pages' checksums are compared only if asked for.
func openRescue(path string, checksums bool) (*sqlite3.Conn, error) {
	name := lookVFS
	if checksums {
		name = pagesOver(lookVFS)
	}
	c, err := openLookOn(path, name, writerMemory.Load())
	if err == nil {
		if err = c.Exec(`PRAGMA writable_schema = ON`); err != nil {
			c.Close()
		}
	}
	return c, err
}

func openLookOn(path, vfsName string, memory int64) (*sqlite3.Conn, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path,
		RawQuery: url.Values{"mode": {"ro"}, "vfs": {vfsName}}.Encode()}
	c, err := sqlite3.OpenContext(sqlite3.WithMaxMemory(context.Background(), memory), u.String())
	if err != nil {
		return nil, err
	}
	_, err = c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
	if err == nil {
		err = c.Exec(`PRAGMA locking_mode = EXCLUSIVE`) // SQLite then keeps the WAL's index in its own memory
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
