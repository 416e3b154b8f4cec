package machine

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestTheProgramsFileCanBeReadPageByPage(t *testing.T) {
	if err := ReadProgramSparingly(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("NOT CHECKED: that the program's pages are read sparingly; the kernel does not say what it was told: %v", err)
	}
	told, ofProgram := 0, false
	for line := range strings.Lines(string(smaps)) {
		line = strings.TrimSpace(line)
		if fields := strings.Fields(line); len(fields) > 1 && strings.Contains(fields[0], "-") {
			ofProgram = strings.HasSuffix(line, " "+program)
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && ofProgram {
			if told++; !strings.Contains(flags+" ", " rr ") {
				t.Errorf("a part of the program is read with what stands around it: %s", flags)
			}
		}
	}
	if told == 0 {
		t.Skip("NOT CHECKED: that the program's pages are read sparingly; the kernel does not show what it was told")
	}
}
