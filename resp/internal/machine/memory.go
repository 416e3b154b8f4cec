package machine

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// MemoryBytes is how much memory this process may use at most: the machine's, or the
// lowest limit of its control group (cgroup v1 or v2) and the groups above that one. 0 = the
// system does not say (only Linux does).
func MemoryBytes() int64 { return memoryLimit(os.DirFS("/")) }

// memoryLimit reads the files below a root, so that tests can bring their own.
func memoryLimit(root fs.FS) int64 {
	limit := TotalMemory(root)
	lower := func(file string) {
		content, err := fs.ReadFile(root, file)
		if err != nil {
			return // no such group or controller: no limit from it
		}
		// v2 writes "max" for no limit, v1 a number near 2^63.
		n, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
		if err == nil && n > 0 && (limit == 0 || n < limit) {
			limit = n
		}
	}

	// Lines are "id:controllers:path"; v2's is "0::path". In a container the path may be that
	// of the host, where only the root can be seen: the walk ends there.
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			if !strings.Contains(","+fields[1]+",", ",memory,") {
				continue
			}
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			lower(path.Join(mount, group, file))
			if group == "/" {
				break
			}
		}
	}
	return limit
}

// TotalMemory is MemTotal of /proc/meminfo in bytes, or 0.
func TotalMemory(root fs.FS) int64 {
	content, _ := fs.ReadFile(root, "proc/meminfo")
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			if kilobytes, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return kilobytes << 10
			}
		}
	}
	return 0
}
