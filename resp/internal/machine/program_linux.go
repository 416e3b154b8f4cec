package machine

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ReadProgramSparingly has the kernel read only those pages of the program's file that are asked for, none around
// them. Where memory is very short it lets pages of the program go and reads them again, and what it would read around
// each (128 KB, on some machines 8 MB) would drive out the rest.
func ReadProgramSparingly() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(maps)) { // 00400000-00b6d000 r-xp 00000000 fe:00 10011240    /path
		line = strings.TrimSuffix(line, "\n")
		addresses, _, _ := strings.Cut(line, " ")
		low, high, _ := strings.Cut(addresses, "-")
		from, err1 := strconv.ParseUint(low, 16, 64)
		to, err2 := strconv.ParseUint(high, 16, 64)
		if !strings.HasSuffix(line, " "+program) || err1 != nil || err2 != nil || to <= from {
			continue
		}
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, uintptr(from), uintptr(to-from),
			syscall.MADV_RANDOM); errno != 0 {
			return errno
		}
	}
	return nil
}
