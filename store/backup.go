package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"diskette/store/files"
)

// backupStep is how many pages are copied between two looks at whether to go on: 4 MiB.
const backupStep = 1024

// Backup copies the snapshot's tables, page by page, into a database file that needs nothing beside it: put into an
// empty directory as diskette.db it serves. A file that is there is replaced when the new one is complete and on
// disk. progress hears how many of the pages are copied. It returns the file's size in bytes.
func (s *Snapshot) Backup(ctx context.Context, file string, progress func(done, pages int)) (bytes int64, err error) {
	return s.makeFile(file, func(dir string) (string, error) {
		return filepath.Join(dir, databaseFile), s.copyInto(ctx, dir, "", progress)
	})
}

// makeFile gives a file its name when it is complete and on disk, in the place of the one that is there, if one is.
// build makes it in a directory beside, which is removed afterwards, and returns its path.
func (s *Snapshot) makeFile(file string, build func(dir string) (path string, err error)) (bytes int64, err error) {
	if err := NotOwn(file, s.r.dir); err != nil {
		return 0, err
	}
	mode := os.FileMode(0o600)
	if before, err := os.Stat(file); err == nil {
		if !before.Mode().IsRegular() {
			return 0, fmt.Errorf("%s is there and is not a regular file", file)
		}
		mode = before.Mode().Perm()
	}
	RemoveLeft(filepath.Dir(file), filepath.Base(file)+".", ".tmp")
	dir, err := os.MkdirTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	held, err := Hold(dir)
	if err != nil {
		return 0, err
	}
	defer held.Close()
	made, err := build(dir)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(made)
	if err == nil {
		err = os.Chmod(made, mode)
	}
	if err == nil {
		err = (files.Disk{}).Rename(made, file)
	}
	if err == nil {
		err = (files.Disk{}).SyncDir(filepath.Dir(file))
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// copyInto makes the snapshot the database of a directory, on an SQLite VFS, and brings it to disk.
func (s *Snapshot) copyInto(ctx context.Context, dir, on string, progress func(done, pages int)) error {
	err := s.r.guard(func() error { return copyPages(ctx, s.r.c, filepath.Join(dir, databaseFile), on, progress) })
	if err == nil {
		err = noteClosed(dir, on)
	}
	return nameDamage(s.r.dir, err)
}

// copyPages copies a connection's database, as its transaction sees it, into a new file on an SQLite VFS, each page
// with its checksum.
func copyPages(ctx context.Context, from *sqlite3.Conn, to, on string, progress func(done, pages int)) (err error) {
	var version int64
	if err := queryInts(from, `SELECT user_version FROM pragma_user_version`, &version); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: to}
	if version >= sealedVersion {
		on = sealingOver(on)
	}
	if on != "" {
		u.RawQuery = url.Values{"vfs": {on}}.Encode()
	}
	b, err := from.BackupInit("main", u.String())
	if err != nil {
		return err
	}
	defer func() {
		if closed := b.Close(); err == nil { // else it says the same again
			err = closed
		}
	}()
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done, err = b.Step(backupStep); err != nil {
			return err
		}
		progress(b.PageCount()-b.Remaining(), b.PageCount())
	}
	return nil
}

// sealingVFSPrefix comes before the name of the VFS that is below one of sealingOver's.
const sealingVFSPrefix = "sealing:"

// sealingOver names an SQLite VFS over another one, whose database files have checksums from their first page on,
// whichever page is written first.
func sealingOver(name string) string {
	vfs.Register(sealingVFSPrefix+name, sealing{vfs.Find(name)})
	return sealingVFSPrefix + name
}

type sealing struct{ vfs.VFS }

func (v sealing) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return vfsutil.WrapOpen(v.VFS, name, flags)
}

func (v sealing) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err == nil && flags&vfs.OPEN_MAIN_DB != 0 {
		f = &pagesFile{File: f, sealed: true}
	}
	return f, out, err
}

// noteClosed notes in the database of a directory, on an SQLite VFS, that it needs nothing beside it, and brings it to
// disk.
func noteClosed(dir, on string) error {
	err := guarded(func() error {
		c, err := openDB(dir, on, writerMemory.Load(), false)
		if err != nil {
			return err
		}
		sealed := ""
		if version, err := fileVersion(c); err == nil && version >= sealedVersion {
			sealed = setSealed // copyPages has given each page its checksum
		}
		if err = c.Exec(`PRAGMA journal_mode = WAL; DELETE FROM meta WHERE name = 'running';` + sealed); err == nil {
			_, err = c.Config(noCheckpointOnClose, false)
		}
		return errors.Join(err, closeConn(c))
	})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, databaseFile), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join((files.Disk{}).Sync(f), f.Close())
}
