package store

// foldRows are the rows of a fold, in blocks: they stay where they are while more come, and what a burst has taken is
// given back but for keptRows. In one slice, which was made anew from its beginning after each burst of more, each
// doubling copied what was there and left it to the collector [RPOP in pipelines of 16 from a list of a million
// elements: 11 % of the processor time was here, 6 % the copies].
type foldRows struct {
	blocks []*rowBlock
	n      int
}

type rowBlock [rowsABlock]rowEntry

const (
	blockBits  = 9
	rowsABlock = 1 << blockBits // 24 KB
	keptRows   = 1 << 18        // for the next fold
)

func (r *foldRows) at(place int32) *rowEntry {
	return &r.blocks[place>>blockBits][place&(rowsABlock-1)]
}

// add makes another row, which is empty.
func (r *foldRows) add() *rowEntry {
	if r.n == len(r.blocks)*rowsABlock {
		r.blocks = append(r.blocks, new(rowBlock))
	}
	r.n++
	return r.at(int32(r.n - 1))
}

// reset empties them.
func (r *foldRows) reset() {
	if len(r.blocks) > keptRows>>blockBits {
		r.blocks = append([]*rowBlock(nil), r.blocks[:keptRows>>blockBits]...)
	}
	for i := range min(len(r.blocks), (r.n+rowsABlock-1)>>blockBits) {
		*r.blocks[i] = rowBlock{}
	}
	r.n = 0
}
