package machine

import (
	"testing"
	"testing/fstest"
)

func TestMemoryLimitIsTheLowestOfMachineAndGroups(t *testing.T) {
	const meminfo = "MemTotal:        8000000 kB\nMemFree:          123 kB\n"
	const total = 8000000 << 10
	for name, test := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"machine alone":      {map[string]string{"proc/meminfo": meminfo}, total},
		"system says no":     {nil, 0},
		"v2 without a limit": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, total},
		"v2":                 {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1000000\n"}, 1000000},
		"v2, a group above":  {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "2000\n"}, 2000},
		"v2 in a container":  {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../host\n", "sys/fs/cgroup/memory.max": "3000\n"}, 3000},
		"v1":                 {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu:/c\n4:memory,hugetlb:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000\n"}, 4000},
		"v1 in a container":  {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/host\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "5000\n"}, 5000},
		"v1 without a limit": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, total},
		"more than there is": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99999999999999\n"}, total},
	} {
		root := fstest.MapFS{}
		for file, content := range test.files {
			root[file] = &fstest.MapFile{Data: []byte(content)}
		}
		if got := memoryLimit(root); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
