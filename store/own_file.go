package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Nothing that a user names, a copy, a dump, a log, may be written to a file of a data directory: it would take the
// database's place.

// NotOwn returns an error if a path names one of the files of a data directory: of dirs, whatever is in them by now, or
// of the path's own directory if there is data in it. Links are followed.
func NotOwn(path string, dirs ...string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	parent := resolved(filepath.Dir(path))
	for i, dir := range append(dirs[:len(dirs):len(dirs)], parent, filepath.Dir(parent)) {
		if dir = resolved(dir); i < len(dirs) || isDataDir(dir) {
			if own := ownFile(dir, parent, path); own != "" {
				return fmt.Errorf("%s is the server's own %s in the data directory %s: choose another name", path, own, dir)
			}
		}
	}
	return nil
}

// ownFile is the name of the data directory's file that a path is, "" if it is none.
func ownFile(dir, parent, path string) string {
	info, missing := os.Stat(path)
	for _, name := range append(allFiles[:len(allFiles):len(allFiles)], lockFile, reserveFile, asideDir, backupNote) {
		own := filepath.Join(dir, name)
		if parent == dir && filepath.Base(path) == name || parent == own {
			return name
		}
		if there, err := os.Stat(own); missing == nil && err == nil && os.SameFile(info, there) {
			return name
		}
	}
	return ""
}

// isDataDir reports whether a server has made a directory its own.
func isDataDir(dir string) bool {
	return slices.ContainsFunc([]string{lockFile, stateName}, func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, name))
		return err == nil
	})
}

// resolved is a directory's path without links, as far as it is there.
func resolved(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}
