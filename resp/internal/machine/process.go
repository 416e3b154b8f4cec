package machine

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
)

// ProcessMemory is what the process takes, in bytes: the Go heap, which is what a C server asks
// its allocator, and what stands beside it.
type ProcessMemory struct {
	Objects  int64 // live objects of the heap, and dead ones that the collector has not reached yet
	Active   int64 // memory in use for objects, the room between them included
	Resident int64 // active, and what is kept for new objects
	Stacks   int64
	Mapped   int64 // all that the Go runtime has from the system
	Returned int64 // what the Go runtime has given back to the system
	RSS      int64 // the process's resident memory; 0 where the system does not say: only Linux does
	Used     int64 // used_memory
}

// ReadProcess asks the runtime and the system.
//
// SQLite's memory, some 5 MB a connection at rest and up to what its largest values need, is no part of Go's
// heap, and it does not shrink. So used is what the process has of its own in RAM, less what Go keeps for
// later, and at least what Go's objects and stacks take, part of which may not be in RAM. Where the system
// does not say, SQLite's part is missing.
func ReadProcess() ProcessMemory {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	unused, free := n(1), n(2)
	m := ProcessMemory{Objects: n(0), Active: n(0) + unused, Resident: n(0) + unused + free, Stacks: n(4), Mapped: n(5),
		Returned: n(3)}
	rss, shared := residentMemory()
	m.RSS = rss
	own := m.Mapped - m.Returned
	if rss > 0 {
		own = rss - shared
	}
	m.Used = max(m.Objects+m.Stacks, own-free-unused)
	return m
}

// residentMemory is the process's resident memory and what of it are pages of files, in bytes;
// zeros where the system does not say.
func residentMemory() (rss, shared int64) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 3 {
		return 0, 0
	}
	pages := func(i int) int64 {
		n, _ := strconv.ParseInt(string(fields[i]), 10, 64) // 0 if the kernel writes nonsense
		return n * int64(os.Getpagesize())
	}
	return pages(1), pages(2)
}
