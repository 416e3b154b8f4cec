package store

import (
	"errors"
	"sync/atomic"
	"time"

	"diskette/store/journal"
)

// trouble tells an operator when the disk begins to have writes refused and when that is over: one line each,
// with figures. It belongs to the fold goroutine, which looks fifty times a second; what came and went in
// between is in passed.
type trouble struct {
	passed atomic.Pointer[error] // why the journal failed last, until the goroutine has seen it
	at     atomic.Pointer[[]any] // what write-back was at when it failed last: fields of the log

	begun time.Time       // zero = there is none
	last  time.Time       // when there last was any
	told  map[string]bool // the lines that were written since begun
}

// troubleOver is how long writes must have been accepted before the trouble counts as over: a
// disk that is nearly full refuses some and takes others for a while.
const troubleOver = time.Second

// ErrDiskFull says that commands which need disk space are refused: the reserve is gone, and kept for deletions.
var ErrDiskFull = errors.New("the disk is full: deletions and expiry go on, writes are accepted again once there is room")

// noteTrouble writes a line if the trouble began, grew by another kind, or is over.
func (st *Store) noteTrouble(now time.Time) {
	t := &st.trouble
	err := st.WriteError()
	// What is waited for has refused nobody.
	if passed := t.passed.Swap(nil); err == nil && passed != nil && !st.mends(*passed) {
		err = *passed
	}
	switch {
	case err != nil:
		if t.begun.IsZero() {
			t.begun, t.told = now, map[string]bool{}
		}
		t.last = now
		if line := troubleLine(err); !t.told[line] {
			t.told[line] = true
			fields := st.diskFigures()
			if at := t.at.Load(); at != nil && !errors.Is(err, journal.ErrFailed) {
				fields = append(fields, *at...)
			}
			st.opts.Log(line, err, fields...)
		}
	case !t.begun.IsZero() && now.Sub(t.last) >= troubleOver:
		took := t.last.Sub(t.begun).Round(time.Millisecond).Seconds()
		t.begun = time.Time{}
		st.opts.Log("writes are accepted again", nil, append(st.diskFigures(), "refused_seconds", took)...)
	}
}

func troubleLine(err error) string {
	switch {
	case errors.Is(err, ErrDamaged):
		return "the database file is damaged: writes are refused, reads go on, the journal keeps what was acknowledged"
	case errors.Is(err, ErrMisplaced):
		return "a file of the data directory is not under its name any more: writes are refused, reads go on, " +
			"the journal keeps what is not in it"
	case errors.Is(err, ErrLocked):
		return "another program's lock keeps the tables from taking anything, and there is no more room: writes are refused " +
			"until it ends, reads go on"
	case IsDiskFull(err):
		return "the disk is full: writes are refused, reads and deletions go on; free some space"
	case errors.Is(err, journal.ErrSync):
		return "an fsync of the journal failed: writes are refused until the database holds what it was for, reads go on; look after the disk"
	case errors.Is(err, journal.ErrFailed):
		return "the journal can not be written: writes are refused until it works again, reads go on; look after the disk"
	}
	return "write-back failed: writes are refused until it works again, reads go on; look after the disk"
}

// diskFigures are what an operator wants to know beside the reason.
func (st *Store) diskFigures() []any {
	return []any{"dir", st.dir, "free_bytes", freeBytes(st.dir),
		"waiting_records", int64(st.journal.Last() - st.applied.Load()), "waiting_bytes", st.backlog.Load()}
}
