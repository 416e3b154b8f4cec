package store

// What a process may take in all is shared out: a fifth stays free, what is worked with of the program's file and
// SQLite have theirs, and the rest is Go's heap. From 1 GB on everything has the size at which it is fastest. In MB:
//
//	memory   keys, usual   keys, most   a fold   SQLite's caches   Go's heap   WAL   readers
//	    20           0.3          0.3      0.5               0.9         7.9   1.2         2
//	    64            10           21      1.6               3.5          37     4         3
//	   100            17           37      2.5               5.5          60     6         3
//	   256            53          121      6.4                14         176    16         3
//	   512           113          258       13                28         367    16         3
//	  1024           247          578       16                28         776    16         3
//
// Measured in control groups of cgroup v1, the memory of the process without pages of files, which the kernel can
// let go and read again, at its highest (before: 91, and 7 s without an answer in the first; 10, and 43 s without an
// answer in the second):
//
//	100 MB   3,000 SET/s of 1 KB over 70,000 keys            61 MB, the longest wait 0.12 s
//	 20 MB   500 SET/s of 1 KB over 5,000 keys              7.6 MB, 0.11 s
//	 64 MB   a queue, 3,000 LPUSH and RPOP/s of 1 KB         22 MB, 0.03 s
//	 64 MB   a list that grows to 30 MB, 3,000 LPUSH/s       44 MB, 0.10 s
//
// A server at rest has 4 MB, and works with 4 to 5 MB of its program's file. In 20 MB these are let go and read
// again now and then; with the kernel's read-ahead, 128 KB around each and on some machines megabytes, that
// took all of a disk's time (machine.ReadProgramSparingly). SQLite's memory is no part of Go's heap and does
// not shrink: a reader has 0.6 MB beside its cache, the writer 1 MB.
type sizes struct {
	hot         int64 // the hot set where nothing is said
	hotMost     int64 // and where more is asked for than fits
	heap        int64 // Go's heap, at most
	fold        int64 // contents of a fold at which write-back begins
	waiting     int64 // contents of what is not in the tables yet at which writers wait
	rows        int   // of a fold, at which write-back begins and writers wait
	arena       int   // a block of a fold's contents
	free        int64 // journal batches kept for reuse
	walPages    int   // at which write-back checkpoints
	gathered    int   // bytes of the WAL's frames that go to the file together, at most
	writerCache int64 // SQLite's, of the connection that writes
	readerCache int64 // of each that reads
	readers     int
}

const (
	// mostWriterCache is enough for what folds bring to upper pages.
	mostWriterCache = 16 << 20
	// mostGathered is 63 frames: see vfs_gather.go.
	mostGathered = 256 << 10
	// leastProgram and mostProgram bound what of the program's file is in memory: what is worked with, and what may
	// stay while there is room.
	leastProgram = 5 << 20
	mostProgram  = 12 << 20
	// writerBytes and readerBytes are what a connection of SQLite's has beside its cache.
	writerBytes = 1 << 20
	readerBytes = 600 << 10
	// goBytes is Go's heap without any key.
	goBytes = 3 << 20
)

// sizesFor shares out memory, in bytes; 0 = as much as anybody wants.
func sizesFor(memory int64) sizes {
	if memory <= 0 {
		memory = 1 << 50
	}
	s := sizes{
		fold:        between(memory/40, 256<<10, foldBytes),
		rows:        int(between(memory/8192, 1024, writeBackRows)),
		free:        between(memory/64, 256<<10, 8<<20),
		walPages:    int(between(memory/16/pageBytes, 200, walPages)),
		gathered:    int(between(memory/1024, 16<<10, mostGathered)),
		writerCache: between(memory/32, 256<<10, mostWriterCache),
		readerCache: between(memory/128, 128<<10, 4<<20),
		readers:     3,
	}
	if memory < 48<<20 {
		s.readers = 2
	}
	s.waiting = max(2*s.fold, memory/16)
	s.arena = int(between(s.fold/8, 64<<10, 1<<20))
	sqlite := writerBytes + s.writerCache + int64(s.readers)*(readerBytes+s.readerCache)
	s.heap = max(memory/5*4-between(memory/8, leastProgram, mostProgram)-sqlite, goBytes+1<<20)
	s.hotMost = max((s.heap-2*goBytes-3*s.fold-int64(s.gathered))/5*4, 256<<10)
	s.hot = min(memory/4, max((s.heap-goBytes-2*s.fold)/3, 256<<10), s.hotMost)
	return s
}

func between(n, low, high int64) int64 { return min(max(n, low), high) }

// HotShare is how much of a process's memory the hot set has where nothing is said, and how much it may have
// at most, in bytes.
func HotShare(memory int64) (usual, most int64) { s := sizesFor(memory); return s.hot, s.hotMost }

// HeapShare is how much of it Go's heap may have at most.
func HeapShare(memory int64) int64 { return sizesFor(memory).heap }
