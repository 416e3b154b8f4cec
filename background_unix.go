//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownSession has a program run without the terminal that starts it.
func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// stopSelf stops this process, as Upstart expects it of one that is ready.
func stopSelf() error { return syscall.Kill(syscall.Getpid(), syscall.SIGSTOP) }
