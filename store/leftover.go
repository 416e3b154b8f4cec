package store

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// youngest is how long a temporary file is taken for one that its maker has not locked yet.
const youngest = time.Minute

// Hold marks a temporary file or directory as in use for as long as what is returned is open: RemoveLeft spares it.
func Hold(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		f.Close() // it may be nil
		return nil, err
	}
	return f, nil
}

// RemoveLeft removes what killed processes have left of temporary files and directories in dir: those whose names are
// prefix, digits and suffix, that nobody holds, and that were not made just now. It is a courtesy: what can not be
// removed stays.
func RemoveLeft(dir, prefix, suffix string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		number, begins := strings.CutPrefix(e.Name(), prefix)
		number, ends := strings.CutSuffix(number, suffix)
		info, err := e.Info()
		if !begins || !ends || number == "" || strings.Trim(number, "0123456789") != "" ||
			err != nil || time.Since(info.ModTime()) < youngest || !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if held, err := Hold(path); err == nil {
			_ = os.RemoveAll(path)
			held.Close()
		}
	}
}
