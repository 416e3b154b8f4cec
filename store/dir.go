package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const lockFile = "diskette.lock"

// openDir creates the data directory if needed and takes it for this process.
func (st *Store) openDir() error {
	if err := st.disk.MkdirAll(st.dir, 0o755); err != nil {
		return fmt.Errorf("create the data directory: %w%s", err, permissionHint(err))
	}
	if name := networkFS(st.dir); name != "" && !st.opts.AllowNetworkFS {
		return fmt.Errorf("the data directory %s is on a network file system (%s), where SQLite's locks and fsync can not be trusted: use a local disk, or start with --allow-network-filesystem yes", st.dir, name)
	}
	f, err := os.OpenFile(filepath.Join(st.dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("open the data directory: %w%s", err, permissionHint(err))
	}
	if err := st.lockDir(f); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("%s: %w", st.dir, ErrInUse)
		}
		return fmt.Errorf("lock the data directory: %w", err)
	}
	st.lock = f
	return nil
}

func permissionHint(err error) string {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Sprintf(" (the server runs as uid %d, gid %d: give it the directory with chown)", os.Getuid(), os.Getgid())
	}
	return ""
}
