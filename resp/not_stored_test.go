package resp

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"diskette/resp/command"
	"diskette/store"
	"diskette/store/journal"
)

// What a client reads is one sentence of what and why, and one of what to do; no path and no second error.
func TestAClientIsToldInOneSentenceWhyNothingIsStored(t *testing.T) {
	wrapped := func(sentinel error, cause error) error {
		return fmt.Errorf("%w: write to /data/journal/1.journal: %w", sentinel, cause)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{store.ErrDiskFull, "the disk is full. "},
		{wrapped(journal.ErrFailed, syscall.ENOSPC), "the disk is full. "},
		{wrapped(journal.ErrFailed, syscall.EIO), "the journal can not be written (input/output error). "},
		{wrapped(journal.ErrSync, syscall.EIO), "an fsync of the journal failed (input/output error). "},
		{fmt.Errorf("write back: %w", store.ErrDamaged), "the database is damaged where this is to be written. "},
		{fmt.Errorf("write back: %w", syscall.EROFS), "write-back fails (read-only file system). "},
	} {
		got := command.ErrNotStored(c.err).S
		rest, ok := strings.CutPrefix(got, "MISCONF Diskette can not write to disk: "+c.want)
		if !ok || strings.Contains(got, "/data") || strings.Count(rest, ".") != 1 || !strings.HasSuffix(rest, ".") {
			t.Errorf("%v:\n%s", c.err, got)
		}
	}
}
