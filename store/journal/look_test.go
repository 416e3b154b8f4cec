package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"diskette/store/files"
)

// stated is a journal with a state file beside its directory.
type stated struct {
	dir, path string
	disk      files.Disk
	file      *StateFile
}

func newStated(t *testing.T, disk files.Disk) *stated {
	t.Helper()
	s := &stated{dir: filepath.Join(t.TempDir(), "journal"), disk: disk}
	s.path = filepath.Join(filepath.Dir(s.dir), "state")
	if err := CreateState(files.Disk{}, s.path, State{Identity: 7, Before: 7}); err != nil {
		t.Fatal(err)
	}
	return s
}

// start opens the journal for a database that has nothing.
func (s *stated) start(t *testing.T, o Options) (*Journal, error) {
	t.Helper()
	state, err := ReadState(s.path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Look(s.dir, 0, state, false)
	if err != nil {
		return nil, err
	}
	if s.file, err = OpenState(s.disk, s.path); err != nil {
		t.Fatal(err)
	}
	o.Disk = s.disk
	j, err := Start(f, s.file, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(); _ = s.file.Close() })
	return j, nil
}

// killed is a copy as a kill of the process leaves it now; rebooted, one that another kernel finds.
func (s *stated) killed(t *testing.T, rebooted bool) *stated {
	t.Helper()
	c := newStated(t, files.Disk{})
	if err := os.WriteFile(c.path, readAll(t, s.path), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range segmentFiles(t, s.dir) {
		if err := os.WriteFile(filepath.Join(c.dir, filepath.Base(path)), readAll(t, path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if rebooted {
		sf, err := OpenState(files.Disk{}, c.path)
		if err == nil {
			err = errors.Join(sf.Set(func(s *State) { s.Boot[3]++ }), sf.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// flip damages the last segment within the text.
func (s *stated) flip(t *testing.T, text string) {
	t.Helper()
	paths := segmentFiles(t, s.dir)
	b := readAll(t, paths[len(paths)-1])
	at := bytes.Index(b, []byte(text))
	if at < 0 {
		t.Fatalf("%q is not in the segment", text)
	}
	b[at] ^= 1
	if err := os.WriteFile(paths[len(paths)-1], b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A power cut may leave a hole in what no fsync has covered, and whole records behind it. A kill
// of the process leaves none, and nothing leaves one in what an fsync has covered: that is damage.
func TestAHoleIsATornEndOnlyWhereAPowerCutCanLeaveOne(t *testing.T) {
	for _, c := range []struct {
		policy   Policy
		flipped  string
		rebooted bool
		want     []string // nil = refused
	}{
		{No, "second", true, []string{"1:first"}}, // no fsync was ever made
		{No, "second", false, nil},
		{No, "third", false, nil}, // the last, but all of its bytes were written
		{No, "third", true, []string{"1:first", "2:second"}},
		{Always, "first", true, nil}, // the second was written after the first was fsynced
		{Always, "second", true, nil},
		{Always, "second", false, nil},
		// The third passes for one that was never fsynced: nothing says that it was.
		{Always, "third", true, []string{"1:first", "2:second"}},
		{Always, "third", false, nil},
	} {
		t.Run(fmt.Sprint(c.policy, " ", c.flipped, " rebooted ", c.rebooted), func(t *testing.T) {
			s := newStated(t, files.Disk{})
			j, err := s.start(t, Options{Policy: c.policy})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []string{"first", "second", "third"} {
				store(t, j, r)
			}
			d := s.killed(t, c.rebooted)
			d.flip(t, c.flipped)
			before := readAll(t, segmentFiles(t, d.dir)[0])
			var tear Tear
			got, err := d.start(t, Options{Torn: func(x Tear) { tear = x }})
			var damage *Damage
			if c.want == nil {
				if !errors.As(err, &damage) || damage.File != segmentFiles(t, d.dir)[0] || !bytes.Equal(readAll(t, damage.File), before) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantRecords(t, replayed(t, got, 1), c.want...)
			if kept := readAll(t, tear.Kept); !bytes.Equal(kept, bytes.TrimRight(before[tear.Offset:], "\x00")) {
				t.Fatalf("kept %q", kept)
			}
			if tear.Whole != 3-len(c.want)-1 || tear.First != uint64(len(c.want)+1) {
				t.Fatalf("%+v", tear)
			}
		})
	}
}

func TestAnEndThatIsCutOffIsMissedOnceItWasNoted(t *testing.T) {
	s := newStated(t, files.Disk{})
	j, err := s.start(t, Options{Policy: Always})
	if err != nil {
		t.Fatal(err)
	}
	store(t, j, "first", "second", "third")
	j.Note()
	for _, rebooted := range []bool{false, true} {
		content := readAll(t, segmentFiles(t, s.dir)[0])
		for n := range bytes.Index(content, []byte("third")) + len("third") {
			d := s.killed(t, rebooted)
			if err := os.Truncate(segmentFiles(t, d.dir)[0], int64(n)); err != nil {
				t.Fatal(err)
			}
			var damage *Damage
			if _, err := d.start(t, Options{}); !errors.As(err, &damage) {
				t.Fatalf("cut at %d, rebooted %v: %v", n, rebooted, err)
			}
		}
	}
}

func TestRecordsInDoubtAfterAFailedFsyncAreNotMissed(t *testing.T) {
	d := newDisk()
	s := newStated(t, files.Disk{Fault: d.fault})
	j, err := s.start(t, Options{Policy: EverySec})
	if err != nil {
		t.Fatal(err)
	}
	store(t, j, "one")
	if err := j.Sync(1); err != nil {
		t.Fatal(err)
	}
	store(t, j, "two")
	d.set(files.Sync, syscall.EIO)
	wantFailed(t, j.Sync(2), ErrSync)
	j.Note() // while it goes on failing: what is fsynced at the next try is in doubt no more
	if state := s.file.Get(); state.Written != 1 || state.Synced != 1 {
		t.Fatalf("%+v", state)
	}
}

func TestTheStateNamesASegmentBeforeItHasARecordAndTheFloorBeforeOneIsDeleted(t *testing.T) {
	var s *stated
	var broken atomic.Bool
	s = newStated(t, files.Disk{Fault: func(c files.Call) (int, error) {
		if c.Path == s.path && c.Op == files.Sync && broken.Load() {
			return 0, syscall.EIO
		}
		return len(c.Data), nil
	}})
	j, err := s.start(t, Options{Policy: No, SegmentBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	wantFailed(t, j.Wait(j.Append(Record{Head: []byte("one")})), syscall.EIO)
	broken.Store(false)
	eventually(t, "the next try", func() bool { return j.Committed() == 1 })
	eventually(t, "a third segment", func() bool { store(t, j, "more"); return len(segmentFiles(t, s.dir)) >= 3 })
	paths := segmentFiles(t, s.dir)
	newest, _ := segmentFirst(filepath.Base(paths[len(paths)-1]))
	if state := s.file.Get(); state.Newest != newest || state.Floor != 0 {
		t.Fatalf("%+v, want %d", state, newest)
	}
	broken.Store(true)
	if j.Drop(newest - 1); len(segmentFiles(t, s.dir)) != len(paths) {
		t.Fatal("a segment was deleted that the state does not know of")
	}
	broken.Store(false)
	if j.Drop(newest - 1); len(segmentFiles(t, s.dir)) != 1 || s.file.Get().Floor != newest-1 || s.file.Get().Newest != newest {
		t.Fatalf("%q, %+v", segmentFiles(t, s.dir), s.file.Get())
	}
	d := s.killed(t, true)
	_ = os.Remove(segmentFiles(t, d.dir)[0])
	if _, err := d.start(t, Options{}); err == nil || !strings.Contains(err.Error(), segmentName(newest)) {
		t.Fatalf("without the newest segment: %v", err)
	}
}

// A segment that the state may name is not emptied, or taken away, before the state does not name it.
func TestASegmentIsMadeAnewOnlyWhileTheStateDoesNotNeedIt(t *testing.T) {
	var s *stated
	var failing atomic.Value
	failing.Store("")
	s = newStated(t, files.Disk{Fault: func(c files.Call) (int, error) {
		if f := failing.Load().(string); c.Op == files.Sync && f != "" && strings.HasSuffix(c.Path, f) {
			return 0, syscall.EIO
		}
		return len(c.Data), nil
	}})
	j, err := s.start(t, Options{Policy: Always})
	if err != nil {
		t.Fatal(err)
	}
	failing.Store(s.path) // the segment is there, and the state that names it written and in doubt
	wantFailed(t, j.Wait(j.Append(Record{Head: []byte("record")})), syscall.EIO)
	for _, path := range []string{suffix, s.path, suffix} { // the segment can not be made, the state not be written ...
		failing.Store(path)
		_ = j.Wait(j.Append(Record{Head: []byte("record")}))
		if _, err := s.killed(t, true).start(t, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	failing.Store("")
	eventually(t, "the next try", func() bool { return j.Committed() == 4 })
	wantRecords(t, func() []string {
		k, err := s.killed(t, true).start(t, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return replayed(t, k, 1)
	}(), "1:record", "2:record", "3:record", "4:record")
}

// At every byte at which a write of the state may stop, the state before it or the one after is read.
func TestATornStateIsTheOneBefore(t *testing.T) {
	for _, sync := range []bool{true, false} {
		for n := range stateBytes {
			s := newStated(t, files.Disk{})
			sf, err := OpenState(files.Disk{}, s.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := sf.Set(func(s *State) { s.Floor = 5 }); err != nil {
				t.Fatal(err)
			}
			for i := range uint64(3) { // notes go to one copy only
				if err := sf.Note(func(s *State) { s.Written = 10 + i }); err != nil {
					t.Fatal(err)
				}
			}
			sf.disk.Fault = func(c files.Call) (int, error) { return n, syscall.EIO }
			change := sf.Note
			if sync {
				change = sf.Set
			}
			if change(func(s *State) { s.Floor = 9 }) == nil {
				t.Fatal("no error")
			}
			_ = sf.Close()
			got, err := ReadState(s.path)
			if err != nil || got.Floor != 5 {
				t.Fatalf("torn at %d: %+v, %v", n, got, err)
			}
		}
	}
}

func TestASearchForRecordsEnds(t *testing.T) {
	word := []byte{1, 0, 0, 1, 0, 0, 0, 0} // as a header: the length and the LSN are possible, of every place in eight
	content := append(encodeSegmentHeader(1, 0, 0), bytes.Repeat(word, 4<<20/8)...)
	path := filepath.Join(t.TempDir(), segmentName(1))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // only read
	f := finder{file: file, size: int64(len(content)), left: 64 << 20}
	err = f.each(segmentHeaderBytes, 1, func(uint64, int64, int64, bool) error { return errors.New("it found a record") })
	if err != nil {
		t.Fatal(err)
	}
}
