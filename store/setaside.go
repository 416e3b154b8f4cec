package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What is damaged is set aside: renamed, never overwritten or deleted. The names of what goes are written to
// a file first, the intent, and that is deleted last; a start that finds one goes on with it, whatever it was
// started with, so that an interruption anywhere, by a power cut too, ends in the same.

const intentName = "diskette.set-aside"

// intent is what is to be set aside, and for what.
type intent struct {
	purpose string // what follows: see the constants
	stamp   string
	names   []string // in the data directory
}

const (
	toBeginEmpty = "begin empty"
	toReplay     = "make the tables anew from the journal"
)

// aside is the new name of a file. The database's WAL stays its WAL, and the journal does not
// become what SQLite calls one.
func (in *intent) aside(name string) string {
	return databaseFile + ".damaged-" + in.stamp + strings.TrimPrefix("."+name, "."+databaseFile)
}

// setAside sets aside what is there of the names, for the purpose.
func (st *Store) setAside(purpose string, names ...string) error {
	in := &intent{purpose: purpose, stamp: st.freeStamp()}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(st.dir, name)); err == nil {
			in.names = append(in.names, name)
		}
	}
	if err := st.writeFile(intentName,
		strings.Join(append([]string{in.purpose, in.stamp}, in.names...), "\n")+"\n"); err != nil {
		return fmt.Errorf("set the damaged files aside: %w", err)
	}
	return st.carryOut(in)
}

// resume goes on with what a start before this one was about to do.
func (st *Store) resume() error {
	b, err := os.ReadFile(filepath.Join(st.dir, intentName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(lines) < 2 {
		return fmt.Errorf("%s does not say what to set aside; delete it", filepath.Join(st.dir, intentName))
	}
	st.opts.Log("going on with what the last start began", nil, "purpose", lines[0])
	return st.carryOut(&intent{lines[0], lines[1], lines[2:]})
}

func (st *Store) carryOut(in *intent) error {
	err := in.carryOut(st)
	if err == nil {
		err = st.disk.Remove(filepath.Join(st.dir, intentName))
	}
	if err == nil {
		err = st.disk.SyncDir(st.dir)
	}
	if err != nil {
		return fmt.Errorf("set the damaged files aside: %w", err)
	}
	return nil
}

func (in *intent) carryOut(st *Store) error {
	for _, name := range in.names {
		to := filepath.Join(st.dir, in.aside(name))
		if _, err := os.Lstat(to); err == nil {
			continue // the start before did it
		}
		if err := st.disk.Rename(filepath.Join(st.dir, name), to); err != nil {
			return err
		}
	}
	if err := st.disk.SyncDir(st.dir); err != nil {
		return err
	}
	st.opts.Log("damaged files set aside", nil, "renamed", in.aside(databaseFile)+"*",
		"files", strings.Join(in.names, " "), "to", in.purpose)
	if in.purpose == toSalvage {
		return st.salvage(in)
	}
	return nil
}

// freeStamp is the time, made one that nothing was set aside at.
func (st *Store) freeStamp() string {
	now := time.Now().UTC().Format("20060102-150405")
	for stamp, n := now, 2; ; stamp, n = fmt.Sprint(now, ".", n), n+1 {
		taken, _ := filepath.Glob(filepath.Join(st.dir, databaseFile+".damaged-"+stamp+"*"))
		if len(taken) == 0 {
			return stamp
		}
	}
}

// writeFile makes a small file in the data directory, whole and for good.
func (st *Store) writeFile(name, content string) error {
	path := filepath.Join(st.dir, name)
	f, err := st.disk.Create(path+".new", 0o600)
	if err != nil {
		return err
	}
	_, err = st.disk.Write(f, []byte(content), 0)
	if err == nil {
		err = st.disk.Sync(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = st.disk.Rename(path+".new", path)
	}
	if err == nil {
		err = st.disk.SyncDir(st.dir)
	}
	return err
}

// tableFiles are the database's, allFiles those and what goes with them.
var (
	tableFiles = []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm"}
	allFiles   = append(tableFiles[:3:3], "journal", stateName)
)
