package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	lockFile = "diskette.lock"
	asideDir = "aside" // rows that SQLite did not take: aside.go
)

// openDir creates the data directory if needed and takes it for this process.
func (st *Store) openDir() error {
	if err := st.disk.MkdirAll(st.dir, 0o755); err != nil {
		return fmt.Errorf("create the data directory: %w", err)
	}
	if name := networkFS(st.dir); name != "" && !st.opts.AllowNetworkFS {
		return fmt.Errorf("the data directory %s is on a network file system (%s), where SQLite's locks and fsync can not be trusted: use a directory on a local disk (in a container a named volume), or start with --allow-network-filesystem yes "+
			"where only one machine at a time uses it and what a power cut takes may be lost", st.dir, name)
	}
	for {
		f, err := os.OpenFile(filepath.Join(st.dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return fmt.Errorf("open the data directory: %w", err)
		}
		if err := st.lockDir(f); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return fmt.Errorf("%s: %w", st.dir, ErrInUse)
			}
			return fmt.Errorf("lock the data directory: %w", err)
		}
		if hasItsName(f) {
			st.lock = f
			return nil
		}
		f.Close() // an import that failed has removed it meanwhile: what is locked is the directory's no more
	}
}

// hasItsName reports whether a file is still the one that has its name.
func hasItsName(f *os.File) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.Name())
	return err == nil && os.SameFile(held, there)
}

// hindered says of an error that ends a start which file the server can not use, and what to do, when the
// directory rather than what is in it is at fault: a full disk, a file system that is mounted read-only, files of
// another user's. SQLite calls all of them alike.
func (st *Store) hindered(err error) error {
	if err == nil || errors.Is(err, ErrInUse) || errors.Is(err, ErrNotWhole) {
		return err
	}
	file, access := st.unusable()
	free := freeBytes(st.dir)
	switch {
	case errors.Is(err, syscall.EROFS) || access == syscall.EROFS:
		return fmt.Errorf("%w; %s is on a file system that is mounted read-only: mount it for writing, or start with "+
			"another --dir", err, file)
	case errors.Is(err, os.ErrPermission) || access != nil && isDiskFailure(err):
		return fmt.Errorf("%w; the server runs as uid %d, gid %d and may not use %s: give it the directory and all that "+
			"is in it with chown -R", err, os.Getuid(), os.Getgid(), file)
	case free >= 0 && (IsDiskFull(err) || free < refusedBelow && (noSpace(err) || isDiskFailure(err))):
		return fmt.Errorf("%w; the disk is full: %d bytes are free in %s, for %s and what is beside it. Nothing "+
			"is lost: free some space, %d bytes at least, and start again", err, free, st.dir, databaseFile, st.needs())
	}
	return err
}

// needs is about how many bytes a start may take: what the journal has may be written to the WAL, and to the database.
func (st *Store) needs() int64 {
	bytes := int64(4 << 20)
	segments, _ := filepath.Glob(filepath.Join(st.journalDir(), "*.journal"))
	for _, path := range segments {
		bytes += 2 * fileBytes(path)
	}
	return bytes
}

// unusable returns the first file or directory that the server may not read and write, and why: nil if there is none.
func (st *Store) unusable() (path string, why error) {
	const readWrite, enter = 6, 7
	for _, f := range []struct {
		name string
		mode uint32
	}{
		{"", enter}, {lockFile, readWrite}, {stateName, readWrite}, {databaseFile, readWrite},
		{databaseFile + "-wal", readWrite}, {databaseFile + "-shm", readWrite}, {"journal", enter},
	} {
		path := filepath.Join(st.dir, f.name)
		if err := syscall.Access(path, f.mode); err != nil && err != syscall.ENOENT {
			return path, err
		}
	}
	return st.dir, nil
}
