package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is the unit of CPU times in /proc/PID/stat. It is 100 on every Linux port that Go
// runs on, whatever the kernel's own HZ.
const ticksPerSecond = 100

// serverCPU is the CPU time that a process has used since it started, with its children: its own
// from its CPU clock, in nanoseconds; that of children which still run likewise; that of children
// which have ended from /proc/PID/stat, in ticks of 10 ms.
func serverCPU(pid int) (time.Duration, error) {
	total, err := cpuClock(pid)
	if err != nil {
		return 0, err
	}
	ended, err := endedChildrenCPU(pid)
	if err != nil {
		return 0, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // kernels may be built without this file
		return 0, err
	}
	for field := range bytes.FieldsSeq(children) {
		child, err := strconv.Atoi(string(field))
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/task/%[1]d/children: %w", pid, err)
		}
		if t, err := cpuClock(child); err == nil { // gone since: in the next reading of its parent's stat
			total += t
		}
	}
	return total + ended, nil
}

// cpuClock reads the CPU clock of another process, which covers all its threads, ended ones too
// (clock_getcpuclockid(3); the identifier's layout is the kernel's include/linux/posix-timers.h).
func cpuClock(pid int) (time.Duration, error) {
	const schedClock = 2 // CPUCLOCK_SCHED: what the scheduler counted, not ticks
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &ts); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

func endedChildrenCPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseEndedChildrenCPU(string(stat))
}

// parseEndedChildrenCPU takes cutime and cstime from a line of /proc/PID/stat (proc(5): fields 16
// and 17). The second field, the command's name in brackets, may itself hold spaces and brackets.
func parseEndedChildrenCPU(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from field 3 on
	if len(fields) < 15 {
		return 0, fmt.Errorf("unexpected line in /proc/PID/stat: %q", stat)
	}
	var ticks int64
	for _, f := range fields[13:15] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// writtenBytes is what a process and its ended children have caused to be written to the disk: write_bytes of
// /proc/PID/io (proc(5)), counted as pages become dirty, so that a page which is changed again before it is written
// counts once. On tmpfs it is 0. (wchar beside it also counts what is written to sockets.)
func writtenBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0, err
	}
	return parseWritten(string(text))
}

func parseWritten(text string) (int64, error) {
	for line := range strings.Lines(text) {
		if field, value, _ := strings.Cut(line, ":"); field == "write_bytes" {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, errors.New("/proc/PID/io: no write_bytes")
}

// turns is how long a thread ran on a processor, and how long it waited for one that it could have used.
type turns struct{ ran, waited time.Duration }

// mainThread is those of a process's main thread, which is the one that serves clients in Redis: /proc/PID/schedstat
// (the kernel's Documentation/scheduler/sched-stats.rst). A kernel without that file says that nobody waits.
func mainThread(pid int) (turns, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return turns{}, nil
	}
	if err != nil {
		return turns{}, err
	}
	return parseTurns(string(text))
}

func parseTurns(text string) (turns, error) {
	var t turns
	if _, err := fmt.Sscan(text, &t.ran, &t.waited); err != nil {
		return t, fmt.Errorf("/proc/PID/schedstat: %w", err)
	}
	return t, nil
}

// memory is resident memory of one process, in bytes. Forked children are left out.
type memory struct{ now, peak int64 }

// serverMemory reads VmRSS and VmHWM, the highest VmRSS since the process started.
func serverMemory(pid int) (memory, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	return parseMemory(string(status))
}

func parseMemory(status string) (memory, error) {
	var m memory
	for line := range strings.Lines(status) {
		field, value, _ := strings.Cut(line, ":")
		var to *int64
		switch field {
		case "VmRSS":
			to = &m.now
		case "VmHWM":
			to = &m.peak
		default:
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("/proc/PID/status: %s: %w", field, err)
		}
		*to = kb << 10
	}
	if m.now == 0 || m.peak == 0 {
		return memory{}, errors.New("/proc/PID/status: no VmRSS or VmHWM")
	}
	return m, nil
}

// lendDescriptors lets the processes that are started from here have as many connections as this one may: Go raises its
// own limit only. redis-benchmark does not raise its limit, which is 1,024 in most shells.
func lendDescriptors() error {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	if err != nil {
		return fmt.Errorf("let redis-benchmark have more connections: %w", err)
	}
	return nil
}
