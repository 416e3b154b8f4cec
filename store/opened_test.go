package store

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestAStartTellsWhatItFoundAndDid(t *testing.T) {
	d := newDisk(t)
	dir := t.TempDir()
	st := opened(t, dir, d.use)
	if o := st.Opened(); !o.New || o.Dir != dir || o.Keys != 0 || o.LastEnd != "" || o.Format != sealedVersion || o.Records != 0 {
		t.Errorf("a new directory: %+v", o)
	}
	for i := range 20 {
		if err := set(st, fmt.Sprint("k", i%10), "v"); err != nil {
			t.Fatal(err)
		}
	}
	killed := d.killed(t, dir)
	st = reopened(t, st)
	if o := st.Opened(); o.New || o.Keys != 10 || o.LastEnd != "clean" || o.Records != 0 || o.Rows != 0 || o.DatabaseBytes == 0 {
		t.Errorf("after an end in order: %+v", o)
	}
	st = opened(t, killed)
	if o := st.Opened(); o.New || o.Keys != 10 || o.LastEnd != "not clean" || o.Records != 20 || o.Rows != 10 || o.JournalBytes == 0 || o.Recovery == 0 {
		t.Errorf("after a kill: %+v", o)
	}
}

func TestAStartWaitsForTheEndOfTheProcessBefore(t *testing.T) {
	defer func(was time.Duration) { lockWait = was }(lockWait)
	dir, log := t.TempDir(), new(told)
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	lockWait = 100 * time.Millisecond
	if _, err := tryOpen(dir, log.use); !isErr(err, ErrInUse) {
		t.Fatalf("while it lives: %v", err)
	}
	lockWait = 10 * time.Second
	time.AfterFunc(100*time.Millisecond, func() { f.Close() })
	opened(t, dir, log.use)
	if n := log.of("another process has the data directory"); n != 2 {
		t.Errorf("%d of 2 waits are in the log", n)
	}
}
