package store

import "testing"

func TestASmallDiskHasRoomForTheReserveAndForAllThatIsOnItsWay(t *testing.T) {
	const mb = 1 << 20
	for _, total := range []int64{8 * mb, 16 * mb, 32 * mb, 256 * mb, 1 << 40} {
		s := diskSizesFor(total)
		if s.reserve < 2*s.fold {
			t.Errorf("%d bytes: the reserve of %d does not hold two folds of %d", total, s.reserve, s.fold)
		}
		if onTheWay := s.reserve + 2*s.tail + s.segment + int64(s.walPages)*pageBytes; onTheWay > total*6/10 {
			t.Errorf("%d bytes: %d are taken on the way to the tables", total, onTheWay)
		}
	}
	if usual, unknown := diskSizesFor(1<<40), diskSizesFor(-1); usual != unknown || usual.reserve != 32*mb ||
		usual.walPages != walPages || usual.segment != 64*mb || usual.tail != tailBytes || usual.fold != foldBytes {
		t.Errorf("a large disk: %+v", usual)
	}
}
