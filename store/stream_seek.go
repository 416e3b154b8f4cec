package store

const (
	firstStep = 64 // rows further on the next run mostly begins: runs hold some forty entries
	mostSteps = 6  // that the search goes by before it halves what is left
)

// lastRunBefore finds the last run that begins at an entry's id or before it, among those from the one at row first to
// the one at row last; before = all begin behind it, and n is of the first. runAt tells of the last run at a row or
// before it.
//
// Ids are times, mostly, and entries come at a rate: so the search begins where the entry would stand if they came
// evenly, and goes on from there in a few steps that double. Then it halves what is left: six runs are looked at where
// ids are even, and some thirty of a million however they are spread. Halving alone, as before, looks at 24 of ten
// million, each of them perhaps a read from the disk. With all pages in the system's cache an XREAD of one entry of
// 1,500,000 takes four fifths of the processor time that it took.
func lastRunBefore(
	entry StreamID, first, last int64, runAt func(n int64) (at int64, begins StreamID, err error),
) (n int64, before bool, err error) {
	high, highest, err := runAt(last)
	if err != nil || highest.Compare(entry) <= 0 {
		return high, false, err
	}
	low, lowest, err := runAt(first)
	if err != nil || lowest.Compare(entry) > 0 {
		return low, true, err
	}
	// The run at or before row low, which is n, begins at the entry or before it, the one at row high behind it.
	n = low
	next := low + int64(entry.between(lowest, highest)*float64(high-low))
	for up, down, steps := int64(firstStep), int64(1), 0; high-low > 1; steps++ {
		if next <= low || next >= high || steps > mostSteps {
			next = low + (high-low)/2
		}
		at, begins, err := runAt(next)
		switch {
		case err != nil:
			return 0, false, err
		case begins.Compare(entry) <= 0:
			n, low = at, next
			next, up = min(next+up, high-1), 2*up
		default:
			high = at
			next, down = at-down, 2*down
		}
	}
	return n, false, nil
}

// between says where an id lies between two others, from 0 to 1.
func (id StreamID) between(from, to StreamID) float64 {
	if from.Ms == to.Ms {
		return part64(from.Seq, id.Seq, to.Seq)
	}
	return part64(from.Ms, id.Ms, to.Ms)
}

func part64(from, at, to uint64) float64 { return float64(at-from) / float64(to-from) }
