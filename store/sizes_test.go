package store

import "testing"

func TestWhatASmallMachineHasIsSharedOutWithAFifthToSpare(t *testing.T) {
	full := sizesFor(0)
	if full.fold != foldBytes || full.rows != writeBackRows || full.walPages != walPages || full.readers != 3 || full.arena != arenaBlock {
		t.Errorf("without a bound: %+v", full)
	}
	before := sizes{}
	for megabytes := int64(16); megabytes <= 1<<16; megabytes = megabytes * 5 / 4 {
		memory := megabytes << 20
		s := sizesFor(memory)
		sqlite := writerBytes + s.writerCache + int64(s.readers)*(readerBytes+s.readerCache)
		if all := s.heap + sqlite + leastProgram; all > memory/5*4 {
			t.Errorf("%d MB: heap and SQLite have %d bytes", megabytes, all)
		}
		// The collector needs room: keys and folds must not come near the heap's bound.
		if live := s.hot*5/4 + 3*s.fold + s.free + int64(s.gathered); live > s.heap {
			t.Errorf("%d MB: %d bytes of %d are in use for keys and write-back", megabytes, live, s.heap)
		}
		if live := s.hotMost*5/4 + 3*s.fold + int64(s.gathered); live > s.heap {
			t.Errorf("%d MB: %d bytes of %d may be in use for keys and write-back", megabytes, live, s.heap)
		}
		if s.hot > memory/4 || s.hot > s.hotMost || s.waiting < 2*s.fold || s.hot < before.hot || s.heap < before.heap {
			t.Errorf("%d MB: %+v", megabytes, s)
		}
		before = s
	}
}
