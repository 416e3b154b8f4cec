package store

import (
	"cmp"
	"math"
)

// A StreamID is the id of a stream's entry. Both halves are unsigned; the tables hold the same bits as signed integers.
type StreamID struct{ Ms, Seq uint64 }

var (
	minStreamID StreamID
	maxStreamID = StreamID{math.MaxUint64, math.MaxUint64}
)

// Compare is -1, 0 or 1 as a is less than, equal to or greater than b.
func (a StreamID) Compare(b StreamID) int {
	if c := cmp.Compare(a.Ms, b.Ms); c != 0 {
		return c
	}
	return cmp.Compare(a.Seq, b.Seq)
}

// Next is the id after a; ok is false when a is the last id there is, and the result then the first.
func (a StreamID) Next() (next StreamID, ok bool) {
	switch {
	case a.Seq < math.MaxUint64:
		return StreamID{a.Ms, a.Seq + 1}, true
	case a.Ms < math.MaxUint64:
		return StreamID{a.Ms + 1, 0}, true
	}
	return minStreamID, false
}

// Previous is the id before a; ok is false when a is the first id there is, and the result then the last.
func (a StreamID) Previous() (previous StreamID, ok bool) {
	switch {
	case a.Seq > 0:
		return StreamID{a.Ms, a.Seq - 1}, true
	case a.Ms > 0:
		return StreamID{a.Ms - 1, math.MaxUint64}, true
	}
	return maxStreamID, false
}

func (w *recordWriter) colID(id StreamID) {
	w.colInt(int64(id.Ms))
	w.colInt(int64(id.Seq))
}

// id reads an id whose halves stand in columns i and i+1.
func (r *tableRow) id(i int) StreamID { return StreamID{uint64(r.int(i)), uint64(r.int(i + 1))} }
