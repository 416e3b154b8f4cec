package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long Open waits for a process that has the directory. One that was killed keeps its locks until the system
// has taken its memory back, which takes seconds where that was many gigabytes.
var ( // tests shorten them
	lockWait      = 2 * time.Second
	lockWaitDying = 30 * time.Second
)

// lockDir takes the directory for this process.
func (st *Store) lockDir(f *os.File) error {
	const pause = 20 * time.Millisecond
	last := ""
	tell := func(event string, atMost time.Duration) {
		if event != last {
			st.opts.Log(event, nil, "dir", st.dir, "at_most_seconds", atMost.Seconds())
			last = event
		}
	}
	begun, wait := time.Now(), lockWait
	for ; ; time.Sleep(pause) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		waited := time.Since(begun)
		switch {
		case waited < wait && wait == lockWait:
			tell("another process has the data directory: waiting for its end", lockWait)
		case waited < wait:
		case wait < lockWaitDying && lockHolderDying(f):
			tell("the process that has the data directory is ending: waiting for the system to take its memory back",
				lockWaitDying)
			wait = min(lockWaitDying, waited+lockWait)
		default:
			return err
		}
	}
}

// lockHolderDying reports whether the process that holds a file's flock is one that the system is taking down. A
// test puts another in its place.
var lockHolderDying = func(f *os.File) bool {
	pid := lockHolder(f)
	return pid > 0 && dying(pid)
}

// lockHolder returns the process that holds a file's flock, 0 if that can not be told (proc(5), /proc/locks).
func lockHolder(f *os.File) (pid int) {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	locks, err := os.ReadFile("/proc/locks")
	if !ok || err != nil {
		return 0
	}
	for line := range strings.Lines(string(locks)) { // 1: FLOCK  ADVISORY  WRITE 4711 fd:00:5308416 0 EOF
		words := strings.Fields(line)
		if len(words) > 5 && words[1] == "FLOCK" && strings.HasSuffix(words[5], fmt.Sprint(":", stat.Ino)) {
			pid, _ = strconv.Atoi(words[4])
			return pid
		}
	}
	return 0
}

// dying reports whether a process has begun to end, or has ended (proc(5), /proc/PID/stat).
func dying(pid int) bool {
	const exiting = 0x4 // PF_EXITING, Linux's include/linux/sched.h
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	// Behind the name: state, ppid, pgrp, session, tty_nr, tpgid, flags.
	words := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(words) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(words[6], 10, 64)
	return words[0] == "Z" || words[0] == "X" || err == nil && flags&exiting != 0
}
