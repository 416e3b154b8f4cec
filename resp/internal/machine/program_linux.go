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

// LetProgramGo has the kernel take those pages of the program's file that nobody has changed out of this process's
// memory. Those that are used come again, from the page cache.
func LetProgramGo() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	var from, to uint64
	of := false // the mapping under way is one of the program's that can not be written to
	for line := range strings.Lines(string(maps)) {
		line = strings.TrimSuffix(line, "\n")
		name, rest, _ := strings.Cut(line, " ")
		if low, high, ok := strings.Cut(name, "-"); ok {
			var err1, err2 error
			from, err1 = strconv.ParseUint(low, 16, 64)
			to, err2 = strconv.ParseUint(high, 16, 64)
			of = err1 == nil && err2 == nil && from < to && strings.HasSuffix(line, " "+program) &&
				!strings.Contains(rest[:min(len(rest), 4)], "w")
			continue
		}
		if of && name == "Anonymous:" && strings.TrimSpace(rest) == "0 kB" { // it is the file, and nothing but that
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(from), uintptr(to-from), syscall.MADV_DONTNEED)
		}
	}
}
