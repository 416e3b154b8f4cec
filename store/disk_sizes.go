package store

import "cmp"

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
	reserve   int64 // kept free for deletions on a full disk
	fold      int64 // contents of a fold at which write-back begins
	waiting   int64 // contents of what is not in the tables yet at which writers wait
	segment   int64 // of the journal
	tail      int64 // journal that a fold has at most; writers wait at twice of it
	walPages  int   // at which write-back checkpoints
	foldPages int64 // how many pages a write-back may change at a bound, beyond walPages: see fold_pages.go
}

const anyPages = 1 << 40

// smallestReserve is enough for deletions, a few at a time.
const smallestReserve = 512 << 10

// diskSizesFor divides a file system of that many bytes; <= 0 = its size is not known.
func diskSizesFor(total int64) diskSizes {
	if total <= 0 {
		total = 1 << 50
	}
	reserve := min(max(total/8, smallestReserve), 32<<20)
	return diskSizes{
		reserve:   reserve,
		fold:      min(reserve/2, foldBytes),
		segment:   min(max(total/16, 256<<10), 64<<20),
		tail:      min(max(total/8, 1<<20), tailBytes),
		walPages:  int(min(max(total/16/pageBytes, 64), walPages)),
		waiting:   1 << 50,
		foldPages: anyPages,
	}
}

// boundedSizesFor divides what Bounds.Disk gives. What is on its way has a sixth of 16 to 512 MB, most of that
// the pages that a write-back changes. The journal's share has a segment in it, the WAL's a fold's pages. In MB:
//
//	bound   reserve   a fold   a segment   the journal   the WAL   the tables
//	    8       0.5        0.25     0.13          0.38      1.5         5.6
//	   64         2        1        1             3         5.4        54
//	  512        16        8        8            24        42         430
//	4,096        32       16       64           192       128       3,744
//
// After a write-back the WAL is begun anew unless it is shorter than walPages. Then the next one comes behind it, so
// these are few: a 64th of the bound for them, in place of a 256th, took 1 to 1.5 % of it from the tables.
//
// At a bound of 16 MB a fold of strings of 500 bytes is full, mostly, when it changes 100 to 300 of the 320 pages
// that it may. With a twelfth for all that is on its way there are 17 % more keys in 64 MB than with a fifth. But
// a write-back may then change a third as many pages, and a stream of new keys at the bound takes 1.2 times the
// processor time, 1.45 on a disk where each has its fsync, and goes at half to three quarters of the speed.
func boundedSizesFor(disk int64) diskSizes {
	s := diskSizesFor(0)
	if disk <= 0 {
		return s
	}
	s.reserve = min(max(disk/32, smallestReserve), 32<<20)
	s.fold = min(s.reserve/2, foldBytes)
	s.segment = min(max(disk/64, 128<<10), 64<<20)
	s.tail = min(max(disk/64, 128<<10), 64<<20)
	s.waiting = s.fold
	s.walPages = int(min(max(disk/256/pageBytes, 16), walPages))
	s.foldPages = min(max(disk/64*5, 5<<18), 112<<20) / pageBytes
	return s
}

// least is the smaller of each.
func (s diskSizes) least(t diskSizes) diskSizes {
	return diskSizes{min(s.reserve, t.reserve), min(s.fold, t.fold), min(s.waiting, t.waiting), min(s.segment, t.segment), min(s.tail, t.tail),
		min(s.walPages, t.walPages), min(s.foldPages, t.foldPages)}
}

// sparePages are for what nobody knows when a fold is cut and writers are to wait: how far the guess of its pages is
// short, and what clients have sent by then, which goes into the journal.
const sparePages = 48

// onTheWay is what lies beside the tables at most.
func (s *diskSizes) onTheWay() int64 {
	return s.reserve + 2*s.tail + s.segment + (int64(s.walPages)+s.foldPages+sparePages)*pageBytes
}

// shareDisk gives each its part of the disk.
func (st *Store) shareDisk(b *Bounds) {
	s := diskSizesFor(totalBytes(st.dir)).least(boundedSizesFor(b.Disk))
	st.onDisk.Store(&s)
	if st.journal != nil {
		st.journal.SetSegmentBytes(cmp.Or(st.opts.SegmentBytes, s.segment))
	}
}

// walPages is the length of the WAL from which write-back checkpoints it.
func (st *Store) walPages() int { return min(st.opts.upkeep.walPages, st.onDisk.Load().walPages) }
