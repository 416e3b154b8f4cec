package machine

// shortOfMemory is the memory below which the program's file does not fit beside what the server works with.
const shortOfMemory = 64 << 20

// As soon as this package can: what the kernel reads around the pages that other packages' beginnings ask for (6 MB of
// them are net/http's, templates', Prometheus's) would drive each other out in a container of 20 MB, and the server did
// not get to its first line in half a minute.
func init() {
	if memory := MemoryBytes(); memory > 0 && memory < shortOfMemory {
		_ = ReadProgramSparingly() // it only helps
	}
}
