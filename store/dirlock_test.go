package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestAStartWaitsForTheEndOfTheProcessBefore(t *testing.T) {
	defer func(was time.Duration) { lockWait = was }(lockWait)
	dir, log := t.TempDir(), new(logged)
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
	lockWait = time.Minute
	waited := log.count("another process has the data directory")
	go letGo(f, func() bool { return log.count("another process has the data directory") > waited })
	opened(t, dir, log.use)
}

// letGo closes a file once something is so. What waits for that has patience of its own.
func letGo(f *os.File, isSo func() bool) {
	for !isSo() {
		time.Sleep(time.Millisecond)
	}
	f.Close()
}

func TestAStartWaitsLongerForAProcessThatTheSystemTakesDown(t *testing.T) {
	defer func(wait, long time.Duration, was func(*os.File) bool) {
		lockWait, lockWaitDying, lockHolderDying = wait, long, was
	}(lockWait, lockWaitDying, lockHolderDying)
	lockWait, lockWaitDying = 50*time.Millisecond, time.Second
	lockHolderDying = func(*os.File) bool { return true }
	dir, log := t.TempDir(), new(logged)
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, err := tryOpen(dir, log.use); !isErr(err, ErrInUse) || time.Since(begun) < lockWaitDying {
		t.Errorf("for ever: %v after %v", err, time.Since(begun))
	}
	lockWaitDying = time.Minute
	waited := log.count("the process that has the data directory is ending")
	go letGo(f, func() bool { return log.count("the process that has the data directory is ending") > waited })
	opened(t, dir, log.use)
}

func TestTheHolderOfALockIsFoundAndWhetherItEnds(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), lockFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if pid := lockHolder(f); pid != 0 {
		t.Errorf("a file without a lock is held by %d", pid)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if pid := lockHolder(f); pid != os.Getpid() {
		t.Errorf("held by %d", pid)
	}
	if lockHolderDying(f) {
		t.Error("this process ends")
	}
	child := exec.Command("true")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of a process that nobody has waited for", func() bool { return dying(child.Process.Pid) })
	if err := child.Wait(); err != nil || !dying(child.Process.Pid) {
		t.Errorf("after the wait: %v", err)
	}
}
