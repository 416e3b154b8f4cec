//go:build unix

package machine

import (
	"syscall"
	"time"
)

// CPUTime is the processor time that this process has used so far.
func CPUTime() (system, user time.Duration) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	return time.Duration(u.Stime.Nano()), time.Duration(u.Utime.Nano())
}

// DescriptorLimit is how many files the process may have open; Go has raised it as far as it may.
func DescriptorLimit() (n int64, known bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int64(min(limit.Cur, 1<<40)), true //nolint:unconvert // the field's type differs between systems
}
