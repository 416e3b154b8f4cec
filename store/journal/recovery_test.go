package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// three makes a directory whose only segment holds three records, and returns its bytes and
// where each record begins, and the end.
func three(t *testing.T) (content []byte, begins []int) {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir, 0, Options{})
	store(t, j, "first", "second", "third")
	closeIt(t, j)
	content, err := os.ReadFile(segmentFiles(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	begins = []int{segmentHeaderBytes}
	for _, r := range []string{"first", "second", "third"} {
		begins = append(begins, begins[len(begins)-1]+frameHeaderBytes+len(r))
	}
	if begins[3] != len(content) {
		t.Fatalf("segment of %d bytes, want %d", len(content), begins[3])
	}
	return content, begins
}

var wholeRecords = []string{"1:first", "2:second", "3:third"}

// wantTornAt opens a last segment with that content; the first `whole` records must be there, the rest cut off and
// reported, and the journal good for writing and reopening.
func wantTornAt(t *testing.T, content []byte, whole, end int) {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, segmentName(1))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	torn := 0
	j := open(t, dir, 0, Options{Policy: No, Torn: func(tear Tear) {
		torn++
		if tear.Segment != path || tear.Offset != int64(end) || tear.Bytes != int64(len(content)-end) || tear.Reason == "" || tear.First != uint64(whole+1) {
			t.Errorf("%+v, want offset %d of %d", tear, end, len(content))
		}
		kept := []byte{}
		if tear.Kept != "" {
			kept = readAll(t, tear.Kept)
		}
		if lost := bytes.TrimRight(content[end:], "\x00"); !bytes.Equal(kept, lost) {
			t.Errorf("kept %q, want %q", kept, lost)
		}
	}})
	if want := len(content) != end || end == 0; (torn == 1) != want {
		t.Fatalf("Torn called %d times for %d bytes that end at %d", torn, len(content), end)
	}
	wantRecords(t, replayed(t, j, 1), wholeRecords[:whole]...)
	store(t, j, "next")
	closeIt(t, j)
	wantRecords(t, reopened(t, dir), append(wholeRecords[:whole:whole], fmt.Sprintf("%d:next", whole+1))...)
}

// wholeBefore returns how many records end at or before n, and where the last of them ends (0 = within the header).
func wholeBefore(begins []int, n int) (whole, end int) {
	if n < begins[0] {
		return 0, 0
	}
	for whole < 3 && begins[whole+1] <= n {
		whole++
	}
	return whole, begins[whole]
}

func TestATailCutShortAtAnyByteIsDropped(t *testing.T) {
	content, begins := three(t)
	for n := range content {
		whole, end := wholeBefore(begins, n)
		wantTornAt(t, content[:n], whole, end)
	}
}

func TestATailZeroedFromAnyByteIsDropped(t *testing.T) {
	content, begins := three(t)
	for n := range content {
		if n < segmentHeaderBytes {
			continue // create fsyncs the header before it lets records in: see the next test
		}
		zeroed := append(append([]byte{}, content[:n]...), make([]byte, len(content)-n)...)
		whole, end := wholeBefore(begins, n)
		wantTornAt(t, zeroed, whole, end)
	}
}

func TestAZeroedHeaderWithoutRecordsIsDropped(t *testing.T) {
	content, _ := three(t)
	for n := range segmentHeaderBytes {
		zeroed := append(append([]byte{}, content[:n]...), make([]byte, segmentHeaderBytes-n)...)
		wantTornAt(t, zeroed, 0, 0)
	}
}

func TestPaddingAfterWholeRecordsIsDropped(t *testing.T) {
	content, begins := three(t)
	for _, n := range []int{1, 11, 12, 13, 4096} {
		wantTornAt(t, append(append([]byte{}, content...), make([]byte, n)...), 3, begins[3])
	}
}

// After a power cut a file may end in disk blocks that once held records.
func TestOldRecordsBehindTheLastOneAreDropped(t *testing.T) {
	content, begins := three(t)
	for from := range 3 {
		wantTornAt(t, append(bytes.Clone(content), content[begins[from]:]...), 3, len(content))
	}
	wantTornAt(t, append(bytes.Clone(content[:begins[1]]), content[begins[2]:]...), 1, begins[1])
}

func TestAFlippedByteOfTheLastSegmentEndsItThere(t *testing.T) {
	content, begins := three(t)
	for n := segmentHeaderBytes; n < len(content); n++ {
		flipped := append([]byte{}, content...)
		flipped[n] ^= 0x40
		whole, end := wholeBefore(begins, n)
		wantTornAt(t, flipped, whole, end)
	}
}

func TestAWrittenSegmentWithABadHeaderIsRefused(t *testing.T) {
	content, _ := three(t)
	for n := range segmentHeaderBytes {
		dir := t.TempDir()
		flipped := append([]byte{}, content...)
		flipped[n] ^= 0x40
		path := filepath.Join(dir, segmentName(1))
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, 0, Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Fatalf("byte %d: %v", n, err)
		}
		if after, _ := os.ReadFile(path); string(after) != string(flipped) {
			t.Fatalf("byte %d: the file was changed", n)
		}
	}
}

func TestASegmentFromANewerVersionIsRefused(t *testing.T) {
	h := encodeSegmentHeader(1, 0, 0)
	h[8] = formatVersion + 1
	h = h[:segmentHeaderBytes-4]
	h = appendCRC(h)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, segmentName(1)), h, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, 0, Options{}); !errors.Is(err, errVersion) {
		t.Fatalf("Open: %v", err)
	}
	if len(segmentFiles(t, dir)) != 1 {
		t.Fatal("the segment was removed")
	}
}

// segments makes a directory of three segments with two records each: 1-2, 3-4, 5-6.
func segments(t *testing.T) (dir string, files []string) {
	t.Helper()
	dir = t.TempDir()
	for i := range 3 {
		j := open(t, dir, 0, Options{})
		store(t, j, fmt.Sprint("a", i), fmt.Sprint("b", i))
		closeIt(t, j)
	}
	return dir, segmentFiles(t, dir)
}

// wantRefused opens dir and wants an error that names the file.
func wantRefused(t *testing.T, dir string, applied uint64, file string) {
	t.Helper()
	j, err := Open(dir, applied, Options{})
	if err == nil {
		_ = j.Close()
		t.Fatal("Open took a damaged journal")
	}
	if !strings.Contains(err.Error(), file) {
		t.Fatalf("the error does not name %s: %v", file, err)
	}
}

func TestDamageInAnOlderSegmentIsRefusedByName(t *testing.T) {
	whole, files := segments(t)
	content := readAll(t, files[1])
	for n := range content {
		flipped := append([]byte{}, content...)
		flipped[n] ^= 1
		for _, damaged := range [][]byte{content[:n], flipped} {
			dir := killed(t, whole)
			files := segmentFiles(t, dir)
			if err := os.WriteFile(files[1], damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, dir, 0, files[1])
			j := open(t, dir, 4, Options{}) // SQLite has it all: the file goes unread
			wantRecords(t, replayed(t, j, 5), "5:a2", "6:b2")
			closeIt(t, j)
		}
	}
}

func TestAGapIsRefusedByName(t *testing.T) {
	t.Run("between segments", func(t *testing.T) {
		dir, files := segments(t)
		_ = os.Remove(files[1])
		wantRefused(t, dir, 0, files[0])
	})
	t.Run("after the applied LSN", func(t *testing.T) {
		dir, files := segments(t)
		_ = os.Remove(files[0])
		wantRefused(t, dir, 1, files[1])
		closeIt(t, open(t, dir, 2, Options{}))
	})
	t.Run("a segment under another's name", func(t *testing.T) {
		dir, files := segments(t)
		_ = os.Rename(files[1], filepath.Join(dir, segmentName(4)))
		wantRefused(t, dir, 0, files[0])
	})
}

func TestRemainsOfAFailedWriteBeforeTheSuccessorAreIgnored(t *testing.T) {
	dir, files := segments(t)
	whole, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	// files[0] ends with a whole record 3 that was not acknowledged, and half a record 4.
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(whole[segmentHeaderBytes : len(whole)-1]); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	wantRecords(t, reopened(t, dir), "1:a0", "2:b0", "3:a1", "4:b1", "5:a2", "6:b2")
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir, _ := segments(t)
	for _, name := range []string{"notes", "0000000000000001.journal.bak", "1.journal", "000000000000000A.journal"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(reopened(t, dir)); n != 6 {
		t.Fatalf("%d records, want 6", n)
	}
	closeIt(t, open(t, dir, 6, Options{}))
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Fatalf("left: %v", left)
	}
}

func TestReadingHoldsOneRecordInMemory(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Policy: No})
	data := make([]byte, 8<<20)
	for range 8 {
		if err := j.Wait(j.Append(Record{Ext: []Ext{{0, data}}})); err != nil {
			t.Fatal(err)
		}
	}
	closeIt(t, j)
	before := memory()
	j = open(t, dir, 0, Options{})
	if used := memory() - before; used > 1<<20 {
		t.Fatalf("Open of 64 MiB allocated %d bytes", used)
	}
	before = memory()
	if err := j.Replay(1, func(uint64, Record) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if used := memory() - before; used > 12<<20 {
		t.Fatalf("Replay of 8 MiB records allocated %d bytes", used)
	}
}

// TestEveryAcknowledgedRecordIsThereAfterAKill copies the directory at random moments, as a
// kill -9 would leave it: what write() took is in the files, whatever was fsynced.
func TestEveryAcknowledgedRecordIsThereAfterAKill(t *testing.T) {
	for _, policy := range []Policy{Always, EverySec, No} {
		t.Run(policy.String(), func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir, 0, Options{Policy: policy, SegmentBytes: 64 << 10})
			stop := make(chan struct{})
			var wg sync.WaitGroup
			var keyspace sync.Mutex
			for w := range 8 {
				wg.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						keyspace.Lock()
						next := j.Last() + 1
						rec := Record{Head: fmt.Append(nil, "record ", next, strings.Repeat(".", i%100))}
						if i%5 == w%5 {
							rec.Ext = []Ext{{len(rec.Head), []byte(strings.Repeat("e", 300))}}
						}
						lsn := j.Append(rec)
						keyspace.Unlock()
						if err := j.Wait(lsn); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			applied := uint64(0)
			for range 15 {
				time.Sleep(5 * time.Millisecond)
				acked := j.Committed()
				copied := killed(t, dir)
				next := applied + 1
				k := open(t, copied, applied, Options{Policy: No})
				err := k.Replay(next, func(lsn uint64, rec Record) error {
					if lsn != next || !strings.HasPrefix(string(rec.Head), fmt.Sprint("record ", lsn)) {
						return fmt.Errorf("LSN %d is %.20q, want %d", lsn, rec.Head, next)
					}
					next++
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if next <= acked {
					t.Fatalf("%d was acknowledged, the journal ends with %d", acked, next-1)
				}
				closeIt(t, k)
				applied = acked - min(acked, 100) // write-back comes behind
				j.Drop(applied)
			}
			close(stop)
			wg.Wait()
		})
	}
}

// killed copies the segments as they are at this moment, give or take: oldest first, so that
// what a later one follows is complete.
func killed(t *testing.T, dir string) (copied string) {
	t.Helper()
	copied = t.TempDir()
	for _, path := range segmentFiles(t, dir) {
		in, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // a segment that could not be created, gone again
		}
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(filepath.Join(copied, filepath.Base(path)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, in); err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		_ = out.Close()
	}
	return copied
}
