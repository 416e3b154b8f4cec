package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

func TestAStartOnAFullDiskNamesTheFileTheRoomAndWhatToDo(t *testing.T) {
	defer func(was int64) { refusedBelow = was }(refusedBelow)
	refusedBelow = 1 << 62
	for _, of := range []string{"journal", "-wal"} {
		t.Run(of, func(t *testing.T) {
			d := newDisk(t)
			dir := t.TempDir()
			d.breakWith(func(_ int, kind, file string, _ int) error {
				switch {
				case kind != "write" || !strings.Contains(file, of):
					return nil
				case of == "journal": // that of the state file, too
					return syscall.ENOSPC
				}
				return sqlite3.IOERR_WRITE
			})
			_, err := tryOpen(dir, d.use)
			if err == nil {
				t.Fatal("it has started")
			}
			for _, part := range []string{dir, databaseFile, "bytes are free", "free some space", "start again"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			d.breakWith(nil)
			closed(t, opened(t, dir, d.use))
		})
	}
}

func TestADirectoryThatTheServerMayNotUseIsNamedWithTheRemedy(t *testing.T) {
	st := &Store{dir: t.TempDir()}
	for _, c := range []struct {
		err  error
		says []string
	}{
		{&os.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, []string{"uid", "chown -R", st.dir}},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, []string{"read-only", "--dir", st.dir}},
		{fmt.Errorf("lock: %w", ErrInUse), nil},
		{errors.New("something else"), nil},
	} {
		err := st.hindered(c.err)
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in: %v", part, err)
			}
		}
		if !errors.Is(err, c.err) || c.says == nil && err != c.err {
			t.Errorf("%v became %v", c.err, err)
		}
	}
}
