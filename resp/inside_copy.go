package resp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"diskette/store"
)

// tempCopyPattern is the names of directories that copies are made in. The next start removes what is left of one.
const tempCopyPattern = "temp-download-*"

// copyLeaves is the least that a copy leaves free on the file system, beside maxdisk-free: what clients write meanwhile
// stays in the WAL until it is made.
const copyLeaves = 64 << 20

// ErrCopying says that a copy is being made or fetched already: there is room for one.
var ErrCopying = errors.New("a copy is being made or fetched already: one at a time")

// ErrNoRoom says that there is no room on the disk for a copy.
var ErrNoRoom = errors.New("there is no room on the disk for a copy")

// copies are made one at a time.
type copies struct {
	one sync.Mutex
}

// CopyDatabase makes a copy of the database file as it is at one moment, while commands go on, and returns it open at
// its beginning. It has no name any more: the room that it takes is free when it is closed, whatever happens. The
// server does not end before CopyDatabase has returned.
func (s *Server) CopyDatabase(ctx context.Context) (*Copy, error) {
	if err := s.hasData(); err != nil {
		return nil, err
	}
	if !s.copies.one.TryLock() {
		return nil, ErrCopying
	}
	file, err := s.copyDatabase(ctx)
	if err != nil {
		s.copies.one.Unlock()
		return nil, err
	}
	return &Copy{File: file, close: sync.OnceValue(func() error {
		defer s.copies.one.Unlock()
		return file.Close()
	})}, nil
}

// A Copy is a file without a name.
type Copy struct {
	*os.File
	close func() error
}

// Close gives the room back.
func (c *Copy) Close() error { return c.close() }

func (s *Server) copyDatabase(ctx context.Context) (file *os.File, err error) {
	dir := s.cfg.Text("dir")
	figures := s.store.DiskStats()
	if err := s.roomFor(figures.DatabaseBytes + figures.WALBytes); err != nil {
		return nil, err
	}
	made, err := os.MkdirTemp(dir, tempCopyPattern)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(made)) }()
	snapshot, err := s.store.Snapshot(nil)
	if err != nil {
		return nil, err
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	path := filepath.Join(made, "copy")
	_, err = snapshot.Backup(ctx, path, func(done, pages int) {
		if err := s.roomFor(0); err != nil {
			giveUp(err)
		}
	})
	if err = errors.Join(err, snapshot.Close()); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	return os.Open(path)
}

// NoteBackup notes that a copy of the data was made.
func (s *Server) NoteBackup(b store.LastBackup) {
	if err := store.NoteBackup(s.cfg.Text("dir"), b); err != nil {
		s.log.Warn().Err(err).Str("file", b.File).Msg("a backup was made, and when could not be noted in the data directory")
	}
}

// roomFor says ErrNoRoom if so many bytes more do not fit.
func (s *Server) roomFor(bytes int64) error {
	_, free := store.FileSystem(s.cfg.Text("dir"))
	if least := max(s.store.Bounds().Free, copyLeaves); free >= 0 && free-bytes < least {
		return fmt.Errorf("%w: it takes %d bytes, %d are free, and %d of them are to stay so", ErrNoRoom, bytes, free, least)
	}
	return nil
}

// removeCopies removes what a killed server has left of them.
func (s *Server) removeCopies() {
	left, _ := filepath.Glob(filepath.Join(s.cfg.Text("dir"), tempCopyPattern))
	for _, path := range left {
		err := os.RemoveAll(path)
		s.log.Info().Err(err).Str("directory", path).Msg("removed what is left of a download")
	}
}
