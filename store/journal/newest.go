package journal

import (
	"errors"
	"io/fs"
	"math"
)

// Newest returns the newest record that a journal's files have, while a server may be writing to them: every record
// that it has acknowledged before the call is one of those up to it. 0 = there are no segments. Where the records stop
// making sense is their end: that is what is being written.
func Newest(dir string) (lsn uint64, err error) {
	for attempt := 0; ; attempt++ {
		segments, err := list(dir)
		if err != nil || len(segments) == 0 {
			return 0, err
		}
		s := segments[len(segments)-1]
		last, _, _, err := readSegment(s.path, math.MaxUint64, nil)
		var d *damage
		switch {
		case err == nil || errors.As(err, &d):
			return max(last, s.first-1), nil
		case !errors.Is(err, fs.ErrNotExist) || attempt == 100: // dropped meanwhile: there is a newer one
			return 0, s.damaged(err)
		}
	}
}
