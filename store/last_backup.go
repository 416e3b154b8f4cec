package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"diskette/store/files"
)

// backupNote is the file in a data directory that says when its data was copied last. Whoever has made the copy writes
// it: the server, or a command beside it or without one. It is of the directory, and in no copy: what a directory is
// made of (restore, import) does not say that this one was copied.
const backupNote = "diskette.backup.json"

// What a copy is.
const (
	BackupDatabase  = "database"  // a database file
	BackupIncrement = "increment" // the pages of one that differ from another copy's: increment.go
	BackupRDB       = "rdb"       // an RDB file
)

// A LastBackup is the copy of a directory's data that was made last.
type LastBackup struct {
	Time  time.Time `json:"time"` // all that was acknowledged by then is in it
	Kind  string    `json:"kind"` // BackupDatabase and its kind
	By    string    `json:"by"`   // what has made it: a command of the program's, or one of Redis's, or "page"
	File  string    `json:"file"` // its path when it was made; "" = it was sent away
	Bytes int64     `json:"bytes"`
}

// NoteBackup notes in a data directory that a copy was made. The note is whole or the one before, whatever is killed,
// and it belongs to whom the database belongs to, so that the server can read what root has written.
func NoteBackup(dir string, b LastBackup) (err error) {
	if b.File != "" {
		if b.File, err = filepath.Abs(b.File); err != nil {
			return err
		}
	}
	b.Time = b.Time.UTC().Truncate(time.Millisecond)
	if there, err := ReadLastBackup(dir); err == nil && there.Time.After(b.Time) && !there.Time.After(time.Now()) {
		return nil // a newer copy was done before
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	RemoveLeft(dir, backupNote+".", ".tmp")
	f, err := os.CreateTemp(dir, backupNote+".*.tmp") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // finds nothing after the rename
	disk := files.Disk{}
	_, err = disk.Write(f, append(text, '\n'), 0)
	if err == nil {
		err = giveToOwner(f, filepath.Join(dir, databaseFile))
	}
	if err == nil {
		err = disk.Sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := disk.Rename(f.Name(), filepath.Join(dir, backupNote)); err != nil {
		return err
	}
	return disk.SyncDir(dir)
}

// giveToOwner gives a file to whom another one belongs to.
func giveToOwner(f *os.File, other string) error {
	info, err := os.Stat(other)
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return f.Chown(int(s.Uid), int(s.Gid))
	}
	return nil
}

// ReadLastBackup tells of the copy of a directory's data that was made last. ErrNoBackup says that none is known.
func ReadLastBackup(dir string) (b LastBackup, err error) {
	text, err := os.ReadFile(filepath.Join(dir, backupNote))
	if errors.Is(err, fs.ErrNotExist) {
		return b, ErrNoBackup
	}
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil || b.Time.IsZero() {
		return LastBackup{}, fmt.Errorf("%s does not say when the last backup was made: the next one writes it anew",
			filepath.Join(dir, backupNote))
	}
	return b, nil
}

// ErrNoBackup says that no copy of a directory's data is known.
var ErrNoBackup = errors.New("no backup is known")
