package resp

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
)

// memoryRSS is the process's resident memory in bytes; 0 where the system does not say (only
// Linux does).
func memoryRSS() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// heapMemory is the Go heap in bytes: what a C server asks its allocator.
type heapMemory struct {
	objects  int64 // live objects, and dead ones that the collector has not reached yet
	active   int64 // memory in use for objects, the room between them included
	resident int64 // active, and what is kept for new objects
	returned int64 // reserved, but given back to the system
	stacks   int64
	mapped   int64 // all that the Go runtime has from the system
}

func readHeap() heapMemory {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return heapMemory{
		objects: n(0), active: n(0) + n(1), resident: n(0) + n(1) + n(2),
		returned: n(3), stacks: n(4), mapped: n(5),
	}
}

// heapBytes is used_memory: what the heap's objects take.
func heapBytes() int64 { return readHeap().objects }
