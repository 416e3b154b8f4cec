package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"diskette/store/files"
	"diskette/store/journal"
)

// InUse reports whether a process, a server mostly, has the directory open.
func InUse(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

const (
	besidePause = 20 * time.Millisecond // how long SnapshotBeside waits between two looks at the tables
	besideCache = 4 << 20               // bytes that its connection keeps of them
)

// SnapshotBeside takes a snapshot of a directory that a server has open. What it had acknowledged before the call is in
// it: the journal's files tell which record was the newest, and when write-back, which is asked for (haste.go), has
// brought that one into the tables, the read transaction begins. The tables are of one record whenever no fold is half
// in them.
func SnapshotBeside(dir string, patience time.Duration) (*Snapshot, error) {
	newest, err := journal.Newest(filepath.Join(dir, "journal"))
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	r, err := openReader(dir, "", smallBytes, besideCache)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{r: r}
	if haste := askForHaste(dir); haste != nil {
		defer haste.Close()
	}
	for end := time.Now().Add(patience); ; time.Sleep(besidePause) {
		there, err := s.openFrom(newest)
		if there && err == nil {
			break
		}
		if err == nil && time.Now().After(end) {
			err = fmt.Errorf("record %d is in the journal and, after %v, not in the tables: look into the server's log for why "+
				"it does not write back", newest, patience)
		}
		if err != nil {
			return nil, errors.Join(nameDamage(dir, err), s.Close())
		}
	}
	asides, err := readAsides(files.Disk{}, dir)
	if err == nil {
		s.SetAside = asides.rows.Load()
		err = s.readDatabases()
	}
	if err != nil {
		return nil, errors.Join(nameDamage(dir, err), s.Close())
	}
	return s, nil
}

// openFrom begins the read transaction, and ends it if the tables lack a record.
func (s *Snapshot) openFrom(lsn uint64) (there bool, err error) {
	err = s.r.guard(func() error {
		if err := s.r.ensureTransaction(0); err != nil {
			return err
		}
		s.TimeMs = time.Now().UnixMilli()
		version, err := fileVersion(s.r.c)
		if err == nil && version < schemaVersion {
			err = errOlderFile
		}
		var applied, ahead int64
		if err == nil {
			applied, ahead, err = s.appliedLSN()
		}
		s.LSN, there = uint64(applied), uint64(applied) >= lsn && ahead == 0
		return err
	})
	if err == nil && !there {
		err = s.r.endTransaction()
	}
	return there, err
}
