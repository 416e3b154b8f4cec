package compat_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// memoryLine is a line of /proc/PID/status in bytes: VmHWM is the most RAM a process ever had, VmRSS what it has.
func (s *server) memoryLine(name string) int64 {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		s.t.Fatalf("%s is read from /proc, which %s does not have", name, runtime.GOOS)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return kb << 10
		}
	}
	s.t.Fatalf("no %s in %s", name, text)
	return 0
}

// requireProc skips, saying so, where memory can not be read from outside.
func requireProc(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("NOT CHECKED: the memory of another process is read from /proc, which %s does not have", runtime.GOOS)
	}
}
