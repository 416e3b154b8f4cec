package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestNobodyButTheServersUserMayReadItsFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT CHECKED: that others can not read the data's files; files have no such permissions here")
	}
	dir := t.TempDir()
	st := opened(t, dir)
	mustSet(t, st, "k", "v")
	flushed(t, st)
	mustSet(t, st, "k2", "v")
	seen := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		seen[d.Name()] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", stateName, "journal", lockFile} {
		if !seen[name] {
			t.Errorf("%s is not there", name)
		}
	}
}

func TestFilesThatAreThereKeepTheirPermissions(t *testing.T) {
	dir := t.TempDir()
	st := opened(t, dir)
	mustSet(t, st, "k", "v")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, databaseFile)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	reopened(t, opened(t, dir))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" {
		t.Errorf("%v %v", info.Mode(), err)
	}
}
