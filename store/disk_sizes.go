package store

// What waits on its way to the tables lies on the disk up to three times: in the journal, in the WAL, and in the
// database file. On a file system that is small (a tmpfs of a container's, mostly) its bounds follow its size, and so
// does the reserve, which must hold two folds and what a checkpoint adds. In MB:
//
//	file system   reserve   a fold   a segment   the journal   the WAL
//	          8       1        0.5         0.5             2       0.5
//	         16       2          1           1             4         1
//	         32       4          2           2             8         2
//	        256      32         16          16            64        16
//	      1,536      32         16          64           384        16
type diskSizes struct {
	reserve  int64 // kept free for deletions on a full disk
	fold     int64 // contents of a fold at which write-back begins
	segment  int64 // of the journal
	tail     int64 // journal that a fold has at most; writers wait at twice of it
	walPages int   // at which write-back checkpoints
}

// smallestReserve is enough for deletions, a few at a time.
const smallestReserve = 512 << 10

// diskSizesFor divides a file system of that many bytes; <= 0 = its size is not known.
func diskSizesFor(total int64) diskSizes {
	if total <= 0 {
		total = 1 << 50
	}
	reserve := min(max(total/8, smallestReserve), 32<<20)
	return diskSizes{
		reserve:  reserve,
		fold:     min(reserve/2, foldBytes),
		segment:  min(max(total/16, 256<<10), 64<<20),
		tail:     min(max(total/8, 1<<20), tailBytes),
		walPages: int(min(max(total/16/pageBytes, 64), walPages)),
	}
}
